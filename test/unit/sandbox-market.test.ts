/** Prices, book, tape and candles: views of one path that agree with each other at any instant. */
import { describe, expect, test, vi } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { askPublic, callerOf, control } from "../../local/sandbox/caller.ts";
import { PAIRS } from "../../local/sandbox/market/catalogue.ts";
import { levelOf } from "../../local/sandbox/market/levels.ts";
import { firstCrossing, type MarketSeed, midAt, touchAt } from "../../local/sandbox/market/path.ts";
import { openSandbox } from "../../local/sandbox/sandbox.ts";

const START = Date.parse("2026-11-23T07:00:30Z");
const bitcoin = PAIRS.find((pair) => pair.id === "XXBTZEUR")!;

async function house(seed = 7) {
  const clock = new VirtualClock({ startAt: START, rate: 0 });
  const sandbox = await openSandbox({ clock, seed });
  return { clock, sandbox };
}

type Ticker = Record<"a" | "b" | "c" | "l" | "h" | "v" | "p", [string, string]> & {
  o: string;
  t: [number, number];
};
type Rows = (string | number)[][];
const sample = async (sandbox: Parameters<typeof askPublic>[0], pair = "XXBTZEUR") =>
  (await askPublic<Record<string, Ticker>>(sandbox, `Ticker?pair=${pair}`))[pair]!;

describe("the path", () => {
  test("starts at the level of each pair, whatever the seed", () => {
    for (const pair of PAIRS) {
      const market: MarketSeed = { seed: 99, startedAt: START, anchors: new Map() };
      const mid = midAt(market, pair, START) / 2 / 10 ** pair.pairDecimals;
      // Half a per cent for the coarse ticks of the cheapest pairs.
      expect(Math.abs(mid / levelOf(pair) - 1)).toBeLessThan(0.005);
    }
  });

  test("is the same for the same seed and another for another", () => {
    const at = START + 3_600_000;
    const mid = (seed: number) => midAt({ seed, startedAt: START, anchors: new Map() }, bitcoin, at);
    expect(mid(5)).toBe(mid(5));
    expect(mid(5)).not.toBe(mid(6));
  });

  test("moves as much in a day as bitcoin does: a few per cent, not none and not half", () => {
    const changes = Array.from({ length: 200 }, (_, seed) => {
      const market: MarketSeed = { seed, startedAt: START, anchors: new Map() };
      return Math.log(midAt(market, bitcoin, START + 86_400_000) / midAt(market, bitcoin, START));
    });
    const spread = Math.sqrt(changes.reduce((total, change) => total + change ** 2, 0) / changes.length);
    // A year's 40 % is 2.1 % for a day.
    expect(spread).toBeGreaterThan(0.012);
    expect(spread).toBeLessThan(0.035);
  });

  test("stands still for some seconds after its price was set, and goes on slowly from there", () => {
    const anchors = new Map([["XXBTZEUR", [{ at: START, halfTicks: 1_000_000 }]]]); // 50,000.0
    const market: MarketSeed = { seed: 3, startedAt: START - 1_000, anchors };
    expect(midAt(market, bitcoin, START + 10_000)).toBe(1_000_000);
    expect(Math.abs(midAt(market, bitcoin, START + 60_000) - 1_000_000)).toBeLessThan(500); // 0.05 %
    expect(midAt(market, bitcoin, START + 3_600_000)).not.toBe(1_000_000);
    expect(touchAt(market, bitcoin, START)).toEqual({ bid: 499_999, ask: 500_001 });
  });

  test("is searched for a crossing without missing one: as if each second were looked at", () => {
    for (let seed = 0; seed < 12; seed++) {
      const market: MarketSeed = { seed, startedAt: START, anchors: new Map() };
      const middle = midAt(market, bitcoin, START);
      const bounds = {
        low: middle - 1_500,
        high: middle + 2_500,
        afterMs: START,
        untilMs: START + 20_000_000,
      };
      let expected: number | undefined;
      for (let at = Math.floor(START / 1000) * 1000 + 1000; at <= bounds.untilMs; at += 1000) {
        const mid = midAt(market, bitcoin, at);
        if (mid > bounds.low && mid < bounds.high) continue;
        expected = at;
        break;
      }
      expect(firstCrossing(market, bitcoin, bounds)).toBe(expected);
    }
  });

  test("a year without a crossing costs few looks at the path, not one a second", () => {
    const anchors = new Map<string, never[]>();
    const looks = vi.spyOn(anchors, "get"); // Each price on the path asks for the price that was set before it.
    const market: MarketSeed = { seed: 1, startedAt: START, anchors };
    const yearMs = 365 * 86_400_000;
    const found = firstCrossing(market, bitcoin, {
      low: 1,
      high: 1e12,
      afterMs: START,
      untilMs: START + yearMs,
    });
    expect(found).toBeUndefined();
    expect(looks.mock.calls.length).toBeLessThan(1_000);
  });
});

