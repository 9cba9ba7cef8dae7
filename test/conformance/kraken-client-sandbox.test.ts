/** Every endpoint of the client against the embedded Kraken, over HTTP: signatures are verified, nonces are counted. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { FAULTS } from "../../local/sandbox/faults.ts";
import { openSandbox, type Sandbox } from "../../local/sandbox/sandbox.ts";
import { ExchangeError } from "../../shared/app/errors.ts";
import type { Exchange, ExchangeAccount, OrderRequest } from "../../shared/app/exchange.ts";
import { format } from "../../shared/domain/decimal.ts";
import { price, toTick, volume } from "../../shared/domain/money.ts";
import { epochMs, later } from "../../shared/domain/time.ts";
import { createExchange } from "../../shared/kraken/client.ts";
import { addOrder } from "../../shared/kraken/endpoints/add-order.ts";
import { amendOrder } from "../../shared/kraken/endpoints/amend-order.ts";
import { assetPairs } from "../../shared/kraken/endpoints/asset-pairs.ts";
import { assets } from "../../shared/kraken/endpoints/assets.ts";
import { balance } from "../../shared/kraken/endpoints/balance.ts";
import { cancelAll } from "../../shared/kraken/endpoints/cancel-all.ts";
import { cancelAllOrdersAfter } from "../../shared/kraken/endpoints/cancel-all-orders-after.ts";
import { cancelOrder } from "../../shared/kraken/endpoints/cancel-order.ts";
import { closedOrders } from "../../shared/kraken/endpoints/closed-orders.ts";
import { depth } from "../../shared/kraken/endpoints/depth.ts";
import { getWebSocketsToken } from "../../shared/kraken/endpoints/get-websockets-token.ts";
import { ledgers } from "../../shared/kraken/endpoints/ledgers.ts";
import { ohlc } from "../../shared/kraken/endpoints/ohlc.ts";
import { openOrders } from "../../shared/kraken/endpoints/open-orders.ts";
import { ticker } from "../../shared/kraken/endpoints/ticker.ts";
import { trades } from "../../shared/kraken/endpoints/trades.ts";
import { tradesHistory } from "../../shared/kraken/endpoints/trades-history.ts";
import { undiciTransport } from "../../shared/kraken/http.ts";
import { assetName, findAssetId, findPair } from "../../shared/kraken/names.ts";
import { createRest, type Rest } from "../../shared/kraken/rest.ts";
import type { HttpTransport } from "../../shared/kraken/transport.ts";
import { CountingKey, chanceOf, SAMPLE_SECRET, thrownBy } from "../support/kraken-rest.ts";

const ALL = [
  "query-funds",
  "query-open-trades",
  "query-closed-trades",
  "modify-trades",
  "close-trades",
  "query-ledger",
  "create-ws-token",
] as const;
const START_AT = Date.UTC(2026, 10, 23, 7, 0, 0);
const BTC_EUR = { base: "BTC", quote: "EUR" };

let sandbox: Sandbox;
let control: string;
let transport: HttpTransport;
let clock: VirtualClock;
let rest: Rest;
let exchange: Exchange;
let key: CountingKey;
let account: ExchangeAccount;

beforeAll(async () => {
  clock = new VirtualClock({ startAt: START_AT, rate: 1 });
  const keyOf = (name: string, permissions: readonly (typeof ALL)[number][]) => ({
    name,
    key: name,
    secret: SAMPLE_SECRET,
    permissions: [...permissions],
  });
  sandbox = await openSandbox({
    clock,
    seed: 7,
    accounts: [
      {
        name: "main",
        // Enough for the whole file: what the counter does is told by other tests.
        tier: { max: 1000, decay: 100 },
        balances: { ZEUR: "10000.0000", XXBT: "0.5000000000" },
        keys: [keyOf("trade", ALL), keyOf("read", ["query-funds"])],
      },
    ],
  });
  const addresses = await sandbox.listen(0);
  control = addresses.control;
  transport = undiciTransport({ origin: addresses.rest });
  rest = createRest({ transport, clock, chance: chanceOf(0.5), userAgent: "tidekeeper-test" });
  exchange = createExchange({ rest, clock });
  key = new CountingKey({ apiKey: "trade" });
  account = exchange.as(key);
});

afterAll(async () => {
  await transport.close();
  await sandbox.close();
  clock.stop();
});

/** Replaces what was armed before. */
async function arm(...faults: object[]): Promise<void> {
  await fetch(`${control}/faults`, { method: "POST", body: "[]" });
  const reply = await fetch(`${control}/faults`, { method: "POST", body: JSON.stringify(faults) });
  expect(await reply.json()).toEqual({ armed: faults.length });
}

