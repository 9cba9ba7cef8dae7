/** The exchange's own records of every account against its partition of the ledger, its caps and its messages. */
import { amountOfUnits } from "../../shared/domain/caps.ts";
import { add, compare, decimal, format } from "../../shared/domain/decimal.ts";
import { isTerminal } from "../../shared/domain/run.ts";
import { PER_DAY, type Town } from "./accounts-town.ts";

export type TownAudit = {
  /** Accepted by the exchange. */
  readonly orders: number;
  readonly doubleOrders: number;
  readonly capBreaches: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** Where exchange and ledger disagree, or a run was not told. */
  readonly wrong: readonly string[];
  /** Mean size of the items of each kind, in bytes. */
  readonly itemBytes: Readonly<Record<string, number>>;
  readonly items: number;
};

export async function auditTown(town: Town): Promise<TownAudit> {
  const { books } = town.owner.deps;
  const outcomes: Record<string, number> = {};
  const wrong: string[] = [];
  const byClient = new Map<string, number>();
  const byKey = new Map<string, ReturnType<typeof town.sandbox.orders>>();
  const orders = town.sandbox.orders();
  for (const order of orders) {
    const id = `${order.key} ${order.clOrdId}`;
    byClient.set(id, (byClient.get(id) ?? 0) + 1);
    byKey.set(order.key, [...(byKey.get(order.key) ?? []), order]);
  }
  let capBreaches = 0;
  for (const account of town.names) {
    const runs = await books.runs(account);
    const messages = await books.messages(account);
    const told = new Map<string, number>();
    for (const { id, sentAt } of messages) if (sentAt !== undefined) told.set(id, (told.get(id) ?? 0) + 1);
    for (const { run, intent } of runs) {
      const outcome = run.outcome ?? "not over";
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      if (run.closedAt === undefined || (intent !== undefined && !isTerminal(intent.state)))
        wrong.push(`run ${run.id} is not over`);
      else if (told.get(`${run.id}#${outcome}`) !== 1 && outcome !== "missed")
        wrong.push(`run ${run.id} ended ${outcome} and was not told`);
    }
    const own = byKey.get(`key-of-${account}`) ?? [];
    const known = new Set(runs.flatMap(({ intent }) => intent?.txids ?? []));
    const perDay = new Map<string, ReturnType<typeof decimal>>();
    for (const { txid, acceptedAt, cost, fee } of own) {
      if (!known.has(txid)) wrong.push(`order ${txid} is unknown to the ledger of ${account}`);
      const day = acceptedAt.slice(0, 10);
      perDay.set(day, add(perDay.get(day) ?? decimal("0"), add(decimal(cost), decimal(fee))));
    }
    const { used } = await books.head(account);
    for (const [day, spent] of perDay) {
      if (compare(spent, decimal(PER_DAY)) > 0) capBreaches += 1;
      const units = used.get(`used|day|EUR|${day}`);
      const booked = units === undefined ? undefined : amountOfUnits(units);
      if (booked === undefined || compare(booked, spent) !== 0)
        wrong.push(
          `${account} spent ${format(spent)} on ${day}, its ledger says ${booked && format(booked)}`,
        );
    }
  }
  return {
    orders: orders.length,
    doubleOrders: [...byClient.values()].filter((count) => count > 1).length,
    capBreaches,
    outcomes,
    wrong,
    itemBytes: sizesOf(town),
    items: town.lines.stored.size,
  };
}

function sizesOf(town: Town): Record<string, number> {
  const sums = new Map<string, { bytes: number; count: number }>();
  for (const [key, { bytes }] of town.lines.stored) {
    const kind = /^\S+ ([A-Z]+)/.exec(key)![1]!;
    const sum = sums.get(kind) ?? { bytes: 0, count: 0 };
    sums.set(kind, { bytes: sum.bytes + bytes, count: sum.count + 1 });
  }
  return Object.fromEntries([...sums].map(([kind, { bytes, count }]) => [kind, Math.round(bytes / count)]));
}
