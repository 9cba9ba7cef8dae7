/** Readers: from a place in the file to a checked value. A reader that answers undefined has reported why. */
import { isAlias, isMap, isScalar, isSeq, type Node } from "yaml";
import { nearest } from "./corrections.ts";
import { keyPath, type Report, textOf, type Value, valueAt } from "./yaml-source.ts";

export type Reader<T> = (value: Value, report: Report) => T | undefined;

/** How one scalar reads: its value, or what should stand there. */
export type Reading<T> =
  | { readonly value: T; readonly warning?: string }
  | { readonly expected: string; readonly suggestion?: string | undefined };
export type Grammar<T> = (text: string) => Reading<T>;

/** Longer than any value, short enough that no pattern costs time on it. */
const TEXT_MAX = 300;

/** A suggestion is made only when the grammar would take it. */
export const scalar =
  <T>(grammar: Grammar<T>): Reader<T> =>
  (value, report) => {
    const text = textOf(value);
    if (text === undefined)
      return isAlias(value.node) ? undefined : report.mistake(value, expectedBy(grammar));
    if (text.length > TEXT_MAX) return report.mistake(value, expectedBy(grammar));
    const reading = grammar(text);
    if (value.joined !== undefined) {
      const meant = "value" in reading ? text : accepted(grammar, reading.suggestion);
      return report.mistake(
        value,
        "value" in reading ? "quotes around a value with a comma" : reading.expected,
        { suggestion: meant?.includes(",") ? `"${meant}"` : meant },
      );
    }
    if ("value" in reading) {
      if (reading.warning !== undefined) report.warn(value, reading.warning);
      return reading.value;
    }
    const spaced = text.trim().replace(/\s+/g, " ");
    const suggestion =
      spaced === text ? reading.suggestion : (accepted(grammar, spaced) ?? reading.suggestion);
    return report.mistake(value, reading.expected, { suggestion: accepted(grammar, suggestion) });
  };

const accepted = <T>(grammar: Grammar<T>, text: string | undefined): string | undefined =>
  text !== undefined && "value" in grammar(text) ? text : undefined;

/** What the grammar says when nothing stands there. */
function expectedBy<T>(grammar: Grammar<T>): string {
  const reading = grammar("");
  return "expected" in reading ? reading.expected : "a text";
}

export type Fields = { readonly self: Value; readonly values: ReadonlyMap<string, Value> };

/** A map with these keys only. Keys are told apart by case, so `maxprice` is unknown and `maxPrice` is suggested. */
export const fields =
  (known: readonly string[], expected: string): Reader<Fields> =>
  (self, report) => {
    const values = entries(self, report, expected, known);
    if (values === undefined) return undefined;
    refuseUnknown(values, known, report);
    return { self, values };
  };

export function refuseUnknown(
  values: ReadonlyMap<string, Entry>,
  known: readonly string[],
  report: Report,
): void {
  for (const [key, value] of values) {
    if (known.includes(key)) continue;
    report.mistake({ ...value, offset: value.keyOffset }, `one of ${known.join(", ")}`, {
      read: key,
      suggestion: nearest(key, known),
    });
  }
}

export type Entry = Value & { readonly keyOffset: number };

/** All keys of a map, each once. `known` tells a key from the tail of a value that a comma cut off inside { }. */
export function entries(
  self: Value,
  report: Report,
  expected: string,
  known: readonly string[] = [],
): ReadonlyMap<string, Entry> | undefined {
  const { node, path } = self;
  if (!isMap(node)) return isAlias(node) ? undefined : report.mistake(self, expected);
  const found = new Map<string, Entry>();
  let last: string | undefined;
  for (const { key: keyNode, value: inner } of node.items) {
    const at = valueAt(keyNode as Node | null, path, self.offset);
    const key = textOf(at);
    if (key === undefined || key === "<<") continue; // Reported when the file was looked through
    const before = last === undefined ? undefined : found.get(last);
    const beforeText = before === undefined ? undefined : textOf(before);
    if (node.flow === true && isNothing(inner as Node | null) && !known.includes(key) && beforeText) {
      found.set(last!, { ...before!, joined: `${beforeText},${key}` });
      continue;
    }
    if (found.has(key)) {
      const first = report.lineOf(found.get(key)!.keyOffset);
      report.mistake({ ...at, path: keyPath(path, key) }, `each key once, it is on line ${first} too`, {
        read: key,
      });
      continue;
    }
    found.set(key, { ...valueAt(inner as Node | null, keyPath(path, key), at.offset), keyOffset: at.offset });
    last = key;
  }
  return found;
}

const isNothing = (node: Node | null): boolean => node === null || (isScalar(node) && node.value === "");

/** Every item is read, so that all mistakes are found; undefined when one of them had any. */
export const list =
  <T>(item: Reader<T>, expected: string): Reader<readonly T[]> =>
  (value, report) => {
    const { node, path, offset } = value;
    if (!isSeq(node)) return isAlias(node) ? undefined : report.mistake(value, expected);
    const values = node.items.map((inner, index) =>
      valueAt(inner as Node | null, `${path}[${index}]`, offset),
    );
    const items = (node.flow === true ? joinedNumbers(values) : values).map((each) => item(each, report));
    return items.every((each) => each !== undefined) ? (items as T[]) : undefined;
  };

/** `[1,000 EUR]` is two items to YAML and one amount to its owner. */
function joinedNumbers(values: readonly Value[]): readonly Value[] {
  const whole: Value[] = [];
  for (const value of values) {
    const last = whole.at(-1);
    const [before, text] = [last && textOf(last), textOf(value)];
    if (last !== undefined && /^\D?\d+(,\d{3})*$/.test(before ?? "") && /^\d/.test(text ?? ""))
      whole[whole.length - 1] = { ...last, joined: `${before},${text}` };
    else whole.push(value);
  }
  return whole;
}

/** One value alone or a list of them. */
export const oneOrList =
  <T>(item: Reader<T>, expected: string): Reader<readonly T[]> =>
  (value, report) => {
    if (isSeq(value.node)) return list(item, expected)(value, report);
    const one = item(value, report);
    return one === undefined ? undefined : [one];
  };

export function required<T>(
  { self, values }: Fields,
  key: string,
  reader: Reader<T>,
  report: Report,
  expected: string,
): T | undefined {
  const value = values.get(key);
  if (value !== undefined) return reader(value, report);
  return report.mistake({ node: null, path: keyPath(self.path, key), offset: self.offset }, expected);
}

/** `fallback` when the key is not there; undefined only after a mistake. */
export function optional<T>(
  { values }: Fields,
  key: string,
  reader: Reader<T>,
  report: Report,
  fallback: T,
): T | undefined {
  const value = values.get(key);
  return value === undefined ? fallback : reader(value, report);
}

/** `{ [key]: value }`, or nothing when the key is not there (or was a mistake): for optional fields of a type. */
export function ifPresent<K extends string, T>(
  { values }: Fields,
  key: K,
  reader: Reader<T>,
  report: Report,
): { readonly [key in K]?: T } {
  const value = values.get(key);
  const read = value === undefined ? undefined : reader(value, report);
  return (read === undefined ? {} : { [key]: read }) as { readonly [key in K]?: T };
}
