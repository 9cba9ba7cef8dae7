/** Every slot of a plan ends up with a run: it is there, it is fired late, or it is written down as missed and told. */
import { missedText } from "../domain/messages.ts";
import type { DcaPlan, IfMissed } from "../domain/plan.ts";
import type { Run } from "../domain/run.ts";
import { isSlot, nextSlot, slotsBetween, slotText } from "../domain/schedule.ts";
import { type EpochMs, later, MINUTE_MS } from "../domain/time.ts";
import { localText } from "../domain/zone.ts";
import { venueLabel } from "./label.ts";
import type { Message, PlanState, SweepDeps } from "./ports.ts";

/** A slot younger than this may still be on its way through schedule and queue. */
const UNDERWAY_MS = 2 * MINUTE_MS;
/** With `ifMissed: skip`: as long as its firing could still be delivered and run. */
const LATE_MS = 10 * MINUTE_MS;
/** At most this many slots of one plan at once; a sweep leaves the rest to the next one. */
const SLOTS_MAX = 500;
/** A transaction has at most 100 actions; the message is one of them. */
const MISSED_AT_ONCE = 90;

/** Every slot since `accountedTo`: has it a run? If not, may it still be fired, or was it missed? */
export async function accountSlots(
  deps: SweepDeps,
  account: string,
  plan: DcaPlan,
  state: PlanState,
  now: EpochMs,
) {
  const until = later(now, -UNDERWAY_MS);
  const slots = slotsBetween(plan.schedule, plan.zone, state.accountedTo, until, SLOTS_MAX);
  const fired: string[] = [];
  const underway = new Set<EpochMs>();
  const lost: EpochMs[] = [];
  for (const slot of slots) {
    if (await hasRun(deps, account, plan.id, slot)) continue;
    if (now > mayStartUntil(plan, slot)) {
      lost.push(slot);
      continue;
    }
    underway.add(slot);
    // Test: fires a slot that left no run while it may still be caught up
    if (plan.ifMissed.is !== "skip") fired.push(await fire(deps, account, plan.id, slot));
  }
  const missed: string[] = [];
  const books: Books = { deps, account, plan: plan.id, zone: plan.zone, now };
  for (const chunk of chunks(lost)) {
    // Not written when one of them has a run after all; then the next sweep looks again.
    if (await writeMissed(books, chunk, NEVER_RAN, plan)) {
      missed.push(...chunk.map((slot) => runId(plan.id, slot)));
    } else for (const slot of chunk) underway.add(slot);
  }
  const firstOpen = slots.findIndex((slot) => underway.has(slot));
  const accountedTo = firstOpen === -1 ? slots.at(-1) : slots[firstOpen - 1];
  if (accountedTo !== undefined)
    await deps.books.setAccountedTo(account, plan.id, state.accountedTo, accountedTo);
  return { fired, missed, areAll: slots.length < SLOTS_MAX, open: [...underway] };
}

/**
 * The last look at a schedule that holds no longer, up to and including `now`. A slot that the plan's `successor` has, too,
 * and that may still be bought, becomes a run that is due; any other one without a run is missed: its firing, should it
 * still come, is no slot any more. Doing it twice is doing it once. False when there are more slots than are done in one go.
 */
export async function closeAccounts(
  deps: SweepDeps,
  account: string,
  state: PlanState,
  successor: DcaPlan | undefined,
  now: EpochMs,
): Promise<boolean> {
  if (state.schedule === undefined) return true;
  const { schedule, zone } = state.schedule;
  const books: Books = { deps, account, plan: state.id, zone, now };
  const why = successor === undefined ? TAKEN_OUT : EDITED;
  const isStillBought = (slot: EpochMs): boolean =>
    successor !== undefined &&
    isSlot(successor.schedule, successor.zone, slot) &&
    now <= mayStartUntil(successor, slot);
  const slots = slotsBetween(schedule, zone, state.accountedTo, now, SLOTS_MAX);
  const lost: EpochMs[] = [];
  for (const slot of slots) {
    if (await hasRun(deps, account, state.id, slot)) continue;
    // Test: is still bought while it may be, once, whoever fires it
    if (isStillBought(slot)) await deps.ledger.postpone(dueRun(books, slot));
    else lost.push(slot);
  }
  for (const chunk of chunks(lost)) {
    if (await writeMissed(books, chunk, why, successor)) continue;
    // One of them has got a run meanwhile: each for itself.
    for (const slot of chunk) await writeMissed(books, [slot], why, successor);
  }
  if (slots.length < SLOTS_MAX) return true;
  await deps.books.setAccountedTo(account, state.id, state.accountedTo, slots.at(-1)!);
  return false;
}

