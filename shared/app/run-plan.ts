/**
 * The whole way of a firing: fire → plan → quote → size → record → submit → reconcile → notify. Read this first.
 *
 * Safe to call again for the same firing, at any time, by any number of workers, after any crash: it goes on from the
 * ledger. There is no other recovery code.
 *
 * Promises: at most one order per intent is ever accepted; no order leaves that is not in the ledger first; no order that
 * Kraken accepted is forgotten; what may be spent never exceeds a cap; every run ends in one outcome that is told.
 */
import { cost, rate } from "../domain/money.ts";
import { accountNameOf, type DcaPlan } from "../domain/plan.ts";
import type { Fills, Firing, Intent, Label, Outcome, Reason, Resume, Run } from "../domain/run.ts";
import { runIdOf } from "../domain/run.ts";
import { isBetweenSlots, isSlot, parseSlot } from "../domain/schedule.ts";
import { DAY_MS, type EpochMs, later, MINUTE_MS } from "../domain/time.ts";
import { armingHash, keyHashOf } from "./ids.ts";
import { venueLabel } from "./label.ts";
import type { Deps } from "./ports.ts";
import { BetweenSlots, FiringRefused } from "./refuse-firing.ts";
import { type Postponed, RunContext } from "./run-context.ts";
import { endIntent, endWithoutOrder } from "./steps/conclude.ts";
import { checkStanding, lateAfterOf, planBuy } from "./steps/plan-buy.ts";
import { resolve } from "./steps/resolve.ts";
import { settle } from "./steps/settle.ts";
import { asPostponed, tellWaiting } from "./steps/stand-still.ts";
import { submit } from "./steps/submit.ts";

export type RunReport = {
  readonly run: string;
  readonly plan: string;
  readonly label: Label;
  /** Of a run that is not over yet: `uncertain` with an order in doubt, else `waiting`. */
  readonly outcome: Outcome;
  readonly reason: Reason | undefined;
  readonly orders: readonly {
    readonly clientOrderId: string;
    readonly txids: readonly string[];
    readonly state: Intent["state"];
    readonly fills: Fills | undefined;
  }[];
  readonly dueAt: EpochMs | undefined;
};

/** More turns than any run can need; one more is a bug, and stops before it can do harm. */
const TURNS_MAX = 25;

