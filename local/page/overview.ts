/** All that the page shows at once, as one JSON value. */
import { isoOf } from "../../shared/domain/time.ts";
import type { BalanceView, NextView, OrderView, RunView, StatusView } from "../desk/views.ts";
import type { Machine } from "../machine/machine.ts";
import type { Working } from "./verbs.ts";

const RUNS_MAX = 100;
const MESSAGES_MAX = 50;
const NEXT_COUNT = 6;

export type Overview = StatusView & {
  readonly version: string;
  readonly zone: string;
  /** Virtual seconds for each second: how the page lets its clock run between two looks. */
  readonly rate: number;
  readonly coming: readonly NextView[];
  readonly runCount: number;
  /** Newest first, as everything below. */
  readonly runs: readonly RunView[];
  readonly orders: readonly (OrderView & {
    readonly run: string;
    readonly label: string;
    readonly at: string;
  })[];
  readonly balances: readonly (BalanceView & { readonly name: string })[] | null;
  /** Why there are no balances. */
  readonly balancesProblem: string | null;
  readonly messages: readonly MessageView[];
  readonly audit: {
    readonly orders: number;
    readonly unexplained: number;
    readonly doubles: number;
  } | null;
};

export type MessageView = {
  readonly at: string;
  readonly subject: string;
  readonly text: string;
  readonly run: string | null;
  readonly outcome: string | null;
  readonly sentAt: string | null;
};

export async function overviewOf(at: Working, version: string): Promise<Overview> {
  const { machine, desk } = at;
  const [status, coming, history, messages, balances] = await Promise.all([
    desk.status(),
    desk.next(NEXT_COUNT),
    desk.history(),
    messagesOf(at),
    balancesOf(at),
  ]);
  const runs = history.slice(-RUNS_MAX).reverse();
  return {
    ...status,
    version,
    zone: machine.settings.zone,
    rate: machine.clock.rate,
    coming,
    runCount: history.length,
    runs,
    orders: runs.flatMap(({ orders, run, label, openedAt }) =>
      orders.map((order) => ({ ...order, run, label, at: openedAt })),
    ),
    ...balances,
    messages,
    audit: await auditOf(at),
  };
}

async function messagesOf({ machine }: Working): Promise<readonly MessageView[]> {
  const { books } = machine.deps;
  const lists = await Promise.all(machine.settings.accounts.map(({ name }) => books.messages(name)));
  return lists
    .flat()
    .sort((a, b) => b.at - a.at)
    .slice(0, MESSAGES_MAX)
    .map(({ at, subject, text, run, outcome, sentAt }) => ({
      at: isoOf(at),
      subject,
      text,
      run: run ?? null,
      outcome: outcome ?? null,
      sentAt: sentAt === undefined ? null : isoOf(sentAt),
    }));
}

/** Looking must go on where Kraken or the key does not: then the reason is shown in place of the numbers. */
async function balancesOf({
  machine,
  desk,
}: Working): Promise<Pick<Overview, "balances" | "balancesProblem">> {
  try {
    const [balances, names] = await Promise.all([desk.balances(), publicNames(machine)]);
    return {
      balances: balances.map((balance) => ({ ...balance, name: names.get(balance.asset) ?? balance.asset })),
      balancesProblem: null,
    };
  } catch (error) {
    return { balances: null, balancesProblem: (error as Error).message };
  }
}

/** Kraken says XXBT where owners say BTC. Its own list of pairs knows which is which. */
async function publicNames(machine: Machine): Promise<ReadonlyMap<string, string>> {
  const pairs = machine.settings.plans.flatMap((plan) => (plan.kind === "dca" ? [plan.pair] : []));
  const known = await Promise.all(
    pairs.map((pair) => machine.deps.exchange.pairRules(pair).catch(() => undefined)),
  );
  return new Map(
    known.flatMap((rules) =>
      rules === undefined
        ? []
        : [
            [rules.baseId, rules.pair.base],
            [rules.quoteId, rules.pair.quote],
          ],
    ),
  );
}

/** Only the sandbox can be asked for every order that it ever accepted. */
async function auditOf({ machine, desk }: Working): Promise<Overview["audit"]> {
  if (machine.deps.venue !== "sandbox") return null;
  try {
    const { orders, unexplained, doubles } = await desk.audit();
    return { orders, unexplained: unexplained.length, doubles: doubles.length };
  } catch {
    return null;
  }
}
