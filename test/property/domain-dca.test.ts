/** The size of a buy, against an independent reckoning with big.js, over real pairs and pairs harder than any real one. */
import Big from "big.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  COLLAR,
  checkMarketOpen,
  QUOTE_AGE_MS_MAX,
  type SizedOrder,
  type Sizing,
  sizeDca,
  takerLimit,
} from "../../shared/domain/dca.ts";
import { compare, type Decimal, decimal, format, isMultipleOf } from "../../shared/domain/decimal.ts";
import type { Quote } from "../../shared/domain/market.ts";
import { cost, price, rate } from "../../shared/domain/money.ts";
import type { ReasonCode } from "../../shared/domain/run.ts";
import { epochMs } from "../../shared/domain/time.ts";
import {
  HARD_PAIRS,
  NOW,
  planOf,
  REAL_PAIRS,
  rulesOf,
  type Situation,
  situations,
} from "../support/arbitraries.ts";

const RUNS = { numRuns: 1_500 };
const big = (value: Decimal): Big => new Big(format(value));

/** More digits than any quotient of these needs. */
const Exact = Big();
Exact.DP = 60;

const sizing = (s: Situation): Sizing =>
  sizeDca(
    s.plan,
    s.carry,
    s.perOrder,
    s.maxSlippage,
    { system: "online", rules: s.rules, quote: s.quote, fees: s.fees, free: s.free },
    NOW,
  );

const smallest = (...values: readonly Big[]): Big => values.reduce((a, b) => (a.lt(b) ? a : b));
const floorTo = (value: Big, step: Big): Big => new Exact(value).div(step).round(0, 0).times(step);

/** The words of the design, in the order in which they are asked, reckoned a second time. */
function expected(s: Situation): {
  code: ReasonCode | "SIZED";
  limit: Big;
  volume: Big;
  costMax: Big;
  budget: Big;
} {
  const [bid, ask, last] = [big(s.quote.bid), big(s.quote.ask), big(s.quote.last)];
  const mid = bid.plus(ask).times("0.5");
  const { maxPrice, maxSpread, keepFree } = s.plan.guards;
  const collar = smallest(mid, last).times(big(COLLAR).plus(1));
  const bounds = [ask.times(big(s.maxSlippage).plus(1)), collar, ...(maxPrice ? [big(maxPrice)] : [])];
  const limit = floorTo(smallest(...bounds), big(s.rules.tickSize));
  const budget = smallest(big(s.plan.spend).plus(big(s.carry)), big(s.perOrder));
  const costOf = (volume: Big): Big => {
    const paid = volume.times(limit);
    return paid.plus(paid.times(big(s.fees.taker)).round(s.rules.costDecimals, 3));
  };
  const lot = big(s.rules.lot);
  let [low, high] = [
    new Big(0),
    new Exact(budget)
      .div(limit.eq(0) ? 1 : limit)
      .div(lot)
      .round(0, 3),
  ];
  while (high.minus(low).gt(1)) {
    const middle = low.plus(high).times("0.5").round(0, 0);
    if (costOf(middle.times(lot)).lte(budget)) low = middle;
    else high = middle;
  }
  const volume = low.times(lot);
  const result = { limit, volume, costMax: costOf(volume), budget };
  const is = (code: ReasonCode | "SIZED") => ({ code, ...result });
  if (NOW - s.quote.asOf > QUOTE_AGE_MS_MAX || ask.lt(bid)) return is("QUOTE_STALE");
  if (ask.minus(bid).gt(mid.times(big(maxSpread)))) return is("SPREAD_TOO_WIDE");
  if (maxPrice && ask.gt(big(maxPrice))) return is("PRICE_ABOVE_CEILING");
  if (ask.gt(collar)) return is("PRICE_ABOVE_COLLAR");
  if (volume.lt(big(s.rules.volumeMin))) return is("VOLUME_BELOW_MINIMUM");
  if (volume.times(limit).lt(big(s.rules.costMin))) return is("COST_BELOW_MINIMUM");
  const spendable = big(s.free).minus(keepFree ? big(keepFree) : 0);
  return is(result.costMax.gt(spendable) ? "FUNDS_INSUFFICIENT" : "SIZED");
}