let orders = 0;
/** A buy just below the ask, or far below it. */
async function buy(fields: Partial<OrderRequest> = {}, share = "1.01"): Promise<OrderRequest> {
  const rules = await exchange.pairRules(BTC_EUR);
  const { ask } = await exchange.quote(rules);
  const limitPrice = toTick(
    price(format({ units: ask.units * BigInt(share.replace(".", "")), scale: ask.scale + 2 })),
    rules.tickSize,
    "down",
  );
  orders += 1;
  return {
    rules,
    side: "buy",
    clientOrderId: `00000000-0000-5000-8000-${String(orders).padStart(12, "0")}`,
    volume: volume("0.00100000"),
    limitPrice,
    timeInForce: "IOC",
    postOnly: false,
    deadline: later(await exchange.now(), 10_000),
    ...fields,
  };
}
const resting = async (fields: Partial<OrderRequest> = {}): Promise<OrderRequest> =>
  buy(
    { timeInForce: "GTD", expiresAt: later(await exchange.now(), 600_000), postOnly: true, ...fields },
    "0.90",
  );

describe("public endpoints", () => {
  test("clock and status", async () => {
    expect(Math.abs((await exchange.now()) - clock.now())).toBeLessThan(2000);
    expect(await exchange.systemStatus()).toBe("online");
  });

  test("names come from the exchange's own lists", async () => {
    const pairs = await rest.publicCall(assetPairs, {});
    expect(findPair(pairs, BTC_EUR).id).toBe("XXBTZEUR");
    expect(findPair(pairs, { base: "DOGE", quote: "USD" }).id).toBe("XDGUSD");
    expect(findPair(pairs, { base: "USDT", quote: "USD" }).id).toBe("USDTZUSD");
    expect(findPair(pairs, { base: "ETH", quote: "BTC" }).id).toBe("XETHXXBT");
    const known = await rest.publicCall(assets, {});
    expect(findAssetId(known, "BTC")).toBe("XXBT");
    expect(assetName(known, "ZEUR")).toBe("EUR");
    expect(await thrownBy(exchange.pairRules({ base: "BTC", quote: "DKK" }))).toMatchObject({
      code: "PAIR_UNKNOWN",
    });
    expect((await rest.publicCall(assetPairs, { pairs: ["BTC/EUR"] })).has("BTC/EUR")).toBe(true);
  });

  test("rules and quote", async () => {
    const rules = await exchange.pairRules(BTC_EUR);
    expect(rules).toMatchObject({
      id: "XXBTZEUR",
      altname: "XBTEUR",
      baseId: "XXBT",
      quoteId: "ZEUR",
      status: "online",
    });
    const quote = await exchange.quote(rules);
    expect(quote.bid.units).toBeLessThan(quote.ask.units);
    expect(Math.abs(quote.asOf - clock.now())).toBeLessThan(2000);
  });

  test("ticker, book, candles and trades", async () => {
    expect([...(await rest.publicCall(ticker, { pairs: ["XXBTZEUR", "XETHZEUR"] })).keys()]).toEqual([
      "XXBTZEUR",
      "XETHZEUR",
    ]);
    const book = await rest.publicCall(depth, { pair: "XXBTZEUR", levels: 5 });
    expect([book.asks.length, book.bids.length]).toEqual([5, 5]);
    const { candles, lastWholeAt } = await rest.publicCall(ohlc, { pair: "XXBTZEUR", interval: 1 });
    expect(candles.at(-2)?.startAt).toBe(lastWholeAt);
    const first = await rest.publicCall(trades, { pair: "XXBTZEUR", limit: 10 });
    expect(first.trades).toHaveLength(10);
    expect(first.last).toMatch(/^\d{19}$/);
  });
});

