import { expect, test } from "vitest";
import { formOf, privateBody } from "../../shared/kraken/body.ts";

test.each([
  ["a plus sign", { price: "+5%" }, "price=%2B5%25"],
  ["a relative time", { starttm: "+60" }, "starttm=%2B60"],
  [
    "nested fields",
    { close: { ordertype: "limit", price: "#5" } },
    "close%5Bordertype%5D=limit&close%5Bprice%5D=%235",
  ],
  [
    "a list of orders",
    { orders: [{ type: "buy" }, { type: "sell" }] },
    "orders%5B0%5D%5Btype%5D=buy&orders%5B1%5D%5Btype%5D=sell",
  ],
  ["a flag list", { oflags: "fciq,post" }, "oflags=fciq%2Cpost"],
  ["a slash name", { pair: "BTC/EUR" }, "pair=BTC%2FEUR"],
  ["what is not there", { a: undefined, b: "1" }, "b=1"],
  ["truth", { validate: true, trades: false }, "validate=true&trades=false"],
  ["zero", { ofs: 0 }, "ofs=0"],
  ["space, and signs that encodeURIComponent leaves", { t: "a b!'()*~" }, "t=a%20b%21%27%28%29%2A~"],
  ["nothing", {}, ""],
])("%s", (_name, fields, text) => {
  expect(formOf(fields)).toBe(text);
});

test("nonce, then the one-time password, then the rest", () => {
  expect(privateBody("7", { pair: "XBTUSD" }, "123456")).toBe("nonce=7&otp=123456&pair=XBTUSD");
});
