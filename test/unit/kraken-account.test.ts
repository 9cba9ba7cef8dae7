import { describe, expect, test } from "vitest";
import { format } from "../../shared/domain/decimal.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { buy, house, ID, order, type Script } from "../support/kraken-house.ts";
import { errorReply, resultReply, START_AT, thrownBy } from "../support/kraken-rest.ts";

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
    ["an order that left the list between two pages", pages(100, (offset) => (offset === 0 ? 101 : 100))],
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
