/**
 * The positive control of a look that found nothing: do Kraken's records answer at all, and did the balance stay where our
 * own orders put it? A doubt is a reason to wait.
 */
import { CAP_SCALE } from "../../domain/caps.ts";
import { add, compare, type Decimal, subtract } from "../../domain/decimal.ts";
import { spentOf } from "../../domain/messages.ts";
import type { Volume } from "../../domain/money.ts";
import { type FrozenOrder, type Intent, perhapsPlaced } from "../../domain/run.ts";
import { DAY_MS, later } from "../../domain/time.ts";
import { CONTROL_POINTS, RESOLVE_POINTS } from "../call-points.ts";
import type { ExchangeAccount, OrderReport } from "../exchange.ts";
import type { RunContext } from "../run-context.ts";
import { accountFor, PAID_MS, SKEW_MS } from "./account-for.ts";
import { DEADLINE_MS } from "./plan-buy.ts";

export type Controlled =
  /** Nothing speaks against what the look said. */
  | { readonly is: "believed" }
  | { readonly is: "doubt"; readonly why: string }
  /** The order itself, where the look did not see it. */
  | { readonly is: "found"; readonly orders: readonly OrderReport[] };

/**
 * Whether a look that found nothing can be believed. With more coins than our own orders explain it cannot. A day after the
 * deadline, or when its owner asks, Kraken's ledger is asked where they came from: a deposit would else keep the order in doubt
 * for ever.
 */
export async function control(
  ctx: RunContext,
  intent: Intent,
  { asksOwner }: { readonly asksOwner: boolean } = { asksOwner: false },
): Promise<Controlled> {
  const now = await ctx.publicly(() => ctx.deps.exchange.now());
  const isOld = now - (intent.deadline ?? intent.createdAt) >= DAY_MS;
  const { silent, surplus } = await ctx.withAccount(RESOLVE_POINTS, CONTROL_POINTS, async (account) => {
    // Under the lease: nobody else sends an order between this and the balance.
    await ctx.rereadHead();
    const why = await whySilent(ctx, account);
    return why === undefined
      ? { silent: undefined, surplus: await lessThanBalance(ctx, intent, account) }
      : { silent: why, surplus: undefined };
  });
  if (silent !== undefined) return { is: "doubt", why: silent };
  if (surplus === undefined) return { is: "believed" };
  if (!isOld && !asksOwner) return { is: "doubt", why: surplus };
  const accounted = await accountFor(ctx, intent);
  switch (accounted.is) {
    // Test: coins that came from elsewhere do not keep an order in doubt for ever
    case "explained":
      return { is: "believed" };
    case "found":
      return accounted;
    case "unclear":
      return { is: "doubt", why: `${surplus}, and ${accounted.why}` };
  }
}

/** Why Kraken's records may not answer at all: they do not show what they have shown before. */
async function whySilent(ctx: RunContext, account: ExchangeAccount): Promise<string | undefined> {
  const reference = ctx.snapshot.head.lastOrder;
  if (reference === undefined) {
    const { queryFrom, queryTo } = await account.keyInfo();
    return queryFrom !== undefined || queryTo !== undefined ? "the key has a query date limit" : undefined;
  }
  const known = await account.findOrders(reference.clientOrderId, later(reference.at, -DAY_MS));
  return known.some(({ txid }) => txid === reference.txid)
    ? undefined
    : `Kraken does not show our earlier order ${reference.txid} either`;
}

/**
 * Why Kraken's balance is more than our own orders explain; a buy that went unseen shows like this. `filled` is what is
 * known of the order itself.
 */
export async function unexplained(
  ctx: RunContext,
  intent: Intent,
  account: ExchangeAccount,
  filled: Volume,
): Promise<string | undefined> {
  await ctx.rereadHead();
  return lessThanBalance(ctx, intent, account, filled);
}

async function lessThanBalance(
  ctx: RunContext,
  intent: Intent,
  account: ExchangeAccount,
  filled: Volume = { units: 0n, scale: 0 } as Volume,
): Promise<string | undefined> {
  const { order } = intent;
  const expected = add(await expectedBalance(ctx, intent), filled);
  const balance = (await account.balances()).get(order.baseId)?.total;
  const now = (balance ?? { units: 0n, scale: 0 }) as unknown as Volume;
  return compare(now, expected) > 0
    ? `there is more ${order.pair.base} than our own orders explain`
    : undefined;
}

/** The least that our own orders, without this one, leave of the base asset. */
async function expectedBalance(ctx: RunContext, { order, run }: Intent): Promise<Volume> {
  const { baseBefore, baseNetBefore, baseId, unsettledBefore } = order;
  const { head } = ctx.snapshot;
  // Test: a buy of another plan meanwhile does not look like the missing order
  const net = { units: head.net.get(baseId) ?? 0n, scale: CAP_SCALE } as Volume;
  let expected: Decimal = subtract(add(baseBefore, net), baseNetBefore);
  const runs = new Set([...head.unsettled, ...unsettledBefore]);
  runs.delete(run);
  // Read after the head: what was settled in between is counted as if it were not, and errs towards a doubt.
  for (const id of runs) {
    const other = (await ctx.deps.books.run(ctx.account.name, id))?.intent;
    if (other === undefined) continue;
    const wasOpen = unsettledBefore.includes(id);
    const isOpen = head.unsettled.has(id);
    if (other.order.baseId === baseId) {
      // Test: an order of ours that the balance holds already is not counted a second time when it is settled
      if (wasOpen && other.fills !== undefined && mayBeInBalance(other, order))
        expected = subtract(expected, other.fills.volume);
    } else if (other.order.quoteId === baseId) {
      // Test: an order that pays with the asset does not hide one that bought it
      if (isOpen && mayStillPay(other, order)) expected = subtract(expected, other.order.costMax);
      else if (!isOpen && wasOpen && other.fills !== undefined && isInBalance(other, order))
        expected = add(expected, spentOf(other.fills));
    }
  }
  return expected as Volume;
}

/** An order that was claimed under a later holding of the key, or that Kraken took surely later, cannot be in the balance. */
function mayBeInBalance(other: Intent, { balanceAt, balanceFence, balanceKeyHash }: FrozenOrder): boolean {
  const isOnlyClaim = perhapsPlaced(other) <= 1 && other.fence !== undefined;
  if (isOnlyClaim && balanceFence !== undefined && other.keyHash === balanceKeyHash)
    return BigInt(other.fence!) <= BigInt(balanceFence);
  const until = later(balanceAt, SKEW_MS);
  // Test: a neighbour that bought with its second attempt does not keep an absence from being proven
  if (other.placedAt !== undefined) return other.placedAt <= until;
  const claimedAt = later(other.deadline ?? other.createdAt, -DEADLINE_MS);
  return perhapsPlaced(other) > 1 || claimedAt <= until;
}

const isInBalance = (other: Intent, { balanceAt }: FrozenOrder): boolean =>
  other.placedAt !== undefined && later(other.placedAt, SKEW_MS) < balanceAt;

/** One whose last attempt was over long before the balance was read has paid by then, or never will. */
const mayStillPay = (other: Intent, { balanceAt }: FrozenOrder): boolean =>
  perhapsPlaced(other) > 0 && later(other.deadline ?? other.createdAt, PAID_MS) >= balanceAt;
