import { describe, expect, test } from "vitest";
import type { OrderRequest } from "../../shared/app/exchange.ts";
import { format } from "../../shared/domain/decimal.ts";
import { price, volume } from "../../shared/domain/money.ts";
import { epochMs, HOUR_MS } from "../../shared/domain/time.ts";
import { createExchange, offsetFrom } from "../../shared/kraken/client.ts";
import type { HttpReply, HttpRequest } from "../../shared/kraken/transport.ts";
import {
  CountingKey,
  errorReply,
  resultReply,
  START_AT,
  scriptedRest,
  thrownBy,
} from "../support/kraken-rest.ts";

const ID = "6d1b345e-2821-50e2-ad83-4ecb18a06876";
const BTC_EUR = { base: "BTC", quote: "EUR" };
const PAIR_ROW = {
  altname: "XBTEUR",
  wsname: "XBT/EUR",
  base: "XXBT",
  quote: "ZEUR",
  pair_decimals: 1,
  lot_decimals: 8,
  cost_decimals: 5,
  tick_size: "0.1",
  ordermin: "0.00005",
  costmin: "0.45",
  status: "online",
  fees: [],
  fees_maker: [],
};
const TICK = {
  a: ["50000.1", "1", "1.0"],
  b: ["49999.9", "1", "1.0"],
  c: ["50000.0", "1"],
  v: ["1", "1"],
  l: ["1", "1"],
  h: ["1", "1"],
  o: "1",
};

const order = (clientOrderId: string | undefined, fields: object = {}) => ({
  ...(clientOrderId === undefined ? {} : { cl_ord_id: clientOrderId }),
  status: "closed",
  opentm: 1795417200.5,
  closetm: 1795417201.25,
  reason: null,
  descr: { pair: "XBTEUR", type: "buy", ordertype: "limit", order: "buy 0.00100000 XBTEUR @ limit 50000.1" },
  vol: "0.00100000",
  vol_exec: "0.00100000",
  cost: "50.00010",
  fee: "0.20000",
  price: "50000.1",
  ...fields,
});

type Script = Record<string, (fields: URLSearchParams, request: HttpRequest) => HttpReply>;

const NORMAL: Script = {
  Time: () => resultReply({ unixtime: START_AT / 1000 }),
  SystemStatus: () => resultReply({ status: "online" }),
  AssetPairs: () => resultReply({ XXBTZEUR: PAIR_ROW }),
  Ticker: () => resultReply({ XXBTZEUR: TICK }),
  TradeVolume: () =>
    resultReply({
      currency: "ZUSD",
      volume: "0",
      fees: { XXBTZEUR: { fee: "0.4000" } },
      fees_maker: { XXBTZEUR: { fee: "0.2500" } },
    }),
  BalanceEx: () => resultReply({ ZEUR: { balance: "100.0000", hold_trade: "1.0000" } }),
  OpenOrders: () => resultReply({ open: {} }),
  ClosedOrders: () => resultReply({ closed: {}, count: 0 }),
  AddOrder: () => resultReply({ descr: { order: "buy" }, txid: ["O1"] }),
  QueryOrders: () => resultReply({ O1: order(ID) }),
  CancelOrder: () => resultReply({ count: 1 }),
  GetApiKeyInfo: () =>
    resultReply({
      api_key_name: "tidekeeper-t-trade",
      nonce_window: "0",
      permissions: [],
      ip_allowlist: [],
      valid_until: "0",
      query_from: "0",
      query_to: "0",
      iban: "AA",
    }),
};

function house(script: Script = {}) {
  const made = scriptedRest((request) => {
    const [path = "", query = ""] = request.path.split("?");
    const name = path.split("/").at(-1) ?? "";
    const answer = script[name] ?? NORMAL[name];
    return (
      answer?.(new URLSearchParams(request.body ?? query), request) ?? errorReply("EGeneral:Unknown method")
    );
  });
  const exchange = createExchange(made);
  return { ...made, exchange, account: exchange.as(made.key) };
}

const buy = async (
  exchange: ReturnType<typeof house>["exchange"],
  fields: Partial<OrderRequest> = {},
): Promise<OrderRequest> => ({
  rules: await exchange.pairRules(BTC_EUR),
  side: "buy",
  clientOrderId: ID,
  volume: volume("0.00100000"),
  limitPrice: price("50000.1"),
  timeInForce: "IOC",
  postOnly: false,
  deadline: epochMs(START_AT + 10_000),
  ...fields,
});

