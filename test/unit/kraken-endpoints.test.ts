/** Each endpoint: what is asked, and what becomes of a real answer (trimmed). */
import { describe, expect, test } from "vitest";
import { format } from "../../shared/domain/decimal.ts";
import { type Price, price, volume } from "../../shared/domain/money.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { formOf } from "../../shared/kraken/body.ts";
import { type AddOrderArgs, addOrder } from "../../shared/kraken/endpoints/add-order.ts";
import { amendOrder } from "../../shared/kraken/endpoints/amend-order.ts";
import { assetPairs } from "../../shared/kraken/endpoints/asset-pairs.ts";
import { assets } from "../../shared/kraken/endpoints/assets.ts";
import { balance } from "../../shared/kraken/endpoints/balance.ts";
import { balanceEx } from "../../shared/kraken/endpoints/balance-ex.ts";
import { cancelAll } from "../../shared/kraken/endpoints/cancel-all.ts";
import { cancelAllOrdersAfter } from "../../shared/kraken/endpoints/cancel-all-orders-after.ts";
import { cancelOrder } from "../../shared/kraken/endpoints/cancel-order.ts";
import { closedOrders } from "../../shared/kraken/endpoints/closed-orders.ts";
import { depth } from "../../shared/kraken/endpoints/depth.ts";
import type { Endpoint } from "../../shared/kraken/endpoints/endpoint.ts";
import { getApiKeyInfo } from "../../shared/kraken/endpoints/get-api-key-info.ts";
import { getWebSocketsToken } from "../../shared/kraken/endpoints/get-websockets-token.ts";
import { ledgers } from "../../shared/kraken/endpoints/ledgers.ts";
import { ohlc } from "../../shared/kraken/endpoints/ohlc.ts";
import { openOrders } from "../../shared/kraken/endpoints/open-orders.ts";
import { queryOrders } from "../../shared/kraken/endpoints/query-orders.ts";
import { systemStatus } from "../../shared/kraken/endpoints/system-status.ts";
import { ticker } from "../../shared/kraken/endpoints/ticker.ts";
import { time } from "../../shared/kraken/endpoints/time.ts";
import { tradeVolume } from "../../shared/kraken/endpoints/trade-volume.ts";
import { trades } from "../../shared/kraken/endpoints/trades.ts";
import { tradesHistory } from "../../shared/kraken/endpoints/trades-history.ts";
import { readReply } from "../../shared/kraken/envelope.ts";
import { resultReply, textReply } from "../support/kraken-rest.ts";

const AT = epochMs(Date.UTC(2026, 10, 23, 7, 0, 5, 250)); // 1795417205.25

const asked = <Args>(endpoint: Endpoint<Args, unknown>, args: Args): string => formOf(endpoint.fields(args));

/** Decimals as their text, maps as objects: what an answer says, easy to compare. */
function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(plain);
  if ("units" in value && "scale" in value) return format(value as Price);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

const answered = <Answer>(endpoint: Endpoint<never, Answer>, result: unknown): unknown =>
  plain(readReply(endpoint, resultReply(result)));

test("paths, costs and which calls change something", () => {
  const table = [
    time,
    systemStatus,
    assets,
    assetPairs,
    ticker,
    depth,
    ohlc,
    trades,
    balance,
    balanceEx,
    openOrders,
    closedOrders,
    queryOrders,
    tradesHistory,
    ledgers,
    tradeVolume,
    getApiKeyInfo,
    getWebSocketsToken,
    addOrder,
    amendOrder,
    cancelOrder,
    cancelAll,
    cancelAllOrdersAfter,
  ].map(({ path, cost, isWrite }) => `${path} ${cost}${isWrite ? " write" : ""}`);
  expect(table).toEqual([
    "/0/public/Time 0",
    "/0/public/SystemStatus 0",
    "/0/public/Assets 0",
    "/0/public/AssetPairs 0",
    "/0/public/Ticker 0",
    "/0/public/Depth 0",
    "/0/public/OHLC 0",
    "/0/public/Trades 0",
    "/0/private/Balance 1",
    "/0/private/BalanceEx 1",
    "/0/private/OpenOrders 1",
    "/0/private/ClosedOrders 2",
    "/0/private/QueryOrders 1",
    "/0/private/TradesHistory 2",
    "/0/private/Ledgers 2",
    "/0/private/TradeVolume 1",
    "/0/private/GetApiKeyInfo 1",
    "/0/private/GetWebSocketsToken 1",
    "/0/private/AddOrder 0 write",
    "/0/private/AmendOrder 0 write",
    "/0/private/CancelOrder 0 write",
    "/0/private/CancelAll 1 write",
    "/0/private/CancelAllOrdersAfter 1 write",
  ]);
});

