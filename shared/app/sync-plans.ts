/**
 * Above 300 plans: makes the schedules in a group of Scheduler's, which is ours alone, agree with the settings. Each minute.
 *
 * ListSchedules tells names, not what a schedule says, so the name carries it: `btc-weekly.1a2b3c4d5e6f` ends in a
 * fingerprint of everything else. What changes is a new name, made before the old one is deleted: no gap, and where both
 * fire at one slot it is one run. Only what somebody rewrites by hand under its name stays unseen, until its plan changes.
 *
 * Promises: it may be called twice and killed anywhere, and ends at the same set; a schedule in the group that is of no plan
 * is deleted, whoever made it. Agreement is never concluded from calls that succeeded: a whole list has to show it.
 */
import {
  changesCount,
  type FoundSchedule,
  type ScheduleChanges,
  scheduleChanges,
} from "../domain/schedule-sync.ts";
import { type EpochMs, HOUR_MS, isoOf, later, MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { CallBudget } from "./call-budget.ts";
import type { Chance, Clock } from "./clock.ts";
import { hashOf } from "./ids.ts";

/** What a plan's schedule must say. */
export type WantedSchedule = {
  readonly plan: string;
  /** The queue's message group. */
  readonly account: string;
  /** Always `cron()`: `rate()` fires when it is made. */
  readonly expression: string;
  readonly zone: string;
  readonly description: string;
  readonly message: string;
};

/** `already`: nothing was left to do, or AWS is still at it. `later`: AWS cannot now; the next minute goes on. */
export type ScheduleAnswer = "done" | "already" | "later";

/** The schedules of one group. */
export interface Schedules {
  /** Where all of them send. */
  readonly target: string;
  /** Its plan's name, and a fingerprint of everything that AWS is told of it. */
  nameOf(schedule: WantedSchedule): string;
  page(token: string | undefined): Promise<SchedulePage | "later">;
  create(schedule: WantedSchedule): Promise<ScheduleAnswer>;
  /** Says everything again to one that is there. */
  restore(schedule: WantedSchedule): Promise<ScheduleAnswer>;
  remove(name: string): Promise<ScheduleAnswer>;
}

export type SchedulePage = {
  readonly schedules: readonly FoundSchedule[];
  readonly next: string | undefined;
};

export type SyncState = {
  /** Changes at every write. */
  readonly rvn: number;
  /** The invocation that wrote it. */
  readonly by: string;
  /** Of the names of all wanted schedules. */
  readonly hash: string;
  /** When a whole list last showed these and nothing else; undefined while it has not. */
  readonly agreedAt: EpochMs | undefined;
  /** Since when it has been worked on. */
  readonly since: EpochMs;
  /** Changes that were still to be made; for the owner's eyes. */
  readonly left: number;
  /** Until then one invocation has the group to itself: an old version must not undo what a new one does. */
  readonly heldUntil: EpochMs | undefined;
};

export interface SyncStore {
  read(): Promise<SyncState | undefined>;
  /** Compare-and-set on `rvn` (undefined: there is none yet). */
  write(before: SyncState | undefined, after: SyncState): Promise<boolean>;
}

/** Made once for each container: the settings do not change in it. */
export type WantedSchedules = {
  readonly hash: string;
  readonly byName: ReadonlyMap<string, WantedSchedule>;
};

export type SyncDeps = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly schedules: Schedules;
  readonly sync: SyncStore;
  readonly wanted: WantedSchedules;
};

export type SyncReport = {
  /** `held`: another invocation is at it. */
  readonly is: "agreed" | "working" | "held";
  readonly created: number;
  readonly restored: number;
  readonly removed: number;
  readonly left: number;
};

/** Somebody may have deleted a schedule by hand. */
const VERIFY_MS = HOUR_MS;
/** No call starts later than this. A call takes 5 s at most, and the function may take 60. */
const BUDGET_MS = 40 * SECOND_MS;
/** Longer than a budget with its last calls, shorter than until the next minute's firing. */
const HOLD_MS = 55 * SECOND_MS;
/** AWS's default quota of ListSchedules; those of the other calls are higher. */
const CALLS_PER_SECOND = 50;
/** Without any progress for this long it is an error, and the alarm rings. */
const STUCK_MS = 30 * MINUTE_MS;

export function wantedSchedules(
  list: readonly WantedSchedule[],
  nameOf: Schedules["nameOf"],
): WantedSchedules {
  const byName = new Map(list.map((schedule) => [nameOf(schedule), schedule]));
  if (new Set(list.map(({ plan }) => plan)).size !== list.length) throw new Error("a plan is there twice");
  return { hash: hashOf([...byName.keys()].sort()), byName };
}