describe("Kraken's clock", () => {
  const second = epochMs(START_AT);
  test.each([
    ["within the second", 400, 0, 0],
    ["at its start", 0, 0, 0],
    ["at its end", 1000, 0, 0],
    ["within the way there and back", 1300, 300, 0],
    ["late", 1500, 300, -200],
    ["hours late", 3_601_000, 0, -3_600_000],
    ["early", -250, 0, 250],
    ["early, and the way does not matter", -250, 300, 250],
  ])("a local clock %s", (_name, localMs, tookMs, offsetMs) => {
    expect(offsetFrom(second, START_AT + localMs, tookMs)).toBe(offsetMs);
  });

  test("is asked once in ten minutes", async () => {
    const { exchange, clock, transport } = house({
      Time: () => resultReply({ unixtime: START_AT / 1000 + 60 }),
    });
    expect(await exchange.now()).toBe(START_AT + 60_000);
    clock.moveTo(START_AT + 599_000);
    expect(await exchange.now()).toBe(START_AT + 659_000);
    expect(transport.endpoints).toEqual(["Time"]);
    clock.moveTo(START_AT + 600_000);
    await exchange.now();
    expect(transport.endpoints).toEqual(["Time", "Time"]);
  });

  test("is asked once by all who ask at the same time", async () => {
    const { exchange, transport } = house();
    await Promise.all([exchange.now(), exchange.now(), exchange.now()]);
    expect(transport.endpoints).toEqual(["Time"]);
  });

  test("is asked again when the local clock was set", async () => {
    const { exchange, clock, transport } = house();
    await exchange.now();
    clock.resetTo(START_AT - 5_000);
    expect(await exchange.now()).toBe(START_AT);
    expect(transport.endpoints).toEqual(["Time", "Time"]);
  });
});

describe("pair rules", () => {
  test("come from one small question, an hour long", async () => {
    const { exchange, clock, transport } = house();
    const rules = await exchange.pairRules(BTC_EUR);
    expect(rules).toMatchObject({
      pair: BTC_EUR,
      id: "XXBTZEUR",
      altname: "XBTEUR",
      baseId: "XXBT",
      quoteId: "ZEUR",
      costDecimals: 5,
      status: "online",
    });
    expect([rules.tickSize, rules.lot, rules.volumeMin, rules.costMin].map(format)).toEqual([
      "0.1",
      "0.00000001",
      "0.00005",
      "0.45",
    ]);
    expect(transport.requests[0]?.path).toBe("/0/public/AssetPairs?pair=XBTEUR");
    clock.moveTo(START_AT + HOUR_MS - 1);
    await exchange.pairRules(BTC_EUR);
    expect(transport.requests).toHaveLength(1);
    clock.moveTo(START_AT + HOUR_MS);
    await exchange.pairRules(BTC_EUR);
    expect(transport.requests).toHaveLength(2);
  });

  test("are not those of the pair that was guessed", async () => {
    const asked: (string | null)[] = [];
    const { exchange } = house({
      AssetPairs: (fields) => {
        asked.push(fields.get("pair"));
        const ada = { ...PAIR_ROW, altname: "ADAUSD", wsname: "ADA/USD", base: "ADA", quote: "ZUSD" };
        const adAusd = { ...PAIR_ROW, altname: "AD.AUSD", wsname: "AD/AUSD", base: "AD", quote: "AUSD" };
        return resultReply(fields.has("pair") ? { ADAUSD: ada } : { ADAUSD: ada, ADAUSDX: adAusd });
      },
    });
    expect(await exchange.pairRules({ base: "AD", quote: "AUSD" })).toMatchObject({
      id: "ADAUSDX",
      quoteId: "AUSD",
    });
    expect(asked).toEqual(["ADAUSD", null]);
  });

  test("of a pair that does not exist are an error with the nearest names", async () => {
    const { exchange } = house({
      AssetPairs: (fields) =>
        fields.has("pair") ? errorReply("EQuery:Unknown asset pair") : resultReply({ XXBTZEUR: PAIR_ROW }),
    });
    const error = await thrownBy(exchange.pairRules({ base: "BTC", quote: "DKK" }));
    expect(error).toMatchObject({ code: "PAIR_UNKNOWN", retry: "never" });
    expect(String(error)).toContain("BTC/EUR");
  });

  test("of a pair that is refused and still listed are not traded on", async () => {
    const { exchange } = house({
      AssetPairs: (fields) =>
        fields.has("pair") ? errorReply("EQuery:Unknown asset pair") : resultReply({ XXBTZEUR: PAIR_ROW }),
    });
    expect(await thrownBy(exchange.pairRules(BTC_EUR))).toMatchObject({ code: "PAIR_UNKNOWN" });
  });

  test("that are not complete are an error", async () => {
    for (const odd of [{ tick_size: undefined }, { ordermin: undefined }, { status: "sleeping" }]) {
      const { exchange } = house({ AssetPairs: () => resultReply({ XXBTZEUR: { ...PAIR_ROW, ...odd } }) });
      expect(await thrownBy(exchange.pairRules(BTC_EUR))).toMatchObject({ code: "ANSWER_SHAPE" });
    }
  });

  test("are asked again after a failure", async () => {
    let calls = 0;
    const { exchange } = house({
      AssetPairs: () =>
        ++calls === 1 ? errorReply("EGeneral:Invalid arguments") : resultReply({ XXBTZEUR: PAIR_ROW }),
    });
    await thrownBy(exchange.pairRules(BTC_EUR));
    expect(await exchange.pairRules(BTC_EUR)).toMatchObject({ id: "XXBTZEUR" });
  });
});

