/** Money: the sums between price, volume, cost and fee, and the direction of each rounding. */
import Big from "big.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compare, type Decimal, format, isMultipleOf, multiply } from "../../shared/domain/decimal.ts";
import {
  addCost,
  addFee,
  addVolume,
  atLeast,
  atMost,
  type Cost,
  cost,
  costOf,
  costWithFee,
  type Fee,
  fee,
  feeOf,
  midOf,
  type Price,
  price,
  type Rate,
  raisedBy,
  rate,
  rateOfPercent,
  subtractCost,
  toLot,
  toTick,
  type Volume,
  volume,
  volumeWithin,
} from "../../shared/domain/money.ts";
import { decimals } from "../support/arbitraries.ts";

const RUNS = { numRuns: 1_000 };
const big = (value: Decimal): Big => new Big(format(value));
const as = <T extends Decimal>(kind: T, digits: number, scale: number): fc.Arbitrary<T> =>
  decimals(digits, scale).map((value) => ({ ...kind, ...value }));
const above0 = <T extends Decimal>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  arbitrary.map((value) => ({ ...value, units: value.units + 1n }));

const prices: fc.Arbitrary<Price> = above0(as(price("0"), 12, 10));
const volumes: fc.Arbitrary<Volume> = as(volume("0"), 14, 8);
const costs: fc.Arbitrary<Cost> = as(cost("0"), 14, 10);
const fees: fc.Arbitrary<Fee> = as(fee("0"), 10, 10);
const rates: fc.Arbitrary<Rate> = fc.nat({ max: 99_999 }).map((units) => ({
  ...rate("0"),
  units: BigInt(units),
  scale: 6,
}));

test("cost is volume times price, to the last digit", () => {
  fc.assert(
    fc.property(volumes, prices, (bought, at) => {
      expect(big(costOf(bought, at)).eq(big(bought).times(big(at)))).toBe(true);
    }),
    RUNS,
  );
});

test("the fee is the rate's share of the cost, rounded up, by less than one unit", () => {
  fc.assert(
    fc.property(costs, rates, fc.integer({ min: 2, max: 10 }), (paid, feeRate, digits) => {
      const taken = feeOf(paid, feeRate, digits);
      expect(format(taken)).toBe(big(paid).times(big(feeRate)).round(digits, 3).toFixed(digits));
    }),
    RUNS,
  );
});

test("sums of one kind add up", () => {
  fc.assert(
    fc.property(costs, costs, fees, fees, volumes, volumes, (a, b, f, g, v, w) => {
      expect(big(addCost(a, b)).eq(big(a).plus(big(b)))).toBe(true);
      expect(compare(subtractCost(addCost(a, b), b), a)).toBe(0);
      expect(big(costWithFee(a, f)).eq(big(a).plus(big(f)))).toBe(true);
      expect(big(addFee(f, g)).eq(big(f).plus(big(g)))).toBe(true);
      expect(big(addVolume(v, w)).eq(big(v).plus(big(w)))).toBe(true);
      expect(atLeast(a, b)).toBe(big(a).gte(big(b)));
      expect(atMost(a, b)).toBe(big(a).lte(big(b)));
    }),
    RUNS,
  );
});

test("a price raised by a rate, and the middle of two prices, are exact", () => {
  fc.assert(
    fc.property(prices, prices, rates, (a, b, by) => {
      expect(big(raisedBy(a, by)).eq(big(a).times(big(by).plus(1)))).toBe(true);
      expect(big(midOf(a, b)).eq(big(a).plus(big(b)).times("0.5"))).toBe(true);
    }),
    RUNS,
  );
});

test("a price goes to its tick and a volume to its lot, less than one step away", () => {
  fc.assert(
    fc.property(prices, prices, fc.constantFrom("up", "down"), (p, tick, rounding) => {
      const ticked = toTick(p, tick, rounding);
      expect(isMultipleOf(tick, ticked)).toBe(true);
      const away = rounding === "up" ? big(ticked).minus(big(p)) : big(p).minus(big(ticked));
      expect(away.gte(0) && away.lt(big(tick))).toBe(true);
    }),
    RUNS,
  );
  expect(format(toLot(volume("0.123456789"), volume("0.00000001"), "down"))).toBe("0.12345678");
  expect(format(toLot(volume("0.123456789"), volume("0.00000001"), "up"))).toBe("0.12345679");
});

test("a budget buys whole lots: with the fee they fit, and one lot more would not", () => {
  const lots = fc.constantFrom("0.00000001", "0.0001", "1", "0.5", "25").map(volume);
  fc.assert(
    fc.property(costs, prices, rates, lots, (budget, limit, feeRate, lot) => {
      const bought = volumeWithin(budget, limit, feeRate, lot);
      const withFee = (lotsBought: Volume): Big =>
        big(multiply(lotsBought, limit)).times(big(feeRate).plus(1));
      expect(isMultipleOf(lot, bought)).toBe(true);
      expect(withFee(bought).lte(big(budget))).toBe(true);
      expect(withFee(addVolume(bought, lot)).gt(big(budget))).toBe(true);
    }),
    RUNS,
  );
});

test.each([
  ["0.4000", "0.004000"],
  ["0.26", "0.0026"],
  ["0", "0.00"],
  ["12", "0.12"],
])("%s percent is the rate %s", (percent, expected) => {
  expect(format(rateOfPercent(percent))).toBe(expected);
});
