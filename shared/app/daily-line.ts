/** Once a day, one line that accounts for every slot of the day before: planned, and what became of each. */
import { windowsToForget } from "../domain/caps.ts";
import { add, decimal, formatShort } from "../domain/decimal.ts";
import { dailyText, openAllowListText, spentOf } from "../domain/messages.ts";
import type { Outcome } from "../domain/run.ts";
import { slotsBetween, slotText } from "../domain/schedule.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, later } from "../domain/time.ts";
import { dayWindow } from "../domain/zone.ts";
import { venueLabel } from "./label.ts";
import type { Head, PlanState, SweepDeps } from "./ports.ts";

/** A slot just before midnight may be under way for as long; after that an unfinished one is told as such. */
const SETTLED_MS = 3 * HOUR_MS;

const WINDOWS_AT_ONCE = 100;

/** With `egress: none` the owner's keys work from anywhere. Said when the day's line is, once a week. */
async function tellOpenAllowList(deps: SweepDeps, account: string, now: EpochMs): Promise<void> {
  if (deps.settings.egress !== "none" || deps.venue !== "kraken") return;
  const week = Math.floor(now / (7 * DAY_MS));
  const text = openAllowListText(venueLabel(deps));
  await deps.books.addMessage(account, { id: `open-allow-list#${week}`, at: now, ...text });
}

export type AccountDay = {
  readonly head: Head;
  readonly plans: readonly PlanState[];
  /** Slots that may still get a run: they end as one, or as missed, before long. */
  readonly open: readonly EpochMs[];
};

/**
 * True when a line was written. Asking again on the same day changes nothing. Where nothing swept for days, one line accounts
 * for all of them. To be called when every slot has been looked at: what has no run then is named.
 */
export async function tellDay(
  deps: SweepDeps,
  account: string,
  { head, plans, open }: AccountDay,
  now: EpochMs,
): Promise<boolean> {
  const { zone } = deps.settings;
  const day = dayWindow(later(now, -SETTLED_MS), zone);
  const yesterday = dayWindow(later(now, -SETTLED_MS - DAY_MS), zone);
  if (head.dailyTo === yesterday || day === yesterday) return false;
  // Test: a day is told although nothing swept on the day after it
  const told = head.dailyTo ?? dayWindow(later(now, -SETTLED_MS - 2 * DAY_MS), zone);
  const isToTell = (at: EpochMs): boolean => {
    const name = dayWindow(at, zone);
    return name > told && name <= yesterday;
  };

  // Test: a slot that is bought late is no slot without a run
  if (open.some(isToTell)) return false;

  await tellOpenAllowList(deps, account, now);
  // Before the first of these days in every zone; the day's own name picks.
  const since = epochMs(Date.parse(`${told}T00:00:00Z`) - DAY_MS);
  const slotsNow = plans.flatMap(({ id, schedule, activeFrom }) =>
    schedule === undefined
      ? []
      : slotsBetween(schedule.schedule, schedule.zone, activeFrom > since ? activeFrom : since, now)
          .filter(isToTell)
          .map((slot) => `${id}@${slotText(slot)}`),
  );
  const runs = (await deps.books.runs(account)).filter(({ run }) => isToTell(run.slot ?? run.openedAt));
  const ended = new Map<Outcome | "not over", number>();
  const spent = new Map<string, ReturnType<typeof decimal>>();
  for (const { run, intent } of runs) {
    const outcome = run.outcome ?? "not over";
    ended.set(outcome, (ended.get(outcome) ?? 0) + 1);
    if (intent?.fills === undefined) continue;
    const asset = intent.order.pair.quote;
    spent.set(asset, add(spent.get(asset) ?? decimal("0"), spentOf(intent.fills)));
  }
  const bySchedule = runs.filter(({ run }) => run.slot !== undefined).map(({ run }) => run.id);
  // A schedule that was edited on the day left a run for each of its slots.
  // Test: the day's line counts the slots of both schedules
  const planned = [...new Set([...slotsNow, ...bySchedule])];
  const byHand = runs.length - bySchedule.length;
  const known = new Set(runs.map(({ run }) => run.id));
  const silent = planned.filter((id) => !known.has(id));
  if (planned.length > 0 || runs.length > 0) {
    const firstDay = dayWindow(epochMs(Date.parse(`${told}T12:00:00Z`) + DAY_MS), "UTC");
    const text = dailyText(venueLabel(deps), {
      day: firstDay === yesterday ? yesterday : `${firstDay} to ${yesterday}`,
      planned: planned.length,
      accounted: planned.length - silent.length,
      silent,
      byHand,
      ended: [...ended].map(([outcome, count]) => `${count} ${outcome}`),
      spent: [...spent].map(([asset, amount]) => `${formatShort(amount)} ${asset}`),
    });
    await deps.books.addMessage(account, { id: `daily#${yesterday}`, at: now, ...text });
  }
  // As many as an update takes well; the next day's line goes on.
  await deps.books.setDaily(account, yesterday, windowsToForget(head.used.keys()).slice(0, WINDOWS_AT_ONCE));
  return planned.length > 0 || runs.length > 0;
}