test("a quote is as old as the instant its request left, by Kraken's clock", async () => {
  const { exchange, transport } = house({ Time: () => resultReply({ unixtime: START_AT / 1000 + 60 }) });
  const quote = await exchange.quote(await exchange.pairRules(BTC_EUR));
  expect([quote.bid, quote.ask, quote.last].map(format)).toEqual(["49999.9", "50000.1", "50000.0"]);
  expect(quote.asOf).toBe(START_AT + 60_000);
  expect(transport.requests.at(-1)?.path).toBe("/0/public/Ticker?pair=XXBTZEUR");
});

describe("fee rates", () => {
  test("are the account's own, kept for an hour per key", async () => {
    const { exchange, account, transport, clock, key } = house();
    const rules = await exchange.pairRules(BTC_EUR);
    const rates = await account.feeRates(rules);
    expect([rates.taker, rates.maker].map(format)).toEqual(["0.004000", "0.002500"]);
    await exchange.as(new CountingKey()).feeRates(rules); // Another KeyUse, the same key
    expect(transport.endpoints.filter((name) => name === "TradeVolume")).toHaveLength(1);
    await exchange.as(new CountingKey({ apiKey: "another" })).feeRates(rules);
    clock.moveTo(START_AT + HOUR_MS);
    await exchange.as(key).feeRates(rules);
    expect(transport.endpoints.filter((name) => name === "TradeVolume")).toHaveLength(3);
  });

  test("of a pair without maker fees are the taker's", async () => {
    const { exchange, account } = house({
      TradeVolume: () => resultReply({ currency: "ZUSD", volume: "0", fees: { XXBTZEUR: { fee: "0.20" } } }),
    });
    expect(format((await account.feeRates(await exchange.pairRules(BTC_EUR))).maker)).toBe("0.0020");
  });

  test("that are missing are an error, not zero", async () => {
    const { exchange, account } = house({
      TradeVolume: () => resultReply({ currency: "ZUSD", volume: "0" }),
    });
    expect(await thrownBy(account.feeRates(await exchange.pairRules(BTC_EUR)))).toMatchObject({
      code: "ANSWER_SHAPE",
    });
  });
});