describe("public", () => {
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
});

const OPEN_ORDER = {
  refid: null,
  userref: 0,
  cl_ord_id: "6d1b345e-2821-40e2-ad83-4ecb18a06876",
  status: "open",
  opentm: 1733815269.370054,
  starttm: 0,
  expiretm: 0,
  descr: {
    pair: "XBTUSD",
    type: "buy",
    ordertype: "limit",
    price: "70000.0",
    price2: "0",
    leverage: "none",
    order: "buy 0.00010000 XBTUSD @ limit 70000.0",
    close: "",
  },
  vol: "0.00010000",
  vol_exec: "0.00000000",
  cost: "0.00000",
  fee: "0.00000",
  price: "0.00000",
  stopprice: "0.00000",
  limitprice: "0.00000",
  misc: "",
  oflags: "fciq",
};
const OPEN_READ = {
  txid: "OQCLML-BW3P3-BUCMWZ",
  clientOrderId: "6d1b345e-2821-40e2-ad83-4ecb18a06876",
  status: "open",
  side: "buy",
  volume: "0.00010000",
  filled: "0.00000000",
  cost: "0.00000",
  fee: "0.00000",
  price: "0.00000",
  openedAt: 1733815269370,
  closedAt: undefined,
  reason: undefined,
  pair: "XBTUSD",
  orderType: "limit",
  description: "buy 0.00010000 XBTUSD @ limit 70000.0",
  trades: [],
};

