/** What the exchange says of the pairs that the plans buy. */
import { formatShort, larger, toScale } from "../../shared/domain/decimal.ts";
import { type PairRules, type PairStatus, pairName, type Quote } from "../../shared/domain/market.ts";
import { costOf } from "../../shared/domain/money.ts";
import type { DcaPlan } from "../../shared/domain/plan.ts";
import type { Workplace } from "./workplace.ts";

export type MarketView = {
  readonly pair: string;
  /** Null when the exchange did not tell; then `problem` says why. */
  readonly status: PairStatus | null;
  readonly problem: string | null;
  /** What the smallest order costs now, in the quote asset without fee; rounded up to the pair's cost decimals. */
  readonly smallest: string | null;
};

/** One for each pair. Empty where the exchange cannot be asked. */
export async function marketsOf(
  { market }: Workplace,
  plans: readonly DcaPlan[],
): Promise<readonly MarketView[]> {
  if (market === undefined) return [];
  const pairs = new Map(plans.map(({ pair }) => [pairName(pair), pair]));
  return Promise.all(
    [...pairs].map(async ([name, pair]) =>
      market(pair).then(
        (asked) => marketView(name, asked),
        (error: Error) => ({ pair: name, status: null, problem: error.message, smallest: null }),
      ),
    ),
  );
}

function marketView(pair: string, { rules, quote }: { rules: PairRules; quote: Quote }): MarketView {
  const smallest = larger(costOf(rules.volumeMin, quote.ask), rules.costMin);
  return {
    pair,
    status: rules.status,
    problem: null,
    smallest: formatShort(toScale(smallest, rules.costDecimals, "up")),
  };
}
