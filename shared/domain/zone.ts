/**
 * Instants as clocks on the wall show them, in any IANA zone.
 *
 * A wall time is written as the UTC instant that has the same digits ("wall milliseconds"), so that sums of days are plain.
 * Two rules hold wherever a wall time becomes an instant: one that clocks skip has no instant, one that they show twice is
 * the first of the two. They are EventBridge Scheduler's rules.
 */
import { DAY_MS, type EpochMs, epochMs, MINUTE_MS } from "./time.ts";

declare const wall: unique symbol;

/** Date and time on a wall, as the milliseconds of the same digits in UTC. */
export type WallMs = number & { readonly [wall]: true };

export type CalendarDate = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** Days since 1970-01-01. */
  readonly dayNumber: number;
};

/** How the offset of a zone runs through one UTC day: no zone changes it twice in a day. */
type OffsetsOfDay = { readonly before: number; readonly after: number; readonly changeAt: number };

type ZoneClock = { readonly read: Intl.DateTimeFormat; readonly days: Map<number, OffsetsOfDay> };

/** Above this the remembered days of a zone are dropped: 300 plans look at the same few hundred. */
const DAYS_KEPT_MAX = 100_000;

const clocks = new Map<string, ZoneClock>();

/** True for names that this machine knows: `Europe/Berlin`, `UTC`. */
export function isZone(name: string): boolean {
  try {
    clockOf(name);
    return true;
  } catch {
    return false;
  }
}

export const wallOf = (at: EpochMs, zone: string): WallMs => (at + offsetAt(at, clockOf(zone))) as WallMs;

/** Undefined when clocks in `zone` skip this wall time; the first instant when they show it twice. */
export function instantOf(wallMs: WallMs, zone: string): EpochMs | undefined {
  const clock = clockOf(zone);
  const dayBefore = offsetAt(wallMs - DAY_MS, clock);
  const dayAfter = offsetAt(wallMs + DAY_MS, clock);
  if (dayBefore === dayAfter) return epochMs(wallMs - dayBefore);
  // The larger offset gives the earlier instant, so the first that fits is the first of a repeated time.
  for (const offset of [Math.max(dayBefore, dayAfter), Math.min(dayBefore, dayAfter)]) {
    if (offsetAt(wallMs - offset, clock) === offset) return epochMs(wallMs - offset);
  }
  return undefined;
}

export const dayNumberOf = (wallMs: WallMs): number => Math.floor(wallMs / DAY_MS);

export const wallAt = (dayNumber: number, hour: number, minute: number): WallMs =>
  (dayNumber * DAY_MS + (hour * 60 + minute) * MINUTE_MS) as WallMs;

export function dateOf(dayNumber: number): CalendarDate {
  const date = new Date(dayNumber * DAY_MS);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    dayNumber,
  };
}

/** Day number of `2026-11-23`; undefined for a day that no calendar has. */
export function parseDate(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00.000Z`);
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) return undefined;
  return ms / DAY_MS;
}

export const daysInMonth = (year: number, month: number): number =>
  new Date(Date.UTC(year, month, 0)).getUTCDate();

/** The calendar day in `zone` that counts for caps, `2026-11-23`. */
export const dayWindow = (at: EpochMs, zone: string): string =>
  new Date(wallOf(at, zone)).toISOString().slice(0, 10);

/** The calendar month in `zone` that counts for caps, `2026-11`. */
export const monthWindow = (at: EpochMs, zone: string): string => dayWindow(at, zone).slice(0, 7);

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * For people: `Mon 23 Nov 08:00 GMT+1`. An offset, because abbreviations like CET change between versions of ICU. With its
 * year where `now` is given and in another one.
 */
export function localText(at: EpochMs, zone: string, now?: EpochMs): string {
  const wallMs = wallOf(at, zone);
  const offsetMinutes = (wallMs - at) / MINUTE_MS;
  const { weekday, day, month, year } = dateOf(dayNumberOf(wallMs));
  const isOtherYear = now !== undefined && year !== dateOf(dayNumberOf(wallOf(now, zone))).year;
  const time = new Date(wallMs).toISOString().slice(11, 16);
  return `${WEEKDAYS[weekday]} ${day} ${MONTHS[month - 1]}${isOtherYear ? ` ${year}` : ""} ${time} ${offsetText(offsetMinutes, zone)}`;
}

function offsetText(minutes: number, zone: string): string {
  if (zone.toUpperCase() === "UTC") return "UTC";
  if (minutes === 0) return "GMT";
  const size = Math.abs(minutes);
  const rest = size % 60 === 0 ? "" : `:${String(Math.floor(size % 60)).padStart(2, "0")}`;
  return `GMT${minutes < 0 ? "-" : "+"}${Math.floor(size / 60)}${rest}`;
}

/** Milliseconds that walls are ahead of UTC. */
function offsetAt(at: number, clock: ZoneClock): number {
  const day = Math.floor(at / DAY_MS);
  let offsets = clock.days.get(day);
  if (offsets === undefined) {
    offsets = offsetsOfDay(day, clock.read);
    if (clock.days.size >= DAYS_KEPT_MAX) clock.days.clear();
    clock.days.set(day, offsets);
  }
  return at < offsets.changeAt ? offsets.before : offsets.after;
}

function offsetsOfDay(day: number, read: Intl.DateTimeFormat): OffsetsOfDay {
  let low = day * DAY_MS;
  let high = low + DAY_MS;
  const before = readOffset(low, read);
  const after = readOffset(high, read);
  if (before === after) return { before, after, changeAt: low };
  while (high - low > MINUTE_MS) {
    const middle = low + Math.floor((high - low) / (2 * MINUTE_MS)) * MINUTE_MS;
    if (readOffset(middle, read) === before) low = middle;
    else high = middle;
  }
  return { before, after, changeAt: high };
}

function readOffset(at: number, read: Intl.DateTimeFormat): number {
  const part: Record<string, number> = {};
  for (const { type, value } of read.formatToParts(at)) part[type] = Number(value);
  const { year, month, day, hour, minute, second } = part;
  return Date.UTC(year!, month! - 1, day!, hour!, minute!, second!) - at;
}

function clockOf(zone: string): ZoneClock {
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  const read = new Intl.DateTimeFormat("en-US-u-ca-gregory-nu-latn", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const made = { read, days: new Map<number, OffsetsOfDay>() };
  clocks.set(zone, made);
  return made;
}
