/** Public endpoints: what is asked, and what becomes of a real answer (trimmed). */

import { expect, test } from "vitest";
import { assetPairs } from "../../shared/kraken/endpoints/asset-pairs.ts";
import { assets } from "../../shared/kraken/endpoints/assets.ts";
import { depth } from "../../shared/kraken/endpoints/depth.ts";
import { ohlc } from "../../shared/kraken/endpoints/ohlc.ts";
import { systemStatus } from "../../shared/kraken/endpoints/system-status.ts";
import { ticker } from "../../shared/kraken/endpoints/ticker.ts";
import { time } from "../../shared/kraken/endpoints/time.ts";
import { trades } from "../../shared/kraken/endpoints/trades.ts";
import { AT, answered, asked } from "../support/kraken-answers.ts";

test("Time", () => {
  expect(asked(time, undefined)).toBe("");
  expect(answered(time, { unixtime: 1762820224, rfc1123: "Tue, 11 Nov 25 00:17:04 +0000" })).toEqual({
    secondAt: 1762820224000,
  });
});

test("SystemStatus", () => {
  expect(answered(systemStatus, { status: "post_only", timestamp: "2025-11-11T00:17:10Z" })).toEqual({
    status: "post_only",
  });
});

test("Assets", () => {
  expect(asked(assets, { assets: ["XBT", "ETH"] })).toBe("asset=XBT%2CETH");
  expect(asked(assets, {})).toBe("");
  const row = {
    aclass: "currency",
    altname: "XBT",
    decimals: 10,
    display_decimals: 5,
    collateral_value: 0.99,
    status: "enabled",
  };
  expect(answered(assets, { XXBT: row })).toEqual({
    XXBT: { altname: "XBT", decimals: 10, status: "enabled" },
  });
});

test("AssetPairs", () => {
  expect(asked(assetPairs, { pairs: ["BTC/EUR", "XBTUSD"] })).toBe("pair=BTC%2FEUR%2CXBTUSD");
  const row = {
    altname: "XBTUSD",
    wsname: "XBT/USD",
    aclass_base: "currency",
    base: "XXBT",
    aclass_quote: "currency",
    quote: "ZUSD",
    lot: "unit",
    cost_decimals: 5,
    pair_decimals: 1,
    lot_decimals: 8,
    lot_multiplier: 1,
    leverage_buy: [2, 3],
    leverage_sell: [],
    fees: [],
    fees_maker: [],
    ordermin: "0.00005",
    costmin: "0.5",
    tick_size: "0.1",
    status: "online",
  };
  expect(
    answered(assetPairs, { XXBTZUSD: row, OLDONE: { ...row, costmin: undefined, wsname: undefined } }),
  ).toMatchObject({
    XXBTZUSD: {
      altname: "XBTUSD",
      wsname: "XBT/USD",
      baseId: "XXBT",
      quoteId: "ZUSD",
      tickSize: "0.1",
      volumeMin: "0.00005",
      costMin: "0.5",
      lotDecimals: 8,
      status: "online",
    },
    OLDONE: { costMin: undefined, wsname: undefined },
  });
});

test("Ticker", () => {
  expect(asked(ticker, { pairs: ["XXBTZUSD", "XETHZUSD"] })).toBe("pair=XXBTZUSD%2CXETHZUSD");
  const row = {
    a: ["105944.30000", "1", "1.000"],
    b: ["105944.20000", "1", "1.000"],
    c: ["105899.40000", "0.00009443"],
    v: ["0.78648221", "163.28908096"],
    p: ["105960.64756", "105904.39279"],
    t: [35, 3276],
    l: ["105853.50000", "104711.00000"],
    h: ["106112.00000", "106613.10000"],
    o: "106021.60000",
  };
  expect(answered(ticker, { XXBTZUSD: row })).toEqual({
    XXBTZUSD: {
      ask: "105944.30000",
      bid: "105944.20000",
      last: "105899.40000",
      volume: "163.28908096",
      low: "104711.00000",
      high: "106613.10000",
      open: "106021.60000",
    },
  });
});

test("Depth", () => {
  expect(asked(depth, { pair: "XXBTZUSD", levels: 2 })).toBe("pair=XXBTZUSD&count=2");
  const side = [["30384.10000", "2.059", 1688671659]];
  expect(answered(depth, { XXBTZUSD: { asks: side, bids: [] } })).toEqual({
    asks: [{ price: "30384.10000", volume: "2.059", at: 1688671659000 }],
    bids: [],
  });
  expect(() => answered(depth, {})).toThrow("expected one pair, was 0");
});

test("OHLC", () => {
  expect(asked(ohlc, { pair: "XXBTZUSD", interval: 60, since: AT })).toBe(
    "pair=XXBTZUSD&interval=60&since=1795417205",
  );
  const row = [1790348400, "84001.9", "84075.9", "83351.5", "83777.5", "83714.6", "159.04484404", 9205];
  expect(answered(ohlc, { XXBTZUSD: [row], last: 1790344800 })).toEqual({
    candles: [
      {
        startAt: 1790348400000,
        open: "84001.9",
        high: "84075.9",
        low: "83351.5",
        close: "83777.5",
        average: "83714.6",
        volume: "159.04484404",
        trades: 9205,
      },
    ],
    lastWholeAt: 1790344800000,
  });
});

test("Trades", () => {
  expect(asked(trades, { pair: "XXBTZUSD", since: "1790359841138228746", limit: 3 })).toBe(
    "pair=XXBTZUSD&since=1790359841138228746&count=3",
  );
  const row = ["83930.30000", "0.00005100", 1790359840.9392912, "s", "l", "", 109118758];
  expect(answered(trades, { XXBTZUSD: [row], last: "1790359841138228746" })).toEqual({
    trades: [
      { price: "83930.30000", volume: "0.00005100", at: 1790359840939, side: "sell", orderType: "limit" },
    ],
    last: "1790359841138228746",
  });
});
