import { expect, test } from "vitest";
import {
  canFire,
  isSlot,
  nextSlot,
  parseSlot,
  type Schedule,
  scheduleText,
  slotsBetween,
  slotText,
  toAwsExpression,
} from "../../shared/domain/schedule.ts";
import { type EpochMs, epochMs } from "../../shared/domain/time.ts";
import { dayWindow, isZone, localText, monthWindow } from "../../shared/domain/zone.ts";

const at = (text: string): EpochMs => epochMs(Date.parse(text));
const time = (hour: number, minute = 0) => ({ hour, minute });
const daily = (hour: number, minute = 0): Schedule => ({ is: "daily", time: time(hour, minute) });

const slots = (schedule: Schedule, zone: string, after: string, until: string): string[] =>
  slotsBetween(schedule, zone, at(after), at(until)).map(slotText);

test("the first instant is left out, the last is in", () => {
  expect(slots(daily(8), "UTC", "2026-01-01T08:00Z", "2026-01-03T08:00Z")).toEqual([
    "2026-01-02T08:00Z",
    "2026-01-03T08:00Z",
  ]);
  expect(slots(daily(8), "UTC", "2026-01-03T08:00Z", "2026-01-03T08:00Z")).toEqual([]);
});

test("a local time that clocks skip is no slot", () => {
  // Berlin, 29 March 2026: 02:00 becomes 03:00
  expect(slots(daily(2, 30), "Europe/Berlin", "2026-03-28T00:00Z", "2026-03-31T00:00Z")).toEqual([
    "2026-03-28T01:30Z",
    "2026-03-30T00:30Z",
  ]);
});

test("a local time that clocks show twice is one slot, the first", () => {
  // Berlin, 25 October 2026: 03:00 becomes 02:00, so 02:30 is at 00:30Z and again at 01:30Z
  expect(slots(daily(2, 30), "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25T12:00Z")).toEqual([
    "2026-10-25T00:30Z",
  ]);
  expect(isSlot(daily(2, 30), "Europe/Berlin", at("2026-10-25T01:30Z"))).toBe(false);
});

test("a slot of tomorrow's date is found from an instant that clocks put back to today", () => {
  // St. John's, 7 November 2010, 00:01 became 23:01 of the 6th: midnight was at 02:30Z, 02:45Z was 23:15 again
  expect(slots(daily(0), "America/St_Johns", "2010-11-07T00:00Z", "2010-11-07T02:45Z")).toEqual([
    "2010-11-07T02:30Z",
  ]);
});

test("an hourly schedule has 23 slots where a day loses an hour, and 24 where it gains one", () => {
  const hourly: Schedule = { is: "hourly", minute: 0 };
  const count = (day: string, next: string) => slots(hourly, "Europe/Berlin", day, next).length;
  expect(count("2026-03-28T23:00Z", "2026-03-29T22:00Z")).toBe(23);
  expect(count("2026-10-24T22:00Z", "2026-10-25T23:00Z")).toBe(24);
});

test.each([
  // Cairo, 24 April 2026: 00:00 becomes 01:00. Midnight is the time that does not exist
  ["Africa/Cairo", daily(0, 30), "2026-04-23T00:00Z", "2026-04-24T20:00Z", []],
  // Lord Howe, 4 October 2026: 02:00 becomes 02:30
  ["Australia/Lord_Howe", daily(2, 15), "2026-10-03T00:00Z", "2026-10-03T23:00Z", []],
  ["Australia/Lord_Howe", daily(2, 30), "2026-10-03T00:00Z", "2026-10-03T23:00Z", ["2026-10-03T15:30Z"]],
  // Kathmandu is 5:45 ahead and never changes
  ["Asia/Kathmandu", daily(8), "2026-01-01T00:00Z", "2026-01-02T00:00Z", ["2026-01-01T02:15Z"]],
  // Apia had no 30 December 2011
  [
    "Pacific/Apia",
    daily(8),
    "2011-12-28T20:00Z",
    "2011-12-31T12:00Z",
    ["2011-12-29T18:00Z", "2011-12-30T18:00Z"],
  ],
] as const)("%s", (zone, schedule, after, until, expected) => {
  expect(slots(schedule, zone, after, until)).toEqual(expected);
});

test.each<[string, Schedule, string, string[]]>([
  [
    "weekly",
    { is: "weekly", days: ["monday", "friday"], time: time(8) },
    "2026-11-20T12:00Z",
    ["2026-11-23T08:00Z", "2026-11-27T08:00Z", "2026-11-30T08:00Z"],
  ],
  [
    "the last day of a month",
    { is: "monthly", day: "last", time: time(8) },
    "2028-01-31T12:00Z",
    ["2028-02-29T08:00Z", "2028-03-31T08:00Z", "2028-04-30T08:00Z"],
  ],
  [
    "days counted over the end of a month",
    { is: "days", count: 3, time: time(8), from: "2026-01-30" },
    "2026-01-01T00:00Z",
    ["2026-01-30T08:00Z", "2026-02-02T08:00Z", "2026-02-05T08:00Z"],
  ],
  [
    "weeks from the first such day",
    { is: "weeks", count: 2, day: "friday", time: time(8), from: "2026-01-03" },
    "2026-01-01T00:00Z",
    ["2026-01-09T08:00Z", "2026-01-23T08:00Z", "2026-02-06T08:00Z"],
  ],
  [
    "cron",
    { is: "cron", expression: "cron(0 8 ? * 6L *)" },
    "2026-01-01T00:00Z",
    ["2026-01-30T08:00Z", "2026-02-27T08:00Z", "2026-03-27T08:00Z"],
  ],
  [
    "the leap day",
    { is: "cron", expression: "cron(0 8 29 2 ? *)" },
    "2026-01-01T00:00Z",
    ["2028-02-29T08:00Z", "2032-02-29T08:00Z", "2036-02-29T08:00Z"],
  ],
])("%s", (_, schedule, after, expected) => {
  expect(slotsBetween(schedule, "UTC", at(after), at("2100-01-01T00:00Z"), 3).map(slotText)).toEqual(
    expected,
  );
  expect(slotText(nextSlot(schedule, "UTC", at(after))!)).toBe(expected[0]);
});

