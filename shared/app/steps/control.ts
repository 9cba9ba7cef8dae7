/**
 * The positive control of a look that found nothing: do Kraken's records answer at all, and did the balance stay where our
 * own orders put it? A doubt is a reason to wait.
 */
import { CAP_SCALE } from "../../domain/caps.ts";
import { add, compare, subtract } from "../../domain/decimal.ts";
import type { Volume } from "../../domain/money.ts";
import { type FrozenOrder, type Intent, perhapsPlaced } from "../../domain/run.ts";
import { DAY_MS, later, SECOND_MS } from "../../domain/time.ts";
import { CONTROL_POINTS, RESOLVE_POINTS } from "../call-points.ts";
import type { ExchangeAccount } from "../exchange.ts";
import type { RunContext } from "../run-context.ts";
import { DEADLINE_MS } from "./plan-buy.ts";

/** Kraken's time is known to some seconds where its answers are slow; whatever is left open errs towards a doubt. */
const SKEW_MS = 15 * SECOND_MS;

/** Undefined means that the look can be believed. */
export async function control(ctx: RunContext, intent: Intent): Promise<string | undefined> {
  await ctx.rereadHead();
  const reference = ctx.snapshot.head.lastOrder;
  return ctx.withAccount(RESOLVE_POINTS, CONTROL_POINTS, async (account) => {
    if (reference !== undefined) {
      const known = await account.findOrders(reference.clientOrderId, later(reference.at, -DAY_MS));
      if (!known.some((report) => report.txid === reference.txid)) {
        return `Kraken does not show our earlier order ${reference.txid} either`;
      }
    } else {
      const info = await account.keyInfo();
      if (info.queryFrom !== undefined || info.queryTo !== undefined) return "the key has a query date limit";
    }
    return unexplained(ctx, intent, account);
  });
}

/**
 * Why Kraken's balance is more than our own orders explain; a buy that went unseen shows like this. `filled` is what is
 * known of the order itself. The head must have been read before.
 */
export async function unexplained(
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
  const { baseBefore, baseNetBefore, baseId } = order;
  // Test: a buy of another plan meanwhile does not look like the missing order
  const net = { units: ctx.snapshot.head.net.get(baseId) ?? 0n, scale: CAP_SCALE } as Volume;
  let expected = subtract(add(baseBefore, net), baseNetBefore);
  const { unsettled } = ctx.snapshot.head;
  const runs = new Set([...unsettled, ...order.unsettledBefore]);
  runs.delete(run);
  // Read after the head: what was settled in between is left out although the net change lacks it, and errs towards a doubt.
  for (const id of runs) {
    const other = (await ctx.deps.books.run(ctx.account.name, id))?.intent;
    if (other === undefined) continue;
    // Test: an order of ours that the balance holds already is not counted a second time when it is settled
    if (other.fills !== undefined && order.unsettledBefore.includes(id) && mayBeInBalance(other, order))
      expected = subtract(expected, other.fills.volume);
    // Test: an order that pays with the asset does not hide one that bought it
    if (other.order.quoteId === baseId && perhapsPlaced(other) > 0)
      expected = subtract(expected, other.order.costMax);
  }
  return expected as Volume;
}

/** An order whose only attempt that can have placed it was claimed after the balance was read cannot be in it. */
function mayBeInBalance(other: Intent, { baseId, balanceAt }: FrozenOrder): boolean {
  if (other.order.baseId !== baseId) return false;
  const claimedAt = later(other.deadline ?? other.createdAt, -DEADLINE_MS);
  return perhapsPlaced(other) > 1 || claimedAt <= later(balanceAt, SKEW_MS);
}
