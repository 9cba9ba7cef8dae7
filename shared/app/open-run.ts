/** Which run a firing is, and all that is known of it: the beginning of every run, and of every return to one. */
import { cost, rate } from "../domain/money.ts";
import { type Account, accountNameOf, type DcaPlan } from "../domain/plan.ts";
import { TIERS } from "../domain/rate-counter.ts";
import type { Firing, Intent, Label, Reason, Resume, Run } from "../domain/run.ts";
import { runIdOf } from "../domain/run.ts";
import { isBetweenSlots, isSlot, parseSlot } from "../domain/schedule.ts";
import { type EpochMs, later, MINUTE_MS } from "../domain/time.ts";
import { armingHash, keyHashOf } from "./ids.ts";
import { venueLabel } from "./label.ts";
import type { Deps } from "./ports.ts";
import { BetweenSlots, FiringRefused } from "./refuse-firing.ts";
import { RunContext } from "./run-context.ts";
import { type RunReport, reportOf } from "./run-report.ts";
import { endWithoutOrder } from "./steps/conclude.ts";
import { checkStanding } from "./steps/plan-buy.ts";

/** Reads the run's state, or starts it. A finished report where there is nothing to work with. */
export async function openRun(
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
    keyProblem: problem,
    snapshot,
    run,
  });
  if (snapshot.run === undefined) {
    ctx.step("fire", slot === undefined ? "by hand" : `slot ${runId.slice(plan.id.length + 1)}`);
  }
  // Its caller waits for the key.
  if (problem !== undefined) return ctx;
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

export const NO_CREDENTIALS = { apiKey: "", privateKey: undefined as never, version: "" };

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
  const account =
    settings.accounts.find((known) => known.name === firing.account) ??
    // Test: leaves no order behind that nobody looks for, when its account leaves
    (firing.kind === "resume" ? goneAccount(firing.account) : undefined);
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
    if (isBetweenSlots(plan.schedule, plan.zone, slot)) {
      const detail = `${firing.slot} lies between the slots of plan ${planId}: nothing to do`;
      deps.report({
        run: runId,
        plan: planId,
        step: "fire",
        label: venueLabel(deps),
        at: deps.clock.now(),
        detail,
      });
      throw new BetweenSlots(detail);
    }
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

/** Of an account that tide.yaml has no longer: enough to look at its orders. The smallest tier is never too fast. */
const goneAccount = (name: string): Account => ({ name, tier: TIERS.starter });

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
