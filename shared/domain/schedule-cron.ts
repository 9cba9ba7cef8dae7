/**
 * The six-field cron of EventBridge Scheduler: minutes, hours, day of month, month, day of week, year.
 * Narrower than AWS where its pages leave the meaning open: ranges do not wrap, `L`, `W` and `#` stand alone, and of the
 * two day fields exactly one is `?` (docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html).
 */
import { type CalendarDate, daysInMonth } from "./zone.ts";

export type CronDay =
  | { readonly is: "days-of-month"; readonly days: readonly number[] }
  | { readonly is: "last-of-month" }
  /** The weekday, Monday to Friday, nearest to a day without leaving the month. */
  | { readonly is: "nearest-weekday"; readonly day: number }
  | { readonly is: "days-of-week"; readonly weekdays: readonly number[] }
  | { readonly is: "last-of-weekday"; readonly weekday: number }
  | { readonly is: "nth-of-weekday"; readonly weekday: number; readonly nth: number };

/** Weekdays as in `CalendarDate`: 0 is Sunday. */
export type Cron = {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly day: CronDay;
  readonly months: readonly number[];
  readonly years: readonly number[];
};

/** `expected` says what a field must be, in words for the owner. */
export type CronProblem = { readonly expected: string };

type Field = {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
};

