/** The first stage of a private request: who asks, may they, is the nonce new, is the counter low enough. */
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import type { AccountsInput } from "../../local/sandbox/accounts.ts";
import { askPublic, callerOf } from "../../local/sandbox/caller.ts";
import { isAllowed, signatureOf } from "../../local/sandbox/gateway.ts";
import { fieldsOf, flagOf } from "../../local/sandbox/request.ts";
import { openSandbox, type SandboxOptions } from "../../local/sandbox/sandbox.ts";

const START = Date.parse("2026-11-23T07:00:00Z");
/** Kraken's published example (docs.kraken.com, Spot REST Authentication). */
const SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";

async function house(options: Partial<SandboxOptions> = {}) {
  const clock = new VirtualClock({ startAt: START, rate: 0 });
  const sandbox = await openSandbox({ clock, seed: 7, ...options });
  return { clock, sandbox };
}

const accountWith = (key: Partial<AccountsInput[number]["keys"][number]>, tier?: "pro"): AccountsInput => [
  {
    name: "one",
    ...(tier === undefined ? {} : { tier }),
    balances: { ZEUR: "1000" },
    keys: [{ name: "k", key: "public", secret: SECRET, permissions: ["query-funds"], ...key }],
  },
];

test("the published signing example is reproduced", () => {
  const body = "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25";
  expect(signatureOf(SECRET, "/0/private/AddOrder", "1616492376594", body)).toBe(
    "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
  );
});

test.each([
  {
    what: "form with the nonce last",
    type: "application/x-www-form-urlencoded; charset=utf-8",
    body: "asset=ZEUR&nonce=1616492376594",
  },
  { what: "form without a Content-Type", type: "", body: "nonce=1616492376594" },
  {
    what: "JSON with Python's spaces",
    type: "application/json",
    body: '{"nonce": "1616492376594", "asset": "ZEUR"}',
  },
  { what: "JSON with a number", type: "application/json", body: '{"nonce":1616492376594}' },
  { what: "JSON without a Content-Type", type: "", body: '{"nonce":"1616492376594"}' },
  {
    what: "form with an otp",
    type: "application/x-www-form-urlencoded",
    body: "nonce=1616492376594&otp=123456",
  },
])("the signature covers the bytes as they were sent: $what", async ({ type, body }) => {
  const { sandbox } = await house();
  const path = "/0/private/Balance";
  const sign = signatureOf(SECRET, path, "1616492376594", body);
  const reply = await sandbox.handle({
    method: "POST",
    path,
    headers: { "API-Key": sandbox.keys[0]!.key, "API-Sign": sign, ...(type && { "Content-Type": type }) },
    body: Buffer.from(body),
    remoteAddress: "127.0.0.1",
  });
  expect(reply.is === "reply" && JSON.parse(reply.body.toString()).error).toEqual([]);
});

describe("one request is refused with", () => {
  test("Invalid key, when nobody knows the key", async () => {
    const { sandbox } = await house();
    const stranger = callerOf({ ...sandbox, keys: [{ ...sandbox.keys[0]!, key: "unknown" }] });
    expect((await stranger.call("Balance")).error).toEqual(["EAPI:Invalid key"]);
  });

  test("Invalid signature, when the secret is another one", async () => {
    const { sandbox } = await house();
    const other = callerOf({ ...sandbox, keys: [{ ...sandbox.keys[0]!, secret: "AAAA" }] });
    expect((await other.call("Balance")).error).toEqual(["EAPI:Invalid signature"]);
  });

  test("Permission denied, when a read key places an order, and the nonce is used up all the same", async () => {
    const { sandbox } = await house();
    const reader = callerOf(sandbox, { keyName: "tidekeeper-sandbox-read" });
    expect((await reader.call("AddOrder", { nonce: "9" })).error).toEqual(["EGeneral:Permission denied"]);
    expect((await reader.call("Balance", { nonce: "9" })).error).toEqual(["EAPI:Invalid nonce"]);
  });

  test("Unknown method, when the endpoint is not there, also by a name every object has", async () => {
    const { sandbox } = await house();
    const caller = callerOf(sandbox);
    expect((await caller.call("AddOrderBatch")).error).toEqual(["EGeneral:Unknown method"]);
    expect((await caller.call("constructor")).error).toEqual(["EGeneral:Unknown method"]);
    await expect(askPublic(sandbox, "toString")).rejects.toThrow("EGeneral:Unknown method");
  });

  test("the setting's text, when the address is not on the list", async () => {
    const { sandbox } = await house();
    const far = callerOf(sandbox, { remoteAddress: "203.0.113.9" });
    expect((await far.call("Balance")).error).toEqual(["EGeneral:Permission denied"]);
  });

  test("Invalid key, when the key is past its end", async () => {
    const { clock, sandbox } = await house({ accounts: accountWith({ validUntil: START / 1000 + 60 }) });
    const caller = callerOf(sandbox, { keyName: "k" });
    expect((await caller.call("Balance")).error).toEqual([]);
    clock.moveTo(START + 60_000);
    expect((await caller.call("Balance")).error).toEqual(["EAPI:Invalid key"]);
  });
});