const IDLE = { created: 0, restored: 0, removed: 0, left: 0 };

/** One read when nothing has changed for less than an hour. Throws, in the end, what AWS refused for good. */
export async function syncPlans(deps: SyncDeps): Promise<SyncReport> {
  const { clock, sync, wanted } = deps;
  const now = clock.now();
  const before = await sync.read();
  const known = before?.hash === wanted.hash ? before : undefined;
  if (known?.agreedAt !== undefined && now < later(known.agreedAt, VERIFY_MS))
    return { is: "agreed", ...IDLE };
  // Test: an invocation that another one overlaps leaves the group alone
  if (before?.heldUntil !== undefined && now < before.heldUntil) return { is: "held", ...IDLE };
  const held: SyncState = {
    rvn: (before?.rvn ?? 0) + 1,
    by: deps.chance.id(),
    hash: wanted.hash,
    agreedAt: known?.agreedAt,
    since: known !== undefined && known.agreedAt === undefined ? known.since : now,
    left: known?.left ?? 0,
    heldUntil: later(now, HOLD_MS),
  };
  if (!(await sync.write(before, held))) return { is: "held", ...IDLE };

  const budget = new CallBudget(clock, { ms: BUDGET_MS, callsPerSecond: CALLS_PER_SECOND });
  const found = await listAll(deps, budget);
  const changes = found && scheduleChanges(plansOf(wanted), deps.schedules.target, found);
  const made = changes === undefined ? IDLE : await make(deps, changes, budget);
  const done = made.created + made.restored + made.removed;
  const left = changes === undefined ? held.left : changesCount(changes) - done;
  const agrees = changes !== undefined && changesCount(changes) === 0;
  await sync.write(held, {
    ...held,
    rvn: held.rvn + 1,
    agreedAt: agrees ? now : undefined,
    left,
    heldUntil: undefined,
  });
  complain(budget.failures);
  if (!agrees && done === 0 && now > later(held.since, STUCK_MS)) {
    const what = changes === undefined ? "they could not be listed in time" : `${left} changes are left`;
    throw new Error(
      `the schedules have not agreed with the settings since ${isoOf(held.since)}, and this minute changed nothing: ${what}`,
    );
  }
  return { is: agrees ? "agreed" : "working", ...made, left };
}

const plansOf = ({ byName }: WantedSchedules): ReadonlyMap<string, string> =>
  new Map([...byName].map(([name, { plan }]) => [name, plan]));

/** Undefined when not all of it could be had: then nothing is known to be missing or too much. */
async function listAll(
  { schedules }: SyncDeps,
  budget: CallBudget,
): Promise<readonly FoundSchedule[] | undefined> {
  const found: FoundSchedule[] = [];
  let next: string | undefined;
  do {
    const page = await budget.call(() => schedules.page(next));
    if (page === "later") return undefined;
    found.push(...page.schedules);
    next = page.next;
  } while (next !== undefined);
  return found;
}

/** What left goes first: nothing takes its place. What is replaced goes last, and only when its successor is there. */
async function make({ schedules, wanted }: SyncDeps, changes: ScheduleChanges, budget: CallBudget) {
  const lacking = new Set(changes.missing);
  const count = { created: 0, restored: 0, removed: 0 };
  const remove = async (name: string) => {
    const answer = await budget.call(() => schedules.remove(name));
    if (answer === "done") count.removed++;
  };
  await budget.each(changes.gone, remove);
  await budget.each(changes.missing, async (name) => {
    const answer = await budget.call(() => schedules.create(wanted.byName.get(name)!));
    if (answer !== "done") return;
    count.created++;
    lacking.delete(name);
  });
  await budget.each(changes.altered, async (name) => {
    const answer = await budget.call(() => schedules.restore(wanted.byName.get(name)!));
    if (answer === "done") count.restored++;
  });
  // Test: a plan whose new schedule AWS refuses keeps its old one, and the others go on
  const succeeded = changes.replaced.filter(({ by }) => !lacking.has(by));
  await budget.each(succeeded, ({ name }) => remove(name));
  return count;
}

/** The same refusal of a thousand schedules is told three times. */
function complain(failures: readonly Error[]): void {
  if (failures.length === 0) return;
  const more = failures.length > 3 ? `; and ${failures.length - 3} more` : "";
  const shown = failures.slice(0, 3).map(({ message }) => message);
  throw new AggregateError(failures, shown.join("; ") + more);
}
