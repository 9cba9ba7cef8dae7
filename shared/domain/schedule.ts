/**
 * When a plan fires. A slot is a planned minute; only slots may fire.
 *
 * Promises, each a property test: the slots between two instants are exactly the minutes in between that are slots; a
 * local time that clocks skip is no slot, one that they repeat is one slot, the first; EventBridge Scheduler fires at least
 * at every slot when it is given `toAwsExpression`.
 */
import { type Cron, cronOf, onCronDay } from "./schedule-cron.ts";
import { DAY_MS, type EpochMs, epochMs, MINUTE_MS } from "./time.ts";
import {
  type CalendarDate,
  dateOf,
  dayNumberOf,
  daysInMonth,
  instantOf,
  parseDate,
  type WallMs,
  wallAt,
  wallOf,
} from "./zone.ts";

export const WEEKDAYS = [
  "sunday",
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export type TimeOfDay = { readonly hour: number; readonly minute: number };

export type Schedule =
  | { readonly is: "hourly"; readonly minute: number }
  | { readonly is: "daily"; readonly time: TimeOfDay }
  /** In the order of the week, Sunday first. */
  | { readonly is: "weekly"; readonly days: readonly Weekday[]; readonly time: TimeOfDay }
  | { readonly is: "monthly"; readonly day: number | "last"; readonly time: TimeOfDay }
  | { readonly is: "days"; readonly count: number; readonly time: TimeOfDay; readonly from: string }
  | {
      readonly is: "weeks";
      readonly count: number;
      readonly day: Weekday;
      readonly time: TimeOfDay;
      readonly from: string;
    }
  /** `cron(0 8 ? * MON *)`, as `parseCron` prints it. */
  | { readonly is: "cron"; readonly expression: string };

/** EventBridge Scheduler's last year. */
const END = epochMs(Date.UTC(2200, 0, 1));

/** Slots after `after` up to and including `until`, ascending, at most `limit`. */
export function slotsBetween(
  schedule: Schedule,
  zone: string,
  after: EpochMs,
  until: EpochMs,
  limit = Number.POSITIVE_INFINITY,
): readonly EpochMs[] {
  const slots: EpochMs[] = [];
  const { hours, minutes, onDay } = ruleOf(schedule);
  // A day more: where clocks go back over midnight, a slot of the next date lies before an instant of this one.
  const lastDay = dayNumberOf(wallOf(until, zone)) + 1;
  for (let day = dayNumberOf(wallOf(after, zone)); day <= lastDay && slots.length < limit; day += 1) {
    if (!onDay(dateOf(day))) continue;
    for (const hour of hours) {
      for (const minute of minutes) {
        const at = instantOf(wallAt(day, hour, minute), zone);
        if (at === undefined || at <= after || at > until) continue;
        slots.push(at);
        if (slots.length >= limit) return slots;
      }
    }
  }
  return slots;
}

/** The first slot after `after`; undefined when there is none before the year 2200. */
export const nextSlot = (schedule: Schedule, zone: string, after: EpochMs): EpochMs | undefined =>
  slotsBetween(schedule, zone, after, END, 1)[0];

/** Whether `at`, a whole minute, is a slot. */
export function isSlot(schedule: Schedule, zone: string, at: EpochMs): boolean {
  if (at % MINUTE_MS !== 0) return false;
  const wallMs = wallOf(at, zone);
  const { hour, minute } = timeOf(wallMs);
  const rule = ruleOf(schedule);
  return (
    rule.hours.includes(hour) &&
    rule.minutes.includes(minute) &&
    rule.onDay(dateOf(dayNumberOf(wallMs))) &&
    instantOf(wallMs, zone) === at
  );
}

/**
 * Whether EventBridge Scheduler fires at `at` although it is no slot: its cron cannot count days or weeks, so that a plan of
 * every third day is fired each day. Such a firing is expected, and means nothing.
 */
export function isBetweenSlots(schedule: Schedule, zone: string, at: EpochMs): boolean {
  if (schedule.is !== "days" && schedule.is !== "weeks") return false;
  const fired: Schedule = { is: "cron", expression: toAwsExpression(schedule) };
  return isSlot(fired, zone, at) && !isSlot(schedule, zone, at);
}

/** False for a schedule like 30 February. Years that are over count: it is asked without a clock. */
export const canFire = (schedule: Schedule, zone: string): boolean =>
  slotsBetween(schedule, zone, epochMs(Date.UTC(1999, 11, 31)), END, 1).length > 0;

/** Wall times, `2026-03-29 02:30`, that the schedule names and clocks skip. An hourly schedule loses nothing by it. */
export function skippedBetween(
  schedule: Schedule,
  zone: string,
  after: EpochMs,
  until: EpochMs,
): readonly string[] {
  const { hours, minutes, onDay } = ruleOf(schedule);
  const skipped: string[] = [];
  if (hours.length === 24) return skipped;
  const lastDay = dayNumberOf(wallOf(until, zone));
  for (const day of daysThatLoseTime(dayNumberOf(wallOf(after, zone)), lastDay, zone)) {
    if (!onDay(dateOf(day))) continue;
    for (const hour of hours) {
      for (const minute of minutes) {
        const wallMs = wallAt(day, hour, minute);
        if (instantOf(wallMs, zone) === undefined)
          skipped.push(new Date(wallMs).toISOString().slice(0, 16).replace("T", " "));
      }
    }
  }
  return skipped;
}

/**
 * What EventBridge Scheduler is given. Its cron cannot count days over months, so `every 3 days` gets each day's cron and
 * `isSlot` refuses the firings between; never `rate()`, which fires when it is created.
 */
export function toAwsExpression(schedule: Schedule): string {
  switch (schedule.is) {
    case "hourly":
      return `cron(${schedule.minute} * * * ? *)`;
    case "daily":
    case "days":
      return `cron(${clockFields(schedule.time)} * * ? *)`;
    case "weekly":
      return `cron(${clockFields(schedule.time)} ? * ${schedule.days.map(awsDay).join(",")} *)`;
    case "weeks":
      return `cron(${clockFields(schedule.time)} ? * ${awsDay(schedule.day)} *)`;
    case "monthly":
      return `cron(${clockFields(schedule.time)} ${schedule.day === "last" ? "L" : schedule.day} * ? *)`;
    case "cron":
      return schedule.expression;
  }
}

/** As an owner would write it in tide.yaml. */
export function scheduleText(schedule: Schedule): string {
  switch (schedule.is) {
    case "hourly":
      return `hour at :${two(schedule.minute)}`;
    case "daily":
      return `day ${timeText(schedule.time)}`;
    case "weekly":
      return `${schedule.days.join(",")} ${timeText(schedule.time)}`;
    case "monthly":
      return `month ${schedule.day === "last" ? "last day" : schedule.day} ${timeText(schedule.time)}`;
    case "days":
      return `${schedule.count} days ${timeText(schedule.time)} from ${schedule.from}`;
    case "weeks":
      return `${schedule.count} weeks ${schedule.day} ${timeText(schedule.time)} from ${schedule.from}`;
    case "cron":
      return schedule.expression;
  }
}

/** A slot as run ids name it: `2026-11-23T07:00Z`. */
export const slotText = (at: EpochMs): string => `${new Date(at).toISOString().slice(0, 16)}Z`;

/** Takes only what `slotText` prints, so that one slot has one name. */
export function parseSlot(text: string): EpochMs | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && slotText(epochMs(ms)) === text ? epochMs(ms) : undefined;
}