test("a nonce must rise, as a whole number of 64 bits, not as a text and not as a double", async () => {
  const { sandbox } = await house({ accounts: accountWith({}, "pro") });
  const caller = callerOf(sandbox, { keyName: "k" });
  const answers: string[][] = [];
  // 2^53 + 1 and + 2 are the same double; "9" is the larger text; the last one does not fit 64 bits.
  for (const nonce of [
    "9007199254740993",
    "9007199254740994",
    "9007199254740994",
    "9",
    "18446744073709551615",
    "18446744073709551616",
    "x",
  ]) {
    answers.push((await caller.call("Balance", { nonce })).error);
  }
  const refused = ["EAPI:Invalid nonce"];
  expect(answers).toEqual([[], [], refused, refused, [], refused, refused]);
});

test("a nonce window takes each nonce inside it once", async () => {
  const { sandbox } = await house({ accounts: accountWith({ nonceWindow: "10" }, "pro") });
  const caller = callerOf(sandbox, { keyName: "k" });
  const ask = async (nonce: string) => (await caller.call("Balance", { nonce })).error.length === 0;
  expect(await ask("100")).toBe(true);
  expect(await ask("95")).toBe(true);
  expect(await ask("95")).toBe(false);
  expect(await ask("100")).toBe(false);
  expect(await ask("90")).toBe(false); // 90 = 100 - 10 is outside
  expect(await ask("91")).toBe(true);
});

test("the Starter counter takes 15 points, falls by 0.33 a second, and calling on prolongs it", async () => {
  const { clock, sandbox } = await house();
  const caller = callerOf(sandbox);
  for (let i = 0; i < 15; i++) expect((await caller.call("Balance")).error).toEqual([]);
  expect((await caller.call("Balance")).error).toEqual(["EAPI:Rate limit exceeded"]);
  clock.moveTo(START + 4_000); // 16 - 1.32 = 14.68: one more does not fit
  expect((await caller.call("Balance")).error).toEqual(["EAPI:Rate limit exceeded"]);
  clock.moveTo(START + 10_000); // 15.68 - 1.98 = 13.70
  expect((await caller.call("Balance")).error).toEqual([]);
});

test("history costs two points, orders none", async () => {
  const { sandbox } = await house();
  const caller = callerOf(sandbox);
  for (let i = 0; i < 7; i++) expect((await caller.call("Ledgers")).error).toEqual([]);
  expect((await caller.call("TradesHistory")).error).toEqual(["EAPI:Rate limit exceeded"]);
  expect((await caller.call("CancelOrder", { txid: "OZZZZZ-ZZZZZ-ZZZZZZ" })).error).toEqual([
    "EOrder:Invalid order",
  ]);
});

test("ten unknown keys in a row lock the address out for some minutes", async () => {
  const { clock, sandbox } = await house();
  const stranger = callerOf({ ...sandbox, keys: [{ ...sandbox.keys[0]!, key: "unknown" }] });
  for (let i = 0; i < 10; i++) await stranger.call("Balance");
  const own = callerOf(sandbox);
  expect((await own.call("Balance")).error).toEqual(["EGeneral:Temporary lockout"]);
  clock.moveTo(START + 5 * 60_000);
  expect((await own.call("Balance")).error).toEqual([]);
});

test.each([
  { list: [], address: "203.0.113.9", allowed: true },
  { list: ["127.0.0.1"], address: "::ffff:127.0.0.1", allowed: true },
  { list: ["10.0.0.0/8"], address: "10.200.3.4", allowed: true },
  { list: ["10.0.0.0/8"], address: "11.0.0.1", allowed: false },
])("an allow-list of $list lets $address in: $allowed", ({ list, address, allowed }) => {
  expect(isAllowed(list, address)).toBe(allowed);
});

test("numbers in JSON keep every digit, nested fields get their bracketed names", () => {
  const body =
    '{"price":37500.10,"volume":0.10000000,"close":{"ordertype":"limit","price":"1"},"post_only":true}';
  expect(fieldsOf(body, "application/json")).toEqual({
    price: "37500.10",
    volume: "0.10000000",
    "close[ordertype]": "limit",
    "close[price]": "1",
    post_only: "true",
  });
});

test.each([
  ["True", true],
  ["true", true],
  ["1", true],
  ["FALSE", false],
  ["0", false],
  [undefined, false],
  ["yes", undefined],
])("the flag %s reads as %s", (text, expected) => {
  expect(flagOf(text)).toBe(expected);
});