/** `askedAt`: when a firing by hand was put into the queue. One that waited too long there is missed, not bought. */
export async function runPlan(firing: Firing | Resume, deps: Deps, askedAt?: EpochMs): Promise<RunReport> {
  const ctx = await openRun(firing, deps, askedAt);
  if (!(ctx instanceof RunContext)) return ctx;
  return inRun(ctx, async () => {
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
  needKey(ctx);
  try {
    return await work(ctx);
  } finally {
    await ctx.releaseKey();
  }
}

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

/** Reads the run's state, or starts it. A finished report where there is nothing to work with. */
async function openRun(
  firing: Firing | Resume,
  deps: Deps,
  askedAt?: EpochMs,
): Promise<RunContext | RunReport> {
  const { plan: current, planId, account, slot, runId } = identify(firing, deps);
  const { credentials, problem } = await credentialsOf(deps, account.name);
  const keyHash = credentials === undefined ? undefined : keyHashOf(credentials.apiKey);
  const snapshot = await deps.ledger.read({
    account: account.name,
    plan: planId,
    run: runId,
    ...(keyHash === undefined ? {} : { keyHash }),
  });
  if (snapshot.run === undefined && firing.kind === "resume") {
    throw new FiringRefused(`the ledger has no run ${runId} to resume`);
  }
  // Not in the ledger yet: the queue delivers it again.
  if (problem !== undefined && snapshot.run === undefined) throw problem;
  const plan = current ?? retiredPlan(planId, snapshot.intent);
  const label = labelOf(deps, snapshot.head.armed);
  const run: Run = snapshot.run ?? {
    id: runId,
    account: account.name,
    plan: plan.id,
    kind: "dca",
    slot,
    trigger: slot === undefined ? "manual" : "schedule",
    label: label ?? "LIVE",
    // Test: a buy by hand that waited in the queue for long is missed, not bought at another market
    openedAt: (slot === undefined ? askedAt : undefined) ?? deps.clock.now(),
    steps: [],
  };
  if (snapshot.run?.closedAt !== undefined) return reportOf(snapshot.run, snapshot.intent);
  const ctx = new RunContext({
    deps,
    plan,
    isRetired: current === undefined,
    account,
    label: run.label,
    labelNow: label,
    credentials: credentials ?? NO_CREDENTIALS,
    keyHash: keyHash ?? "",
    snapshot,
    run,
  });
  if (snapshot.run === undefined) {
    ctx.step("fire", slot === undefined ? "by hand" : `slot ${runId.slice(plan.id.length + 1)}`);
  }
  // Test: a run whose key cannot be read now waits in the ledger, and is not refused for it
  if (problem !== undefined) {
    await inRun(ctx, () => Promise.reject(problem));
    return reportOf(ctx.run, ctx.intent);
  }
  const obstacle = credentials === undefined ? noKey(account.name) : checkStanding(ctx);
  if (snapshot.intent === undefined && obstacle !== undefined) {
    await endWithoutOrder(ctx, "refused", obstacle);
    return reportOf(ctx.run, ctx.intent);
  }
  return ctx;
}

/** That there is no key is an answer; that it cannot be read is a problem, and may pass. */
async function credentialsOf(deps: Deps, account: string) {
  try {
    return { credentials: await deps.secrets.credentials(account, "trade") };
  } catch (error) {
    return { problem: error as Error };
  }
}

const NO_CREDENTIALS = { apiKey: "", privateKey: undefined as never, version: "" };

function needKey(ctx: RunContext): void {
  if (ctx.credentials !== NO_CREDENTIALS) return;
  throw new Error("it has an order in the ledger, and there is no key to ask Kraken with");
}

const noKey = (account: string): Reason => ({
  code: "KEY_MISSING",
  detail: `no API key is set for account ${account}; \`tide keys set\` takes one`,
});

/** Play money in the sandbox; at Kraken live only when it is asked for and armed. */
function labelOf(deps: Deps, armed: string | undefined): Label | undefined {
  const label = venueLabel(deps);
  return label !== "LIVE" || armed === armingHash(deps) ? label : undefined;
}

/** Which run this firing is. Refuses what is no slot of its plan, so that nothing but the schedule can make one. */
function identify(firing: Firing | Resume, deps: Deps) {
  const { settings } = deps;
  const account = settings.accounts.find((known) => known.name === firing.account);
  if (account === undefined) throw new FiringRefused(`there is no account ${JSON.stringify(firing.account)}`);
  const runId = firing.kind === "resume" ? firing.run : runIdOf(firing);
  const planId = firing.kind === "resume" ? firing.run.split("@", 1)[0]! : firing.plan;
  const found = settings.plans.find((plan) => plan.id === planId);
  const slotText = runId.slice(planId.length + 1);
  const slot = firing.kind === "resume" || "slot" in firing ? parseSlot(slotText) : undefined;
  const isOurs = found?.kind === "dca" && accountNameOf(found, settings.accounts) === account.name;
  // Test: leaves no order behind that nobody looks for
  if (firing.kind === "resume" && !isOurs) return { plan: undefined, planId, account, slot, runId };
  if (found === undefined) throw new FiringRefused(`there is no plan ${JSON.stringify(planId)}`);
  if (found.kind !== "dca" || (firing.kind !== "resume" && firing.kind !== found.kind)) {
    throw new FiringRefused(`plan ${planId} is a ${found.kind} plan, it cannot be fired as ${firing.kind}`);
  }
  const plan: DcaPlan = found;
  if (accountNameOf(plan, settings.accounts) !== account.name) {
    throw new FiringRefused(`plan ${planId} does not belong to account ${account.name}`);
  }
  if (firing.kind !== "resume" && "slot" in firing) {
    if (slot === undefined)
      throw new FiringRefused(`${JSON.stringify(firing.slot)} is not a minute like 2026-11-23T07:00Z`);
    // Test: the firings between the slots of every third day are dropped without a word, and its slots are bought
    if (isBetweenSlots(plan.schedule, plan.zone, slot))
      throw new BetweenSlots(`${firing.slot} lies between the slots of plan ${planId}`);
    // Test: a firing of no slot is put aside and told, and others go on
    if (!isSlot(plan.schedule, plan.zone, slot)) {
      throw new FiringRefused(`${firing.slot} is no slot of plan ${planId}`);
    }
    // A minute ahead at most: EventBridge delivers within the minute, clocks differ by seconds.
    // Test: a firing of the future is put aside and told, and others go on
    if (slot > later(deps.clock.now(), MINUTE_MS)) throw new FiringRefused(`${firing.slot} has not come yet`);
  }
  return { plan, planId, account, slot, runId };
}

/** Of a plan that tide.yaml has no longer: enough to account for its runs, never to order. */
const retiredPlan = (id: string, intent: Intent | undefined): DcaPlan => ({
  kind: "dca",
  id,
  pair: intent?.order.pair ?? { base: "", quote: "" },
  spend: intent?.order.costMax ?? cost("0"),
  schedule: { is: "daily", time: { hour: 0, minute: 0 } },
  zone: "UTC",
  order: { style: "taker" },
  guards: { maxSpread: rate("0") },
  ifTooSmall: "skip",
  ifMissed: { is: "skip" },
});

/** Stores when the run goes on. What has waited past its time ends instead, and is told. */
async function postpone(ctx: RunContext, postponed: Postponed): Promise<void> {
  const { intent } = ctx;
  if (ctx.run.closedAt !== undefined) return;
  const { isKeyStopped } = postponed;
  const outcome = isKeyStopped ? "refused" : "skipped";
  const code = isKeyStopped ? "KEY_STOPPED" : "EXCHANGE_UNREACHABLE";
  const reason: Reason = { code, detail: postponed.message };
  try {
    if (intent === undefined) {
      if (isKeyStopped || postponed.at > lateAfterOf(ctx)) return await endWithoutOrder(ctx, outcome, reason);
      ctx.run = { ...ctx.run, dueAt: postponed.at };
      await ctx.deps.ledger.postpone(ctx.run);
    } else if (intent.state === "PLANNED" && isGivenUp(intent, postponed)) {
      await endIntent(ctx, intent, "SKIPPED", outcome, reason);
    } else {
      await tellWaiting(ctx, intent, postponed);
      await ctx.write(intent, { ...intent, dueAt: postponed.at });
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

/** Past its time; where attempts were made, each proven to have placed nothing, a day is left to look once more. */
const isGivenUp = ({ n, lateAfter }: Intent, { at, isKeyStopped }: Postponed): boolean =>
  isKeyStopped || at > (n === 0 ? lateAfter : later(lateAfter, DAY_MS));

export function reportOf(run: Run, intent: Intent | undefined): RunReport {
  const open: Outcome =
    intent?.state === "SUBMITTING" || intent?.state === "QUARANTINED" ? "uncertain" : "waiting";
  return {
    run: run.id,
    plan: run.plan,
    label: run.label,
    outcome: run.outcome ?? open,
    reason: run.reason,
    orders:
      intent === undefined
        ? []
        : [
            {
              clientOrderId: intent.clientOrderId,
              txids: intent.txids,
              state: intent.state,
              fills: intent.fills,
            },
          ],
    dueAt: run.closedAt === undefined ? (intent?.dueAt ?? run.dueAt) : undefined,
  };
}
