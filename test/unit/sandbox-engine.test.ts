/** The matching engine: what it refuses and in which words, and what becomes of orders it takes. */
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { askPublic, type Caller, callerOf, control } from "../../local/sandbox/caller.ts";
import { openSandbox, type SandboxOptions } from "../../local/sandbox/sandbox.ts";

const START = Date.parse("2026-11-23T07:00:00Z");

/** A sandbox on a clock that stands still, with BTC/EUR at 50,000: bid 49,999.9, ask 50,000.1. */
async function house(options: Partial<SandboxOptions> = {}) {
  const clock = new VirtualClock({ startAt: START, rate: 0 });
  const sandbox = await openSandbox({ clock, seed: 7, ...options });
  await control(sandbox, "price", { pair: "BTC/EUR", price: "50000" });
  const caller = callerOf(sandbox);
  const later = (ms: number) => clock.moveTo(clock.now() + ms);
  const price = (text: string) => control(sandbox, "price", { pair: "BTC/EUR", price: text });
  return { clock, sandbox, caller, later, price };
}

const limitBuy = {
  pair: "XBTEUR",
  type: "buy",
  ordertype: "limit",
  price: "40000",
  volume: "0.001",
} as const;
const rest = (ms: number): string => new Date(START + ms).toISOString();

const add = async (caller: Caller, fields: Record<string, string>) => {
  const { error, result } = await caller.call("AddOrder", fields);
  return { error: error[0], ...(result as { txid?: [string]; descr?: { order: string; close?: string } }) };
};

type OrderRow = Record<string, unknown> & { status: string; vol_exec: string; descr: { order: string } };
const query = async (caller: Caller, txid: string): Promise<OrderRow> =>
  (await caller.ask<Record<string, OrderRow>>("QueryOrders", { txid }))[txid]!;

describe("AddOrder is refused with", () => {
  test.each<[string, Record<string, string>, string]>([
    ["no side", { type: "" }, "EGeneral:Invalid arguments:type"],
    ["an order type nobody knows", { ordertype: "magic" }, "EGeneral:Invalid arguments:ordertype"],
    ["an exponent", { volume: "1e-3" }, "EGeneral:Invalid arguments:volume"],
    ["no volume", { volume: "0" }, "EGeneral:Invalid arguments:volume"],
    ["more digits than a lot has", { volume: "0.001000001" }, "EGeneral:Invalid arguments:volume"],
    ["no price", { price: "" }, "EGeneral:Invalid arguments:price"],
    ["upper-case free text as id", { cl_ord_id: "BUY-1" }, "EGeneral:Invalid arguments:cl_ord_id"],
    ["an id of 19 characters", { cl_ord_id: "a".repeat(19) }, "EGeneral:Invalid arguments:cl_ord_id"],
    ["a userref over 31 bits", { userref: "2147483648" }, "EGeneral:Invalid arguments:userref"],
    ["an unknown flag", { oflags: "fciq,rush" }, "EGeneral:Invalid arguments:oflags"],
    ["both fee flags", { oflags: "fciq,fcib" }, "EGeneral:Invalid arguments:oflags"],
    ["viqc on a limit order", { oflags: "viqc" }, "EGeneral:Invalid arguments:viqc"],
    ["an unknown time in force", { timeinforce: "DAY" }, "EGeneral:Invalid arguments:timeinforce"],
    ["GTD without an end", { timeinforce: "GTD" }, "EGeneral:Invalid arguments:expiretm"],
    ["an end in four seconds", { expiretm: "+4" }, "EGeneral:Invalid arguments:expiretm"],
    ["an end in two months", { expiretm: "+5400000" }, "EGeneral:Invalid arguments:expiretm"],
    [
      "FOK on a market order",
      { ordertype: "market", timeinforce: "FOK" },
      "EGeneral:Invalid arguments:timeinforce",
    ],
    ["a deadline that is no time", { deadline: "soon" }, "EGeneral:Invalid arguments:deadline"],
    ["a deadline in one second", { deadline: rest(1_000) }, "EGeneral:Invalid arguments:deadline"],
    ["a deadline in 61 seconds", { deadline: rest(61_000) }, "EGeneral:Invalid arguments:deadline"],
    ["a deadline that has passed", { deadline: rest(-1) }, "EService:Deadline elapsed"],
    ["leverage, which this account may not use", { leverage: "2" }, "EOrder:Cannot open position"],
    ["an unknown pair", { pair: "BTCEURO" }, "EQuery:Unknown asset pair"],
    ["the old name with a slash", { pair: "XBT/EUR" }, "EQuery:Unknown asset pair"],
    ["a market in cancel_only mode", { pair: "CXTUSD" }, "EService:Market in cancel_only mode"],
    ["too little volume", { volume: "0.00004999" }, "EOrder:Order minimum not met"],
    ["too little cost", { price: "8000", volume: "0.00005" }, "EOrder:Cost minimum not met"], // 0.40 < 0.45
    [
      "a price off the tick",
      { price: "40000.05" },
      "EOrder:Invalid price:XBTEUR price can only be specified up to 1 decimals.",
    ],
    ["a price beyond all sense", { type: "sell", price: "9".repeat(30) }, "EOrder:Invalid price"],
    [
      "a close off the tick",
      { "close[ordertype]": "limit", "close[price]": "60000.05" },
      "EOrder:Invalid price",
    ],
    ["a post-only price that would take", { price: "50000.1", oflags: "post" }, "EOrder:Post only order"],
    // 0.25 × 40,000 = 10,000 and the fee of 0.4 % on top.
    ["more than there is", { volume: "0.25" }, "EOrder:Insufficient funds"],
    ["a sale of more than there is", { type: "sell", volume: "0.50000001" }, "EOrder:Insufficient funds"],
  ])("%s", async (_what, fields, error) => {
    const { caller, sandbox } = await house();
    expect(await add(caller, { ...limitBuy, ...fields })).toEqual({ error });
    expect(sandbox.orders()).toEqual([]);
  });

  test("the first reason of several: arguments, pair, minimums, tick, funds", async () => {
    const { caller } = await house();
    const all = { ...limitBuy, volume: "0.00001", price: "99999999.99", pair: "NO", oflags: "rush" };
    const errors: (string | undefined)[] = [];
    for (const healed of [{}, { oflags: "" }, { pair: "XBTEUR" }, { volume: "1" }, { price: "99999999.9" }]) {
      Object.assign(all, healed);
      errors.push((await add(caller, all)).error);
    }
    expect(errors).toEqual([
      "EGeneral:Invalid arguments:oflags",
      "EQuery:Unknown asset pair",
      "EOrder:Order minimum not met",
      "EOrder:Invalid price:XBTEUR price can only be specified up to 1 decimals.",
      "EOrder:Insufficient funds",
    ]);
  });
});

