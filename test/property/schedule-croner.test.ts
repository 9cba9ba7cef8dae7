import { Cron } from "croner";
import fc from "fast-check";
import { expect, test } from "vitest";
import { slotsBetween } from "../../shared/domain/schedule.ts";
import { DAY_MS, type EpochMs, epochMs } from "../../shared/domain/time.ts";
import { dayWindow, wallOf } from "../../shared/domain/zone.ts";

/** One field in both spellings. Croner counts weekdays from 0, knows no `?`, and writes `#L` for the last one. */
type Field = { readonly aws: string; readonly croner: string };

const same = (text: string): Field => ({ aws: text, croner: text });

const field = (min: number, max: number): fc.Arbitrary<Field> =>
  fc.oneof(
    fc.constant(same("*")),
    fc.integer({ min, max }).map((value) => same(String(value))),
    fc
      .uniqueArray(fc.integer({ min, max }), { minLength: 2, maxLength: 4 })
      .map((values) => same(values.join(","))),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map(([a, b]) => {
      return same(`${Math.min(a, b)}-${Math.max(a, b)}`);
    }),
    fc.integer({ min: 2, max: Math.min(max, 12) }).map((step) => same(`*/${step}`)),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min: 2, max: 9 })).map(([low, step]) => ({
      aws: `${low}/${step}`,
      croner: `${low}-${max}/${step}`,
    })),
  );

const NAMES = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const weekdays: fc.Arbitrary<Field> = fc.oneof(
  fc.nat(6).map((day) => ({ aws: String(day + 1), croner: String(day) })),
  fc.nat(6).map((day) => same(NAMES[day]!)),
  fc.constant({ aws: "MON-FRI", croner: "1-5" }),
  fc.constant({ aws: "2-6/2", croner: "1-5/2" }),
  fc
    .uniqueArray(fc.constantFrom(...NAMES), { minLength: 2, maxLength: 4 })
    .map((days) => same(days.join(","))),
  fc.tuple(fc.nat(6), fc.integer({ min: 1, max: 5 })).map(([day, nth]) => ({
    aws: `${day + 1}#${nth}`,
    croner: `${day}#${nth}`,
  })),
  fc.nat(6).map((day) => ({ aws: `${day + 1}L`, croner: `${day}#L` })),
);

const monthDays = fc.oneof(
  field(1, 31),
  fc.constant(same("L")),
  fc.integer({ min: 1, max: 28 }).map((day) => same(`${day}W`)),
);

const OPEN = { aws: "?", croner: "*" };

const expression = fc
  .tuple(
    field(0, 59),
    field(0, 23),
    fc.oneof(fc.tuple(monthDays, fc.constant(OPEN)), fc.tuple(fc.constant(OPEN), weekdays)),
    field(1, 12),
  )
  .map(([minutes, hours, [day, weekday], months]) => {
    const fields = [minutes, hours, day, months, weekday];
    return {
      aws: `cron(${fields.map(({ aws }) => aws).join(" ")} *)`,
      croner: fields.map(({ croner }) => croner).join(" "),
    };
  });

const zones = fc.constantFrom(
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
);

const START = epochMs(Date.UTC(2026, 0, 1));
const SPAN_MS = 1500 * DAY_MS; // More than four years, so that each leap day comes by

/** Croner runs a skipped time an hour later; we do not run it. On all other days the two must agree. */
function isOrdinaryDay(at: EpochMs, zone: string): boolean {
  const offset = (time: number) => wallOf(epochMs(time), zone) - time;
  return offset(at - DAY_MS) === offset(at + DAY_MS);
}

test("cron slots are croner's, save on days when clocks change", () => {
  fc.assert(
    fc.property(expression, zones, fc.nat(SPAN_MS), ({ aws, croner }, zone, ms) => {
      const after = epochMs(START + ms);
      const theirs = new Cron(croner, { timezone: zone, paused: true })
        .nextRuns(40, new Date(after))
        .map((date) => epochMs(date.getTime()));
      const until = theirs.length < 40 ? epochMs(after + 400 * DAY_MS) : theirs.at(-1)!;
      const ours = slotsBetween({ is: "cron", expression: aws }, zone, after, until);
      const comparable = (slots: readonly EpochMs[]) =>
        slots
          .filter((at) => at <= until && isOrdinaryDay(at, zone))
          .map((at) => `${dayWindow(at, zone)} ${at}`);
      expect(comparable(ours)).toEqual(comparable(theirs));
    }),
    { numRuns: 400 },
  );
});
