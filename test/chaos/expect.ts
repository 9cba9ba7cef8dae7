/**
 * What must come of a case. A fault costs a buy so many further attempts, or ends its run, or only time; a pair costs the
 * sum. What no fault may ever cost (a second order, a lost one, a cap) is not here but in `play.ts`, for every case.
 */
import type { Outcome, ReasonCode } from "../../shared/domain/run.ts";
import type { Case } from "./cases.ts";
import type { Ill } from "./faults.ts";
import type { Played } from "./play.ts";
import type { Injection } from "./tap.ts";

type Effect = {
  /** Attempts beyond the first: those that were proven, or said by Kraken, to have placed nothing. */
  readonly extra: 0 | 1;
  /** One attempt more than that, when the fault goes on until the next claim. */
  readonly maybe?: 1;
  /** The run ends here, with nothing bought. */
  readonly end?: { readonly outcome: Outcome; readonly reason: ReasonCode };
  /** Virtual seconds by which the run may end later. */
  readonly seconds: number;
  /** The firing may end up in the dead-letter queue; the sweep goes on with the run all the same. */
  readonly deadLetters?: true;
};

const MINUTE_S = 60;
/** A delivery that failed comes again after 30 s, and is worked on at most a minute later. */
const AGAIN_S = 2 * MINUTE_S;
/** Deadline, grace, two looks, and the sweep's minute between them. */
const PROOF_S = 4 * MINUTE_S;

const nothing = (seconds: number): Effect => ({ extra: 0, seconds });
const oneMore = (seconds: number): Effect => ({ extra: 1, seconds });
const ends = (outcome: Outcome, reason: ReasonCode): Effect => ({
  extra: 0,
  end: { outcome, reason },
  seconds: AGAIN_S,
});

/** What AddOrder may meet. */
function effectOnOrder({ fault, seconds = 0, forSeconds }: Ill): Effect {
  if (forSeconds !== undefined) {
    // Accepted, although nothing was heard for minutes.
    if (fault === "html-520-after-accept") return nothing(forSeconds + PROOF_S);
    return oneMore(forSeconds + PROOF_S);
  }
  switch (fault) {
    case "drop-reply-after-accept":
    case "html-520-after-accept":
    case "internal-error-after-accept":
    case "reset-mid-reply":
    case "truncate-json":
    case "wrong-shape":
    case "oversize":
    case "slow-body":
    case "partial-fill":
    case "key-date-limit":
      return nothing(30);
    case "delay":
      // Kraken takes no order with under 2 s left of its 10 s; and nobody listens for the answer after 8 s.
      return seconds < 8 ? nothing(30) : oneMore(PROOF_S);
    case "drop-request":
    case "html-520-before-accept":
    case "internal-error-before-accept":
    case "delay-past-deadline":
    case "unavailable":
    case "busy":
    case "maintenance":
    // Kraken's texts for these do not prove that nothing was placed.
    case "pair-delisted":
      return oneMore(PROOF_S);
    case "throttled":
      return oneMore(seconds + PROOF_S);
    case "lockout":
      return oneMore(15 * MINUTE_S + PROOF_S);
    case "invalid-nonce":
      return oneMore(30);
    case "rate-limit":
    case "market-cancel-only":
    case "market-post-only":
      return oneMore(AGAIN_S);
    case "insufficient-funds":
      return ends("skipped", "FUNDS_INSUFFICIENT");
    case "ordermin-raised":
      return ends("skipped", "VOLUME_BELOW_MINIMUM");
    case "key-revoked":
    case "ip-refused":
      return ends("refused", "KEY_REFUSED");
    default:
      throw new Error(`nothing is expected of ${fault} on AddOrder`);
  }
}

/** A read before anything is planned; `isEarly` is false for reads of a run that has its order in the ledger. */
function effectOnRead(call: string, ill: Ill, isEarly: boolean): Effect {
  const { fault, seconds = 0, forSeconds } = ill;
  const isKeyRefused = fault === "key-revoked" || fault === "ip-refused";
  if (isEarly && (isKeyRefused || (call === "GetApiKeyInfo" && fault === "key-date-limit"))) {
    return ends("refused", "KEY_REFUSED");
  }
  if (call === "SystemStatus" && (fault === "maintenance" || fault.startsWith("market-"))) {
    return nothing(5 * MINUTE_S + AGAIN_S);
  }
  if (call === "AssetPairs") {
    if (fault.startsWith("market-")) return nothing(5 * MINUTE_S + AGAIN_S);
    if (fault === "pair-delisted") return ends("refused", "PAIR_UNKNOWN");
    if (fault === "ordermin-raised") return ends("carried", "VOLUME_BELOW_MINIMUM");
  }
  if (isKeyRefused) return nothing((forSeconds ?? 0) + 15 * MINUTE_S);
  if (fault === "lockout") return nothing(17 * MINUTE_S);
  return nothing((forSeconds ?? 0) + (fault === "throttled" ? seconds : 0) + PROOF_S);
}

