/** reconcile, once the order is known to exist: wait until it is closed, then book what it did, to the last digit. */
import { sumFills } from "../../domain/messages.ts";
import type { Fills, Intent } from "../../domain/run.ts";
import { later, SECOND_MS } from "../../domain/time.ts";
import type { OrderReport } from "../exchange.ts";
import { Postponed, RESOLVE_POINTS, type RunContext } from "../run-context.ts";
import { endFilled } from "./conclude.ts";
import { look } from "./look.ts";

const WAITS_MS = [250, 500, SECOND_MS, 2 * SECOND_MS] as const;

export async function settle(ctx: RunContext, intent: Intent): Promise<void> {
  for (const waitMs of [...WAITS_MS, 0]) {
    const reports = await reportsOf(ctx, intent);
    const isClosed =
      reports.length > 0 && reports.every(({ status }) => status !== "open" && status !== "pending");
    if (isClosed) return book(ctx, intent, reports);
    if (waitMs > 0) await ctx.deps.clock.sleep(waitMs);
  }
  throw new Postponed(later(ctx.deps.clock.now(), 15 * SECOND_MS), "Kraken has not closed the order yet");
}

/** By Kraken's ids first; old final orders can be missing there, then by ours. */
async function reportsOf(ctx: RunContext, intent: Intent): Promise<readonly OrderReport[]> {
  // After a second attempt the id may have two orders, which must be seen: the answer to one names only that one.
  if (intent.n > 1) {
    const { found } = await look(ctx, intent);
    if (found.length >= intent.txids.length) return found;
  }
  const byTxid = await ctx.withAccount(RESOLVE_POINTS, (account) => account.orders(intent.txids));
  if (byTxid.length >= intent.txids.length) return byTxid;
  return (await look(ctx, intent)).found;
}

async function book(ctx: RunContext, intent: Intent, reports: readonly OrderReport[]): Promise<void> {
  const fills = reports
    .map((report): Fills => ({ volume: report.filled, cost: report.cost, fee: report.fee }))
    .reduce(sumFills);
  const block =
    reports.length > 1
      ? `${reports.length} orders exist under ${intent.clientOrderId}: ${reports.map((report) => report.txid).join(", ")}`
      : undefined;
  const found: Intent = { ...intent, txids: reports.map((report) => report.txid) };
  await endFilled(ctx, found, fills, block);
}
