/**
 * Where the coins came from that our own orders do not explain: Kraken's ledger of the asset, entry by entry. It shows an order
 * that its lists of orders hide; and where it explains the balance to the last digit without that order, the order is not in it.
 */
import { add, compare, type Decimal, isPositive, subtract } from "../../domain/decimal.ts";
import type { Intent } from "../../domain/run.ts";
import { type EpochMs, later, MINUTE_MS, SECOND_MS } from "../../domain/time.ts";
import { EVIDENCE_POINTS, LEDGER_POINTS, ORDERS_AT_ONCE, TRADES_AT_ONCE } from "../call-points.ts";
import { ExchangeError } from "../errors.ts";
import type { BalanceChange, OrderReport } from "../exchange.ts";
import { sameClientOrderId } from "../ids.ts";
import { failed } from "../postponed.ts";
import type { RunContext } from "../run-context.ts";

export type AccountedFor =
  | { readonly is: "found"; readonly orders: readonly OrderReport[] }
  /** Every coin since before the order came from something else. */
  | { readonly is: "explained" }
  | { readonly is: "unclear"; readonly why: string };

/** Kraken's time is known to some seconds where its answers are slow; whatever is left open errs towards a doubt. */
export const SKEW_MS = 15 * SECOND_MS;
/** So long after its deadline an order has been paid, or never will be. */
export const PAID_MS = 10 * MINUTE_MS;
/** 300 changes of one asset since one order: more does not fit what one invocation may ask on the lowest tier. */
const PAGES_MAX = 6;
const PAGE = 50;

const unclear = (why: string): AccountedFor => ({ is: "unclear", why });

/** `known`: Kraken's ids of orders under our id that are known already; they are not found, but explain what they bought. */
export async function accountFor(
  ctx: RunContext,
  intent: Intent,
  known: readonly string[] = [],
): Promise<AccountedFor> {
  try {
    return await readLedger(ctx, intent, known);
  } catch (error) {
    if (!(error instanceof ExchangeError) || error.code !== "PERMISSION_DENIED") throw error;
    return unclear(
      'the key may not read where it came from: its tick box "Data: Query ledger entries" is off',
    );
  }
}

async function readLedger(ctx: RunContext, intent: Intent, known: readonly string[]): Promise<AccountedFor> {
  const { baseId, baseBefore, balanceAt, pair } = intent.order;
  const changes = await changesSince(ctx, baseId, later(balanceAt, -SKEW_MS));
  if (changes === undefined)
    return unclear(`there are over ${PAGES_MAX * PAGE} changes of ${pair.base} since, too many to read`);
  if (changes.length === 0) return unclear(`Kraken's ledger of ${pair.base} shows nothing of it`);
  const orders = await ordersBehind(
    ctx,
    changes.filter((change) => mayBeOurs(change, intent)),
  );
  if (orders === undefined) return unclear(`Kraken does not show the order of each trade in ${pair.base}`);
  const found = orders.filter(
    ({ txid, clientOrderId }) =>
      sameClientOrderId(clientOrderId, intent.clientOrderId) && !known.includes(txid),
  );
  // Test: an order that Kraken's lists hide is found by what it left in the ledger
  if (found.length > 0) return { is: "found", orders: found };
  if (orders.some((order) => isNameless(order, intent)))
    return unclear(`Kraken does not say whose an order in ${pair.base} is`);
  const balance = await ctx.withAccount(EVIDENCE_POINTS, 1, async (account) =>
    (await account.balances()).get(baseId),
  );
  const gained = subtract(balance?.total ?? { units: 0n, scale: 0 }, baseBefore);
  // Test: a balance that the ledger does not explain proves nothing
  return explains(changes, gained, later(balanceAt, SKEW_MS))
    ? { is: "explained" }
    : unclear(`Kraken's ledger of ${pair.base} does not explain the balance`);
}

/** After its deadline, and after a later call was accepted, nothing of the order can happen any more. */
const fencedAt = ({ deadline, barrierAt, createdAt }: Intent): EpochMs =>
  Math.max(deadline ?? createdAt, barrierAt ?? 0) as EpochMs;

const mayBeOurs = ({ isTrade, change, at }: BalanceChange, intent: Intent): boolean =>
  isTrade && isPositive(change) && at <= later(fencedAt(intent), PAID_MS);

/** Like ours in all that Kraken tells, and without the id that would tell it from ours. */
const isNameless = ({ clientOrderId, side, volume, openedAt }: OrderReport, intent: Intent): boolean =>
  clientOrderId === undefined &&
  side === intent.order.side &&
  compare(volume, intent.order.volume) === 0 &&
  openedAt <= later(fencedAt(intent), SKEW_MS);

/** Oldest first. Undefined: too many. Throws when the pages do not fit together: something came in between. */
async function changesSince(
  ctx: RunContext,
  assetId: string,
  since: EpochMs,
): Promise<readonly BalanceChange[] | undefined> {
  const byId = new Map<string, BalanceChange>();
  let expected: number | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const { changes, count } = await ctx.withAccount(EVIDENCE_POINTS, LEDGER_POINTS, (account) =>
      account.balanceChanges(assetId, since, byId.size),
    );
    for (const change of changes) byId.set(change.id, change);
    expected ??= count;
    if (count > PAGES_MAX * PAGE) return undefined;
    if (count !== expected || byId.size > count || (changes.length === 0 && byId.size < count)) break;
    // Kraken tells the newest first, also of those of one instant.
    if (byId.size === count) return [...byId.values()].reverse().sort((a, b) => a.at - b.at);
  }
  throw failed(later(ctx.deps.clock.now(), MINUTE_MS), "Kraken's ledger changed while it was read");
}

/** Undefined when one of them is not shown. */
async function ordersBehind(
  ctx: RunContext,
  trades: readonly BalanceChange[],
): Promise<readonly OrderReport[] | undefined> {
  const txids = new Set<string>();
  for (const some of inParts([...new Set(trades.map(({ refid }) => refid))], TRADES_AT_ONCE)) {
    const found = await ctx.withAccount(EVIDENCE_POINTS, 1, (account) => account.ordersOfTrades(some));
    if (some.some((trade) => !found.has(trade))) return undefined;
    for (const txid of found.values()) txids.add(txid);
  }
  const orders: OrderReport[] = [];
  for (const some of inParts([...txids], ORDERS_AT_ONCE))
    orders.push(...(await ctx.withAccount(EVIDENCE_POINTS, 1, (account) => account.orders(some))));
  const shown = new Set(orders.map(({ txid }) => txid));
  return [...txids].every((txid) => shown.has(txid)) ? orders : undefined;
}

const inParts = <T>(all: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));

/** Which of the first entries the balance of before held already is known to some seconds only: one way to read it must fit. */
function explains(changes: readonly BalanceChange[], gained: Decimal, until: EpochMs): boolean {
  let sum = changes.reduce<Decimal>((all, { change }) => add(all, change), { units: 0n, scale: 0 });
  for (const { at, change } of changes) {
    if (compare(sum, gained) === 0) return true;
    if (at > until) return false;
    sum = subtract(sum, change);
  }
  return compare(sum, gained) === 0;
}
