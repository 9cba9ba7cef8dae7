/**
 * The sweep only finds: runs whose time has come are put into the queue, slots without a run are fired or written down as
 * missed, messages that were not told are told. It decides nothing about money.
 *
 * Promises: every slot of every plan since it was first seen ends up with a run; doing it twice is doing it once.
 */
import { missedText } from "../domain/messages.ts";
import { accountNameOf, type DcaPlan, type Plan } from "../domain/plan.ts";
import type { Run } from "../domain/run.ts";
import { nextSlot, slotsBetween, slotText } from "../domain/schedule.ts";
import { type EpochMs, later, MINUTE_MS } from "../domain/time.ts";
import { localText } from "../domain/zone.ts";
import { tellDay } from "./daily-line.ts";
import { hashOf } from "./ids.ts";
import { inParallel } from "./in-parallel.ts";
import { venueLabel } from "./label.ts";
import type { Message, OpenWork, PlanState, SweepDeps } from "./ports.ts";
import { type AccountHealth, measureAccounts, measureOpenWork } from "./sweep-health.ts";

/** A slot younger than this may still be on its way through schedule and queue. */
const UNDERWAY_MS = 2 * MINUTE_MS;
/** With `ifMissed: skip`: as long as its firing could still be delivered and run. */
const LATE_MS = 10 * MINUTE_MS;
/** At most this many slots of one plan in one sweep; the next one goes on. */
const SLOTS_MAX = 500;
/** Most of a sweep is waiting for the table. One after the other, 5,000 accounts would not fit into its minute. */
const ACCOUNTS_AT_ONCE = 16;
/** A transaction has at most 100 actions; the message is one of them. */
const MISSED_AT_ONCE = 90;

export type SweepReport = {
  readonly resumed: readonly string[];
  readonly fired: readonly string[];
  readonly missed: readonly string[];
  readonly told: number;
};

/** Makes the plans known to the ledger. Slots count from the first time on, so that deploying never fires. */
export async function registerPlans(deps: SweepDeps): Promise<void> {
  const now = deps.clock.now();
  const plans = deps.settings.plans.filter(({ kind }) => kind === "dca");
  await inParallel(plans, ACCOUNTS_AT_ONCE, (plan) =>
    deps.books.registerPlan(
      accountNameOf(plan, deps.settings.accounts),
      plan.id,
      hashOf({ schedule: plan.schedule, zone: plan.zone }),
      now,
    ),
  );
  // A plan that left tide.yaml starts its accounts anew when it comes back: editing never fires.
  // Test: fires nothing when it comes back: its slots count from then on
  const planned = plansByAccount(deps);
  await inParallel(deps.settings.accounts, ACCOUNTS_AT_ONCE, async (account) => {
    const ids = new Set((planned.get(account.name) ?? []).map(({ id }) => id));
    for (const { id } of await deps.books.plans(account.name)) {
      if (!ids.has(id)) await deps.books.registerPlan(account.name, id, RETIRED, now);
    }
  });
}

function plansByAccount({ settings }: Pick<SweepDeps, "settings">): ReadonlyMap<string, readonly Plan[]> {
  return Map.groupBy(settings.plans, (plan) => accountNameOf(plan, settings.accounts));
}

/** In place of the hash of a schedule. */
const RETIRED = "retired";

/** What fails is left for the next sweep, and keeps nothing else from being done. Throws at the end if something did. */
export async function sweepRuns(deps: SweepDeps): Promise<SweepReport> {
  const failures: Error[] = [];
  const report = await sweepAll(deps, async (work) => {
    try {
      await work();
    } catch (error) {
      failures.push(error as Error);
    }
  });
  if (failures.length === 0) return report;
  throw new AggregateError(failures, failures.map(({ message }) => message).join("; "));
}

type Untold = Awaited<ReturnType<SweepDeps["books"]["unsentMessages"]>>;

const NO_WORK: OpenWork = { due: [], intents: [], unreadable: [] };

type Attempt = (work: () => Promise<void>) => Promise<void>;