const codeOf = (found: Sizing): string => (found.is === "sized" ? "SIZED" : found.reason.code);

const ofEverySized = (check: (s: Situation, order: SizedOrder) => void): void =>
  fc.assert(
    fc.property(situations, (s) => {
      const found = sizing(s);
      if (found.is === "sized") check(s, found.order);
    }),
    RUNS,
  );

describe("sizeDca", () => {
  test("ends as the design says, and no other way", () => {
    fc.assert(
      fc.property(situations, (s) => {
        expect(codeOf(sizing(s))).toBe(expected(s).code);
      }),
      RUNS,
    );
  });

  test("every way to end comes up among the situations that are drawn", () => {
    // A fixed seed: the rarest way comes up once in a thousand, and chance must not decide whether a change may land.
    const seen = new Set(
      fc.sample(situations, { seed: 20_261_122, numRuns: 6_000 }).map((s) => codeOf(sizing(s))),
    );
    expect([...seen].sort()).toEqual([
      "COST_BELOW_MINIMUM",
      "FUNDS_INSUFFICIENT",
      "PRICE_ABOVE_CEILING",
      "PRICE_ABOVE_COLLAR",
      "QUOTE_STALE",
      "SIZED",
      "SPREAD_TOO_WIDE",
      "VOLUME_BELOW_MINIMUM",
    ]);
  });

  test("a buy costs no more than its budget and its cap, and leaves less than one lot of them", () => {
    ofEverySized(({ plan, carry, perOrder, rules, fees }, order) => {
      const costMax = big(order.costMax);
      expect(costMax.lte(big(plan.spend).plus(big(carry)))).toBe(true);
      expect(costMax.lte(big(perOrder))).toBe(true);
      const costAt = (volume: Big): Big => {
        const paid = volume.times(big(order.limitPrice));
        return paid.plus(paid.times(big(fees.taker)).round(rules.costDecimals, 3));
      };
      expect(costMax.eq(costAt(big(order.volume)))).toBe(true);
      expect(costAt(big(order.volume).plus(big(rules.lot))).gt(big(order.budget))).toBe(true);
    });
  });

  test("the limit lies on its tick, at or above the ask, at or below ceiling, collar and slippage", () => {
    ofEverySized(({ quote, plan, rules, maxSlippage }, { limitPrice }) => {
      const limit = big(limitPrice);
      expect(isMultipleOf(rules.tickSize, limitPrice)).toBe(true);
      expect(limit.gte(big(quote.ask))).toBe(true);
      if (plan.guards.maxPrice) expect(limit.lte(big(plan.guards.maxPrice))).toBe(true);
      const mid = big(quote.bid).plus(big(quote.ask)).times("0.5");
      expect(limit.lte(smallest(mid, big(quote.last)).times("1.05"))).toBe(true);
      expect(limit.lte(big(quote.ask).times(big(maxSlippage).plus(1)))).toBe(true);
    });
  });

  test("the volume is whole lots that Kraken takes, and what is kept free stays", () => {
    ofEverySized(({ plan, rules, free }, { volume, limitPrice, costMax }) => {
      expect(isMultipleOf(rules.lot, volume)).toBe(true);
      expect(volume.scale).toBe(rules.lot.scale);
      expect(compare(volume, rules.volumeMin)).not.toBe(-1);
      expect(big(volume).times(big(limitPrice)).gte(big(rules.costMin))).toBe(true);
      const keepFree = plan.guards.keepFree ?? cost("0");
      expect(big(free).minus(big(costMax)).gte(big(keepFree))).toBe(true);
    });
  });

  test("what is too small keeps its whole budget for the next time, never more than the cap", () => {
    fc.assert(
      fc.property(situations, (s) => {
        const found = sizing(s);
        if (found.is !== "too-small") return;
        const whole = big(s.plan.spend).plus(big(s.carry));
        expect(big(found.budget).eq(smallest(whole, big(s.perOrder)))).toBe(true);
      }),
      RUNS,
    );
  });
});

