/**
 * Dollar-cost averaging: spend the same cost at every slot, whatever the price.
 *
 * Promises, each a property test: cost with fee never exceeds the budget; less than one lot of the budget's worth is left
 * for no reason; the limit price lies on its tick and never above the ceiling or the collar.
 */
import { add, compare, decimal, divide, formatShort, smaller, subtract } from "./decimal.ts";
import { type FeeRates, type PairRules, pairName, type Quote, type SystemStatus } from "./market.ts";
import {
  atLeast,
  type Cost,
  costOf,
  costWithFee,
  feeOf,
  midOf,
  type Price,
  type Rate,
  raisedBy,
  rate,
  toTick,
  type Volume,
  volumeWithin,
} from "./money.ts";
import type { DcaPlan } from "./plan.ts";
import type { Reason } from "./run.ts";
import type { EpochMs } from "./time.ts";

/** A quote older than this is not sized with. Own choice; a buy's whole path takes well under a second. */
export const QUOTE_AGE_MS_MAX = 5_000;

/** How far above both the mid and the last trade a limit may lie: a fat-finger guard, wider than any slippage. */
export const COLLAR: Rate = rate("0.05");

export type DcaMarket = {
  readonly system: SystemStatus;
  readonly rules: PairRules;
  readonly quote: Quote;
  readonly fees: FeeRates;
  /** Of the quote asset: total less what open orders hold. */
  readonly free: Cost;
};

export type SizedOrder = {
  readonly limitPrice: Price;
  readonly volume: Volume;
  readonly feeRate: Rate;
  /** volume × limit price + fee, rounded up to the pair's cost decimals. Never above the budget. */
  readonly costMax: Cost;
  readonly budget: Cost;
};

export type Sizing =
  | { readonly is: "sized"; readonly order: SizedOrder }
  | { readonly is: "skip"; readonly reason: Reason }
  | { readonly is: "too-small"; readonly reason: Reason; readonly budget: Cost };

/** May anything be bought at this exchange and pair just now? */
export function checkMarketOpen(system: SystemStatus, rules: PairRules): Reason | undefined {
  if (system !== "online") {
    return { code: "EXCHANGE_STATUS", detail: `Kraken says it is in ${system} mode, expected online` };
  }
  // limit_only takes our limit orders; the other modes refuse a new order that fills at once.
  if (rules.status !== "online" && rules.status !== "limit_only") {
    return {
      code: "PAIR_STATUS",
      detail: `${pairName(rules.pair)} is in ${rules.status} mode, expected online`,
    };
  }
  return undefined;
}

/** The highest price a buy may pay: the ask with slippage, the owner's ceiling, the collar; down to the tick. */
export function takerLimit(
  quote: Quote,
  rules: PairRules,
  maxSlippage: Rate,
  maxPrice: Price | undefined,
): { readonly limit: Price } | { readonly reason: Reason } {
  const pair = pairName(rules.pair);
  const quoteAsset = rules.pair.quote;
  if (maxPrice !== undefined && compare(quote.ask, maxPrice) > 0) {
    return {
      reason: {
        code: "PRICE_ABOVE_CEILING",
        detail: `${pair} asks ${formatShort(quote.ask)} ${quoteAsset}, your ceiling is ${formatShort(maxPrice)}`,
      },
    };
  }
  const collar = raisedBy(smaller(midOf(quote.bid, quote.ask), quote.last), COLLAR);
  let bound = smaller(raisedBy(quote.ask, maxSlippage), collar);
  if (maxPrice !== undefined) bound = smaller(bound, maxPrice);
  const limit = toTick(bound, rules.tickSize, "down"); // Down: never above the ceiling
  if (compare(limit, quote.ask) >= 0) return { limit };
  const code = compare(collar, quote.ask) < 0 ? "PRICE_ABOVE_COLLAR" : "PRICE_ABOVE_CEILING";
  return {
    reason: {
      code,
      detail:
        `${pair} asks ${formatShort(quote.ask)} ${quoteAsset}, the highest price allowed is ${formatShort(limit)} ` +
        `(mid ${formatShort(midOf(quote.bid, quote.ask))}, last ${formatShort(quote.last)})`,
    },
  };
}