describe("the sentence of an order is Kraken's, to the letter:", () => {
  test.each<[Record<string, string>, string]>([
    [{ ordertype: "market" }, "buy 0.00100000 XBTEUR @ market"],
    [{}, "buy 0.00100000 XBTEUR @ limit 40000.0"],
    [{ pair: "BTC/EUR", price: "40000.10" }, "buy 0.00100000 XBTEUR @ limit 40000.1"],
    [{ type: "sell", ordertype: "stop-loss", price: "45000" }, "sell 0.00100000 XBTEUR @ stop loss 45000.0"],
    [
      { type: "sell", ordertype: "stop-loss-limit", price: "45000", price2: "44000" },
      "sell 0.00100000 XBTEUR @ stop loss 45000.0 -> limit 44000.0",
    ],
    [
      { ordertype: "take-profit-limit", price: "45000", price2: "45100" },
      "buy 0.00100000 XBTEUR @ take profit 45000.0 -> limit 45100.0",
    ],
    [
      { type: "sell", ordertype: "trailing-stop", price: "+50%" },
      "sell 0.00100000 XBTEUR @ trailing stop +50.0000%",
    ],
    // Relative to the last trade, which is the price just set: 50,000 - 1 % = 49,500.
    [{ price: "-1%" }, "buy 0.00100000 XBTEUR @ limit 49500.0"],
    [{ price: "#100" }, "buy 0.00100000 XBTEUR @ limit 49900.0"],
    [{ type: "sell", price: "#100" }, "sell 0.00100000 XBTEUR @ limit 50100.0"],
  ])("%o", async (fields, sentence) => {
    const { caller } = await house();
    const checked = await add(caller, { ...limitBuy, ...fields, validate: "True" });
    expect(checked).toEqual({ error: undefined, descr: { order: sentence } });
  });
});

