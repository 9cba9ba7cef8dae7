/** Prices as an order may give them: plain, or relative to the last trade with `+`, `-`, `#` and `%`. */
import {
  add,
  compare,
  type Decimal,
  isMultipleOf,
  multiply,
  subtract,
  toScale,
  tryDecimal,
} from "../../../shared/domain/decimal.ts";
import type { Pair } from "../market/catalogue.ts";

export type GivenPrice =
  | { readonly is: "plain"; readonly value: Decimal }
  | {
      readonly is: "relative";
      readonly sign: "+" | "-" | "#";
      readonly value: Decimal;
      readonly isPercent: boolean;
    };

export function readPrice(text: string): GivenPrice | undefined {
  const match = /^([+#-]?)(\d+(?:\.\d+)?)(%?)$/.exec(text);
  if (match === null) return undefined;
  const value = tryDecimal(match[2]!);
  if (value === undefined) return undefined;
  if (match[1] === "") return match[3] === "" ? { is: "plain", value } : undefined;
  return { is: "relative", sign: match[1] as "+" | "-" | "#", value, isPercent: match[3] === "%" };
}

/** The distance that a relative price names, exact. */
export const distanceOf = (given: GivenPrice & { is: "relative" }, from: Decimal): Decimal =>
  given.isPercent ? multiply(from, { units: given.value.units, scale: given.value.scale + 2 }) : given.value;

/** Rounded to the tick in the direction of zero; `undefined` when nothing above zero is left. */
export function priceFrom(
  pair: Pair,
  given: GivenPrice,
  from: Decimal,
  hashMeans: "+" | "-",
): Decimal | undefined {
  if (given.is === "plain") return given.value;
  const distance = distanceOf(given, from);
  const sign = given.sign === "#" ? hashMeans : given.sign;
  const exact = sign === "+" ? add(from, distance) : subtract(from, distance);
  return exact.units > 0n ? toScale(exact, pair.pairDecimals, "down") : undefined;
}

/** Ticks are counted in doubles inside the path; a price beyond that is nobody's intent. */
const TICKS_MAX = BigInt(Number.MAX_SAFE_INTEGER) / 4n;

/** Kraken's words for a price with too many digits or off its tick. */
export function tickError(pair: Pair, value: Decimal): string | undefined {
  if (toScale(value, pair.pairDecimals, "down").units > TICKS_MAX) return "EOrder:Invalid price";
  if (compare(toScale(value, pair.pairDecimals, "down"), value) !== 0) {
    return `EOrder:Invalid price:${pair.altname} price can only be specified up to ${pair.pairDecimals} decimals.`;
  }
  return isMultipleOf(pair.tick, value) ? undefined : "EOrder:Tick size check failed";
}
