/** Of the exchange: whether it trades what a plan buys, and what it takes at the least. */
import { compare, decimal, formatShort } from "../../shared/domain/decimal.ts";
import { pairName } from "../../shared/domain/market.ts";
import type { DcaPlan } from "../../shared/domain/plan.ts";
import type { MarketView } from "../desk/markets.ts";
import { bad, type Check, good, note } from "./check.ts";

export function marketCheck({ id, pair, spend }: DcaPlan, markets: readonly MarketView[]): Check {
  const market = markets.find((one) => one.pair === pairName(pair));
  // The machine has other plans than the file: that is said already.
  if (market === undefined) return note("market", `${id}: ${pairName(pair)} was not asked about`);
  const { problem, status, smallest } = market;
  if (status === null || smallest === null) return bad("market", `${id}: ${problem}`);
  if (status !== "online") return note("market", `${id}: ${market.pair} is ${status} at the moment`);
  const least = `the smallest order of ${pair.base} costs about ${smallest} ${pair.quote}`;
  return compare(spend, decimal(smallest)) < 0
    ? note(
        "market",
        `${id}: ${least}, so its ${formatShort(spend)} ${pair.quote} are kept until they are enough`,
      )
    : good("market", `${id}: ${market.pair} is traded; ${least}`);
}
