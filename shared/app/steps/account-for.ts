/**
 * Where the coins came from that our own orders do not explain: Kraken's ledger of the asset, entry by entry. It shows an order
 * that its lists of orders hide; and where it explains the balance to the last digit without that order, the order is not in it.
 */
import { add, compare, type Decimal, subtract } from "../../domain/decimal.ts";
import type { Intent } from "../../domain/run.ts";
import { later, SECOND_MS } from "../../domain/time.ts";
import { EVIDENCE_POINTS, LEDGER_POINTS } from "../call-points.ts";
import { ExchangeError } from "../errors.ts";
import type { BalanceChange, OrderReport } from "../exchange.ts";
import { sameClientOrderId } from "../ids.ts";
import type { RunContext } from "../run-context.ts";

export type AccountedFor =
  | { readonly is: "found"; readonly orders: readonly OrderReport[] }
  /** Every coin since before the order came from something else. */
  | { readonly is: "explained" }
  | { readonly is: "unclear"; readonly why: string };

/** The balance before the order was read within this of its entry in the intent, by Kraken's clock. */
const SKEW_MS = 15 * SECOND_MS;
/** 1,000 changes of one asset since one order. */
const PAGES_MAX = 20;

const unclear = (why: string): AccountedFor => ({ is: "unclear", why });

export async function accountFor(ctx: RunContext, intent: Intent): Promise<AccountedFor> {
  try {
    return await readLedger(ctx, intent);
  } catch (error) {
    if (!(error instanceof ExchangeError) || error.code !== "PERMISSION_DENIED") throw error;
    return unclear(
      'the key may not read where it came from: its tick box "Data: Query ledger entries" is off',
    );
  }
}

async function readLedger(ctx: RunContext, intent: Intent): Promise<AccountedFor> {
  const { baseId, baseBefore, balanceAt, pair } = intent.order;
  const changes = await changesSince(ctx, baseId, later(balanceAt, -SKEW_MS));
  if (changes === undefined) return unclear(`Kraken's ledger of ${pair.base} changed while it was read`);
  const orders = await ordersBehind(ctx, changes);
  if (orders === undefined) return unclear(`Kraken does not show the order of each trade in ${pair.base}`);
  const found = orders.filter((order) => sameClientOrderId(order.clientOrderId, intent.clientOrderId));
  // Test: an order that Kraken's lists hide is found by what it left in the ledger
  if (found.length > 0) return { is: "found", orders: found };
  const balance = await ctx.withAccount(EVIDENCE_POINTS, 1, async (account) =>
    (await account.balances()).get(baseId),
  );
  const gained = subtract(balance?.total ?? { units: 0n, scale: 0 }, baseBefore);
  // Test: a balance that the ledger does not explain proves nothing
  return explains(changes, gained, later(balanceAt, SKEW_MS))
    ? { is: "explained" }
    : unclear(`Kraken's ledger of ${pair.base} does not explain the balance`);
}

/** Oldest first. Undefined when the pages do not fit together. */
async function changesSince(
  ctx: RunContext,
  assetId: string,
  since: Intent["createdAt"],
): Promise<readonly BalanceChange[] | undefined> {
  const byId = new Map<string, BalanceChange>();
  let expected: number | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { changes, count } = await ctx.withAccount(EVIDENCE_POINTS, LEDGER_POINTS, (account) =>
      account.balanceChanges(assetId, since, byId.size),
    );
    for (const change of changes) byId.set(change.id, change);
    expected ??= count;
    if (count !== expected || byId.size > count) return undefined;
    if (byId.size === count) return [...byId.values()].sort((a, b) => a.at - b.at);
    if (changes.length === 0) return undefined;
  }
  return undefined;
}

/** Undefined when one of them is not shown. */
async function ordersBehind(
  ctx: RunContext,
  changes: readonly BalanceChange[],
): Promise<readonly OrderReport[] | undefined> {
  const trades = [...new Set(changes.filter(({ isTrade }) => isTrade).map(({ refid }) => refid))];
  const txids = new Set<string>();
  for (let from = 0; from < trades.length; from += TRADES_AT_ONCE) {
    const some = trades.slice(from, from + TRADES_AT_ONCE);
    const found = await ctx.withAccount(EVIDENCE_POINTS, 1, (account) => account.ordersOfTrades(some));
    if (some.some((trade) => !found.has(trade))) return undefined;
    for (const txid of found.values()) txids.add(txid);
  }
  const orders: OrderReport[] = [];
  const asked = [...txids];
  for (let from = 0; from < asked.length; from += ORDERS_AT_ONCE) {
    const some = asked.slice(from, from + ORDERS_AT_ONCE);
    orders.push(...(await ctx.withAccount(EVIDENCE_POINTS, 1, (account) => account.orders(some))));
  }
  const shown = new Set(orders.map(({ txid }) => txid));
  return asked.every((txid) => shown.has(txid)) ? orders : undefined;
}

/** Kraken's limits per call. */
const TRADES_AT_ONCE = 20;
const ORDERS_AT_ONCE = 50;

/** Which of the first entries the balance of before held already is known to some seconds only: one way to read it must fit. */
function explains(changes: readonly BalanceChange[], gained: Decimal, until: Intent["createdAt"]): boolean {
  let sum = changes.reduce<Decimal>((all, { change }) => add(all, change), { units: 0n, scale: 0 });
  for (const { at, change } of changes) {
    if (compare(sum, gained) === 0) return true;
    if (at > until) return false;
    sum = subtract(sum, change);
  }
  return compare(sum, gained) === 0;
}