async function sweepAll(deps: SweepDeps, attempt: Attempt): Promise<SweepReport> {
  const now = deps.clock.now();
  const resumed: string[] = [];
  let work: OpenWork = NO_WORK;
  await attempt(async () => {
    work = await deps.books.openWork(now);
  });
  for (const error of work.unreadable) await attempt(() => Promise.reject(error));
  // Test: drop-request: absence is proven before the second attempt, which buys once
  for (const { account, run, dueAt } of work.due) {
    await attempt(async () => {
      await deps.queue.send(account, { kind: "resume", account, run }, `${run}#${dueAt}`);
      resumed.push(run);
    });
  }
  const fired: string[] = [];
  const missed: string[] = [];
  const health: AccountHealth[] = [];
  const planned = plansByAccount(deps);
  await inParallel(deps.settings.accounts, ACCOUNTS_AT_ONCE, (account) =>
    attempt(async () => {
      const plans = await deps.books.plans(account.name);
      const [head, key] = await Promise.all([
        deps.books.head(account.name),
        deps.books.keyCheck(account.name, "trade"),
      ]);
      health.push({ head, plans, key });
      const states = new Map(plans.map((state) => [state.id, state]));
      for (const plan of planned.get(account.name) ?? []) {
        const state = states.get(plan.id);
        if (plan.kind !== "dca" || state === undefined) continue;
        await attempt(async () => {
          const found = await accountSlots(deps, account.name, plan, state, now);
          fired.push(...found.fired);
          missed.push(...found.missed);
        });
      }
      await attempt(async () => void (await tellDay(deps, account.name, { head, plans }, now)));
    }),
  );
  measureAccounts(deps, health, now);
  let untold: Untold = [];
  await attempt(async () => {
    untold = await deps.books.unsentMessages(now);
  });
  measureOpenWork(deps, work, untold, now);
  // Test: tells what could not be told when it happened
  return { resumed, fired, missed, told: await flushOutbox(deps, untold, attempt) };
}

/** Every slot since `accountedTo`: has it a run? If not, may it still be fired, or was it missed? */
async function accountSlots(deps: SweepDeps, account: string, plan: DcaPlan, state: PlanState, now: EpochMs) {
  const until = later(now, -UNDERWAY_MS);
  const slots = slotsBetween(plan.schedule, plan.zone, state.accountedTo, until, SLOTS_MAX);
  const withinMs = plan.ifMissed.is === "catch-up" ? plan.ifMissed.withinMs : LATE_MS;
  const fired: string[] = [];
  const underway = new Set<EpochMs>();
  const lost: EpochMs[] = [];
  for (const slot of slots) {
    const id = `${plan.id}@${slotText(slot)}`;
    if ((await deps.books.run(account, id)) !== undefined) continue;
    if (now > later(slot, withinMs)) {
      lost.push(slot);
      continue;
    }
    underway.add(slot);
    // Test: fires a slot that left no run while it may still be caught up
    if (plan.ifMissed.is === "skip") continue;
    await deps.queue.send(account, { kind: "dca", account, plan: plan.id, slot: slotText(slot) }, id);
    fired.push(id);
  }
  const missed: string[] = [];
  for (let from = 0; from < lost.length; from += MISSED_AT_ONCE) {
    const chunk = lost.slice(from, from + MISSED_AT_ONCE);
    // Not written when one of them has a run after all; then the next sweep looks again.
    if (await writeMissed(deps, account, plan, chunk, now))
      missed.push(...chunk.map((slot) => `${plan.id}@${slotText(slot)}`));
    else for (const slot of chunk) underway.add(slot);
  }
  const firstOpen = slots.findIndex((slot) => underway.has(slot));
  const accountedTo = firstOpen === -1 ? slots.at(-1) : slots[firstOpen - 1];
  if (accountedTo !== undefined)
    await deps.books.setAccountedTo(account, plan.id, state.accountedTo, accountedTo);
  return { fired, missed };
}

/** The slots' runs and one message for all of them, in one transaction: nothing is missed without being told. */
async function writeMissed(
  deps: SweepDeps,
  account: string,
  plan: DcaPlan,
  slots: readonly EpochMs[],
  now: EpochMs,
): Promise<boolean> {
  const label = venueLabel(deps);
  const detail = "nothing ran at its time";
  const runs = slots.map(
    (slot): Run => ({
      id: `${plan.id}@${slotText(slot)}`,
      account,
      plan: plan.id,
      kind: "dca",
      slot,
      trigger: "schedule",
      label,
      openedAt: now,
      closedAt: now,
      outcome: "missed",
      reason: { code: "MISSED", detail },
      steps: [{ step: "record", at: now, detail: `missed: ${detail}` }],
    }),
  );
  const next = nextSlot(plan.schedule, plan.zone, now);
  const text = missedText(
    label,
    plan.id,
    slots.map((slot) => localText(slot, plan.zone)),
    "Tidekeeper was not running, or nothing reached it",
    next === undefined ? "" : `Next: ${localText(next, plan.zone)}.`,
  );
  const first = runs[0]!.id;
  const message: Message = { id: `${first}#missed`, at: now, run: first, outcome: "missed", ...text };
  if (!(await deps.books.addMissed(runs, message))) return false;
  deps.measure("SlotsMissed", runs.length);
  for (const run of runs) {
    deps.report({
      run: run.id,
      plan: plan.id,
      step: "record",
      label,
      at: now,
      detail: `missed: ${detail}`,
      outcome: "missed",
    });
  }
  return true;
}

async function flushOutbox(deps: SweepDeps, untold: Untold, attempt: Attempt): Promise<number> {
  let told = 0;
  for (const { account, message } of untold) {
    await attempt(async () => {
      await deps.notifier.publish(account, message);
      await deps.ledger.messageSent(account, message.id, deps.clock.now());
      told++;
    });
  }
  return told;
}
