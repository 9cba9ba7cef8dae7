/** The amounts a trade has, each its own type so that they cannot be mixed up, and the sums between them. */
import {
  add,
  compare,
  type Decimal,
  decimal,
  divide,
  multiply,
  type Rounding,
  subtract,
  toMultipleOf,
  toScale,
} from "./decimal.ts";

declare const kind: unique symbol;
type Amount<Kind extends string> = Decimal & { readonly [kind]: Kind };

/** Quote asset for one unit of base. */
export type Price = Amount<"price">;
/** Amount of base. */
export type Volume = Amount<"volume">;
/** Amount of the quote asset: volume × price. */
export type Cost = Amount<"cost">;
/** Amount of the quote asset that Kraken takes (every order asks for `fciq`). */
export type Fee = Amount<"fee">;
/** A fraction, not a percentage: 0.4 % is 0.004. */
export type Rate = Amount<"rate">;

export const price = (text: string): Price => decimal(text) as Price;
export const volume = (text: string): Volume => decimal(text) as Volume;
export const cost = (text: string): Cost => decimal(text) as Cost;
export const fee = (text: string): Fee => decimal(text) as Fee;
export const rate = (text: string): Rate => decimal(text) as Rate;

/** `"0.4000"` percent, as TradeVolume prints it, is the rate 0.004000. */
export const rateOfPercent = (text: string): Rate => {
  const { units, scale } = decimal(text);
  return { units, scale: scale + 2 } as Rate;
};

export const costOf = (bought: Volume, at: Price): Cost => multiply(bought, at) as Cost;

/** Up: a reservation must never be smaller than what Kraken can take. */
export const feeOf = (paid: Cost, feeRate: Rate, decimals: number): Fee =>
  toScale(multiply(paid, feeRate), decimals, "up") as Fee;

export const costWithFee = (paid: Cost, taken: Fee): Cost => add(paid, taken) as Cost;
export const addCost = (a: Cost, b: Cost): Cost => add(a, b) as Cost;
export const subtractCost = (a: Cost, b: Cost): Cost => subtract(a, b) as Cost;
export const addVolume = (a: Volume, b: Volume): Volume => add(a, b) as Volume;
export const addFee = (a: Fee, b: Fee): Fee => add(a, b) as Fee;

/** p × (1 + r), exact. */
export const raisedBy = (p: Price, r: Rate): Price => multiply(p, add(decimal("1"), r)) as Price;

export const toTick = (p: Price, tickSize: Price, rounding: Rounding): Price =>
  toMultipleOf(tickSize, p, rounding) as Price;

export const toLot = (v: Volume, lot: Volume, rounding: Rounding): Volume =>
  toMultipleOf(lot, v, rounding) as Volume;

/** Whole lots that `budget` buys at `limit` when a fee of `feeRate` comes on top. Down: never more than the budget. */
export function volumeWithin(budget: Cost, limit: Price, feeRate: Rate, lot: Volume): Volume {
  const perUnit = multiply(limit, add(decimal("1"), feeRate));
  return toLot(divide(budget, perUnit, lot.scale, "down") as Volume, lot, "down");
}

/** The middle between bid and ask, exact: one digit more than the finer of the two. */
export function midOf(bid: Price, ask: Price): Price {
  const sum = add(bid, ask);
  return { units: sum.units * 5n, scale: sum.scale + 1 } as Price;
}

// NoInfer: without it the two kinds would be joined into one, and a price could be compared with a cost.
export const atLeast = <A extends Amount<string>>(a: A, b: NoInfer<A>): boolean => compare(a, b) >= 0;
export const atMost = <A extends Amount<string>>(a: A, b: NoInfer<A>): boolean => compare(a, b) <= 0;