describe("submit", () => {
  const sent = (transport: ReturnType<typeof house>["transport"]) =>
    Object.fromEntries(new URLSearchParams(transport.requests.at(-1)?.body));

  test("sends the order as it was decided", async () => {
    const { exchange, account, transport } = house();
    expect(await account.submit(await buy(exchange))).toEqual({ txid: "O1", description: "buy" });
    expect(sent(transport)).toEqual({
      nonce: "1000",
      ordertype: "limit",
      type: "buy",
      pair: "XXBTZEUR",
      volume: "0.00100000",
      price: "50000.1",
      oflags: "fciq",
      timeinforce: "IOC",
      deadline: "2026-11-23T07:00:10.000Z",
      cl_ord_id: ID,
    });
  });

  test("sends a maker order that ends by itself", async () => {
    const { exchange, account, transport } = house();
    const fields = {
      timeInForce: "GTD",
      expiresAt: epochMs(START_AT + 61_999),
      postOnly: true,
      tradingAgreement: "agree",
    } as const;
    await account.submit(await buy(exchange, fields));
    expect(sent(transport)).toMatchObject({
      oflags: "fciq,post",
      timeinforce: "GTD",
      expiretm: String(START_AT / 1000 + 61),
      trading_agreement: "agree",
    });
  });

  test.each([
    ["no txid", { descr: { order: "buy" } }],
    ["an empty list", { descr: { order: "buy" }, txid: [] }],
    ["two of them", { descr: { order: "buy" }, txid: ["O1", "O2"] }],
    ["an empty one", { descr: { order: "buy" }, txid: [""] }],
  ])("is open after an answer with %s", async (_name, result) => {
    const { exchange, account, transport } = house({ AddOrder: () => resultReply(result) });
    expect(await thrownBy(account.submit(await buy(exchange)))).toMatchObject({
      code: "ANSWER_SHAPE",
      retry: "lookUpFirst",
    });
    expect(transport.endpoints.filter((name) => name === "AddOrder")).toHaveLength(1);
  });

  test("rehearse only checks", async () => {
    const { exchange, account, transport } = house({
      AddOrder: () => resultReply({ descr: { order: "buy" } }),
    });
    expect(await account.rehearse(await buy(exchange))).toEqual({ description: "buy" });
    expect(sent(transport)).toMatchObject({ validate: "true", cl_ord_id: ID });
  });

  test("rehearse does not hide an order that was placed all the same", async () => {
    const { exchange, account } = house();
    const error = await thrownBy(account.rehearse(await buy(exchange)));
    expect(error).toMatchObject({ code: "ANSWER_SHAPE", retry: "lookUpFirst" });
    expect(String(error)).toContain("O1");
  });
});

describe("orders by client order id", () => {
  const since = epochMs(START_AT - 60_000);

  test("are looked for among the open first, then among the closed", async () => {
    const seen: URLSearchParams[] = [];
    const { account, transport } = house({
      OpenOrders: (fields) => {
        seen.push(fields);
        return resultReply({ open: { O2: order(ID, { status: "open", closetm: undefined }) } });
      },
      ClosedOrders: (fields) => {
        seen.push(fields);
        return resultReply({ closed: { O1: order(ID) }, count: 1 });
      },
    });
    expect((await account.findOrders(ID, since)).map(({ txid }) => txid)).toEqual(["O2", "O1"]);
    expect(transport.endpoints).toEqual(["OpenOrders", "ClosedOrders"]);
    expect(Object.fromEntries(seen[1] ?? [])).toEqual({
      nonce: "1001",
      cl_ord_id: ID,
      start: String(START_AT / 1000 - 61),
      ofs: "0",
      closetime: "both", // One second earlier: Kraken leaves `start` out
    });
    expect(seen[0]?.get("cl_ord_id")).toBe(ID);
  });

  test("are reported as they ended when they close meanwhile", async () => {
    const { account } = house({
      OpenOrders: () =>
        resultReply({
          open: { O1: order(ID, { status: "open", closetm: undefined, vol_exec: "0.00000000" }) },
        }),
      ClosedOrders: () => resultReply({ closed: { O1: order(ID) }, count: 1 }),
    });
    const [found, ...others] = await account.findOrders(ID, since);
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      txid: "O1",
      status: "closed",
      openedAt: 1795417200500,
      closedAt: 1795417201250,
      clientOrderId: ID,
    });
    expect(
      [found?.volume, found?.filled, found?.cost, found?.fee, found?.price].map(
        (value) => value && format(value),
      ),
    ).toEqual(["0.00100000", "0.00100000", "50.00010", "0.20000", "50000.1"]);
  });

  test("are ours in either spelling of the id, and no one else's", async () => {
    const { account } = house({
      OpenOrders: () =>
        resultReply({
          open: { O1: order(ID.replaceAll("-", "")), O2: order("another-id"), O3: order(undefined) },
        }),
      ClosedOrders: () =>
        resultReply({ closed: { O4: order(ID.toUpperCase()), O5: order(`${ID.slice(0, -1)}7`) }, count: 2 }),
    });
    expect((await account.findOrders(ID, since)).map(({ txid }) => txid)).toEqual(["O1", "O4"]);
  });

  const pages = (all: number, count: (offset: number) => number, size = 50): Script => ({
    ClosedOrders: (fields) => {
      const offset = Number(fields.get("ofs"));
      const ids = Array.from(
        { length: Math.max(0, Math.min(size, all - offset)) },
        (_, i) => `O${offset + i}`,
      );
      return resultReply({
        closed: Object.fromEntries(ids.map((id) => [id, order(ID)])),
        count: count(offset),
      });
    },
  });

  test("are read from all pages", async () => {
    const { account, transport } = house(pages(120, () => 120));
    expect(await account.findOrders(ID, since)).toHaveLength(120);
    expect(transport.endpoints.filter((name) => name === "ClosedOrders")).toHaveLength(3);
  });

  test.each<[string, Script]>([
    ["a page that is missing", pages(50, () => 60)],
    ["a count that changed between two pages", pages(120, (offset) => 120 + offset)],
    [
      "pages that repeat themselves",
      { ClosedOrders: () => resultReply({ closed: { O1: order(ID) }, count: 3 }) },
    ],
    ["no count", { ClosedOrders: () => resultReply({ closed: {} }) }],
    ["no list of open orders", { OpenOrders: () => resultReply({}) }],
    ["more pages than an id can have", pages(5_000, () => 5_000)],
    [
      "an order we cannot read",
      { OpenOrders: () => resultReply({ open: { O1: order(ID, { vol_exec: "a lot" }) } }) },
    ],
    ["an error", { ClosedOrders: () => errorReply("EGeneral:Permission denied") }],
  ])("are no empty list after %s", async (_name, script) => {
    const { account, clock } = house(script);
    clock.rate = 10_000; // The retries of reads wait
    await expect(account.findOrders(ID, since)).rejects.toMatchObject({ name: "ExchangeError" });
    clock.stop();
  });
});

