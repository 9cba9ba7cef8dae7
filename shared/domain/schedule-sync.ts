/**
 * What is to be done so that the schedules of one group are the wanted ones. A schedule is called `plan.fingerprint`, and the
 * fingerprint is of everything it says: the same name is the same schedule, and a changed plan is a new name.
 */

/** As a list tells it: not what a schedule says, only whether it may run and where it sends. */
export type FoundSchedule = { readonly name: string; readonly isEnabled: boolean; readonly target: string };

export type ScheduleChanges = {
  /** Of plans that left, and whatever else is in the group. */
  readonly gone: readonly string[];
  readonly missing: readonly string[];
  /** There, but somebody switched it off or turned it elsewhere. */
  readonly altered: readonly string[];
  /** What a wanted plan was before, and the name that takes its place. */
  readonly replaced: readonly { readonly name: string; readonly by: string }[];
};

/** At most 32 and 12 characters and a dot, of the 64 that there are. */
export const scheduleName = (plan: string, fingerprint: string): string => `${plan}.${fingerprint}`;

/** A name without a dot belongs to no plan of ours. */
const planOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf(".")));

/** `wanted` are names with their plans; `target` is where all of them send. */
export function scheduleChanges(
  wanted: ReadonlyMap<string, string>,
  target: string,
  found: readonly FoundSchedule[],
): ScheduleChanges {
  const there = new Map(found.map((schedule) => [schedule.name, schedule]));
  const nameOfPlan = new Map([...wanted].map(([name, plan]) => [plan, name]));
  const gone: string[] = [];
  const altered: string[] = [];
  const replaced: { readonly name: string; readonly by: string }[] = [];
  for (const schedule of there.values()) {
    const { name } = schedule;
    const by = nameOfPlan.get(planOf(name));
    if (wanted.has(name)) {
      if (!schedule.isEnabled || schedule.target !== target) altered.push(name);
    } else if (by === undefined) gone.push(name);
    else replaced.push({ name, by });
  }
  return { gone, missing: [...wanted.keys()].filter((name) => !there.has(name)), altered, replaced };
}

export const changesCount = ({ gone, missing, altered, replaced }: ScheduleChanges): number =>
  gone.length + missing.length + altered.length + replaced.length;