describe("account", () => {
  test("Balance", () => {
    expect(
      answered(balance, { ZUSD: "171288.6158", XXBT: "1011.1908877900", "ETH2.S": "0.0000000000" }),
    ).toEqual({
      ZUSD: "171288.6158",
      XXBT: "1011.1908877900",
      "ETH2.S": "0.0000000000",
    });
    expect(answered(balance, {})).toEqual({});
  });

  test("BalanceEx, as texts and as numbers", () => {
    const texts = { ZUSD: { balance: "25435.2100", hold_trade: "8249.7600", credit: "0", credit_used: "0" } };
    expect(answered(balanceEx, texts)).toEqual({ ZUSD: { total: "25435.2100", held: "8249.7600" } });
    const numbers = '{"error":[],"result":{"XXBT":{"balance":1.24350000000000000001,"hold_trade":0.10}}}';
    expect(plain(readReply(balanceEx, textReply(numbers)))).toEqual({
      XXBT: { total: "1.24350000000000000001", held: "0.10" },
    });
  });

  test("OpenOrders", () => {
    expect(asked(openOrders, { clientOrderId: "6d1b345e", withTrades: true })).toBe(
      "trades=true&cl_ord_id=6d1b345e",
    );
    expect(answered(openOrders, { open: { "OQCLML-BW3P3-BUCMWZ": OPEN_ORDER } })).toEqual([OPEN_READ]);
    expect(answered(openOrders, { open: {} })).toEqual([]);
  });

  test("ClosedOrders", () => {
    const args = {
      clientOrderId: "6d1b345e",
      after: AT,
      until: "OQCLML-BW3P3-BUCMWZ",
      offset: 50,
      by: "both",
    } as const;
    expect(asked(closedOrders, args)).toBe(
      "cl_ord_id=6d1b345e&start=1795417205&end=OQCLML-BW3P3-BUCMWZ&ofs=50&closetime=both",
    );
    const closed = { ...OPEN_ORDER, status: "canceled", closetm: 1733815270.5, reason: "User requested" };
    expect(answered(closedOrders, { closed: { "OQCLML-BW3P3-BUCMWZ": closed }, count: 51 })).toEqual({
      orders: [{ ...OPEN_READ, status: "canceled", closedAt: 1733815270500, reason: "User requested" }],
      count: 51,
    });
    expect(() => answered(closedOrders, { closed: {} })).toThrow("count");
  });

  test("QueryOrders", () => {
    expect(asked(queryOrders, { txids: ["O1", "O2"] })).toBe("txid=O1%2CO2");
    expect(answered(queryOrders, {})).toEqual([]);
    const filled = {
      ...OPEN_ORDER,
      cl_ord_id: undefined,
      status: "closed",
      reason: null,
      closetm: 1688665499.1922,
      vol_exec: "1.25000000",
      cost: "27526.2",
      fee: "26.2",
      price: "27500.0",
      trades: ["TZX2WP-XSEOP-FP7WYR"],
    };
    expect(answered(queryOrders, { O1: filled })).toMatchObject([
      {
        txid: "O1",
        clientOrderId: undefined,
        reason: undefined,
        cost: "27526.2",
        fee: "26.2",
        trades: ["TZX2WP-XSEOP-FP7WYR"],
      },
    ]);
  });

  test("TradesHistory", () => {
    expect(asked(tradesHistory, { after: AT, offset: 50 })).toBe("start=1795417205&ofs=50");
    const row = {
      ordertxid: "OQCLML-BW3P3-BUCMWZ",
      postxid: "TKH2SE-M7IF5-CFI7LT",
      pair: "XXBTZUSD",
      time: 1688667796.8802,
      type: "buy",
      ordertype: "limit",
      price: "30010.00000",
      cost: "600.20000",
      fee: "0.00000",
      vol: "0.02000000",
      margin: "0.00000",
      misc: "",
      trade_id: 40274859,
      maker: true,
    };
    expect(answered(tradesHistory, { trades: { T1: row }, count: 1 })).toEqual({
      count: 1,
      fills: [
        {
          tradeId: "T1",
          orderTxid: "OQCLML-BW3P3-BUCMWZ",
          pair: "XXBTZUSD",
          at: 1688667796880,
          side: "buy",
          price: "30010.00000",
          volume: "0.02000000",
          cost: "600.20000",
          fee: "0.00000",
          isMaker: true,
        },
      ],
    });
  });

  test("Ledgers", () => {
    expect(asked(ledgers, { assets: ["ZEUR"], type: "trade", until: AT })).toBe(
      "asset=ZEUR&type=trade&end=1795417205",
    );
    const row = {
      refid: "TJKLXF-PGMUI-4NTLXU",
      time: 1688464484.1787,
      type: "trade",
      subtype: "",
      aclass: "currency",
      asset: "ZGBP",
      amount: "-24.5000",
      fee: "0.0490",
      balance: "459567.9171",
    };
    expect(answered(ledgers, { ledger: { L1: row }, count: 2 })).toEqual({
      count: 2,
      entries: [
        {
          ledgerId: "L1",
          refid: "TJKLXF-PGMUI-4NTLXU",
          at: 1688464484179,
          type: "trade",
          assetId: "ZGBP",
          amount: "-24.5000",
          fee: "0.0490",
          balance: "459567.9171",
        },
      ],
    });
  });

  test("TradeVolume: percent become fractions", () => {
    expect(asked(tradeVolume, { pairs: ["XXBTZUSD"] })).toBe("pair=XXBTZUSD");
    const fee = { minfee: "0.1000", maxfee: "0.2600", nextfee: null, nextvolume: null, tiervolume: "0.0000" };
    expect(
      answered(tradeVolume, {
        currency: "ZUSD",
        volume: "200.4223",
        fees: { XXBTZUSD: { ...fee, fee: "0.4000" } },
        fees_maker: { XXBTZUSD: { ...fee, fee: "-0.0200" } },
      }),
    ).toEqual({
      currency: "ZUSD",
      volume: "200.4223",
      takerRates: { XXBTZUSD: "0.004000" },
      makerRates: { XXBTZUSD: "-0.000200" }, // 0.4 % and minus 0.02 %
    });
    expect(answered(tradeVolume, { currency: "ZUSD", volume: "0" })).toMatchObject({
      takerRates: {},
      makerRates: {},
    });
  });

  const KEY = {
    api_key_name: "tidekeeper-home-trade",
    api_key: "abc",
    nonce: "123",
    nonce_window: "15",
    permissions: ["query-funds"],
    iban: "AA78 N84G",
    valid_until: "0",
    query_from: "1522132642",
    query_to: "0",
    created_time: "1522132642",
    modified_time: "1618230358",
    ip_allowlist: ["203.0.113.7"],
    last_used: "1774350056",
  };
  const KEY_READ = {
    name: "tidekeeper-home-trade",
    permissions: ["query-funds"],
    nonceWindow: 15n,
    ipAllowList: ["203.0.113.7"],
    validUntil: undefined,
    queryFrom: 1522132642000,
    queryTo: undefined,
    iban: "AA78 N84G",
  };

  test("GetApiKeyInfo, in both spellings", () => {
    expect(answered(getApiKeyInfo, KEY)).toEqual(KEY_READ);
    const camel = {
      apiKeyName: "tidekeeper-home-trade",
      apiKey: "abc",
      nonce: "123",
      nonceWindow: 15,
      permissions: ["query-funds"],
      iban: "AA78 N84G",
      validUntil: 0,
      queryFrom: 1522132642,
      queryTo: 0,
      ipAllowlist: ["203.0.113.7"],
    };
    expect(answered(getApiKeyInfo, camel)).toEqual(KEY_READ);
    expect(
      answered(getApiKeyInfo, { ...camel, ipAllowlist: undefined, ipAllowList: ["203.0.113.7"] }),
    ).toEqual(KEY_READ);
  });

  test("GetApiKeyInfo takes nothing for granted that would make a key look safe", () => {
    expect(answered(getApiKeyInfo, { ...KEY, ip_allowlist: [""] })).toMatchObject({ ipAllowList: [] });
    expect(answered(getApiKeyInfo, { ...KEY, ip_allowlist: undefined })).toMatchObject({ ipAllowList: [] });
    for (const field of [
      "nonce_window",
      "permissions",
      "valid_until",
      "query_from",
      "query_to",
      "iban",
      "api_key_name",
    ]) {
      expect(() => answered(getApiKeyInfo, { ...KEY, [field]: undefined }), field).toThrow(field);
    }
  });

  test("GetWebSocketsToken keeps the token secret", () => {
    const { token, expiresInMs } = readReply(
      getWebSocketsToken,
      resultReply({ token: "1Dwc4lzSwNWO", expires: 900 }),
    );
    expect(token.reveal()).toBe("1Dwc4lzSwNWO");
    expect(String(token)).toBe("[redacted]");
    expect(expiresInMs).toBe(900_000);
  });
});