type Why = { readonly detail: string; readonly told: string };
const NEVER_RAN: Why = {
  detail: "nothing ran at its time",
  told: "Tidekeeper was not running, or nothing reached it",
};
const because = (reason: string): Why => ({
  detail: `${NEVER_RAN.detail}, and ${reason}`,
  told: `Nothing ran in time, and ${reason}`,
});
const EDITED = because("its schedule has been changed since");
const TAKEN_OUT = because("its plan is no longer in tide.yaml");

const runId = (plan: string, slot: EpochMs): string => `${plan}@${slotText(slot)}`;

async function hasRun(deps: SweepDeps, account: string, plan: string, slot: EpochMs): Promise<boolean> {
  return (await deps.books.run(account, runId(plan, slot))) !== undefined;
}

const mayStartUntil = ({ ifMissed }: { readonly ifMissed: IfMissed }, slot: EpochMs): EpochMs =>
  later(slot, ifMissed.is === "catch-up" ? ifMissed.withinMs : LATE_MS);

async function fire(deps: SweepDeps, account: string, plan: string, slot: EpochMs): Promise<string> {
  const id = runId(plan, slot);
  await deps.queue.send(account, { kind: "dca", account, plan, slot: slotText(slot) }, id);
  return id;
}

function chunks(slots: readonly EpochMs[]): readonly (readonly EpochMs[])[] {
  const starts = Array.from(
    { length: Math.ceil(slots.length / MISSED_AT_ONCE) },
    (_, nth) => nth * MISSED_AT_ONCE,
  );
  return starts.map((start) => slots.slice(start, start + MISSED_AT_ONCE));
}

/** Whose slots are accounted for, in the zone of their schedule. */
type Books = {
  readonly deps: SweepDeps;
  readonly account: string;
  readonly plan: string;
  readonly zone: string;
  readonly now: EpochMs;
};

const runOfSlot = ({ deps, account, plan, now }: Books, slot: EpochMs, detail: string): Run => ({
  id: runId(plan, slot),
  account,
  plan,
  kind: "dca",
  slot,
  trigger: "schedule",
  label: venueLabel(deps),
  openedAt: now,
  steps: [{ step: "record", at: now, detail }],
});

const dueRun = (books: Books, slot: EpochMs): Run => ({
  ...runOfSlot(books, slot, "its schedule was changed while its time had come; the new one has it, too"),
  dueAt: books.now,
});

/** The slots' runs and one message for all of them, in one transaction: nothing is missed without being told. */
async function writeMissed(
  books: Books,
  slots: readonly EpochMs[],
  { detail, told }: Why,
  planNow: DcaPlan | undefined,
): Promise<boolean> {
  const { deps, plan, zone, now } = books;
  const label = venueLabel(deps);
  const said = `missed: ${detail}`;
  const runs = slots.map(
    (slot): Run => ({
      ...runOfSlot(books, slot, said),
      closedAt: now,
      outcome: "missed",
      reason: { code: "MISSED", detail },
    }),
  );
  const next = planNow === undefined ? undefined : nextSlot(planNow.schedule, planNow.zone, now);
  const text = missedText(
    label,
    plan,
    slots.map((slot) => localText(slot, zone)),
    told,
    next === undefined ? "" : `Next: ${localText(next, planNow!.zone)}.`,
  );
  const first = runs[0]!.id;
  const message: Message = { id: `${first}#missed`, at: now, run: first, outcome: "missed", ...text };
  if (!(await deps.books.addMissed(runs, message))) return false;
  deps.measure("SlotsMissed", runs.length);
  for (const run of runs) {
    deps.report({ run: run.id, plan, step: "record", label, at: now, detail: said, outcome: "missed" });
  }
  return true;
}
