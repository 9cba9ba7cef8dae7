/** The names of time zones: a place, never an abbreviation, because only a place says when clocks change. */
import { isZone } from "../domain/zone.ts";
import { nearest } from "./corrections.ts";
import type { Grammar } from "./reader.ts";

/** What people write who mean a place. */
const MEANT: Readonly<Record<string, string>> = {
  cet: "Europe/Berlin",
  cest: "Europe/Berlin",
  mez: "Europe/Berlin",
  met: "Europe/Berlin",
  wet: "Europe/Lisbon",
  eet: "Europe/Athens",
  eest: "Europe/Athens",
  bst: "Europe/London",
  gb: "Europe/London",
  msk: "Europe/Moscow",
  gmt: "UTC",
  z: "UTC",
  zulu: "UTC",
  et: "America/New_York",
  est: "America/New_York",
  edt: "America/New_York",
  est5edt: "America/New_York",
  ct: "America/Chicago",
  cst: "America/Chicago",
  cdt: "America/Chicago",
  mst: "America/Denver",
  mdt: "America/Denver",
  pt: "America/Los_Angeles",
  pst: "America/Los_Angeles",
  pdt: "America/Los_Angeles",
  ist: "Asia/Kolkata",
  jst: "Asia/Tokyo",
  japan: "Asia/Tokyo",
  sgt: "Asia/Singapore",
  aest: "Australia/Sydney",
  aedt: "Australia/Sydney",
  germany: "Europe/Berlin",
  local: "Europe/Berlin",
};

export const zoneName: Grammar<string> = (text) => {
  if (text.toUpperCase() === "UTC") return { value: "UTC" };
  if (/^[A-Za-z]+(\/[A-Za-z0-9_+-]+){1,2}$/.test(text) && isZone(text)) return { value: spelled(text) };
  return { expected: "a time zone like Europe/Berlin, or UTC", suggestion: zoneMeant(text) };
};

/** As the zone database writes it: Scheduler is asked with the same name. */
function spelled(text: string): string {
  const known = zones().find((zone) => zone.toLowerCase() === text.toLowerCase());
  if (known !== undefined || text !== text.toLowerCase()) return known ?? text;
  return text.replace(/(^|[/_])[a-z]/g, (letter) => letter.toUpperCase());
}

function zoneMeant(text: string): string | undefined {
  const place = text.trim().toLowerCase().replace(/ /g, "_");
  const named = MEANT[place];
  if (named !== undefined) return named;
  if (place.length < 3 || place.length > 40) return undefined;
  const cities = new Map(zones().map((zone) => [zone.split("/").at(-1)!.toLowerCase(), zone]));
  return cities.get(place) ?? nearest(place, zones()) ?? cities.get(nearest(place, [...cities.keys()]) ?? "");
}

let allZones: readonly string[] | undefined;

function zones(): readonly string[] {
  allZones ??= Intl.supportedValuesOf("timeZone");
  return allZones;
}
