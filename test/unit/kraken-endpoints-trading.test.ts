/** Endpoints that trade: what is asked, and what becomes of a real answer (trimmed). */

import { expect, test } from "vitest";
import { price, volume } from "../../shared/domain/money.ts";
import { type AddOrderArgs, addOrder } from "../../shared/kraken/endpoints/add-order.ts";
import { amendOrder } from "../../shared/kraken/endpoints/amend-order.ts";
import { cancelAll } from "../../shared/kraken/endpoints/cancel-all.ts";
import { cancelAllOrdersAfter } from "../../shared/kraken/endpoints/cancel-all-orders-after.ts";
import { cancelOrder } from "../../shared/kraken/endpoints/cancel-order.ts";
import { AT, answered, asked } from "../support/kraken-answers.ts";

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