describe("one buy, reckoned by hand", () => {
  const rules = rulesOf(REAL_PAIRS[0]!);
  const quote: Quote = { bid: price("49999.9"), ask: price("50000.0"), last: price("50000"), asOf: NOW };
  const fees = { taker: rate("0.004"), maker: rate("0.0025") };
  const buy = (spend: string, change: Partial<Situation> = {}): Sizing =>
    sizing({
      plan: planOf(rules.pair, spend),
      carry: cost("0"),
      perOrder: cost("500"),
      maxSlippage: rate("0.005"),
      rules,
      quote,
      fees,
      free: cost("10000"),
      ...change,
    });
  const sizedAs = (found: Sizing): string[] => {
    if (found.is !== "sized") throw new Error(`not sized: ${found.reason.detail}`);
    return [found.order.volume, found.order.limitPrice, found.order.costMax].map(format);
  };

  test("100 EUR of BTC at 50000 with 0.5 % slippage and 0.4 % fee", () => {
    // Limit 50000 × 1.005 = 50250.0. Volume 100 ÷ (50250 × 1.004) = 0.0019821…, down to the lot 0.00198212.
    // Paid 0.00198212 × 50250 = 99.60153; fee 0.39840612, up to 0.39841; together 99.99994.
    expect(sizedAs(buy("100"))).toEqual(["0.00198212", "50250.0", "99.999940000"]);
  });

  test("what was carried is spent too, and perOrder bounds both", () => {
    // (100 + 50) ÷ 50451 = 0.00297318; 200 ÷ 50451 = 0.00396424.
    expect(sizedAs(buy("100", { carry: cost("50") }))[0]).toBe("0.00297318");
    expect(sizedAs(buy("1000", { perOrder: cost("200") }))[0]).toBe("0.00396424");
  });

  test("a fee that rounds over the budget costs one lot", () => {
    // Lot 0.01 at 100.00 with fee 0.25 % in cents: 4 lots are 4.00 + 0.01 = 4.01 > 4.009, so 3 lots, 3.00 + 0.01.
    const coarse = rulesOf(HARD_PAIRS.find(([base]) => base === "COARSE")!);
    const at100: Quote = { bid: price("100.00"), ask: price("100.00"), last: price("100.00"), asOf: NOW };
    const found = buy("4.01", {
      plan: planOf(coarse.pair, "4.0100"),
      rules: coarse,
      quote: at100,
      maxSlippage: rate("0"),
      fees: { taker: rate("0.0025"), maker: rate("0") },
    });
    expect(sizedAs(found)).toEqual(["0.04", "100.00", "4.0100"]);
    const tight = buy("4.009", {
      plan: planOf(coarse.pair, "4.010"),
      perOrder: cost("4.0099"),
      rules: coarse,
      quote: at100,
      maxSlippage: rate("0"),
      fees: { taker: rate("0.0001"), maker: rate("0") },
    });
    expect(sizedAs(tight)).toEqual(["0.03", "100.00", "3.0100"]);
  });

  test("a lot worth a billionth of the fee's unit is sized", () => {
    // Lots of 0.00000001 at 0.000012: one is worth 1.2e-13 EUR, the fee is counted in 1e-5 EUR.
    const dust = rulesOf(HARD_PAIRS.find(([base]) => base === "DUST")!);
    const at: Quote = {
      bid: price("0.000012"),
      ask: price("0.000012"),
      last: price("0.000012"),
      asOf: NOW,
    };
    const found = buy("99.99", { plan: planOf(dust.pair, "99.99"), rules: dust, quote: at, fees });
    expect(found.is).toBe("sized");
  });

  const withGuards = (guards: Parameters<typeof planOf>[2]): Partial<Situation> => ({
    plan: planOf(rules.pair, "100", guards),
  });
  const wide: Quote = { ...quote, ask: price("50100"), bid: price("50000") };

  test.each<readonly [string, Partial<Situation>, string]>([
    ["a quote of 5000 ms", { quote: { ...quote, asOf: epochMs(NOW - 5_000) } }, "SIZED"],
    ["a quote of 5001 ms", { quote: { ...quote, asOf: epochMs(NOW - 5_001) } }, "QUOTE_STALE"],
    ["a bid above the ask", { quote: { ...quote, bid: price("50000.1") } }, "QUOTE_STALE"],
    // Spread 100 ÷ mid 50050 = 0.19980 %.
    ["a spread above", { quote: wide, ...withGuards({ maxSpread: rate("0.001998") }) }, "SPREAD_TOO_WIDE"],
    ["a spread below", { quote: wide, ...withGuards({ maxSpread: rate("0.001999") }) }, "SIZED"],
    ["an ask above the ceiling", withGuards({ maxPrice: price("49999.9") }), "PRICE_ABOVE_CEILING"],
    ["an ask at the ceiling", withGuards({ maxPrice: price("50000") }), "SIZED"],
    // Collar: the last trade 47619.0 × 1.05 = 49999.95 lies under the ask, 47619.1 × 1.05 = 50000.055 does not.
    ["an ask above the collar", { quote: { ...quote, last: price("47619.0") } }, "PRICE_ABOVE_COLLAR"],
    ["an ask under the collar", { quote: { ...quote, last: price("47619.1") } }, "SIZED"],
    // 99.999940 are needed.
    ["a unit too little", { free: cost("99.99993") }, "FUNDS_INSUFFICIENT"],
    ["just enough", { free: cost("99.99994") }, "SIZED"],
    [
      "a unit of what must stay free",
      { free: cost("149.99993"), ...withGuards({ keepFree: cost("50") }) },
      "FUNDS_INSUFFICIENT",
    ],
    ["just what may be spent", { free: cost("149.99994"), ...withGuards({ keepFree: cost("50") }) }, "SIZED"],
    // 2.52 EUR ÷ 50451 = 0.00004994, the minimum is 0.00005; 2.53 EUR are 0.00005014.
    ["a volume under the minimum", { plan: planOf(rules.pair, "2.52") }, "VOLUME_BELOW_MINIMUM"],
    ["a volume over the minimum", { plan: planOf(rules.pair, "2.53") }, "SIZED"],
    ["a cost at the minimum", { rules: { ...rules, costMin: cost("99.60153") } }, "SIZED"],
    ["a cost under the minimum", { rules: { ...rules, costMin: cost("99.60154") } }, "COST_BELOW_MINIMUM"],
  ])("%s is decided", (_, change, code) => {
    expect(codeOf(buy("100", change))).toBe(code);
  });

  test("the reasons name the numbers that decided", () => {
    const detailOf = (found: Sizing): string => (found.is === "sized" ? "" : found.reason.detail);
    expect(detailOf(buy("2.52"))).toBe("2.52 EUR buys 0.00004994 BTC, Kraken's minimum is 0.00005");
    expect(
      detailOf(
        buy("100", { free: cost("120.5"), plan: planOf(rules.pair, "100", { keepFree: cost("50") }) }),
      ),
    ).toBe("needs 99.99994 EUR, there are 120.5 EUR, 50 of it kept free");
    expect(detailOf(buy("100", { plan: planOf(rules.pair, "100", { maxPrice: price("49000.00") }) }))).toBe(
      "BTC/EUR asks 50000 EUR, your ceiling is 49000",
    );
  });
});

test("the limit is never raised to a tick above the ceiling", () => {
  const rules = rulesOf(HARD_PAIRS[2]!); // Tick 3
  const quote: Quote = { bid: price("50001"), ask: price("50001"), last: price("50001"), asOf: NOW };
  const limit = takerLimit(quote, rules, rate("0.01"), price("50003.99"));
  expect(limit).toEqual({ limit: { ...decimal("50001") } });
});

test.each([
  ["online", "online", undefined],
  ["online", "limit_only", undefined],
  ["online", "post_only", "PAIR_STATUS"],
  ["online", "cancel_only", "PAIR_STATUS"],
  ["online", "reduce_only", "PAIR_STATUS"],
  ["maintenance", "online", "EXCHANGE_STATUS"],
  ["cancel_only", "online", "EXCHANGE_STATUS"],
  ["post_only", "online", "EXCHANGE_STATUS"],
] as const)("with Kraken %s and the pair %s a buy is stopped by %s", (system, status, code) => {
  expect(checkMarketOpen(system, { ...rulesOf(REAL_PAIRS[0]!), status })?.code).toBe(code);
});
