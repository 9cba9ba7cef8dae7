// @ts-check
/** The machine's clock, which need not be the browser's, and how instants are written in its owner's zone. */

let machineAt = 0;
let takenAt = 0;
let rate = 1;
let zone = "UTC";

/** @param {{ now: string, rate: number, zone: string }} state */
export function setClock(state) {
  machineAt = Date.parse(state.now);
  takenAt = performance.now();
  rate = state.rate;
  zone = state.zone;
}

export const isSet = () => machineAt > 0;
export const isFast = () => rate > 1;
export const nowMs = () => machineAt + (performance.now() - takenAt) * rate;

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * @param {string} kind
 * @param {Intl.DateTimeFormatOptions} options
 */
function format(kind, options) {
  const key = `${kind} ${zone}`;
  let found = formats.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
    formats.set(key, found);
  }
  return found;
}

const CLOCK = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = /** @type {const} */ ({ weekday: "short", day: "numeric", month: "short" });

/**
 * `Mon 23 Nov 08:00`
 * @param {string | number} instant
 */
export const dayAndTime = (instant) =>
  format("day", { ...DAY, ...CLOCK })
    .format(new Date(instant))
    .replaceAll(",", "");

/** `Mon 23 Nov 08:00:04` */
export const clockText = () =>
  format("clock", { ...DAY, ...CLOCK, second: "2-digit" })
    .format(new Date(nowMs()))
    .replaceAll(",", "");

/**
 * `08:00:04.120`
 * @param {string} instant
 */
export const preciseTime = (instant) =>
  format("precise", { ...CLOCK, second: "2-digit", fractionalSecondDigits: 3 }).format(new Date(instant));

/**
 * `in 18 h 16 min`, `in 40 s`
 * @param {string} instant
 */
export function untilText(instant) {
  const seconds = Math.round((Date.parse(instant) - nowMs()) / 1000);
  if (seconds <= 0) return "now";
  const minutes = Math.round(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (seconds < 90) return `in ${seconds} s`;
  if (hours < 1) return `in ${minutes} min`;
  if (days < 2) return `in ${hours} h ${minutes % 60} min`;
  return `in ${days} days`;
}