test("validate checks everything, funds included, and places nothing", async () => {
  const { caller, sandbox } = await house();
  expect((await add(caller, { ...limitBuy, validate: "true" })).txid).toBeUndefined();
  expect((await add(caller, { ...limitBuy, volume: "1", validate: "true" })).error).toBe(
    "EOrder:Insufficient funds",
  );
  expect(sandbox.orders()).toEqual([]);
});

test("a client order id is taken among open orders only, whichever way its UUID is written", async () => {
  const { caller, sandbox } = await house();
  const id = "5d1f2e00-0000-4000-8000-00000000000a";
  const first = await add(caller, { ...limitBuy, cl_ord_id: id });
  const bare = id.replaceAll("-", "").toUpperCase();
  expect((await add(caller, { ...limitBuy, cl_ord_id: bare })).error).toBe(
    "EGeneral:Invalid arguments:cl_ord_id not unique",
  );
  await caller.ask("CancelOrder", { cl_ord_id: bare });
  const second = await add(caller, { ...limitBuy, cl_ord_id: id });
  expect(second.txid).toBeDefined();
  expect(second.txid).not.toEqual(first.txid);
  expect(sandbox.orders().map((order) => order.clOrdId)).toEqual([id, id]);
});

test("an order of immediate-or-cancel takes what its price allows, and the rest is cancelled", async () => {
  const { caller } = await house();
  // One tick above the ask: the first level holds some tenths of a bitcoin at most.
  const { error } = await caller.call("AddOrder", {
    ...limitBuy,
    price: "50000.1",
    volume: "0.19",
    timeinforce: "IOC",
  });
  expect(error).toEqual([]);
  const none = await add(caller, { ...limitBuy, timeinforce: "IOC" });
  expect(await query(caller, none.txid![0])).toMatchObject({ status: "canceled", vol_exec: "0.00000000" });
});

test("fill-or-kill fills whole or not at all", async () => {
  const { caller, price } = await house();
  await price("5000"); // 1.9 bitcoin for the money: more than the first level
  const fok = { ...limitBuy, timeinforce: "FOK", volume: "1.9" };
  const killed = await add(caller, { ...fok, price: "5000.1" });
  expect(await query(caller, killed.txid![0])).toMatchObject({ status: "canceled", cost: "0.00000" });
  const filled = await add(caller, { ...fok, price: "5050" });
  expect(await query(caller, filled.txid![0])).toMatchObject({ status: "closed", vol_exec: "1.90000000" });
});

test("a plain market buy in quote currency spends that much and pays the fee on top", async () => {
  const { caller } = await house();
  const { txid } = await add(caller, {
    pair: "XBTEUR",
    type: "buy",
    ordertype: "market",
    volume: "100",
    oflags: "viqc",
  });
  const order = await query(caller, txid![0]);
  // 100 / 50,000.1 = 0.00199999 lots; × 50,000.1 = 99.99969…; 0.4 % of that is 0.39999…
  expect(order).toMatchObject({
    status: "closed",
    vol: "100.00000000",
    vol_exec: "0.00199999",
    cost: "99.99960",
    fee: "0.39990",
    price: "50000.10000",
    oflags: "viqc,fciq",
  });
  expect(await caller.ask("Balance")).toMatchObject({ ZEUR: "9899.6005", XXBT: "0.5019999900" });
});

test("own takers eat the book for a while: the next one pays more, a minute later no more", async () => {
  const { caller, sandbox, later } = await house();
  const ask = async () =>
    (await askPublic<Record<string, { a: [string] }>>(sandbox, "Ticker?pair=XBTEUR")).XXBTZEUR!.a[0];
  expect(await ask()).toBe("50000.10000");
  await add(caller, { ...limitBuy, ordertype: "market", type: "sell", volume: "0.3" });
  await add(caller, { ...limitBuy, ordertype: "market", volume: "0.45" });
  expect(Number(await ask())).toBeGreaterThan(50000.1);
  later(9_000); // still held at the set price
  const soon = Number(await ask());
  expect(soon).toBeGreaterThanOrEqual(50000.1);
});

test("a resting order is filled at its own price, as maker, when the price comes to it", async () => {
  const { caller, price } = await house();
  const { txid } = await add(caller, { ...limitBuy, price: "49000", volume: "0.01" });
  await price("49000.0");
  expect(await query(caller, txid![0])).toMatchObject({ status: "open" }); // the ask is 49,000.1
  await price("48999.9");
  // 0.01 × 49,000 = 490; maker fee 0.25 % = 1.225
  expect(await query(caller, txid![0])).toMatchObject({
    status: "closed",
    price: "49000.00000",
    cost: "490.00000",
    fee: "1.22500",
  });
});