function effectOnAws({ service, call }: Injection, { fault, seconds, forSeconds }: Ill): Effect {
  const isClaim = call === "TransactWriteItems claim";
  // The lease ran out under the claim: the attempt is given back before anything is sent.
  if (isClaim && fault === "slow" && seconds === 20) return oneMore(AGAIN_S);
  // Claimed, and then nobody knew of it: the order was never sent, and that had to be proven.
  if (isClaim && fault === "applied-but-reply-lost" && forSeconds !== undefined)
    return oneMore(forSeconds + PROOF_S);
  const outage = forSeconds ?? 0;
  const isLong = outage >= 5 * MINUTE_S && (service === "dynamodb" || service === "secretsmanager");
  const isLost = fault === "applied-but-reply-lost" && service === "dynamodb" && outage > 0;
  return {
    extra: 0,
    seconds: outage + PROOF_S,
    ...(isLong ? { deadLetters: true } : {}),
    ...(isLost ? { maybe: 1 } : {}),
  };
}

/** Longer than the plan may be caught up: the run ends late, except where an order is at the exchange already. */
const LATE_AFTER_S = 120 * MINUTE_S;

function effectOf(injection: Injection, isEarly: boolean): Effect {
  const { service, call, fault, forSeconds = 0 } = injection;
  if (service !== "kraken") return effectOnAws(injection, injection);
  const isPlaced = call === "QueryOrders" || (call === "AddOrder" && fault === "html-520-after-accept");
  if (forSeconds > LATE_AFTER_S && !isPlaced) {
    return {
      extra: 0,
      // Only a proof ends an attempt that may have placed something; by then it is too late for another.
      end: { outcome: "skipped", reason: call === "AddOrder" ? "LATE" : "EXCHANGE_UNREACHABLE" },
      seconds: forSeconds + PROOF_S,
    };
  }
  return call === "AddOrder" ? effectOnOrder(injection) : effectOnRead(call, injection, isEarly);
}

const EARLY_CALLS = [
  "Time",
  "SystemStatus",
  "AssetPairs",
  "GetApiKeyInfo",
  "TradeVolume",
  "BalanceEx",
  "Ticker",
];

/** Before the order is in the ledger. The first OpenOrders is the barrier of a new lease, the second one looks. */
const isEarlyCall = ({ call, at }: Injection, lookFrom: number): boolean =>
  (EARLY_CALLS.includes(call) && at === 1) || (call === "OpenOrders" && at < lookFrom);

export type Expected = {
  readonly outcome: Outcome;
  /** From, to. */
  readonly attempts: readonly [number, number];
  readonly reason: ReasonCode;
  readonly seconds: number;
  readonly deadLetters: boolean;
};

export function expectedOf({ injections }: Case, lookFrom: number): Expected {
  const effects = injections.map((one) => effectOf(one, isEarlyCall(one, lookFrom)));
  const nonces = injections.filter(
    ({ call, fault }) => call === "AddOrder" && fault === "invalid-nonce",
  ).length;
  const stopped = { outcome: "refused", reason: "KEY_STOPPED" } as const;
  const end = nonces > 1 ? stopped : effects.find((effect) => effect.end !== undefined)?.end;
  const isPartly = injections.some(({ fault }) => fault === "partial-fill");
  const sent = injections.reduce(
    (most, { call, at }) => (call === "AddOrder" ? Math.max(most, at) : most),
    0,
  );
  const extra = effects.reduce((sum, effect) => sum + effect.extra, 0);
  const maybe = effects.reduce((sum, effect) => sum + (effect.maybe ?? 0), 0);
  // A buy that needs no second attempt has no second claim to lose.
  const most = 1 + extra + (extra > 0 ? maybe : 0);
  return {
    outcome: end?.outcome ?? "bought",
    reason: end?.reason ?? (isPartly ? "FILLED_PARTLY" : "FILLED"),
    attempts: end === undefined ? [1 + extra, most] : [sent, sent],
    seconds: effects.reduce((sum, { seconds }) => sum + seconds, 0),
    deadLetters: effects.some(({ deadLetters }) => deadLetters === true),
  };
}

/** What is not as it must be; empty when the case is good. */
export function judge(expected: Expected, played: Played): readonly string[] {
  const { outcome, attempts, reason, seconds } = played;
  const [least, most] = expected.attempts;
  return [
    ...played.wrong,
    ...played.unmet.map(({ call, at }) => `${call} ${at} was not called`),
    ...(outcome === expected.outcome ? [] : [`ended ${outcome}, expected ${expected.outcome}`]),
    ...(attempts >= least && attempts <= most ? [] : [`${attempts} attempts, expected ${least} to ${most}`]),
    ...(reason === expected.reason ? [] : [`for ${reason}, expected ${expected.reason}`]),
    ...(seconds <= expected.seconds ? [] : [`took ${seconds} s, expected at most ${expected.seconds}`]),
    ...(expected.deadLetters || played.deadLetters.length === 0
      ? []
      : played.deadLetters.map((body) => `in the dead-letter queue: ${body}`)),
  ];
}
