/** What becomes of a run that cannot go on: it waits in the ledger, others go on, and its owner hears of it. */
import { standsStillText } from "../../domain/messages.ts";
import type { Intent } from "../../domain/run.ts";
import { DAY_MS, type EpochMs, later, MINUTE_MS } from "../../domain/time.ts";
import { failed, Postponed } from "../postponed.ts";
import type { RunContext } from "../run-context.ts";
import { deliver } from "./conclude.ts";
import { tellDoubt } from "./resolve.ts";

/** An accepted IOC order is closed at once; after this something is wrong. */
const UNSETTLED_MS_MAX = 5 * MINUTE_MS;
/** Tried each minute for the first minutes, then more seldom. */
const SELDOM_AFTER_MS = 10 * MINUTE_MS;

/**
 * Whatever was thrown, as a wait. What nobody foresaw, and what a person must change, is told at once. Only a run that is
 * not in the ledger yet is left to the queue, which delivers it again.
 */
export async function asPostponed(ctx: RunContext, error: unknown): Promise<Postponed> {
  if (error instanceof Postponed) return error;
  const isInLedger = ctx.intent !== undefined || ctx.snapshot.run !== undefined;
  if (!isInLedger || ctx.run.closedAt !== undefined || !(error instanceof Error)) throw error;
  await tellStandsStill(ctx, error.message);
  const now = ctx.deps.clock.now();
  const isYoung = now - sinceOf(ctx, ctx.intent) < SELDOM_AFTER_MS;
  return failed(later(now, (isYoung ? 1 : 10) * MINUTE_MS), error.message);
}

/** A run with an order that may exist never waits in silence. */
export async function tellWaiting(ctx: RunContext, intent: Intent, postponed: Postponed): Promise<void> {
  const { message: why, isKeyStopped } = postponed;
  const waitedMs = ctx.deps.clock.now() - sinceOf(ctx, intent);
  if (intent.state === "SUBMITTING") {
    await tellDoubt(ctx, intent);
    if (isKeyStopped || waitedMs > DAY_MS) await tellStandsStill(ctx, why);
  }
  if (intent.state === "ACKED" && (isKeyStopped || waitedMs > UNSETTLED_MS_MAX))
    await tellStandsStill(ctx, why);
}

const sinceOf = (ctx: RunContext, intent: Intent | undefined): EpochMs =>
  intent?.deadline ?? intent?.createdAt ?? ctx.run.openedAt;

/** Once per run. */
async function tellStandsStill(ctx: RunContext, why: string): Promise<void> {
  const text = standsStillText(ctx.label, ctx.run.id, ctx.plan.id, ctx.intent, why);
  const message = { id: `${ctx.run.id}#stands-still`, at: ctx.deps.clock.now(), run: ctx.run.id, ...text };
  if (await ctx.deps.books.addMessage(ctx.account.name, message)) await deliver(ctx, message);
}