/** Every schedule is this: on the days that pass, at each of these hours, at each of these minutes. */
type Rule = {
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
  readonly onDay: (date: CalendarDate) => boolean;
};

const EVERY_HOUR = Array.from({ length: 24 }, (_, hour) => hour);

const rules = new WeakMap<Schedule, Rule>();

function ruleOf(schedule: Schedule): Rule {
  let rule = rules.get(schedule);
  if (rule === undefined) {
    rule = makeRule(schedule);
    rules.set(schedule, rule);
  }
  return rule;
}

function makeRule(schedule: Schedule): Rule {
  switch (schedule.is) {
    case "hourly":
      return { hours: EVERY_HOUR, minutes: [schedule.minute], onDay: () => true };
    case "daily":
      return at(schedule.time, () => true);
    case "weekly": {
      const days = schedule.days.map((day) => WEEKDAYS.indexOf(day));
      return at(schedule.time, ({ weekday }) => days.includes(weekday));
    }
    case "monthly":
      return schedule.day === "last"
        ? at(schedule.time, ({ year, month, day }) => day === daysInMonth(year, month))
        : at(schedule.time, ({ day }) => day === schedule.day);
    case "days": {
      const first = startOf(schedule.from);
      return at(schedule.time, ({ dayNumber }) => isStep(dayNumber - first, schedule.count));
    }
    case "weeks": {
      const from = startOf(schedule.from);
      const first = from + ((WEEKDAYS.indexOf(schedule.day) - dateOf(from).weekday + 7) % 7);
      return at(schedule.time, ({ dayNumber }) => isStep(dayNumber - first, 7 * schedule.count));
    }
    case "cron": {
      const cron: Cron = cronOf(schedule.expression);
      return { hours: cron.hours, minutes: cron.minutes, onDay: (date) => onCronDay(cron, date) };
    }
  }
}

const at = ({ hour, minute }: TimeOfDay, onDay: Rule["onDay"]): Rule => ({
  hours: [hour],
  minutes: [minute],
  onDay,
});

const isStep = (days: number, count: number): boolean => days >= 0 && days % count === 0;

function startOf(from: string): number {
  const day = parseDate(from);
  if (day === undefined) throw new Error(`not a date: ${JSON.stringify(from)}`);
  return day;
}

/** Days, and some of their neighbours, on which clocks go forward. Weeks that are as long as a week are passed over whole. */
function* daysThatLoseTime(first: number, last: number, zone: string): Generator<number> {
  for (let week = first; week <= last; week += 7) {
    if (!isShort(week - 1, week + 7, zone)) continue;
    for (let day = week; day < week + 7 && day <= last; day += 1)
      if (isShort(day - 1, day + 1, zone)) yield day;
  }
}

/** Whether less time lies between two noons than walls show. */
function isShort(from: number, to: number, zone: string): boolean {
  const [before, after] = [instantOf(wallAt(from, 12, 0), zone), instantOf(wallAt(to, 12, 0), zone)];
  return before === undefined || after === undefined || after - before < (to - from) * DAY_MS;
}

const timeOf = (wallMs: WallMs): TimeOfDay => {
  const date = new Date(wallMs);
  return { hour: date.getUTCHours(), minute: date.getUTCMinutes() };
};

const two = (value: number): string => String(value).padStart(2, "0");
const timeText = ({ hour, minute }: TimeOfDay): string => `${two(hour)}:${two(minute)}`;
const clockFields = ({ hour, minute }: TimeOfDay): string => `${minute} ${hour}`;
const awsDay = (day: Weekday): string => day.slice(0, 3).toUpperCase();
