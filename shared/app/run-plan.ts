/**
 * The whole way of a firing: fire → plan → quote → size → record → submit → reconcile → notify. Read this first.
 *
 * Safe to call again for the same firing, at any time, by any number of workers, after any crash: it goes on from the
 * ledger. There is no other recovery code.
 *
 * Promises: at most one order per intent is ever accepted; no order leaves that is not in the ledger first; no order that
 * Kraken accepted is forgotten; what may be spent never exceeds a cap; every run ends in one outcome that is told.
 */
import type { Firing, Intent, Reason, Resume } from "../domain/run.ts";
import { DAY_MS, type EpochMs, HOUR_MS, later, MINUTE_MS } from "../domain/time.ts";
import { NO_CREDENTIALS, openRun } from "./open-run.ts";
import type { Deps } from "./ports.ts";
import { failed, type Postponed } from "./postponed.ts";
import { FiringRefused } from "./refuse-firing.ts";
import { RunContext } from "./run-context.ts";
import { type RunReport, reportOf } from "./run-report.ts";
import { endIntent, endWithoutOrder } from "./steps/conclude.ts";
import { lateAfterOf, planBuy } from "./steps/plan-buy.ts";
import { quarantine, resolve } from "./steps/resolve.ts";
import { settle } from "./steps/settle.ts";
import { asPostponed, tellWaiting } from "./steps/stand-still.ts";
import { submit } from "./steps/submit.ts";
import { KeyUnavailable } from "./with-key.ts";

/** More turns than any run can need; one more is a bug, and stops before it can do harm. */
const TURNS_MAX = 25;

/** `askedAt`: when a firing by hand was put into the queue. One that waited too long there is missed, not bought. */
export async function runPlan(firing: Firing | Resume, deps: Deps, askedAt?: EpochMs): Promise<RunReport> {
  const ctx = await openRun(firing, deps, askedAt);
  if (!(ctx instanceof RunContext)) return ctx;
  return inRun(ctx, async () => {
    // Test: a run whose key cannot be read now waits in the ledger, and is not refused for it
    if (ctx.keyProblem !== undefined) throw keyUnreadable(ctx, ctx.keyProblem);
    for (let turn = 0; await advance(ctx); turn++) {
      if (turn >= TURNS_MAX) throw new Error(`run ${ctx.run.id} took more than ${TURNS_MAX} turns`);
    }
    return reportOf(ctx.run, ctx.intent);
  });
}

/** Works on a run that is in the ledger, with its key; for what the owner does by hand. */
export async function withRun<T>(
  resume: Resume,
  deps: Deps,
  work: (ctx: RunContext) => Promise<T>,
): Promise<T> {
  const ctx = await openRun(resume, deps);
  if (!(ctx instanceof RunContext)) throw new FiringRefused(`run ${resume.run} is over: ${ctx.outcome}`);
  if (ctx.keyProblem !== undefined) throw new KeyUnavailable(ctx.keyProblem.message);
  needKey(ctx);
  try {
    return await work(ctx);
  } finally {
    await ctx.releaseKey();
  }
}

const keyUnreadable = (ctx: RunContext, { message }: Error): Postponed =>
  failed(later(ctx.deps.clock.now(), MINUTE_MS), message, "KEY_UNREADABLE");

/** Whatever happens, the key is given back; a run that must wait is written down with its time. */
async function inRun(ctx: RunContext, work: () => Promise<RunReport>): Promise<RunReport> {
  try {
    return await work();
  } catch (error) {
    await postpone(ctx, await asPostponed(ctx, error));
    return reportOf(ctx.run, ctx.intent);
  } finally {
    await ctx.releaseKey();
  }
}

function needKey(ctx: RunContext): void {
  if (ctx.credentials !== NO_CREDENTIALS) return;
  throw new Error("it has an order in the ledger, and there is no key to ask Kraken with");
}

/** One step on, as the ledger's state asks for. False when there is nothing left to do. */
async function advance(ctx: RunContext): Promise<boolean> {
  const { intent, run } = ctx;
  if (run.closedAt !== undefined) return false;
  needKey(ctx);
  if (intent === undefined) {
    await planBuy(ctx);
    return true;
  }
  switch (intent.state) {
    case "PLANNED":
      await submit(ctx, intent);
      return true;
    case "SUBMITTING":
      await resolve(ctx, intent);
      return true;
    case "ACKED":
      await settle(ctx, intent);
      return true;
    case "QUARANTINED":
    case "DONE":
    case "SKIPPED":
    case "REFUSED":
      return false;
  }
}

/** Stores when the run goes on. What has waited past its time ends instead, and is told. */
async function postpone(ctx: RunContext, postponed: Postponed): Promise<void> {
  const { intent } = ctx;
  if (ctx.run.closedAt !== undefined) return;
  const { isKeyStopped, code } = postponed;
  const outcome = isKeyStopped ? "refused" : "skipped";
  const reason: Reason = { code, detail: postponed.message };
  try {
    if (intent === undefined) {
      if (isKeyStopped || postponed.at > lateAfterOf(ctx)) return await endWithoutOrder(ctx, outcome, reason);
      ctx.waits(postponed.message);
      ctx.run = { ...ctx.run, dueAt: postponed.at };
      await ctx.deps.ledger.postpone(ctx.run);
    } else if (intent.state === "PLANNED" && isGivenUp(intent, postponed)) {
      await endIntent(ctx, intent, "SKIPPED", outcome, reason);
    } else {
      const failing = { ...intent, failingSince: failingSince(ctx, intent, postponed) };
      if (isHopeless(ctx, failing)) return await quarantine(ctx, intent, postponed.message);
      await tellWaiting(ctx, intent, postponed);
      await ctx.write(intent, { ...ctx.waiting(failing, postponed.message), dueAt: postponed.at });
    }
  } finally {
    ctx.deps.report({
      run: ctx.run.id,
      plan: ctx.run.plan,
      step: "reconcile",
      label: ctx.label,
      at: ctx.deps.clock.now(),
      detail: `goes on later: ${postponed.message}`,
    });
  }
}

/** Since when nothing was answered whole, as far as it was tried: where nothing ran for an hour, it counts anew. */
function failingSince(ctx: RunContext, { failingSince: since, dueAt }: Intent, { because }: Postponed) {
  if (because === "doubtful") return undefined;
  if (because === "waits") return since;
  const now = ctx.deps.clock.now();
  return since !== undefined && now - (dueAt ?? now) < HOUR_MS ? since : now;
}

/** An order that may exist is a day old, and for an hour at least it could not be looked for. */
function isHopeless(ctx: RunContext, { state, deadline, createdAt, failingSince: since }: Intent): boolean {
  if (state !== "SUBMITTING" || since === undefined) return false;
  const now = ctx.deps.clock.now();
  // Test: an order that cannot be looked for is quarantined after a day, and not before it was tried for some time
  return now - (deadline ?? createdAt) >= DAY_MS && now - since >= HOUR_MS;
}

/** Past its time; where attempts were made, each proven to have placed nothing, a day is left to look once more. */
const isGivenUp = ({ n, lateAfter }: Intent, { at, isKeyStopped }: Postponed): boolean =>
  isKeyStopped || at > (n === 0 ? lateAfter : later(lateAfter, DAY_MS));