test("a schedule that never fires is known as such, and one that is over has no next slot", () => {
  const cron = (expression: string): Schedule => ({ is: "cron", expression });
  expect(canFire(cron("cron(0 8 30 2 ? *)"), "UTC")).toBe(false);
  expect(canFire(cron("cron(30 2 29 3 ? 2026)"), "Europe/Berlin")).toBe(false); // The hour that clocks skip
  expect(canFire(cron("cron(30 2 29 3 ? 2026)"), "UTC")).toBe(true);
  expect(nextSlot(cron("cron(0 8 1 1 ? 2020)"), "UTC", at("2026-01-01T00:00Z"))).toBeUndefined();
});

test("three hundred plans over a year cost well under a second", () => {
  const started = process.cpuUsage();
  let found = 0;
  for (let plan = 0; plan < 300; plan += 1)
    found += slots(daily(8, plan % 60), "Europe/Paris", "2026-01-01T00:00Z", "2027-01-01T00:00Z").length;
  expect(found).toBe(300 * 365);
  expect(process.cpuUsage(started).user / 1000).toBeLessThan(1000); // Of this process alone, in ms
});

test.each<[Schedule, string, string]>([
  [{ is: "hourly", minute: 5 }, "cron(5 * * * ? *)", "hour at :05"],
  [daily(8, 5), "cron(5 8 * * ? *)", "day 08:05"],
  [
    { is: "weekly", days: ["monday", "friday"], time: time(8) },
    "cron(0 8 ? * MON,FRI *)",
    "monday,friday 08:00",
  ],
  [{ is: "monthly", day: 1, time: time(8) }, "cron(0 8 1 * ? *)", "month 1 08:00"],
  [{ is: "monthly", day: "last", time: time(8) }, "cron(0 8 L * ? *)", "month last day 08:00"],
  [
    { is: "days", count: 3, time: time(8), from: "2026-01-30" },
    "cron(0 8 * * ? *)",
    "3 days 08:00 from 2026-01-30",
  ],
  [
    { is: "weeks", count: 2, day: "friday", time: time(8), from: "2026-01-30" },
    "cron(0 8 ? * FRI *)",
    "2 weeks friday 08:00 from 2026-01-30",
  ],
  [{ is: "cron", expression: "cron(0 8 ? * 2#1 *)" }, "cron(0 8 ? * 2#1 *)", "cron(0 8 ? * 2#1 *)"],
])("%j is %s for AWS and %s for people", (schedule, aws, people) => {
  expect(toAwsExpression(schedule)).toBe(aws);
  expect(scheduleText(schedule)).toBe(people);
});

test("a slot has one name", () => {
  expect(parseSlot("2026-11-23T07:00Z")).toBe(at("2026-11-23T07:00:00Z"));
  for (const text of [
    "2026-11-23T07:00:00Z",
    "2026-11-23T07:00+00:00",
    "2026-02-30T07:00Z",
    "2026-11-23T24:00Z",
    "",
  ])
    expect(parseSlot(text)).toBeUndefined();
});

test("people read the local time with its offset", () => {
  expect(localText(at("2026-11-23T07:00Z"), "Europe/Berlin")).toBe("Mon 23 Nov 08:00 GMT+1");
  expect(localText(at("2026-07-01T00:00Z"), "Asia/Kathmandu")).toBe("Wed 1 Jul 05:45 GMT+5:45");
  expect(localText(at("2026-07-01T00:00Z"), "America/St_Johns")).toBe("Tue 30 Jun 21:30 GMT-2:30");
  expect(localText(at("2026-11-23T07:00Z"), "Europe/London")).toBe("Mon 23 Nov 07:00 GMT");
  expect(localText(at("2026-11-23T07:00Z"), "UTC")).toBe("Mon 23 Nov 07:00 UTC");
  // The year of the zone: it is 2027 in Kathmandu already.
  const now = at("2026-12-31T23:00Z");
  expect(localText(at("2150-01-05T07:00Z"), "UTC", now)).toBe("Mon 5 Jan 2150 07:00 UTC");
  expect(localText(at("2026-11-23T07:00Z"), "UTC", now)).toBe("Mon 23 Nov 07:00 UTC");
  expect(localText(at("2027-01-01T07:00Z"), "Asia/Kathmandu", now)).toBe("Fri 1 Jan 12:45 GMT+5:45");
});

test("windows of caps are calendar days and months on the owner's wall", () => {
  const newYear = at("2026-12-31T23:30Z");
  expect([dayWindow(newYear, "Europe/Berlin"), monthWindow(newYear, "Europe/Berlin")]).toEqual([
    "2027-01-01",
    "2027-01",
  ]);
  expect([dayWindow(newYear, "UTC"), monthWindow(newYear, "UTC")]).toEqual(["2026-12-31", "2026-12"]);
});

test("zones are known by the names of their places", () => {
  expect(["Europe/Berlin", "UTC", "Mars/Olympus", ""].map(isZone)).toEqual([true, true, false, false]);
});
