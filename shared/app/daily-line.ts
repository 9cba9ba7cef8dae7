/** Once a day, one line that accounts for every slot of the day before: planned, and what became of each. */
import { windowsToForget } from "../domain/caps.ts";
import { add, decimal, formatShort } from "../domain/decimal.ts";
import { dailyText, openAllowListText, spentOf } from "../domain/messages.ts";
import { accountNameOf } from "../domain/plan.ts";
import type { Outcome } from "../domain/run.ts";
import { slotsBetween, slotText } from "../domain/schedule.ts";
import { DAY_MS, type EpochMs, HOUR_MS, later } from "../domain/time.ts";
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

/** True when a line was written. Asking again on the same day changes nothing. */
export async function tellDay(
  deps: SweepDeps,
  account: string,
  { head, plans }: { readonly head: Head; readonly plans: readonly PlanState[] },
  now: EpochMs,
): Promise<boolean> {
  const { zone } = deps.settings;
  const day = dayWindow(later(now, -SETTLED_MS), zone);
  const yesterday = dayWindow(later(now, -SETTLED_MS - DAY_MS), zone);
  if (head.dailyTo === yesterday || day === yesterday) return false;

  await tellOpenAllowList(deps, account, now);
  // Two days back is enough in every zone; the day's own window picks.
  const states = new Map(plans.map((state) => [state.id, state]));
  const slotsNow = deps.settings.plans.flatMap((plan) => {
    const state = states.get(plan.id);
    if (state === undefined || plan.kind !== "dca" || accountNameOf(plan, deps.settings.accounts) !== account)
      return [];
    const from = Math.max(later(now, -3 * DAY_MS), state.activeFrom) as EpochMs;
    return slotsBetween(plan.schedule, plan.zone, from, now)
      .filter((slot) => dayWindow(slot, zone) === yesterday)
      .map((slot) => `${plan.id}@${slotText(slot)}`);
  });
  const runs = (await deps.books.runs(account)).filter(
    ({ run }) => dayWindow(run.slot ?? run.openedAt, zone) === yesterday,
  );
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
    const text = dailyText(venueLabel(deps), {
      day: yesterday,
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
