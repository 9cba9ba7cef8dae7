import fc from "fast-check";
import { expect, test } from "vitest";
import {
  isBetweenSlots,
  isSlot,
  type Schedule,
  slotsBetween,
  toAwsExpression,
  WEEKDAYS,
} from "../../shared/domain/schedule.ts";
import { DAY_MS, type EpochMs, epochMs, HOUR_MS, MINUTE_MS } from "../../shared/domain/time.ts";

/** Nights on which clocks change, in every way that clocks change, and one zone where they never do. */
const NIGHTS: readonly (readonly [zone: string, day: string])[] = [
  ["Europe/Berlin", "2026-03-29"],
  ["Europe/Berlin", "2026-10-25"],
  ["America/New_York", "2026-03-08"],
  ["America/New_York", "2026-11-01"],
  ["Australia/Lord_Howe", "2026-04-04"], // Half an hour
  ["Australia/Lord_Howe", "2026-10-03"],
  ["America/Asuncion", "2024-03-23"], // At midnight, back into the day before
  ["America/Asuncion", "2023-10-01"], // Midnight itself is skipped
  ["Africa/Cairo", "2026-04-23"],
  ["Africa/Cairo", "2026-10-29"],
  ["Asia/Beirut", "2026-03-28"],
  ["Asia/Beirut", "2026-10-24"],
  ["America/St_Johns", "2026-03-08"], // Half-hour zone
  ["America/St_Johns", "2010-11-06"], // Back over midnight, a minute after it
  ["Africa/Casablanca", "2026-02-15"], // Back before Ramadan
  ["Antarctica/Troll", "2026-03-29"], // Two hours
  ["Pacific/Apia", "2011-12-30"], // A day that was not
  ["Asia/Kathmandu", "2026-01-01"],
  ["UTC", "2026-03-29"],
];

type Minute = { readonly at: EpochMs; readonly text: string; readonly isFirst: boolean };

/** Every minute of three days as Intl shows it, without any code of ours, and whether it shows it for the first time. */
function minutesAround(zone: string, day: string): readonly Minute[] {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  const seen = new Set<string>();
  const minutes: Minute[] = [];
  const start = Date.parse(`${day}T00:00Z`) - 36 * HOUR_MS;
  for (let at = start - 26 * HOUR_MS; at < start + 3 * DAY_MS; at += MINUTE_MS) {
    const text = format.format(at);
    if (at >= start) minutes.push({ at: epochMs(at), text, isFirst: !seen.has(text) });
    seen.add(text);
  }
  return minutes;
}

const windows = new Map<string, readonly Minute[]>();

function windowOf(night: readonly [string, string]): readonly Minute[] {
  const key = night.join(" ");
  const minutes = windows.get(key) ?? minutesAround(...night);
  windows.set(key, minutes);
  return minutes;
}

/** The meaning of a schedule, said again in other words: does this wall time fit? */
function fits(schedule: Exclude<Schedule, { is: "cron" }>, text: string): boolean {
  const [date = "", clock = ""] = text.split(" ");
  const [hour, minute] = clock.split(":").map(Number);
  if (schedule.is === "hourly") return minute === schedule.minute;
  if (hour !== schedule.time.hour || minute !== schedule.time.minute) return false;
  const day = new Date(`${date}T12:00Z`);
  const name = WEEKDAYS[day.getUTCDay()]!;
  const daysSince = (from: string) => Math.round((day.getTime() - Date.parse(`${from}T12:00Z`)) / DAY_MS);
  switch (schedule.is) {
    case "daily":
      return true;
    case "weekly":
      return schedule.days.includes(name);
    case "monthly": {
      const tomorrow = new Date(day.getTime() + DAY_MS).getUTCDate();
      return schedule.day === "last" ? tomorrow === 1 : day.getUTCDate() === schedule.day;
    }
    case "days":
      return daysSince(schedule.from) >= 0 && daysSince(schedule.from) % schedule.count === 0;
    case "weeks": {
      // The Monday-to-Monday week does not matter: whole weeks since the first such day count
      const since = daysSince(schedule.from);
      return since >= 0 && name === schedule.day && Math.floor(since / 7) % schedule.count === 0;
    }
  }
}

const nights = fc.constantFrom(...NIGHTS);
const timeOfDay = fc.record({
  // Mostly the hours in which clocks change
  hour: fc.oneof(fc.constantFrom(0, 1, 2, 3, 23), fc.nat(23)),
  minute: fc.oneof(fc.constantFrom(0, 15, 30, 59), fc.nat(59)),
});
const weekday = fc.constantFrom(...WEEKDAYS);
const from = fc.constantFrom("2011-12-25", "2023-09-29", "2026-01-01", "2026-03-28", "2026-10-24");

const plainSchedule: fc.Arbitrary<Exclude<Schedule, { is: "cron" }>> = fc.oneof(
  fc.record({ is: fc.constant("hourly" as const), minute: fc.nat(59) }),
  fc.record({ is: fc.constant("daily" as const), time: timeOfDay }),
  fc.record({
    is: fc.constant("weekly" as const),
    days: fc.uniqueArray(weekday, { minLength: 1 }),
    time: timeOfDay,
  }),
  fc.record({
    is: fc.constant("monthly" as const),
    day: fc.oneof(fc.integer({ min: 1, max: 28 }), fc.constant("last" as const)),
    time: timeOfDay,
  }),
  fc.record({
    is: fc.constant("days" as const),
    count: fc.integer({ min: 1, max: 5 }),
    time: timeOfDay,
    from,
  }),
  fc.record({
    is: fc.constant("weeks" as const),
    count: fc.integer({ min: 1, max: 3 }),
    day: weekday,
    time: timeOfDay,
    from,
  }),
);