test("a resting order larger than the book is filled in parts as the market trades through it", async () => {
  const { caller, price, later } = await house();
  const { txid } = await add(caller, { ...limitBuy, price: "5000", volume: "1.9" });
  await price("4999.9"); // only the first level stands at 5,000 or below
  const first = await query(caller, txid![0]);
  expect(first.status).toBe("open");
  expect(Number(first.vol_exec)).toBeGreaterThan(0);
  expect(Number(first.vol_exec)).toBeLessThan(1.9);
  expect(await caller.ask("OpenOrders", { trades: "true" })).toMatchObject({ open: { [txid![0]]: {} } });
  later(600_000);
  const then = await query(caller, txid![0]);
  expect(Number(then.vol_exec)).toBeGreaterThan(Number(first.vol_exec));
});

test("an order with an end expires at that instant", async () => {
  const { caller, later } = await house();
  const { txid } = await add(caller, { ...limitBuy, timeinforce: "GTD", expiretm: "+60" });
  later(59_999);
  expect((await query(caller, txid![0])).status).toBe("open");
  later(1);
  expect(await query(caller, txid![0])).toMatchObject({ status: "expired", closetm: START / 1000 + 60 });
});

test("an order with a start waits as pending, holds its funds, and trades when it starts", async () => {
  const { caller, later } = await house();
  const { txid } = await add(caller, { ...limitBuy, price: "50100", starttm: "+5" });
  expect((await query(caller, txid![0])).status).toBe("pending");
  // 0.001 × 50,100 × 1.004
  expect(await caller.ask("BalanceEx")).toMatchObject({ ZEUR: { hold_trade: "50.3004" } });
  later(5_000);
  expect(await query(caller, txid![0])).toMatchObject({ status: "closed", price: "50000.10000" });
});

test("a stop fires when the price falls to it, a trailing stop follows the price up first", async () => {
  const { caller, price } = await house();
  const sell = { pair: "XBTEUR", type: "sell", volume: "0.01" };
  const stop = await add(caller, { ...sell, ordertype: "stop-loss", price: "49000" });
  const trail = await add(caller, { ...sell, ordertype: "trailing-stop", price: "+500" });
  await price("52000"); // the trailing stop now stands at 51,500
  await price("51600");
  expect((await query(caller, trail.txid![0])).status).toBe("open");
  await price("51500");
  expect(await query(caller, trail.txid![0])).toMatchObject({ status: "closed", misc: "stopped" });
  expect((await query(caller, stop.txid![0])).status).toBe("open");
  await price("48900");
  expect(await query(caller, stop.txid![0])).toMatchObject({ status: "closed", price: "48899.90000" });
});

test("a conditional close makes one order on the other side for each fill", async () => {
  const { caller } = await house();
  const { txid, descr } = await add(caller, {
    ...limitBuy,
    price: "50100",
    "close[ordertype]": "limit",
    "close[price]": "60000",
  });
  expect(descr?.close).toBe("close position @ limit 60000.0");
  const { open } = await caller.ask<{ open: Record<string, OrderRow & { refid: string }> }>("OpenOrders");
  const [closing] = Object.values(open);
  expect(closing).toMatchObject({ refid: txid![0], vol: "0.00100000" });
  expect(closing!.descr.order).toBe("sell 0.00100000 XBTEUR @ limit 60000.0");
});

test("amending keeps the id, moves the price, and is refused when the funds do not reach", async () => {
  const { caller } = await house();
  const { txid } = await add(caller, { ...limitBuy, cl_ord_id: "plan-1" });
  const amended = await caller.call("AmendOrder", {
    cl_ord_id: "plan-1",
    limit_price: "41000",
    order_qty: "0.002",
  });
  expect(amended.error).toEqual([]);
  expect((await query(caller, txid![0])).descr.order).toBe("buy 0.00200000 XBTEUR @ limit 41000.0");
  expect((await caller.call("AmendOrder", { txid: txid![0], order_qty: "1" })).error).toEqual([
    "EOrder:Insufficient funds",
  ]);
  await caller.ask("AmendOrder", { txid: txid![0], limit_price: "50100" });
  expect(await query(caller, txid![0])).toMatchObject({ status: "closed", misc: "amended" });
});