describe("a set price", () => {
  test.each([
    ["50000", "49999.90000", "50000.10000"],
    ["50000.05", "50000.00000", "50000.10000"],
    ["61234.5", "61234.40000", "61234.60000"],
  ])("of %s is the middle between %s and %s, and last follows", async (price, bid, ask) => {
    const { sandbox } = await house();
    await control(sandbox, "price", { pair: "BTC/EUR", price });
    const { a, b, c } = await sample(sandbox);
    expect([b[0], a[0]]).toEqual([bid, ask]);
    expect(Math.abs(Number(c[0]) - Number(price))).toBeLessThanOrEqual(0.05);
  });

  test.each([
    [{ pair: "BTC/XXX", price: "1" }, "pair"],
    [{ pair: "BTC/EUR", price: 50000 }, "price"],
    [{ pair: "BTC/EUR", price: "-1" }, "price"],
    [{ pair: "BTC/EUR", price: "0.01" }, "tick size"],
  ])("of %j is refused, and it is said why", async (body, why) => {
    const { sandbox } = await house();
    const { status, answer } = await control(sandbox, "price", body);
    expect(status).toBe(400);
    expect((answer as { error: string }).error).toContain(why);
  });
});

test("ticker and depth show the same best prices, with five digits, and a hundred euro fit the top of the book", async () => {
  const { sandbox } = await house();
  for (const pair of ["XXBTZEUR", "XETHZEUR", "SOLEUR", "XXBTZUSD"]) {
    const { a, b } = await sample(sandbox, pair);
    const depth = await askPublic<
      Record<string, { asks: [string, string, number][]; bids: [string, string, number][] }>
    >(sandbox, `Depth?pair=${pair}&count=25`);
    const { asks, bids } = depth[pair]!;
    expect([asks[0]![0], bids[0]![0]]).toEqual([a[0], b[0]]);
    expect(a[0]).toMatch(/\.\d{5}$/);
    expect(asks[0]![1]).toMatch(/\.\d{3}$/);
    expect(Number(asks[0]![0]) * Number(asks[0]![1])).toBeGreaterThan(500);
    const prices = asks.map(([price]) => Number(price));
    expect(prices).toEqual([...prices].sort((x, y) => x - y));
    expect(asks).toHaveLength(25);
  }
});

test("bitcoin's spread is one tick or two", async () => {
  const { clock, sandbox } = await house();
  for (let i = 0; i < 20; i++) {
    clock.moveTo(clock.now() + 7_001);
    const { a, b } = await sample(sandbox);
    expect([1, 2]).toContain(Math.round((Number(a[0]) - Number(b[0])) * 10));
  }
});

test("own resting orders stand in the public book", async () => {
  const { sandbox } = await house();
  await control(sandbox, "price", { pair: "BTC/EUR", price: "50000" });
  const order = { pair: "XBTEUR", type: "buy", ordertype: "limit", price: "49999.9", volume: "0.123" };
  const before = await sample(sandbox);
  await callerOf(sandbox).ask("AddOrder", order);
  const { bids } = (
    await askPublic<Record<string, { bids: [string, string][] }>>(sandbox, "Depth?pair=XBTEUR")
  ).XXBTZEUR!;
  expect(Number(bids[0]![1])).toBeCloseTo(Number(before.b[2 as 0]) + 0.123, 3);
});

test("candles of a minute are made of the trades of that minute", async () => {
  const { sandbox } = await house();
  const minute = Math.floor(START / 60_000) * 60 - 60;
  const { XXBTZEUR: rows } = await askPublic<{ XXBTZEUR: Rows }>(sandbox, "OHLC?pair=XBTEUR&interval=1");
  const candle = rows.find((row) => row[0] === minute)!;
  const { XXBTZEUR: trades } = await askPublic<{ XXBTZEUR: Rows }>(
    sandbox,
    `Trades?pair=XBTEUR&since=${minute - 1}`,
  );
  const inside = trades.filter((row) => Number(row[2]) >= minute && Number(row[2]) < minute + 60);
  const prices = inside.map((row) => Number(row[0]));
  expect(candle.slice(1, 5).map(Number)).toEqual([
    prices[0],
    Math.max(...prices),
    Math.min(...prices),
    prices.at(-1),
  ]);
  expect(candle[7]).toBe(inside.length);
  const volume = inside.reduce((total, row) => total + BigInt(String(row[1]).replace(".", "")), 0n);
  expect(BigInt(String(candle[6]).replace(".", ""))).toBe(volume);
});

