import { expect, test } from "vitest";
import { marketsOf } from "../../local/desk/markets.ts";
import type { Workplace } from "../../local/desk/workplace.ts";
import { marketCheck } from "../../local/doctor/market.ts";
import { dcaPlans } from "../../local/doctor/plans.ts";
import type { Pair, PairRules, PairStatus } from "../../shared/domain/market.ts";
import { cost, price, volume } from "../../shared/domain/money.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { settingsIn } from "../support/house.ts";

const plans = dcaPlans(
  settingsIn(`
timezone: UTC
limits: { perOrder: 50 EUR, perDay: 100 EUR }
plans:
  - { id: roomy, buy: 10 EUR of BTC, every: day 08:00 }
  - { id: tiny, buy: 2 EUR of BTC, every: day 09:00 }
  - { id: mistyped, buy: 10 EUR of BTCC, every: day 10:00 }
`),
);

const rulesOf = (pair: Pair, status: PairStatus): PairRules => ({
  pair,
  id: "XXBTZEUR",
  altname: "XBTEUR",
  baseId: "XXBT",
  quoteId: "ZEUR",
  tickSize: price("0.1"),
  lot: volume("0.00000001"),
  costDecimals: 5,
  volumeMin: volume("0.00005"),
  costMin: cost("0.5"),
  status,
});

const marketIn = (status: PairStatus): Workplace["market"] => {
  return async (pair) => {
    if (pair.base !== "BTC") throw new Error(`Kraken does not trade ${pair.base}/${pair.quote}`);
    const [bid, ask, last] = ["59999.9", "60000.1", "60000"].map(price) as [never, never, never];
    return { rules: rulesOf(pair, status), quote: { bid, ask, last, asOf: epochMs(0) } };
  };
};

async function checksWith(market: Workplace["market"]) {
  const markets = await marketsOf({ market } as Workplace, plans);
  return plans.map((plan) => marketCheck(plan, markets));
}

test("a pair that is traded is good, an amount too small for an order is kept, and an unknown pair is to be mended", async () => {
  expect(await checksWith(marketIn("online"))).toEqual([
    {
      what: "market",
      state: "good",
      text: "roomy: BTC/EUR is traded; the smallest order of BTC costs about 3.00001 EUR",
    },
    {
      what: "market",
      state: "note",
      text: "tiny: the smallest order of BTC costs about 3.00001 EUR, so its 2 EUR are kept until they are enough",
    },
    { what: "market", state: "bad", text: "mistyped: Kraken does not trade BTCC/EUR" },
  ]);
});

test("a pair that is not open now is worth knowing, and no mistake", async () => {
  const [check] = await checksWith(marketIn("cancel_only"));
  expect(check).toEqual({
    what: "market",
    state: "note",
    text: "roomy: BTC/EUR is cancel_only at the moment",
  });
});

test("a pair that two plans buy is asked about once", async () => {
  const asked: string[] = [];
  await marketsOf(
    {
      market: async (pair: Pair) => {
        asked.push(pair.base);
        throw new Error("not reached");
      },
    } as Partial<Workplace> as Workplace,
    plans,
  );
  expect(asked).toEqual(["BTC", "BTCC"]);
});