const LIMIT = {
  orderType: "limit",
  side: "buy",
  pair: "XXBTZUSD",
  volume: volume("1.25"),
  price: price("37500.0"),
} as const;
const HEAD = "ordertype=limit&type=buy&pair=XXBTZUSD&volume=1.25";
const relative = (sign: "+" | "-" | "#", text: string, isPercent = false) => ({
  sign,
  distance: price(text),
  isPercent,
});

const ORDERS: [string, AddOrderArgs, string][] = [
  ["limit", LIMIT, `${HEAD}&price=37500.0`],
  [
    "market, volume in the quote asset",
    { orderType: "market", side: "buy", pair: "XBTUSD", volume: volume("10"), flags: ["viqc"] },
    "ordertype=market&type=buy&pair=XBTUSD&volume=10&oflags=viqc",
  ],
  [
    "what a plan sends",
    {
      ...LIMIT,
      flags: ["fciq", "post"],
      timeInForce: "GTD",
      expiresAt: AT,
      deadline: AT,
      clientOrderId: "6d1b345e-2821-40e2-ad83-4ecb18a06876",
      tradingAgreement: "agree",
    },
    `${HEAD}&price=37500.0&oflags=fciq%2Cpost&timeinforce=GTD&expiretm=1795417205&deadline=2026-11-23T07%3A00%3A05.250Z&cl_ord_id=6d1b345e-2821-40e2-ad83-4ecb18a06876&trading_agreement=agree`,
  ],
  [
    "iceberg",
    { ...LIMIT, orderType: "iceberg", displayVolume: volume("0.25") },
    `${HEAD.replace("limit", "iceberg")}&displayvol=0.25&price=37500.0`,
  ],
  [
    "stop-loss with margin",
    { ...LIMIT, orderType: "stop-loss", side: "sell", trigger: "index", leverage: 2, reduceOnly: true },
    "ordertype=stop-loss&type=sell&pair=XXBTZUSD&volume=1.25&price=37500.0&trigger=index&leverage=2&reduce_only=true",
  ],
  [
    "take-profit-limit, relative",
    {
      ...LIMIT,
      orderType: "take-profit-limit",
      price: relative("#", "5", true),
      price2: relative("-", "100.0"),
    },
    `${HEAD.replace("limit", "take-profit-limit")}&price=%235%25&price2=-100.0`,
  ],
  [
    "trailing-stop-limit",
    {
      ...LIMIT,
      orderType: "trailing-stop-limit",
      price: relative("+", "5", true),
      price2: relative("+", "0"),
    },
    `${HEAD.replace("limit", "trailing-stop-limit")}&price=%2B5%25&price2=%2B0`,
  ],
  [
    "settle-position",
    { orderType: "settle-position", side: "sell", pair: "XXBTZUSD", volume: volume("0"), leverage: 2 },
    "ordertype=settle-position&type=sell&pair=XXBTZUSD&volume=0&leverage=2",
  ],
  [
    "with a conditional close",
    { ...LIMIT, close: { orderType: "stop-loss-limit", price: price("36000"), price2: price("35000") } },
    `${HEAD}&price=37500.0&close%5Bordertype%5D=stop-loss-limit&close%5Bprice%5D=36000&close%5Bprice2%5D=35000`,
  ],
  [
    "later and for a while",
    { ...LIMIT, startAt: { inSeconds: 5 }, expiresAt: { inSeconds: 60 }, timeInForce: "GTD" },
    `${HEAD}&price=37500.0&timeinforce=GTD&starttm=%2B5&expiretm=%2B60`,
  ],
  [
    "all the rest",
    {
      ...LIMIT,
      timeInForce: "FOK",
      selfTrade: "cancel-both",
      validate: true,
      userref: -7,
      assetClass: "tokenized_asset",
      broker: "AA00",
    },
    `${HEAD}&price=37500.0&stptype=cancel-both&timeinforce=FOK&validate=true&userref=-7&asset_class=tokenized_asset&broker=AA00`,
  ],
];