describe("orders by txid", () => {
  test("are asked fifty at a time; what Kraken does not know is missing", async () => {
    const asked: number[] = [];
    const { account } = house({
      QueryOrders: (fields) => {
        const txids = fields.get("txid")?.split(",") ?? [];
        asked.push(txids.length);
        const known = txids.filter((txid) => txid !== "O7");
        return resultReply({
          ...Object.fromEntries(known.map((txid) => [txid, order(ID)])),
          OTHER: order(ID),
        });
      },
    });
    const txids = Array.from({ length: 120 }, (_, i) => `O${i}`);
    const found = await account.orders([...txids, "O0"]);
    expect(asked).toEqual([50, 50, 20]);
    expect(found.map(({ txid }) => txid)).toEqual(txids.filter((txid) => txid !== "O7"));
  });

  test("need no call when there are none", async () => {
    const { account, transport } = house();
    expect(await account.orders([])).toEqual([]);
    expect(transport.requests).toEqual([]);
  });
});

test("cancel goes by client order id", async () => {
  const { account, transport } = house();
  expect(await account.cancel(ID)).toEqual({ cancelled: 1 });
  expect(transport.requests[0]?.body).toBe(`nonce=1000&cl_ord_id=${ID}`);
});

test("a normal buy takes 11 calls with everything cold, 7 with cached metadata", async () => {
  const { exchange, account, transport, key } = house();
  const run = async () => {
    await exchange.systemStatus();
    await exchange.now();
    const rules = await exchange.pairRules(BTC_EUR);
    await exchange.quote(rules);
    await account.feeRates(rules);
    await account.balances();
    await account.findOrders(ID, epochMs(START_AT - 1000));
    const { txid } = await account.submit(await buy(exchange));
    await account.orders([txid]);
  };
  await account.keyInfo();
  await run();
  expect(transport.requests).toHaveLength(11);
  await run();
  expect(transport.endpoints.slice(11)).toEqual([
    "SystemStatus",
    "Ticker",
    "BalanceEx",
    "OpenOrders",
    "ClosedOrders",
    "AddOrder",
    "QueryOrders",
  ]);
  // Points of one run on the key's counter: 1 + 1 + 1 + 2 + 0 + 1, GetApiKeyInfo first.
  expect(key.taken.slice(0, 7).map(({ cost }) => cost)).toEqual([1, 1, 1, 1, 2, 0, 1]);
});
