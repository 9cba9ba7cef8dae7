/** The grammar of single values: amounts, percentages, assets, lengths of time, names. */
import { compare, decimal, isPositive, tryDecimal } from "../domain/decimal.ts";
import type { Pair } from "../domain/market.ts";
import { type Rate, rateOfPercent } from "../domain/money.ts";
import type { Money } from "../domain/plan.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import {
  assetMeant,
  buyMeant,
  durationMeant,
  isPaidWith,
  moneyMeant,
  nearest,
  percentMeant,
  plainNumber,
} from "./corrections.ts";
import type { Grammar } from "./reader.ts";

const DEC = "\\d+(?:\\.\\d+)?";
const ASSET = "[A-Za-z0-9]+";
const MONEY = new RegExp(`^(${DEC}) (${ASSET})$`);
const BUY = new RegExp(`^(${DEC} ${ASSET}) of (${ASSET})$`, "i");

/** Kraken's own name for bitcoin is taken as what everybody else calls it. */
export const assetNamed = (text: string): string => {
  const name = text.toUpperCase();
  return name === "XBT" ? "BTC" : name;
};

/** `1.000 EUR` is one euro; who writes points between thousands means something else. */
const pointTrap = (number: string): { warning?: string } =>
  /^[1-9]\d{0,2}\.\d{3}$/.test(number)
    ? { warning: `${number} is read with a decimal point; a thousand is written 1000` }
    : {};

const positive = (number: string): boolean => {
  const value = tryDecimal(number);
  return value !== undefined && isPositive(value);
};

/** `meant` is the asset that an amount without one is taken to have, in the suggestion only. */
export const money =
  (meant = "EUR"): Grammar<Money> =>
  (text) => {
    const match = MONEY.exec(text);
    if (match !== null && positive(match[1]!)) {
      const asset = assetNamed(match[2]!);
      return { value: { amount: decimal(match[1]!), asset }, ...pointTrap(match[1]!) };
    }
    const expected =
      match === null ? `an amount like 100 ${meant}` : `an amount above zero, like 100 ${meant}`;
    return { expected, suggestion: moneyMeant(text, meant) };
  };

/** An amount of one asset, the one that the place is about; of any when that one is not known. */
export const moneyIn =
  (asset: string | undefined): Grammar<Money> =>
  (text) => {
    const reading = money(asset)(text);
    if (!("value" in reading) || asset === undefined || reading.value.asset === asset) return reading;
    return { expected: `an amount in ${asset}` };
  };

export type Buy = { readonly spend: Money; readonly base: string };

export const buy: Grammar<Buy> = (text) => {
  const match = BUY.exec(text);
  if (match === null) {
    // A text with "of" has a slip in the amount; one without is an amount alone
    const meant = buyMeant(text);
    const asked = / of /i.test(text)
      ? "an amount like 100 EUR"
      : "what you spend and what you buy, like 100 EUR of BTC";
    return { expected: asked, suggestion: meant };
  }
  const spend = money()(match[1]!);
  if (!("value" in spend)) return { expected: spend.expected };
  const base = assetNamed(match[2]!);
  const paid = spend.value.asset;
  if (base === paid)
    return {
      expected: "two different assets",
      suggestion: buyMeant(`${match[1]} of ${base === "BTC" ? "EUR" : "BTC"}`),
    };
  if (isPaidWith(base) && !isPaidWith(paid))
    return { expected: "what you spend first and what you buy second", suggestion: `100 ${base} of ${paid}` };
  return { ...spend, value: { spend: spend.value, base } };
};

export const asset: Grammar<string> = (text) =>
  new RegExp(`^${ASSET}$`).test(text)
    ? { value: assetNamed(text) }
    : { expected: "an asset like BTC", suggestion: assetMeant(text) };

export const number: Grammar<string> = (text) =>
  new RegExp(`^${DEC}$`).test(text) && positive(text)
    ? { value: text, ...pointTrap(text) }
    : { expected: "a number above zero like 120000 or 0.5", suggestion: plainNumber(text) };

/** A fraction: `0.5%` is 0.005. */
export const percent =
  (example: string, max = "100"): Grammar<Rate> =>
  (text) => {
    const bare = text.endsWith("%") ? text.slice(0, -1) : "";
    if (new RegExp(`^${DEC}$`).test(bare) && positive(bare)) {
      const value = rateOfPercent(bare);
      return compare(value, rateOfPercent(max)) <= 0 ? { value } : { expected: `at most ${max}%` };
    }
    return { expected: `a percentage like ${example}`, suggestion: percentMeant(text) };
  };

export const pairOf = (text: string): Pair | undefined => {
  const match = new RegExp(`^(${ASSET})/(${ASSET})$`).exec(text);
  if (match === null) return undefined;
  const [base, quote] = [assetNamed(match[1]!), assetNamed(match[2]!)];
  return base === quote ? undefined : { base, quote };
};

const UNIT_MS: Readonly<Record<string, number>> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };
const DURATION_MAX_MS = 366 * DAY_MS;

export const durationMs: Grammar<number> = (text) => {
  const match = /^(\d{1,8})([smhd])$/i.exec(text);
  const ms = match === null ? 0 : Number(match[1]) * UNIT_MS[match[2]!.toLowerCase()]!;
  return ms > 0 && ms <= DURATION_MAX_MS
    ? { value: ms }
    : { expected: "a length of time like 30m, 2h or 1d", suggestion: durationMeant(text) };
};

/** One of a few words, in any case. */
export const word =
  <T extends string>(...words: readonly T[]): Grammar<T> =>
  (text) => {
    const value = words.find((each) => each === text.toLowerCase());
    if (value !== undefined) return { value };
    const last = words.at(-1)!;
    const expected = words.length === 1 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
    return { expected, suggestion: nearest(text, words) };
  };

export const truth: Grammar<boolean> = (text) => {
  const reading = word("true", "false")(text);
  if ("value" in reading) return { value: reading.value === "true" };
  const meant = /^(yes|y|on|1)$/i.test(text) ? "true" : /^(no|n|off|0)$/i.test(text) ? "false" : undefined;
  return { expected: reading.expected, suggestion: meant ?? reading.suggestion };
};

/** Names that go into ids of runs, queues and keys. */
export const id =
  (what: string): Grammar<string> =>
  (text) => {
    if (/^[a-z][a-z0-9-]{0,31}$/.test(text)) return { value: text };
    const meant = text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^[^a-z]+|-+$/g, "")
      .slice(0, 32);
    return {
      expected: `${what}: a letter, then letters, digits or dashes, at most 32`,
      suggestion: meant === "" ? undefined : meant,
    };
  };

export const email: Grammar<string> = (text) =>
  /^[^\s@<>",;]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(text) && text.length <= 254
    ? { value: text }
    : { expected: "an address like owner@example.org" };

const NOTE_MAX = 280;

export const note: Grammar<string> = (text) => {
  const value = text.trim();
  return value !== "" && value.length <= NOTE_MAX
    ? { value }
    : { expected: `a text of at most ${NOTE_MAX} characters` };
};