describe("trading", () => {
  test.each(ORDERS)("AddOrder: %s", (_name, args, text) => {
    expect(asked(addOrder, args)).toBe(text);
  });

  test("AddOrder answers", () => {
    const descr = {
      order: "buy 2.12340000 XBTUSD @ limit 25000.1",
      close: "close position @ stop loss 22000.0",
    };
    expect(answered(addOrder, { descr, txid: ["OUF4EM-FRGI2-MQMWZD"] })).toEqual({
      txids: ["OUF4EM-FRGI2-MQMWZD"],
      description: descr.order,
      closeDescription: descr.close,
    });
    expect(answered(addOrder, { descr: { order: "buy 1 XDGUSD @ market" } })).toMatchObject({ txids: [] });
    expect(() => answered(addOrder, { descr, txid: "OUF4EM-FRGI2-MQMWZD" })).toThrow("txid");
    expect(() => answered(addOrder, {})).toThrow("descr");
  });

  test("AmendOrder", () => {
    expect(
      asked(amendOrder, {
        clientOrderId: "a",
        volume: volume("1.5"),
        limitPrice: price("9.50"),
        postOnly: true,
        deadline: AT,
      }),
    ).toBe("cl_ord_id=a&order_qty=1.5&limit_price=9.50&post_only=true&deadline=2026-11-23T07%3A00%3A05.250Z");
    expect(
      asked(amendOrder, {
        txid: "O1",
        displayVolume: volume("1"),
        triggerPrice: price("2"),
        pair: "XXBTZUSD",
      }),
    ).toBe("txid=O1&display_qty=1&trigger_price=2&pair=XXBTZUSD");
    expect(answered(amendOrder, { amend_id: "TTW6PD-RC36L-ZZSWNU" })).toEqual({
      amendId: "TTW6PD-RC36L-ZZSWNU",
    });
  });

  test("CancelOrder", () => {
    expect(asked(cancelOrder, { clientOrderId: "a" })).toBe("cl_ord_id=a");
    expect(asked(cancelOrder, { txid: "O1" })).toBe("txid=O1");
    expect(asked(cancelOrder, { txid: 42 })).toBe("txid=42");
    expect(answered(cancelOrder, { count: 1 })).toEqual({ cancelled: 1, isPending: false });
    expect(answered(cancelOrder, { count: 1, pending: true })).toEqual({ cancelled: 1, isPending: true });
  });

  test("CancelAll", () => {
    expect(asked(cancelAll, undefined)).toBe("");
    expect(answered(cancelAll, { count: 4 })).toEqual({ cancelled: 4 });
  });

  test("CancelAllOrdersAfter", () => {
    expect(asked(cancelAllOrdersAfter, { timeoutSeconds: 60 })).toBe("timeout=60");
    const currentTime = "2023-03-24T17:41:56Z";
    expect(answered(cancelAllOrdersAfter, { currentTime, triggerTime: "2023-03-24T17:42:56Z" })).toEqual({
      now: Date.UTC(2023, 2, 24, 17, 41, 56),
      cancelsAt: Date.UTC(2023, 2, 24, 17, 42, 56),
    });
    expect(answered(cancelAllOrdersAfter, { currentTime, triggerTime: "0" })).toMatchObject({
      cancelsAt: undefined,
    });
  });
});

test.each([
  ["1e-8"],
  ["NaN"],
  [""],
  ["1,000.00"],
  [" 1"],
  ["0x10"],
  ["Infinity"],
  ["1".repeat(100)],
  [null],
  [[]],
  [true],
])("an amount that is %j is no answer", (odd) => {
  expect(() => answered(balance, { ZEUR: odd })).toThrow("not of the expected shape (ZEUR: ");
});