const cronField = (min: number, max: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant("*"),
    fc.integer({ min, max }).map(String),
    fc
      .uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 4 })
      .map((values) => values.join(",")),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min: 1, max })).map(([low, step]) => `${low}/${step}`),
    fc
      .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
  );

const cronSchedule: fc.Arbitrary<Schedule> = fc
  .tuple(
    cronField(0, 59),
    cronField(0, 23),
    fc.oneof(
      fc.tuple(fc.oneof(cronField(1, 31), fc.constant("L"), fc.constant("29W")), fc.constant("?")),
      fc.tuple(fc.constant("?"), fc.oneof(cronField(1, 7), fc.constantFrom("1L", "2#1", "1#5", "SUN,SAT"))),
    ),
    cronField(1, 12),
  )
  .map(([minutes, hours, [day, weekdays], months]) => ({
    is: "cron",
    expression: `cron(${minutes} ${hours} ${day} ${months} ${weekdays} *)`,
  }));

test("slots are the minutes whose wall time fits, each wall time once and never one that was skipped", () => {
  fc.assert(
    fc.property(plainSchedule, nights, (schedule, night) => {
      const minutes = windowOf(night);
      const expected = minutes
        .filter(({ text, isFirst }) => isFirst && fits(schedule, text))
        .map(({ at }) => at);
      const after = epochMs(minutes[0]!.at - 1);
      expect(slotsBetween(schedule, night[0], after, minutes.at(-1)!.at)).toEqual(expected);
    }),
    { numRuns: 1000 },
  );
});

test("a minute is a slot exactly when it is between the instants around it", () => {
  fc.assert(
    fc.property(fc.oneof(plainSchedule, cronSchedule), nights, (schedule, night) => {
      const minutes = windowOf(night);
      const slots = slotsBetween(schedule, night[0], epochMs(minutes[0]!.at - 1), minutes.at(-1)!.at);
      const tested = minutes.filter(({ at }) => isSlot(schedule, night[0], at)).map(({ at }) => at);
      expect(slots).toEqual(tested);
      for (const slot of slots.slice(0, 3))
        expect(isSlot(schedule, night[0], epochMs(slot + 1000))).toBe(false);
    }),
    { numRuns: 400 },
  );
});

test("windows that touch share no slot and lose none, and a limit cuts from the end", () => {
  fc.assert(
    fc.property(
      fc.oneof(plainSchedule, cronSchedule),
      nights,
      fc.nat(3 * 24 * 60),
      fc.integer({ min: 1, max: 9 }),
      (schedule, [zone, day], cutMinutes, limit) => {
        const start = epochMs(Date.parse(`${day}T00:00Z`) - 36 * HOUR_MS);
        const [cut, end] = [epochMs(start + cutMinutes * MINUTE_MS), epochMs(start + 3 * DAY_MS)];
        const whole = slotsBetween(schedule, zone, start, end);
        const parts = [
          ...slotsBetween(schedule, zone, start, cut),
          ...slotsBetween(schedule, zone, cut, end),
        ];
        expect(parts).toEqual(whole);
        expect(slotsBetween(schedule, zone, start, end, limit)).toEqual(whole.slice(0, limit));
      },
    ),
    { numRuns: 400 },
  );
});

test("AWS is asked for every slot, and for each kind but those that count for no other minute", () => {
  fc.assert(
    fc.property(fc.oneof(plainSchedule, cronSchedule), nights, (schedule, [zone, day]) => {
      const start = epochMs(Date.parse(`${day}T00:00Z`) - 30 * DAY_MS);
      const end = epochMs(start + 60 * DAY_MS);
      const asked = slotsBetween({ is: "cron", expression: toAwsExpression(schedule) }, zone, start, end);
      const slots = slotsBetween(schedule, zone, start, end);
      if (schedule.is === "days" || schedule.is === "weeks")
        expect(asked).toEqual(expect.arrayContaining([...slots]));
      else expect(asked).toEqual(slots);
    }),
    { numRuns: 300 },
  );
});

test("what Scheduler fires is a slot or lies between slots, never both, and only schedules that count days have a between", () => {
  const time = fc.record({ hour: fc.nat(23), minute: fc.nat(59) });
  const counted: fc.Arbitrary<Schedule> = fc.oneof(
    fc.record({
      is: fc.constant("days" as const),
      count: fc.integer({ min: 2, max: 9 }),
      time,
      from: fc.constant("2026-01-01"),
    }),
    fc.record({
      is: fc.constant("weeks" as const),
      count: fc.integer({ min: 2, max: 5 }),
      day: fc.constantFrom(...WEEKDAYS),
      time,
      from: fc.constant("2026-01-01"),
    }),
  );
  const from = epochMs(Date.UTC(2026, 1, 1));
  const until = epochMs(Date.UTC(2026, 4, 1));
  fc.assert(
    fc.property(counted, fc.constantFrom("Europe/Berlin", "America/New_York", "UTC"), (schedule, zone) => {
      const fired: Schedule = { is: "cron", expression: toAwsExpression(schedule) };
      for (const at of slotsBetween(fired, zone, from, until)) {
        expect(isBetweenSlots(schedule, zone, at)).toBe(!isSlot(schedule, zone, at));
        expect(isBetweenSlots(schedule, zone, epochMs(at + MINUTE_MS))).toBe(false);
        expect(isBetweenSlots(fired, zone, at)).toBe(false);
      }
    }),
  );
});
