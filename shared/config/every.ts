/** The grammar of `every`: when a plan fires. */
import { type Schedule, type TimeOfDay, WEEKDAYS, type Weekday } from "../domain/schedule.ts";
import { parseCron } from "../domain/schedule-cron.ts";
import { parseDate } from "../domain/zone.ts";
import { everyMeant } from "./every-corrections.ts";
import type { Grammar } from "./reader.ts";

const EXPECTED = "a schedule like monday 08:00, day 08:00, month 1 08:00 or cron(0 8 ? * MON *)";
const TIME_EXPECTED = "a time from 00:00 to 23:59, like 08:00";

const DAYS_MAX = 366;
const WEEKS_MAX = 52;

class NotThis extends Error {}

export const every: Grammar<Schedule> = (text) => {
  try {
    return { value: scheduleOf(text.toLowerCase()) };
  } catch (error) {
    if (!(error instanceof NotThis)) throw error;
    return { expected: error.message, suggestion: everyMeant(text, isEvery) };
  }
};

const isEvery = (text: string): boolean => {
  try {
    scheduleOf(text.toLowerCase());
    return true;
  } catch (error) {
    if (error instanceof NotThis) return false;
    throw error;
  }
};

function scheduleOf(text: string): Schedule {
  if (text.startsWith("cron(")) return cron(text);
  const hourly = /^hour at :(\d\d)$/.exec(text);
  if (hourly !== null) {
    const minute = Number(hourly[1]);
    if (minute > 59) throw new NotThis("a minute from :00 to :59, like hour at :30");
    return { is: "hourly", minute };
  }
  const counted = /^(\d{1,4}) (?:(days)|weeks (\S+)) (\S+) from (\S+)$/.exec(text);
  if (counted !== null) return everySo(counted);
  const monthly = /^month (?:(\d{1,2})|last day) (\S+)$/.exec(text);
  if (monthly !== null) {
    const day = monthly[1] === undefined ? ("last" as const) : Number(monthly[1]);
    if (day !== "last" && (day < 1 || day > 28))
      throw new NotThis("a day of the month from 1 to 28, or last day: every month has those");
    return { is: "monthly", day, time: time(monthly[2]!) };
  }
  const weekly = /^(\S+) (\S+)$/.exec(text);
  if (weekly === null) throw new NotThis(isDays(text) ? "a time as well, like monday 08:00" : EXPECTED);
  const [, names = "", clock = ""] = weekly;
  if (names === "day") return { is: "daily", time: time(clock) };
  const named = names === "weekdays" ? WEEKDAYS.slice(1, 6) : names.split(",").map(weekday);
  if (new Set(named).size < named.length) throw new NotThis("each day of the week once");
  return { is: "weekly", days: WEEKDAYS.filter((day) => named.includes(day)), time: time(clock) };
}

function everySo([, countText, , day, clock = "", from = ""]: RegExpExecArray): Schedule {
  const count = Number(countText);
  const date = parseDate(from);
  if (date === undefined || from < "2000" || from >= "2200")
    throw new NotThis("a date after from, like 2026-01-05");
  const max = day === undefined ? DAYS_MAX : WEEKS_MAX;
  if (count < 1 || count > max) throw new NotThis(`1 to ${max} ${day === undefined ? "days" : "weeks"}`);
  return day === undefined
    ? { is: "days", count, time: time(clock), from }
    : { is: "weeks", count, day: weekday(day), time: time(clock), from };
}

function cron(text: string): Schedule {
  const read = parseCron(text);
  if ("expected" in read) throw new NotThis(read.expected);
  return { is: "cron", expression: read.expression };
}

const isDays = (text: string): boolean =>
  text === "day" || text === "weekdays" || text.split(",").every((name) => weekdayNamed(name) !== undefined);

const weekdayNamed = (name: string): Weekday | undefined =>
  WEEKDAYS.find((each) => each === name || each.slice(0, 3) === name);

function weekday(name: string): Weekday {
  const day = weekdayNamed(name);
  if (day === undefined) throw new NotThis(EXPECTED);
  return day;
}

function time(text: string): TimeOfDay {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (match === null) throw new NotThis(TIME_EXPECTED);
  return { hour: Number(match[1]), minute: Number(match[2]) };
}
