import { describe, expect, test } from "vitest";
import { format } from "../../shared/domain/decimal.ts";
import { epochMs, HOUR_MS, MINUTE_MS } from "../../shared/domain/time.ts";
import { offsetFrom } from "../../shared/kraken/client.ts";
import { BTC_EUR, buy, house, ID, PAIR_ROW } from "../support/kraken-house.ts";
import { CountingKey, errorReply, resultReply, START_AT, thrownBy } from "../support/kraken-rest.ts";

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
  test("are the account's own, kept for a minute per key", async () => {
    const { exchange, account, transport, clock, key } = house();
    const rules = await exchange.pairRules(BTC_EUR);
    const rates = await account.feeRates(rules);
    expect([rates.taker, rates.maker].map(format)).toEqual(["0.004000", "0.002500"]);
    await exchange.as(new CountingKey()).feeRates(rules); // Another KeyUse, the same key
    expect(transport.endpoints.filter((name) => name === "TradeVolume")).toHaveLength(1);
    await exchange.as(new CountingKey({ apiKey: "another" })).feeRates(rules);
    clock.moveTo(START_AT + MINUTE_MS);
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

test("a normal buy takes 11 calls with everything cold, 7 with cached metadata, 6 right after another", async () => {
  const { exchange, account, transport, key, clock } = house();
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
  expect(transport.requests).toHaveLength(17);
  clock.moveTo(START_AT + 11_000);
  await run();
  expect(transport.endpoints.slice(17)).toEqual([
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
