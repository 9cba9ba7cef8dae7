/** Generated markets, plans and amounts: real pairs of Kraken and pairs that are harder than any real one. */
import fc from "fast-check";
import { type Decimal, decimal, toMultipleOf } from "../../shared/domain/decimal.ts";
import type { FeeRates, Pair, PairRules, Quote } from "../../shared/domain/market.ts";
import { type Cost, cost, price, type Rate, rate, volume } from "../../shared/domain/money.ts";
import type { DcaPlan } from "../../shared/domain/plan.ts";
import { epochMs } from "../../shared/domain/time.ts";

export const NOW = epochMs(Date.UTC(2026, 10, 23, 7));

type Row = readonly [
  base: string,
  quote: string,
  tick: string,
  lotDecimals: number,
  costDecimals: number,
  orderMin: string,
  costMin: string,
  typicalPrice: string,
];

export const rulesOf = ([
  base,
  quote,
  tick,
  lotDecimals,
  costDecimals,
  orderMin,
  costMin,
]: Row): PairRules => ({
  pair: { base, quote },
  id: `${base}${quote}`,
  altname: `${base}${quote}`,
  baseId: base,
  quoteId: quote,
  tickSize: price(tick),
  lot: { ...volume("1"), scale: lotDecimals },
  costDecimals,
  volumeMin: volume(orderMin),
  costMin: cost(costMin),
  status: "online",
});

/** As AssetPairs had them in September 2026, with a price of that time. */
export const REAL_PAIRS: readonly Row[] = [
  ["BTC", "EUR", "0.1", 8, 5, "0.00005", "0.45", "50000"],
  ["ETH", "USD", "0.01", 8, 5, "0.001", "0.5", "2500"],
  ["ETH", "BTC", "0.000001", 8, 10, "0.001", "0.00002", "0.04"],
  ["SOL", "EUR", "0.01", 8, 5, "0.06", "0.45", "130"],
  ["XRP", "EUR", "0.00001", 8, 8, "1.65", "0.45", "2"],
  ["ADA", "EUR", "0.000001", 8, 6, "20", "0.45", "0.55"],
  ["DOGE", "EUR", "0.0000001", 8, 9, "50", "0.45", "0.15"],
  ["USDT", "EUR", "0.0001", 8, 8, "5", "0.45", "0.9"],
];

/** Ticks that are no power of ten, lots of whole units, a lot worth far less than one unit of the fee. */
export const HARD_PAIRS: readonly Row[] = [
  ["TICK5", "EUR", "0.05", 8, 5, "0.001", "0.5", "123.45"],
  ["TICK25", "USD", "0.0025", 4, 4, "1", "5", "7.5"],
  ["TICK3", "USD", "3", 8, 5, "0.00005", "0.5", "50001"],
  ["WHOLE", "USD", "0.01", 0, 2, "1", "1", "3"],
  ["DUST", "EUR", "0.000000001", 8, 5, "100000", "0.45", "0.000012"],
  ["COARSE", "EUR", "0.01", 2, 2, "0.01", "0.01", "100"],
];

/** A decimal of up to `digits` digits, of which up to `scaleMax` stand behind the point. */
export const decimals = (digits: number, scaleMax: number): fc.Arbitrary<Decimal> =>
  fc.record({
    units: fc.bigInt({ min: 0n, max: 10n ** BigInt(digits) - 1n }),
    scale: fc.nat({ max: scaleMax }),
  });

export const signedDecimals = (digits: number, scaleMax: number): fc.Arbitrary<Decimal> =>
  fc
    .tuple(decimals(digits, scaleMax), fc.boolean())
    .map(([{ units, scale }, isNegative]) => ({ units: isNegative ? -units : units, scale }));

/** The text of a decimal in the one spelling that it has: no leading zeros, no minus zero. */
export const decimalTexts: fc.Arbitrary<string> = fc
  .tuple(
    fc.boolean(),
    fc.bigInt({ min: 0n, max: 10n ** 30n }),
    fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 20 }),
  )
  .map(([isNegative, whole, fraction]) => {
    const size = fraction === "" ? `${whole}` : `${whole}.${fraction}`;
    return isNegative && /[1-9]/.test(size) ? `-${size}` : size;
  });

/** Rates of up to `max` thousandths, in steps of a hundredth of one. */
const permille = (max: number): fc.Arbitrary<Rate> =>
  fc.nat({ max: max * 100 }).map((units) => ({ ...rate("0"), units: BigInt(units), scale: 5 }));

export const feeRates: fc.Arbitrary<FeeRates> = fc
  .constantFrom("0", "0.0008", "0.0025", "0.004", "0.0040", "0.0123456")
  .map((text) => ({ taker: rate(text), maker: rate("0.0025") }));

