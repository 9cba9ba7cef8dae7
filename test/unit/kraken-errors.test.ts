import { describe, expect, test } from "vitest";
import { fromKraken, fromTransport, meaningOf } from "../../shared/kraken/errors.ts";
import { TransportError } from "../../shared/kraken/transport.ts";

const READ = { name: "OpenOrders", isWrite: false };
const WRITE = { name: "AddOrder", isWrite: true };

/** Text, code, rule for a read, rule for AddOrder. */
const TABLE: [string, string, string, string][] = [
  ["EAPI:Invalid nonce", "NONCE_TOO_LOW", "now", "now"],
  ["EAPI:Invalid key", "KEY_INVALID", "never", "never"],
  ["EAPI:Invalid signature", "SIGNATURE_INVALID", "never", "never"],
  ["EAPI:Rate limit exceeded", "RATE_LIMITED", "later", "later"],
  ["EAPI:Bad request", "ARGUMENTS_INVALID", "never", "lookUpFirst"],
  ["EAPI:Feature disabled", "ACCOUNT_RESTRICTED", "never", "lookUpFirst"],
  ["EGeneral:Permission denied", "PERMISSION_DENIED", "never", "never"],
  ["EGeneral:Invalid arguments", "ARGUMENTS_INVALID", "never", "never"],
  ["EGeneral:Invalid arguments:volume", "ARGUMENTS_INVALID", "never", "never"],
  ["EGeneral:Invalid arguments:cl_ord_id", "ARGUMENTS_INVALID", "never", "never"],
  ["EGeneral:Invalid arguments:Index unavailable", "ARGUMENTS_INVALID", "never", "never"],
  [
    "EGeneral:Invalid arguments:cl_ord_id not unique",
    "CLIENT_ORDER_ID_NOT_UNIQUE",
    "lookUpFirst",
    "lookUpFirst",
  ],
  ["EGeneral:Temporary lockout", "LOCKED_OUT", "later", "lookUpFirst"],
  ["EGeneral:Too many requests", "TOO_MANY_REQUESTS", "later", "lookUpFirst"],
  ["EGeneral:Internal error", "KRAKEN_INTERNAL", "later", "lookUpFirst"],
  ["EGeneral:Internal error[:500]", "KRAKEN_INTERNAL", "later", "lookUpFirst"],
  ["EGeneral:Internal error:500", "KRAKEN_INTERNAL", "later", "lookUpFirst"],
  ["EGeneral:Unknown method", "METHOD_UNKNOWN", "never", "lookUpFirst"],
  ["EDatabase:Internal error", "KRAKEN_INTERNAL", "later", "lookUpFirst"],
  ["EDatabase:anything at all", "KRAKEN_INTERNAL", "later", "lookUpFirst"],
  ["EAuth:Account temporary disabled", "ACCOUNT_RESTRICTED", "never", "lookUpFirst"],
  [
    "EAccount:Invalid permissions:USDT trading restricted for DE",
    "ACCOUNT_RESTRICTED",
    "never",
    "lookUpFirst",
  ],
  ["ESession:Invalid session", "SESSION_INVALID", "now", "lookUpFirst"],
  ["EQuery:Unknown asset pair", "PAIR_UNKNOWN", "never", "lookUpFirst"],
  ["EQuery:Unknown asset", "ASSET_UNKNOWN", "never", "lookUpFirst"],
  ["EService:Unavailable", "KRAKEN_UNAVAILABLE", "later", "lookUpFirst"],
  ["EService:Busy", "KRAKEN_BUSY", "later", "lookUpFirst"],
  ["EService:Timeout", "KRAKEN_BUSY", "later", "lookUpFirst"],
  ["EService:Deadline elapsed", "DEADLINE_ELAPSED", "later", "lookUpFirst"],
  ["EService:Market in cancel_only mode", "MARKET_MODE", "later", "later"],
  ["EService:Market in post_only mode", "MARKET_MODE", "later", "later"],
  ["EService:Market in limit_only mode", "MARKET_MODE", "later", "later"],
  ["EService:Market in strange mode", "UNRECOGNISED", "lookUpFirst", "lookUpFirst"],
  ["EService: Throttled: 1700000000", "THROTTLED", "later", "lookUpFirst"],
  ["EOrder:Insufficient funds", "FUNDS_INSUFFICIENT", "never", "never"],
  ["EOrder: Insufficient funds", "FUNDS_INSUFFICIENT", "never", "never"],
  ["EOrder:Order minimum not met", "VOLUME_BELOW_MINIMUM", "never", "never"],
  ["EOrder:Order minimum not met (volume too low)", "VOLUME_BELOW_MINIMUM", "never", "never"],
  ["EOrder:Cost minimum not met", "COST_BELOW_MINIMUM", "never", "never"],
  ["EOrder:Tick size check failed", "TICK_SIZE", "never", "never"],
  [
    "EOrder:Invalid price:XBTUSD price can only be specified up to 1 decimals.",
    "PRICE_INVALID",
    "never",
    "never",
  ],
  ["EOrder:Invalid order", "ORDER_INVALID", "never", "never"],
  ["EOrder: Unknown order", "ORDER_UNKNOWN", "never", "lookUpFirst"],
  ["EOrder:Orders limit exceeded", "ORDERS_LIMIT", "later", "later"],
  ["EOrder:Rate limit exceeded", "ENGINE_RATE_LIMITED", "later", "later"],
  ["EOrder:Domain rate limit exceeded", "ENGINE_RATE_LIMITED", "later", "later"],
  ["EOrder:Post only order", "POST_ONLY_WOULD_TAKE", "never", "never"],
  ["EOrder:Reduce only:No position exists", "ORDER_REFUSED", "never", "never"],
  ["EOrder:Something new", "UNRECOGNISED", "lookUpFirst", "lookUpFirst"],
  ["EOrder:Insufficient fundsy", "UNRECOGNISED", "lookUpFirst", "lookUpFirst"],
  ["ENew:Whatever", "UNRECOGNISED", "lookUpFirst", "lookUpFirst"],
  ["", "UNRECOGNISED", "lookUpFirst", "lookUpFirst"],
];

