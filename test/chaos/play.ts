/** One case: a buy with its faults, virtual time until it is over, and what the auditor says then. */
import { ATTEMPTS_MAX } from "../../shared/app/steps/submit.ts";
import { add, compare, decimal, format } from "../../shared/domain/decimal.ts";
import type { Intent, Outcome, Run } from "../../shared/domain/run.ts";
import { MINUTE_MS, SECOND_MS } from "../../shared/domain/time.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { openHouse, SLOT } from "../support/house.ts";
import { type Heard, type Injection, placeText, Tap } from "./tap.ts";

/** A run that is not over so long after its last outage is reported as open. */
export const MINUTES_MAX = 40;
/** Goes on after the end: whatever was still on its way must not change anything. */
const MINUTES_AFTER = 3;
/** What the plan may spend, fee included. */
const AMOUNT = decimal("100");
const RUN = `btc-weekly@${SLOT}`;

export type Played = {
  readonly outcome: Outcome | "open" | "no run";
  readonly reason: string;
  readonly attempts: number;
  /** Virtual seconds from the firing to the end of the run. */
  readonly seconds: number;
  readonly orders: number;
  readonly wrong: readonly string[];
  readonly deadLetters: readonly string[];
  /** Faults whose call was never made. */
  readonly unmet: readonly Injection[];
  readonly heard: readonly Heard[];
  /** Invocations that ended in an error; the queue delivered them again. */
  readonly failures: readonly string[];
};

export async function play(injections: readonly Injection[], seed = 1): Promise<Played> {
  const house = await openHouse({ seed });
  try {
    const tap = new Tap(house, injections);
    const startedAt = house.clock.now();
    const tries: string[] = [];
    const work = (some: () => Promise<unknown>) =>
      tap.during(some).catch((error: unknown) => void tries.push(String(error)));
    const isOver = async () => {
      const found = await house.deps.books.run("main", RUN);
      const messages = await house.messages();
      return (
        found?.run.closedAt !== undefined &&
        messages.length > 0 &&
        messages.every(({ sentAt }) => sentAt !== undefined)
      );
    };

    await house.deps.queue.send(
      "main",
      { kind: "dca", account: "main", plan: "btc-weekly", slot: SLOT },
      RUN,
    );
    await work(() => house.work());
    const outageS = Math.max(0, ...injections.map(({ forSeconds = 0 }) => forSeconds));
    const minutesMax = MINUTES_MAX + outageS / 60;
    for (let minute = 0; minute < minutesMax && !(await isOver()); minute++) await work(() => house.pass(1));
    for (let minute = 0; minute < MINUTES_AFTER; minute++) await work(() => house.pass(1));

    const found = await house.deps.books.run("main", RUN);
    const orders = (await house.control("GET", "/orders")) as ExchangeOrder[];
    const { run, intent } = found ?? {};
    const texts = house.cloud.published().map(({ message }) => message);
    const wrong = [
      ...(await audit(house)),
      ...wrongOrders(run, intent, orders),
      ...(isLedgerDown(tap.met) ? [] : wrongSilence(intent, await house.messages())),
      ...wrongCalls(tap.heard),
      ...wrongTelling(await house.messages(), texts, mayTellTwice(tap.met)),
    ];
    return {
      outcome: found === undefined ? "no run" : (run?.outcome ?? "open"),
      reason: run?.reason?.code ?? "",
      attempts: intent?.n ?? 0,
      seconds: run?.closedAt === undefined ? minutesMax * 60 : Math.round((run.closedAt - startedAt) / 1000),
      orders: orders.length,
      wrong,
      deadLetters: await house.deadLetters(),
      unmet: injections.filter((one) => !tap.met.has(one)),
      heard: tap.heard,
      failures: [...tries, ...house.failures.map(String)],
    };
  } finally {
    await house.close();
  }
}

