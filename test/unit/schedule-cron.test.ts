import { expect, test } from "vitest";
import { slotsBetween, slotText } from "../../shared/domain/schedule.ts";
import { parseCron } from "../../shared/domain/schedule-cron.ts";
import { epochMs } from "../../shared/domain/time.ts";

const days = (dayOfMonth: string, month: string, dayOfWeek: string): string[] =>
  slotsBetween(
    { is: "cron", expression: `cron(0 8 ${dayOfMonth} ${month} ${dayOfWeek} 2026)` },
    "UTC",
    epochMs(Date.UTC(2026, 0, 1)),
    epochMs(Date.UTC(2027, 0, 1)),
  ).map((slot) => slotText(slot).slice(5, 10));

test.each([
  ["15W", "2", "?", ["02-16"]], // A Sunday: the Monday after
  ["15W", "8", "?", ["08-14"]], // A Saturday: the Friday before
  ["1W", "8", "?", ["08-03"]], // Saturday the 1st: not back into July
  ["31W", "5", "?", ["05-29"]], // Sunday the 31st: not on into June
  ["31W", "4", "?", []], // April has no 31st
  ["L", "FEB", "?", ["02-28"]],
  ["?", "1", "6L", ["01-30"]], // The last Friday: 1 is Sunday, 6 is Friday
  ["?", "JAN", "FRI#2", ["01-09"]],
  ["?", "1-3", "SUN#5", ["03-29"]], // Only March 2026 has five Sundays
  ["?", "1", "L", ["01-03", "01-10", "01-17", "01-24", "01-31"]], // The week ends on Saturday
  ["1-7/3", "1,3", "?", ["01-01", "01-04", "01-07", "03-01", "03-04", "03-07"]],
  ["29/1", "1", "?", ["01-29", "01-30", "01-31"]],
  ["?", "12", "MON-TUE", ["12-01", "12-07", "12-08", "12-14", "12-15", "12-21", "12-22", "12-28", "12-29"]],
])("cron days %s %s %s", (dayOfMonth, month, dayOfWeek, expected) => {
  expect(days(dayOfMonth, month, dayOfWeek)).toEqual(expected);
});

test("one spelling is kept: capitals, and numbers before L and #", () => {
  const kept = (text: string) => (parseCron(text) as { expression: string }).expression;
  expect(kept("Cron(0 8 ? * mon-fri *)")).toBe("cron(0 8 ? * MON-FRI *)");
  expect(kept("cron(0 8 ? * friL *)")).toBe("cron(0 8 ? * 6L *)");
  expect(kept("cron(0 8 ? * fri#2 *)")).toBe("cron(0 8 ? * 6#2 *)");
});

const SIX = "cron( ) with six fields: minutes hours day-of-month month day-of-week year";
const ONE_OPEN = "? in exactly one of the two cron fields day-of-month and day-of-week";

test.each([
  ["0 8 ? * MON *", SIX],
  ["cron(0 8 ? * MON)", SIX],
  ["cron(0  8 ? * MON *)", SIX],
  ["cron(0 8 * * * *)", ONE_OPEN],
  ["cron(0 8 ? * ? *)", ONE_OPEN],
  ["cron(60 8 * * ? *)", "cron minutes from 0 to 59, was 60"],
  ["cron(? 8 * * ? *)", "cron minutes from 0 to 59, was ?"],
  ["cron(0/0 8 * * ? *)", "cron minutes from 0 to 59, was 0/0"],
  ["cron(/5 8 * * ? *)", "cron minutes from 0 to 59, was /5"],
  ["cron(0 22-2 * * ? *)", "cron hours from 0 to 23, was 22-2"],
  ["cron(0 8 0 * ? *)", "cron day of month from 1 to 31, was 0"],
  ["cron(0 8 32W * ? *)", "cron day of month from 1 to 31, was 32"],
  ["cron(0 8 1,L * ? *)", "cron day of month from 1 to 31, was L"],
  ["cron(0 8 LW * ? *)", "cron day of month from 1 to 31, was LW"],
  ["cron(0 8 1 13 ? *)", "cron month from 1 to 12 or JAN to DEC, was 13"],
  ["cron(0 8 ? * 0 *)", "cron day of week from 1 to 7 or SUN to SAT, was 0"],
  ["cron(0 8 ? * MON#6 *)", "a number from 1 to 5 after # in cron"],
  ["cron(0 8 ? * MON#1,FRI#1 *)", "cron day of week from 1 to 7 or SUN to SAT, was MON#1"],
  ["cron(0 8 1 1 ? 1969)", "cron year from 1970 to 2199, was 1969"],
])("refuses %s", (text, expected) => {
  expect(parseCron(text)).toEqual({ expected });
});