/** Around the pair's typical price: bid at or below ask, both on the tick, the last trade near or far. */
const quotesAround = (rules: PairRules, typical: string): fc.Arbitrary<Quote> =>
  fc
    .record({
      move: fc.integer({ min: 500, max: 2000 }),
      spreadTicks: fc.oneof(
        { weight: 6, arbitrary: fc.nat({ max: 5 }) },
        { weight: 1, arbitrary: fc.nat({ max: 2000 }) },
      ),
      lastPercent: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 98, max: 102 }) },
        { weight: 1, arbitrary: fc.integer({ min: 80, max: 120 }) },
      ),
      ageMs: fc.oneof(
        { weight: 6, arbitrary: fc.nat({ max: 4_999 }) },
        { weight: 1, arbitrary: fc.constantFrom(5_000, 5_001, 60_000, -3) },
      ),
    })
    .map(({ move, spreadTicks, lastPercent, ageMs }) => {
      const { tickSize } = rules;
      const near = (units: bigint, by: number, per: bigint, scale: number): Decimal =>
        toMultipleOf(tickSize, { units: (units * BigInt(by)) / per, scale }, "up");
      const middle = { units: decimal(typical).units * 10n ** 6n, scale: decimal(typical).scale + 6 };
      const bid = near(middle.units, move, 1000n, middle.scale);
      const ask = { units: bid.units + tickSize.units * BigInt(spreadTicks), scale: bid.scale };
      const last = near(ask.units, lastPercent, 100n, ask.scale);
      return {
        bid: { ...price("0"), ...bid },
        ask: { ...price("0"), ...ask },
        last: { ...price("0"), ...last },
        asOf: epochMs(NOW - ageMs),
      };
    });

export type Situation = {
  readonly plan: DcaPlan;
  readonly carry: Cost;
  readonly perOrder: Cost;
  readonly maxSlippage: Rate;
  readonly rules: PairRules;
  readonly quote: Quote;
  readonly fees: FeeRates;
  readonly free: Cost;
};

export const planOf = (pair: Pair, spend: string, guards: Partial<DcaPlan["guards"]> = {}): DcaPlan => ({
  kind: "dca",
  id: "btc-weekly",
  pair,
  spend: cost(spend),
  schedule: { is: "weekly", days: ["monday"], time: { hour: 8, minute: 0 } },
  zone: "UTC",
  order: { style: "taker" },
  guards: { maxSpread: rate("0.01"), ...guards },
  ifTooSmall: "carry",
  ifMissed: { is: "skip" },
});

const costs = (digits: number, scaleMax: number): fc.Arbitrary<Cost> =>
  decimals(digits, scaleMax).map((value) => ({ ...cost("0"), ...value }));

/** All that a sizing depends on; every way it can end comes up. */
export const situations: fc.Arbitrary<Situation> = fc
  .constantFrom(...REAL_PAIRS, ...HARD_PAIRS)
  .chain((row) => {
    const rules = rulesOf(row);
    return quotesAround(rules, row[7]).chain((quote) => {
      // Of the quote asset as many as a plan is worth: a BTC-quoted plan spends 0.002, not 100.
      const shift = row[1] === "BTC" ? 5 : 0;
      const scaled = (value: Cost): Cost => ({ ...value, scale: value.scale + shift });
      const nearAsk = fc
        .integer({ min: -30, max: 200 })
        .map((by) => ({ ...quote.ask, units: (quote.ask.units * BigInt(1000 + by)) / 1000n }));
      return fc
        .record({
          spend: costs(5, 3).map((value) => ({ ...value, units: value.units + 1n })),
          carry: fc.oneof(fc.constant(cost("0")), costs(4, 10)),
          perOrder: fc.oneof(fc.constant(cost("100000")), costs(5, 4)),
          maxSlippage: permille(20),
          fees: feeRates,
          free: fc.oneof({ weight: 4, arbitrary: fc.constant(cost("1000000")) }, costs(5, 3)),
          maxPrice: fc.option(nearAsk, { nil: undefined }),
          keepFree: fc.option(costs(4, 2), { nil: undefined }),
          maxSpread: fc.oneof(fc.constantFrom("0", "0.0000001", "0.01").map(rate), permille(5)),
        })
        .map(({ spend, carry, perOrder, free, maxPrice, keepFree, maxSpread, ...rest }) => ({
          ...rest,
          plan: {
            ...planOf(rules.pair, "1", {
              maxSpread,
              ...(maxPrice === undefined ? {} : { maxPrice }),
              ...(keepFree === undefined ? {} : { keepFree: scaled(keepFree) }),
            }),
            spend: scaled(spend),
          },
          carry: scaled(carry),
          perOrder: scaled(perOrder),
          free: scaled(free),
          rules,
          quote,
        }));
    });
  });