test.each(TABLE)("%s is %s: a read %s, an order %s", (text, code, read, write) => {
  expect(meaningOf(text, false)).toEqual({ code, retry: read });
  expect(meaningOf(text, true)).toEqual({ code, retry: write });
});

describe("an error", () => {
  test("keeps Kraken's words as they came, and says what they mean", () => {
    const error = fromKraken(READ, ["EService: Throttled: 1764000000"]);
    expect(error.kraken).toEqual(["EService: Throttled: 1764000000"]);
    expect(error.waitUntil).toBe(1_764_000_000_000);
    expect(error.message).toContain('OpenOrders: Kraken answered "EService: Throttled: 1764000000"');
  });

  test("has no waiting time when Kraken names none", () => {
    expect(fromKraken(READ, ["EService:Throttled"]).waitUntil).toBeUndefined();
  });

  test("of several texts takes the one that leaves the outcome open", () => {
    const error = fromKraken(WRITE, ["EOrder:Insufficient funds", "EGeneral:Internal error"]);
    expect(error).toMatchObject({ code: "KRAKEN_INTERNAL", retry: "lookUpFirst" });
  });

  test("beside a filled result of an order is no refusal", () => {
    expect(fromKraken(WRITE, ["EOrder:Insufficient funds"], true)).toMatchObject({
      code: "FUNDS_INSUFFICIENT",
      retry: "lookUpFirst",
    });
  });

  test.each([
    ["EAPI:Invalid key", /a key that exists.*IP allow-list/],
    ["EGeneral:Permission denied", /tick the missing box.*IP allow-list/],
    ["EAPI:Invalid nonce", /another program uses this key/],
    ["EGeneral:Temporary lockout", /15 minutes/],
  ])("%s tells what to look at", (text, hint) => {
    expect(fromKraken(READ, [text]).message).toMatch(hint);
  });

  test("that leaves an order open says so", () => {
    expect(fromKraken(WRITE, ["EService:Busy"]).message).toContain("only Kraken's own records can tell");
    expect(fromKraken(READ, ["EService:Busy"]).message).not.toContain("records");
  });
});

test.each([
  ["not-sent", "NO_CONNECTION", "later", "later"],
  ["no-answer", "NO_ANSWER", "later", "lookUpFirst"],
  ["too-large", "ANSWER_TOO_LARGE", "later", "lookUpFirst"],
] as const)("a transport that says %s is %s", (kind, code, read, write) => {
  const error = new TransportError(kind, "POST /0/private/AddOrder failed");
  expect(fromTransport(READ, error)).toMatchObject({ code, retry: read });
  expect(fromTransport(WRITE, error)).toMatchObject({ code, retry: write });
});
