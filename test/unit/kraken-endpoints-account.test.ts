/** Endpoints of the account: what is asked, and what becomes of a real answer (trimmed). */

import { expect, test } from "vitest";
import { balance } from "../../shared/kraken/endpoints/balance.ts";
import { balanceEx } from "../../shared/kraken/endpoints/balance-ex.ts";
import { closedOrders } from "../../shared/kraken/endpoints/closed-orders.ts";
import { getApiKeyInfo } from "../../shared/kraken/endpoints/get-api-key-info.ts";
import { getWebSocketsToken } from "../../shared/kraken/endpoints/get-websockets-token.ts";
import { ledgers } from "../../shared/kraken/endpoints/ledgers.ts";
import { openOrders } from "../../shared/kraken/endpoints/open-orders.ts";
import { queryOrders } from "../../shared/kraken/endpoints/query-orders.ts";
import { tradeVolume } from "../../shared/kraken/endpoints/trade-volume.ts";
import { tradesHistory } from "../../shared/kraken/endpoints/trades-history.ts";
import { readReply } from "../../shared/kraken/envelope.ts";
import { AT, answered, asked, plain } from "../support/kraken-answers.ts";
import { resultReply, textReply } from "../support/kraken-rest.ts";

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
  expect(answered(getApiKeyInfo, { ...camel, ipAllowlist: undefined, ipAllowList: ["203.0.113.7"] })).toEqual(
    KEY_READ,
  );
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