/** What the shared auditor leaves to its callers: this buy's own bounds. */
function wrongOrders(
  run: Run | undefined,
  intent: Intent | undefined,
  orders: readonly ExchangeOrder[],
): readonly string[] {
  const wrong: string[] = [];
  if (orders.length > 1) wrong.push(`DOUBLE BUY: ${orders.length} orders`);
  const spent = orders.reduce(
    (sum, { cost, fee }) => add(sum, add(decimal(cost), decimal(fee))),
    decimal("0"),
  );
  if (compare(spent, AMOUNT) > 0) wrong.push(`CAP: ${format(spent)} EUR spent of ${format(AMOUNT)}`);
  const hasBought = orders.some(({ volExec }) => compare(decimal(volExec), decimal("0")) > 0);
  if (run?.closedAt !== undefined && hasBought !== (run.outcome === "bought")) {
    wrong.push(`the exchange ${hasBought ? "has" : "has not"} bought, the run says ${run.outcome}`);
  }
  if (orders.length > 0 && (intent?.n ?? 0) === 0) wrong.push("an order without a claimed attempt");
  if ((intent?.n ?? 0) > ATTEMPTS_MAX) wrong.push(`${intent!.n} attempts`);
  return wrong;
}

/** While the ledger is away nothing can be told; when it is back, the doubt may be over in the same minute. */
const isLedgerDown = (met: ReadonlySet<Injection>): boolean =>
  [...met].some(({ service, forSeconds }) => service === "dynamodb" && forSeconds !== undefined);

/** An absence that had to be proven was a doubt for more than a minute. */
function wrongSilence(
  intent: Intent | undefined,
  messages: readonly { readonly id: string }[],
): readonly string[] {
  const hadDoubt = intent?.history.some(({ what }) => what.includes("proven absent")) === true;
  const wasTold = messages.some(({ id }) => id.endsWith("#uncertain"));
  return hadDoubt && !wasTold ? ["an order was in doubt, and nobody was told"] : [];
}

/** Errors that a well-behaved client never earns, where no fault was armed. */
const EARNED = /Invalid nonce|Rate limit|Too many requests|Temporary lockout|Invalid key|Invalid signature/;

function wrongCalls(heard: readonly Heard[]): readonly string[] {
  const kraken = heard.filter(({ service }) => service === "kraken");
  const earned = kraken
    .filter(({ met, errors }) => met === undefined && errors.some((error) => EARNED.test(error)))
    .map((call) => `${placeText(call)} earned ${call.errors.join(", ")}`);
  const early = kraken.flatMap((asked) => {
    const until = asked.atMs + restMsAfter(asked);
    return kraken
      .filter((call) => call.atMs > asked.atMs && call.atMs < until && isPublic(call) === isPublic(asked))
      .slice(0, 1)
      .map(
        (call) =>
          `${placeText(call)} came ${(until - call.atMs) / 1000} s too early after ${asked.met!.fault}`,
      );
  });
  return [...earned, ...early];
}

const isPublic = ({ call }: Heard): boolean =>
  ["Time", "SystemStatus", "AssetPairs", "Ticker"].includes(call);

/** How long Kraken asks to be left alone, by the answer to this call. */
function restMsAfter({ call, met }: Heard): number {
  if (met?.fault === "throttled") return (met.seconds ?? 5) * 1000;
  if (met?.fault === "lockout") return 15 * MINUTE_MS;
  // The engine counts its orders by itself; the key's own counter is over its maximum.
  if (met?.fault === "rate-limit" && call !== "AddOrder") return SECOND_MS;
  return 0;
}

function wrongTelling(
  messages: readonly { readonly id: string; readonly text: string }[],
  published: readonly string[],
  mayRepeat: boolean,
): readonly string[] {
  return messages.flatMap(({ id, text }) => {
    const times = published.filter((one) => one === text).length;
    if (times === 0) return [`${id} was never published`];
    return times > 1 && !mayRepeat ? [`${id} was published ${times} times`] : [];
  });
}

/** SNS delivers at least once: a lost answer of its own, or of the mark that it was told, may repeat a message. */
const mayTellTwice = (met: ReadonlySet<Injection>): boolean =>
  [...met].some(
    ({ service, call, forSeconds }) =>
      service !== "kraken" && (forSeconds !== undefined || /Publish|outbox/.test(call)),
  );