test.each([1, 5, 15, 60, 240, 1440, 10_080])(
  "%i-minute candles: 720 committed rows and the running one, and they join",
  async (interval) => {
    const { sandbox } = await house();
    const answer = await askPublic<{ XXBTZEUR: Rows; last: number }>(
      sandbox,
      `OHLC?pair=XBTEUR&interval=${interval}`,
    );
    const rows = answer.XXBTZEUR;
    // Weeks begin on Thursdays, as the epoch did: from 2013-09-12 to 2026-11-19 there are 688, both ends counted 689.
    expect(rows.length).toBe(interval === 10_080 ? 689 : 721);
    expect(answer.last).toBe(rows.at(-2)![0]);
    for (const [time, open, high, low, close, average] of rows.map((row) => row.map(Number))) {
      expect(time! % (interval * 60)).toBe(0);
      expect(high).toBeGreaterThanOrEqual(Math.max(open!, close!));
      expect(low).toBeLessThanOrEqual(Math.min(open!, close!));
      expect(average).toBeGreaterThanOrEqual(low! - 0.1);
      expect(average).toBeLessThanOrEqual(high!);
    }
    // The running candle ends where the tape ends.
    expect(Number(rows.at(-1)![4])).toBe(Number((await sample(sandbox)).c[0]));
  },
);

test("trades can be paged without a gap and without a repeat", async () => {
  const { sandbox } = await house();
  const all = await askPublic<{ XXBTZEUR: Rows }>(sandbox, `Trades?pair=XBTEUR&since=${START / 1000 - 300}`);
  const paged: Rows = [];
  let since = String(START / 1000 - 300);
  for (let i = 0; i < 20; i++) {
    const page = await askPublic<{ XXBTZEUR: Rows; last: string }>(
      sandbox,
      `Trades?pair=XBTEUR&since=${since}&count=10`,
    );
    paged.push(...page.XXBTZEUR);
    since = page.last;
  }
  expect(paged).toEqual(all.XXBTZEUR);
  const ids = paged.map((row) => Number(row[6]));
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
});

test("what a taker of the sandbox traded is on the public tape, and is the last price", async () => {
  const { sandbox } = await house();
  const bought = await callerOf(sandbox).ask<{ txid: [string] }>("AddOrder", {
    pair: "XBTEUR",
    type: "buy",
    ordertype: "market",
    volume: "0.01234567",
  });
  expect(bought.txid).toHaveLength(1);
  const { c } = await sample(sandbox);
  expect(c[1]).toBe("0.01234567");
});

test("crosses agree: BTC/EUR is BTC/USD through the euro, within the width of the spreads", async () => {
  const { clock, sandbox } = await house();
  clock.moveTo(START + 5 * 3_600_000);
  const price = async (pair: string) => Number((await sample(sandbox, pair)).b[0]);
  const throughEther = (await price("XETHZEUR")) / (await price("XETHZUSD"));
  const throughBitcoin = (await price("XXBTZEUR")) / (await price("XXBTZUSD"));
  expect(Math.abs(throughEther / throughBitcoin - 1)).toBeLessThan(0.0005);
});

test.each([
  ["XBTUSD", "XXBTZUSD"],
  ["XXBTZUSD", "XXBTZUSD"],
  ["BTC/USD", "BTC/USD"],
  ["DOGE/USD", "DOGE/USD"],
  ["XDGUSD", "XDGUSD"],
])("asked for %s, every endpoint answers under %s", async (asked, key) => {
  const { sandbox } = await house();
  for (const endpoint of ["AssetPairs", "Ticker", "Depth", "OHLC", "Trades", "Spread"]) {
    expect(Object.keys(await askPublic(sandbox, `${endpoint}?pair=${asked}`))[0]).toBe(key);
  }
});

test("the old names with a slash are not known, nor is an asset that is none", async () => {
  const { sandbox } = await house();
  for (const name of ["XBT/USD", "XDG/USD", "NOPE"]) {
    await expect(askPublic(sandbox, `Ticker?pair=${name}`)).rejects.toThrow("EQuery:Unknown asset pair");
  }
  await expect(askPublic(sandbox, "Assets?asset=NOPE")).rejects.toThrow("EQuery:Unknown asset");
  expect(Object.keys(await askPublic(sandbox, "Assets?asset=XBT,ETH"))).toEqual(["XXBT", "XETH"]);
});
