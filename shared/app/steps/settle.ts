/** reconcile, once the order is known to exist: wait until it is closed, then book what it did, to the last digit. */
import { sumFills } from "../../domain/messages.ts";
import { type Fills, type Intent, perhapsPlaced } from "../../domain/run.ts";
import { type EpochMs, later, MINUTE_MS, SECOND_MS } from "../../domain/time.ts";
import { RESOLVE_POINTS } from "../call-points.ts";
import type { OrderReport } from "../exchange.ts";
import { Postponed } from "../postponed.ts";
import type { RunContext } from "../run-context.ts";
import { accountFor } from "./account-for.ts";
import { endFilled } from "./conclude.ts";
import { unexplained } from "./control.ts";
import { adopt, look } from "./look.ts";

const WAITS_MS = [250, 500, SECOND_MS, 2 * SECOND_MS] as const;
/** How long an order that should not exist is looked for, before what is there is booked and the plan put on hold. */
const SURPLUS_MS_MAX = 10 * MINUTE_MS;

export async function settle(ctx: RunContext, intent: Intent): Promise<void> {
  for (const waitMs of [...WAITS_MS, 0]) {
    const reports = await reportsOf(ctx, intent);
    if (reports?.every(({ status }) => status !== "open" && status !== "pending"))
      return book(ctx, intent, reports);
    if (waitMs > 0) await ctx.deps.clock.sleep(waitMs);
  }
  throw new Postponed(later(ctx.deps.clock.now(), 15 * SECOND_MS), "Kraken has not closed the order yet");
}

/**
 * Of every order under our id; undefined while one that is known to exist is not among them. By Kraken's ids first; old final
 * orders can be missing there, then by ours.
 */
async function reportsOf(ctx: RunContext, intent: Intent): Promise<readonly OrderReport[] | undefined> {
  // After a second attempt the id may have two orders, which must be seen: the answer to one names only that one.
  const seen = new Map<string, OrderReport>();
  const note = (reports: readonly OrderReport[]) => {
    for (const report of reports) seen.set(report.txid, report);
  };
  // Test: an order that Kraken acknowledged is booked, also when an earlier attempt turns up late
  const isWhole = () => seen.size > 0 && intent.txids.every((txid) => seen.has(txid));
  if (intent.n > 1) note((await look(ctx, intent)).found);
  if (!isWhole()) note(await ctx.withAccount(RESOLVE_POINTS, 1, (account) => account.orders(intent.txids)));
  if (!isWhole() && intent.n <= 1) note((await look(ctx, intent)).found);
  return isWhole() ? [...seen.values()] : undefined;
}

async function book(ctx: RunContext, intent: Intent, reports: readonly OrderReport[]): Promise<void> {
  const fills = reports
    .map((report): Fills => ({ volume: report.filled, cost: report.cost, fee: report.fee }))
    .reduce(sumFills);
  const txids = reports.map(({ txid }) => txid);
  const more = reports.length > 1 ? undefined : await surplus(ctx, intent, fills);
  if (more?.is === "found") return adopt(ctx, intent, [...reports, ...more.orders], "found beside it");
  const block =
    reports.length > 1
      ? `${reports.length} orders exist under ${intent.clientOrderId}: ${txids.join(", ")}`
      : more?.why;
  // Test: an order that is settled days later does not make later proofs impossible
  const openedAt = Math.max(...reports.map((report) => report.openedAt)) as EpochMs;
  const placedAt = Math.min(...reports.map((report) => report.openedAt)) as EpochMs;
  await endFilled(ctx, { ...intent, txids, placedAt }, fills, { openedAt, block });
}

type Surplus =
  | { readonly is: "found"; readonly orders: readonly OrderReport[] }
  | { readonly is: "block"; readonly why: string };

/** After a second attempt: has the first one, proven to have placed nothing, bought something after all? */
async function surplus(ctx: RunContext, intent: Intent, fills: Fills): Promise<Surplus | undefined> {
  // Test: an order that was only refused before is booked at once, whatever its owner does meanwhile
  if (perhapsPlaced(intent) <= 1) return undefined;
  const doubt = await ctx.withAccount(RESOLVE_POINTS, 1, (account) =>
    unexplained(ctx, intent, account, fills.volume),
  );
  if (doubt === undefined) return undefined;
  const accounted = await accountFor(ctx, intent, intent.txids);
  // Test: what Kraken's ledger explains does not hold up the plan that buys after all
  if (accounted.is === "explained") return undefined;
  if (accounted.is === "found") return accounted;
  const now = await ctx.publicly(() => ctx.deps.exchange.now());
  // Test: a first order that shows after the second one was sent holds the plan up, and is told
  if (now < later(intent.deadline ?? intent.createdAt, SURPLUS_MS_MAX))
    throw new Postponed(later(ctx.deps.clock.now(), MINUTE_MS), `${doubt}; another order is looked for`);
  const why = `${intent.clientOrderId} was sent ${perhapsPlaced(intent)} times, and ${doubt}: look at Kraken for a second order under this id`;
  return { is: "block", why };
}