const MINUTES: Field = { name: "minutes", min: 0, max: 59 };
const HOURS: Field = { name: "hours", min: 0, max: 23 };
const DAY_OF_MONTH: Field = { name: "day of month", min: 1, max: 31 };
const MONTHS: Field = {
  name: "month",
  min: 1,
  max: 12,
  names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
const DAY_OF_WEEK: Field = {
  name: "day of week",
  min: 1,
  max: 7,
  names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
};
const YEARS: Field = { name: "year", min: 1970, max: 2199 };

/** Longer than any useful expression, short enough that a hostile one costs no time. */
const LENGTH_MAX = 256;

/** Reads `cron(0 8 ? * MON *)`, in any case; `expression` is the one spelling that is kept and sent to AWS. */
export function parseCron(text: string): { readonly cron: Cron; readonly expression: string } | CronProblem {
  const inner = text.length <= LENGTH_MAX ? /^cron\(([^()]*)\)$/i.exec(text)?.[1] : undefined;
  const fields = inner?.toUpperCase().split(" ") ?? [];
  if (fields.length !== 6 || fields.includes(""))
    return { expected: "cron( ) with six fields: minutes hours day-of-month month day-of-week year" };
  const [minutes, hours, dayOfMonth, months, dayOfWeek, years] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if ((dayOfMonth === "?") === (dayOfWeek === "?"))
    return { expected: "? in exactly one of the two cron fields day-of-month and day-of-week" };
  try {
    const day = dayOfWeek === "?" ? monthDay(dayOfMonth) : weekDay(dayOfWeek);
    const cron: Cron = {
      minutes: valuesOf(MINUTES, minutes),
      hours: valuesOf(HOURS, hours),
      day,
      months: valuesOf(MONTHS, months),
      years: valuesOf(YEARS, years),
    };
    // Numbers where a letter follows the day: AWS shows `6L` and `2#1`, never `FRIL`
    const dayText =
      day.is === "last-of-weekday"
        ? `${day.weekday + 1}L`
        : day.is === "nth-of-weekday"
          ? `${day.weekday + 1}#${day.nth}`
          : dayOfWeek;
    return { cron, expression: `cron(${[minutes, hours, dayOfMonth, months, dayText, years].join(" ")})` };
  } catch (error) {
    if (error instanceof FieldError) return { expected: error.message };
    throw error;
  }
}

/** Of an expression that `parseCron` has taken before; throws for any other. */
export function cronOf(expression: string): Cron {
  const read = parseCron(expression);
  if ("expected" in read) throw new Error(`${expression} is no cron expression: ${read.expected}`);
  return read.cron;
}

export function onCronDay({ day, months, years }: Cron, date: CalendarDate): boolean {
  if (!months.includes(date.month)) return false;
  if (date.year < years[0]! || date.year > years.at(-1)! || !years.includes(date.year)) return false;
  switch (day.is) {
    case "days-of-month":
      return day.days.includes(date.day);
    case "last-of-month":
      return date.day === daysInMonth(date.year, date.month);
    case "nearest-weekday":
      return isNearestWeekday(day.day, date);
    case "days-of-week":
      return day.weekdays.includes(date.weekday);
    case "last-of-weekday":
      return date.weekday === day.weekday && date.day + 7 > daysInMonth(date.year, date.month);
    case "nth-of-weekday":
      return date.weekday === day.weekday && Math.ceil(date.day / 7) === day.nth;
  }
}

function isNearestWeekday(wanted: number, { year, month, day, weekday }: CalendarDate): boolean {
  const last = daysInMonth(year, month);
  if (wanted > last || weekday === 0 || weekday === 6) return false;
  const wantedWeekday = (((weekday + wanted - day) % 7) + 7) % 7;
  if (wantedWeekday === 6) return day === (wanted === 1 ? 3 : wanted - 1);
  if (wantedWeekday === 0) return day === (wanted === last ? wanted - 2 : wanted + 1);
  return day === wanted;
}

class FieldError extends Error {}

function monthDay(text: string): CronDay {
  if (text === "L") return { is: "last-of-month" };
  const nearest = /^(\d{1,2})W$/.exec(text);
  if (nearest !== null) return { is: "nearest-weekday", day: single(DAY_OF_MONTH, nearest[1]!) };
  return { is: "days-of-month", days: valuesOf(DAY_OF_MONTH, text) };
}

function weekDay(text: string): CronDay {
  // The last day of the week, Saturday
  if (text === "L") return { is: "days-of-week", weekdays: [6] };
  const last = /^([A-Z]{3}|\d)L$/.exec(text);
  if (last !== null) return { is: "last-of-weekday", weekday: single(DAY_OF_WEEK, last[1]!) - 1 };
  const nth = /^([A-Z]{3}|\d)#(\d)$/.exec(text);
  if (nth !== null) {
    const count = Number(nth[2]);
    if (count < 1 || count > 5) throw new FieldError("a number from 1 to 5 after # in cron");
    return { is: "nth-of-weekday", weekday: single(DAY_OF_WEEK, nth[1]!) - 1, nth: count };
  }
  return { is: "days-of-week", weekdays: valuesOf(DAY_OF_WEEK, text).map((day) => day - 1) };
}

/** All values that a field with lists, ranges and steps stands for, ascending. */
function valuesOf(field: Field, text: string): readonly number[] {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(\*|[A-Z\d]+)(?:-([A-Z\d]+))?(?:\/(\d{1,3}))?$/.exec(part);
    if (match === null) throw problemWith(field, part);
    const [, start = "", end, stepText] = match;
    if (start === "*" && end !== undefined) throw problemWith(field, part);
    const low = start === "*" ? field.min : single(field, start);
    const open = start === "*" || stepText !== undefined;
    const high = end !== undefined ? single(field, end) : open ? field.max : low;
    const step = stepText === undefined ? 1 : Number(stepText);
    if (high < low || step < 1 || step > field.max) throw problemWith(field, part);
    for (let value = low; value <= high; value += step) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

function single(field: Field, text: string): number {
  const named = field.names?.indexOf(text) ?? -1;
  if (named >= 0) return named + 1;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= field.min && value <= field.max)) throw problemWith(field, text);
  return value;
}

const problemWith = ({ name, min, max, names }: Field, part: string): FieldError =>
  new FieldError(
    `cron ${name} from ${min} to ${max}${names === undefined ? "" : ` or ${names[0]} to ${names.at(-1)}`}, was ${part}`,
  );