test("editing cancels the old order and places a new one without its client order id", async () => {
  const { caller, sandbox } = await house();
  const { txid } = await add(caller, { ...limitBuy, volume: "0.2", cl_ord_id: "plan-1" });
  // Nearly all the money is held by the old order: the new one is checked as if it were gone.
  const edited = await caller.ask("EditOrder", { txid: txid![0], pair: "XBTEUR", price: "45000" });
  expect(edited).toMatchObject({
    status: "ok",
    originaltxid: txid![0],
    orders_cancelled: 1,
    price: "45000.0",
  });
  expect(sandbox.orders().map(({ status, clOrdId }) => ({ status, clOrdId }))).toEqual([
    { status: "canceled", clOrdId: "plan-1" },
    { status: "open", clOrdId: null },
  ]);
});

test("a cancel tells an order that is closed from one that never was", async () => {
  const { caller } = await house();
  const { txid } = await add(caller, limitBuy);
  expect(await caller.ask("CancelOrder", { txid: txid![0] })).toEqual({ count: 1 });
  expect((await caller.call("CancelOrder", { txid: txid![0] })).error).toEqual(["EOrder:Unknown order"]);
  expect((await caller.call("CancelOrder", { txid: "OZZZZZ-ZZZZZ-ZZZZZZ" })).error).toEqual([
    "EOrder:Invalid order",
  ]);
});

test("the cancel-all timer cancels everything when it runs out, and nothing when it was taken back", async () => {
  const { caller, later, sandbox } = await house();
  await add(caller, limitBuy);
  expect(await caller.ask("CancelAllOrdersAfter", { timeout: "60" })).toEqual({
    currentTime: "2026-11-23T07:00:00Z",
    triggerTime: "2026-11-23T07:01:00Z",
  });
  await caller.ask("CancelAllOrdersAfter", { timeout: "0" });
  later(61_000);
  expect(sandbox.orders()[0]!.status).toBe("open");
  await caller.ask("CancelAllOrdersAfter", { timeout: "60" });
  later(60_000);
  expect(sandbox.orders()[0]!.status).toBe("canceled");
});

test("the engine counts per pair: sixty orders at once, and young cancels cost eight", async () => {
  const { caller, later } = await house();
  for (let i = 0; i < 6; i++) {
    const { txid } = await add(caller, limitBuy);
    await caller.ask("CancelOrder", { txid: txid![0] });
  }
  // 6 × (1 + 8) = 54, six more orders fit, the next does not; another pair has its own counter.
  for (let i = 0; i < 6; i++) expect((await add(caller, limitBuy)).error).toBeUndefined();
  expect((await add(caller, limitBuy)).error).toBe("EOrder:Rate limit exceeded");
  const dollars = { ...limitBuy, pair: "XBTUSD" };
  expect((await add(caller, dollars)).error).toBeUndefined();
  later(2_000); // 61 - 2 = 59
  expect((await add(caller, limitBuy)).error).toBeUndefined();
});

test("an account of Starter has sixty open orders on a pair, not one more", async () => {
  const { caller, later } = await house();
  const small = { ...limitBuy, volume: "0.0001" };
  for (let i = 0; i < 60; i++) {
    expect((await add(caller, small)).error).toBeUndefined();
    later(1_000);
  }
  expect((await add(caller, small)).error).toBe("EOrder:Orders limit exceeded");
});

test("the fee falls with the volume of 30 days, and rises when that is over", async () => {
  const { caller, price, later } = await house();
  const fee = async () =>
    (await caller.ask<{ fees: Record<string, { fee: string }> }>("TradeVolume", { pair: "XBTEUR" })).fees
      .XXBTZEUR!.fee;
  expect(await fee()).toBe("0.4000");
  await price("50000");
  await add(caller, { ...limitBuy, ordertype: "market", volume: "0.19" });
  // 0.19 × 50,000 × 1.16 = 11,020 dollars: the next tier
  expect(await fee()).toBe("0.3500");
  later(30 * 86_400_000);
  expect(await fee()).toBe("0.4000");
});

test("with fcib the fee is taken from what was bought", async () => {
  const { caller } = await house();
  await add(caller, { ...limitBuy, ordertype: "market", volume: "0.1", oflags: "fcib" });
  // 0.1 - 0.4 % = 0.0996; 0.1 × 50,000.1 = 5,000.01, no fee in euro
  expect(await caller.ask("Balance")).toMatchObject({ XXBT: "0.5996000000", ZEUR: "4999.9900" });
});