describe("the account", () => {
  test("key, balances and fees", async () => {
    expect(await account.keyInfo()).toMatchObject({
      name: "trade",
      nonceWindow: 0n,
      ipAllowList: ["127.0.0.1"],
      validUntil: undefined,
      queryTo: undefined,
    });
    const { total, held } = (await account.balances()).get("ZEUR") ?? {};
    expect([total && format(total), held && format(held)]).toEqual(
      ["10000.0000", "0.0000"].map((text) => expect.stringMatching(new RegExp(`^${text.split(".")[0]}`))),
    );
    expect(format((await rest.privateCall(balance, undefined, key)).get("XXBT") ?? price("0"))).toMatch(
      /^0\.50*$/,
    );
    const { taker, maker } = await account.feeRates(await exchange.pairRules(BTC_EUR));
    expect([format(taker), format(maker)]).toEqual(["0.004000", "0.002500"]); // 0.40 % and 0.25 %
    expect((await rest.privateCall(getWebSocketsToken, undefined, key)).expiresInMs).toBe(900_000);
  });

  test("a key without the permission is told which box to tick", async () => {
    const reader = exchange.as(new CountingKey({ apiKey: "read" }));
    const error = await thrownBy(reader.submit(await buy()));
    expect(error).toMatchObject({ code: "PERMISSION_DENIED", retry: "never" });
  });

  test("an unknown key, a wrong private key and an old nonce", async () => {
    expect(await thrownBy(exchange.as(new CountingKey({ apiKey: "nobody" })).balances())).toMatchObject({
      code: "KEY_INVALID",
    });
    const forged = new CountingKey({ apiKey: "trade", secret: "AAAA", firstNonce: 10n ** 15n });
    expect(await thrownBy(exchange.as(forged).balances())).toMatchObject({ code: "SIGNATURE_INVALID" });
    const late = new CountingKey({ apiKey: "trade", firstNonce: 1n });
    expect(await thrownBy(exchange.as(late).balances())).toMatchObject({
      code: "NONCE_TOO_LOW",
      retry: "now",
    });
  });
});

describe("orders", () => {
  test("a taker fills, and is found by both ids", async () => {
    const order = await buy();
    const since = await exchange.now();
    expect(await account.findOrders(order.clientOrderId, since)).toEqual([]);
    const { txid, description } = await account.submit(order);
    expect(description).toContain("buy 0.00100000 XBTEUR @ limit");
    const [found] = await account.findOrders(order.clientOrderId, since);
    expect(found).toMatchObject({ txid, clientOrderId: order.clientOrderId, status: "closed", side: "buy" });
    expect(found && format(found.filled)).toBe("0.00100000");
    expect(found?.cost.units).toBeGreaterThan(0n);
    expect(found?.fee.units).toBeGreaterThan(0n);
    expect(await account.orders([txid, "OZZZZZ-ZZZZZ-ZZZZZZ"])).toEqual([found]);

    const history = await rest.privateCall(tradesHistory, {}, key);
    expect(history.fills.filter(({ orderTxid }) => orderTxid === txid).length).toBeGreaterThan(0);
    const { entries } = await rest.privateCall(ledgers, { type: "trade" }, key);
    expect(new Set(entries.map(({ assetId }) => assetId))).toEqual(new Set(["ZEUR", "XXBT"]));
  });

  test("a maker rests, is amended and cancelled", async () => {
    const order = await resting();
    const since = await exchange.now();
    const { txid } = await account.submit(order);
    expect(await account.findOrders(order.clientOrderId, since)).toMatchObject([
      { txid, status: "open", closedAt: undefined },
    ]);
    expect(await rest.privateCall(openOrders, {}, key)).toMatchObject([
      { txid, pair: "XBTEUR", orderType: "limit" },
    ]);
    expect(await thrownBy(account.submit(order))).toMatchObject({
      code: "CLIENT_ORDER_ID_NOT_UNIQUE",
      retry: "lookUpFirst",
    });

    const { amendId } = await rest.privateCall(
      amendOrder,
      { clientOrderId: order.clientOrderId, volume: volume("0.00200000") },
      key,
    );
    expect(amendId).toMatch(/^T/);
    expect(await account.cancel(order.clientOrderId)).toEqual({ cancelled: 1 });
    const [ended] = await account.findOrders(order.clientOrderId, since);
    expect(ended).toMatchObject({ txid, status: "canceled" });
    expect(ended && format(ended.volume)).toBe("0.00200000");
    expect(await thrownBy(account.cancel(order.clientOrderId))).toMatchObject({
      code: "ORDER_UNKNOWN",
      retry: "lookUpFirst",
    });
  });

  test("a rehearsal places nothing", async () => {
    const before = sandbox.orders().length;
    expect((await account.rehearse(await buy())).description).toContain("buy");
    expect(sandbox.orders()).toHaveLength(before);
  });

  test.each<[string, Partial<OrderRequest>, string]>([
    ["too small", { volume: volume("0.00000001") }, "VOLUME_BELOW_MINIMUM"],
    ["too dear", { volume: volume("5.00000000") }, "FUNDS_INSUFFICIENT"],
    ["off the tick", { limitPrice: price("1000.12") }, "PRICE_INVALID|TICK_SIZE"],
    ["post-only and crossing", { postOnly: true, timeInForce: "GTD" }, "POST_ONLY_WOULD_TAKE"],
  ])("an order that is %s is refused", async (_name, fields, code) => {
    const expiresAt = later(await exchange.now(), 60_000);
    const order = await buy({ ...fields, ...(fields.timeInForce === "GTD" ? { expiresAt } : {}) });
    const error = await thrownBy(account.submit(order));
    expect(error).toMatchObject({ code: expect.stringMatching(code), retry: "never" });
    expect(await account.findOrders(order.clientOrderId, epochMs(START_AT - 60_000))).toEqual([]);
  });

  test("all can be cancelled, at once or by a timer", async () => {
    await account.submit(await resting());
    expect(await rest.privateCall(cancelAll, undefined, key)).toEqual({ cancelled: 1 });
    const on = await rest.privateCall(cancelAllOrdersAfter, { timeoutSeconds: 60 }, key);
    expect(on.cancelsAt).toBe(on.now + 60_000);
    expect(
      (await rest.privateCall(cancelAllOrdersAfter, { timeoutSeconds: 0 }, key)).cancelsAt,
    ).toBeUndefined();
  });

  test("other kinds of orders are understood", async () => {
    const market = {
      pair: "XXBTZEUR",
      side: "buy",
      orderType: "market",
      volume: volume("0.00010000"),
      validate: true,
    } as const;
    expect((await rest.privateCall(addOrder, market, key)).description).toContain("@ market");
    const stop = {
      pair: "XBTEUR",
      side: "sell",
      orderType: "stop-loss-limit",
      volume: volume("0.001"),
      price: price("1000.0"),
      price2: price("900.0"),
    } as const;
    const { txids } = await rest.privateCall(addOrder, { ...stop, userref: 42 }, key);
    expect(await rest.privateCall(cancelOrder, { txid: txids[0] ?? "" }, key)).toMatchObject({
      cancelled: 1,
    });
  });

  test("closed orders come in pages that are all read", async () => {
    const { orders: page, count } = await rest.privateCall(closedOrders, { offset: 1 }, key);
    expect(page).toHaveLength(count - 1);
  });
});