/** Sizes one slot's buy. `carry` is what earlier slots left because it was too small. */
export function sizeDca(
  plan: DcaPlan,
  carry: Cost,
  perOrder: Cost,
  maxSlippage: Rate,
  market: DcaMarket,
  now: EpochMs,
): Sizing {
  const { rules, quote, fees, free } = market;
  const asset = rules.pair.quote;
  const skip = (code: Reason["code"], detail: string): Sizing => ({ is: "skip", reason: { code, detail } });

  const ageMs = now - quote.asOf;
  if (ageMs > QUOTE_AGE_MS_MAX) {
    return skip("QUOTE_STALE", `the quote is ${ageMs} ms old, at most ${QUOTE_AGE_MS_MAX} ms are allowed`);
  }
  if (compare(quote.ask, quote.bid) < 0) {
    return skip(
      "QUOTE_STALE",
      `the bid ${formatShort(quote.bid)} lies above the ask ${formatShort(quote.ask)}`,
    );
  }
  const spread = divide(subtract(quote.ask, quote.bid), midOf(quote.bid, quote.ask), 6, "up");
  if (compare(spread, plan.guards.maxSpread) > 0) {
    return skip(
      "SPREAD_TOO_WIDE",
      `the spread is ${percent(spread)}, at most ${percent(plan.guards.maxSpread)} is allowed`,
    );
  }
  const taker = takerLimit(quote, rules, maxSlippage, plan.guards.maxPrice);
  if ("reason" in taker) return { is: "skip", reason: taker.reason };

  // Bounded by perOrder: what was carried may not grow an order past its cap.
  const budget = smaller(add(plan.spend, carry) as Cost, perOrder);
  const order = withFee(
    taker.limit,
    volumeWithin(budget, taker.limit, fees.taker, rules.lot),
    fees.taker,
    budget,
    rules,
  );
  const spent = costOf(order.volume, taker.limit);
  if (!atLeast(order.volume, rules.volumeMin)) {
    const detail = `${formatShort(budget)} ${asset} buys ${formatShort(order.volume)} ${rules.pair.base}, Kraken's minimum is ${formatShort(rules.volumeMin)}`;
    return { is: "too-small", reason: { code: "VOLUME_BELOW_MINIMUM", detail }, budget };
  }
  if (!atLeast(spent, rules.costMin)) {
    const detail = `the order would cost ${formatShort(spent)} ${asset}, Kraken's minimum is ${formatShort(rules.costMin)}`;
    return { is: "too-small", reason: { code: "COST_BELOW_MINIMUM", detail }, budget };
  }
  const keepFree = plan.guards.keepFree ?? (decimal("0") as Cost);
  const spendable = subtract(free, keepFree);
  if (compare(order.costMax, spendable) > 0) {
    const kept = plan.guards.keepFree === undefined ? "" : `, ${formatShort(keepFree)} of it kept free`;
    return skip(
      "FUNDS_INSUFFICIENT",
      `needs ${formatShort(order.costMax)} ${asset}, there are ${formatShort(free)} ${asset}${kept}`,
    );
  }
  return { is: "sized", order };
}

/**
 * The fee is rounded up to the pair's cost decimals, which can push the sum over the budget; then as many lots are bought as
 * fit. Found by halving: a lot can be worth a billionth of the unit that the fee is rounded to.
 */
function withFee(
  limitPrice: Price,
  volume: Volume,
  feeRate: Rate,
  budget: Cost,
  rules: PairRules,
): SizedOrder {
  const { lot, costDecimals } = rules;
  const orderOf = (lots: bigint): SizedOrder => {
    const bought = { units: lots * lot.units, scale: lot.scale } as Volume;
    const paid = costOf(bought, limitPrice);
    const costMax = costWithFee(paid, feeOf(paid, feeRate, costDecimals));
    return { limitPrice, volume: bought, feeRate, costMax, budget };
  };
  const fits = (lots: bigint): boolean => compare(orderOf(lots).costMax, budget) <= 0;
  let most = volume.units / lot.units;
  if (!fits(most)) {
    let tooMany = most;
    most = 0n;
    while (tooMany - most > 1n) {
      const middle = (most + tooMany) / 2n;
      if (fits(middle)) most = middle;
      else tooMany = middle;
    }
  }
  return orderOf(most);
}

const percent = (fraction: { units: bigint; scale: number }): string =>
  `${formatShort({ units: fraction.units * 100n, scale: fraction.scale })} %`;
