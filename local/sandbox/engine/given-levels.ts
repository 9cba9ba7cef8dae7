/** From prices as an order gives them to the levels at which it acts. */
import { type Decimal, unitsAt } from "../../../shared/domain/decimal.ts";
import type { Pair } from "../market/catalogue.ts";
import type { Order } from "../state.ts";
import { distanceOf, priceFrom, readPrice, tickError } from "./given-price.ts";
import { fixed } from "./sentence.ts";

export type Levels = Pick<
  Order,
  "limit" | "trigger" | "trail" | "limitOffset" | "peak" | "priceShown" | "price2Shown"
>;

type Situation = { readonly pair: Pair; readonly last: Decimal; readonly mid: number };

/** Limit, trigger and what the description shows, from prices as they were given. `undefined`: no price is left. */
export function levelsFor(
  { pair, last, mid }: Situation,
  given: { side: "buy" | "sell"; type: Order["type"]; price: string; price2: string | undefined },
): Levels | undefined {
  const none = {
    limit: undefined,
    trigger: undefined,
    trail: undefined,
    limitOffset: undefined,
    peak: undefined,
  };
  if (given.type === "market") return { ...none, priceShown: "0", price2Shown: "0" };
  const isBuy = given.side === "buy";
  const price = readPrice(given.price);
  if (price === undefined) return undefined;
  if (given.type.startsWith("trailing")) {
    if (price.is !== "relative") return undefined;
    const exact = distanceOf(price, last);
    const trail: Decimal = {
      units: unitsAt(cut(exact, pair.pairDecimals), pair.pairDecimals),
      scale: pair.pairDecimals,
    };
    const units = isBuy ? last.units + trail.units : last.units - trail.units;
    if (units <= 0n || trail.units <= 0n) return undefined;
    const offset = given.price2 === undefined ? undefined : readPrice(given.price2);
    const distance = offset?.is === "relative" ? cut(distanceOf(offset, last), pair.pairDecimals) : undefined;
    const signed =
      distance === undefined || offset?.is !== "relative"
        ? undefined
        : { units: offset.sign === "-" ? -distance.units : distance.units, scale: distance.scale };
    return {
      ...none,
      trigger: { units, scale: pair.pairDecimals },
      trail,
      limitOffset: signed,
      peak: mid,
      priceShown: shown(given.price, pair.pairDecimals),
      price2Shown: given.price2 === undefined ? "0" : shown(given.price2, pair.pairDecimals),
    };
  }
  // `#` means the side on which such an order makes sense.
  const isStop = given.type.startsWith("stop-loss");
  const first = priceFrom(pair, price, last, isBuy === isStop ? "+" : "-");
  if (first === undefined) return undefined;
  const priceShown = fixed(first, pair.pairDecimals);
  if (given.type === "limit" || given.type === "iceberg")
    return { ...none, limit: first, priceShown, price2Shown: "0" };
  if (given.price2 === undefined) return { ...none, trigger: first, priceShown, price2Shown: "0" };
  const second = readPrice(given.price2);
  const limit = second === undefined ? undefined : priceFrom(pair, second, first, isBuy ? "+" : "-");
  if (limit === undefined) return undefined;
  return { ...none, trigger: first, limit, priceShown, price2Shown: fixed(limit, pair.pairDecimals) };
}

const cut = (value: Decimal, decimals: number): Decimal => {
  const units =
    value.scale <= decimals ? unitsAt(value, decimals) : value.units / 10n ** BigInt(value.scale - decimals);
  return { units, scale: decimals };
};

/** As descriptions show a price: plain ones and distances with the pair's digits, percentages with four. */
export function shown(text: string, decimals: number): string {
  const given = readPrice(text);
  if (given === undefined) return text;
  if (given.is === "plain") return fixed(given.value, decimals);
  return given.isPercent
    ? `${given.sign}${fixed(given.value, 4)}%`
    : `${given.sign}${fixed(given.value, decimals)}`;
}

/** Kraken's words when one of the levels has too many digits or is off its tick. */
export const tickErrorOf = (pair: Pair, { limit, trigger }: Levels): string | undefined =>
  [trigger, limit].map((level) => (level === undefined ? undefined : tickError(pair, level))).find(Boolean);