describe("faults", () => {
  const accepted = (clientOrderId: string) =>
    sandbox.orders().filter((order) => order.clOrdId === clientOrderId);

  test("a reply that is lost after the order was taken: found, not sent again", async () => {
    await arm({ endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1 });
    const order = await buy();
    expect(await thrownBy(account.submit(order))).toMatchObject({ code: "NO_ANSWER", retry: "lookUpFirst" });
    expect(accepted(order.clientOrderId)).toHaveLength(1);
    expect(await account.findOrders(order.clientOrderId, epochMs(START_AT - 1000))).toHaveLength(1);
  });

  test("the reads around it are asked again until they are complete", async () => {
    const order = await buy();
    await account.submit(order);
    await arm(
      { endpoint: "OpenOrders", fault: "html-520-before-accept", times: 1 },
      { endpoint: "ClosedOrders", fault: "internal-error-before-accept", times: 1 },
    );
    expect(await account.findOrders(order.clientOrderId, epochMs(START_AT - 1000))).toHaveLength(1);
  });

  // Those that name an endpoint other than AddOrder, or take longer than a test may, are told elsewhere.
  const atAddOrder = Object.keys(FAULTS).filter(
    (name) => !["visibility-lag", "delay-past-deadline", "delay", "slow-body"].includes(name),
  );
  test.each(atAddOrder)(
    "%s at AddOrder: one order or none, and a refusal only where there is none",
    async (fault) => {
      const order = await buy();
      await arm({ endpoint: "AddOrder", fault, times: 1 });
      const outcome = await account.submit(order).catch((error: unknown) => error);
      await arm();

      const placed = accepted(order.clientOrderId);
      expect(placed.length).toBeLessThanOrEqual(1);
      if (!(outcome instanceof ExchangeError)) expect(placed).toHaveLength(1);
      else if (outcome.retry !== "lookUpFirst") expect(placed).toEqual([]);
      // What the exchange has is what we find, whatever we were told.
      const reader = exchange.as(key);
      const found = await reader
        .findOrders(order.clientOrderId, epochMs(START_AT - 1000))
        .catch((error: unknown) => error);
      if (Array.isArray(found)) expect(found.map(({ txid }) => txid)).toEqual(placed.map(({ txid }) => txid));
      else expect(found).toBeInstanceOf(ExchangeError);
    },
  );
});
