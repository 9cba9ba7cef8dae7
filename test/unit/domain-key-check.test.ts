/** Which API keys may trade for us. Each refusal names the tick box or field on Kraken's page. */
import { describe, expect, test } from "vitest";
import {
  checkKey,
  type KeyExpectation,
  type KeyInfo,
  type KeyUseKind,
} from "../../shared/domain/key-check.ts";
import { DAY_MS, type EpochMs, epochMs, later } from "../../shared/domain/time.ts";

const NOW = epochMs(Date.UTC(2026, 10, 23, 7));
const OURS = ["203.0.113.7", "203.0.113.8"];

const TRADE: KeyInfo = {
  name: "tidekeeper-home-trade",
  permissions: ["query-funds", "query-open-trades", "query-closed-trades", "modify-trades", "close-trades"],
  nonceWindow: 0n,
  ipAllowList: OURS,
  validUntil: undefined,
  queryFrom: undefined,
  queryTo: undefined,
  iban: "AA11 N84G ABCD EFGH",
};
const READ: KeyInfo = {
  ...TRADE,
  name: "tidekeeper-home-read",
  permissions: ["query-funds", "query-open-trades", "query-closed-trades"],
};
const at = (addresses: readonly string[] | undefined): KeyExpectation => ({ name: undefined, addresses });
const verdict = (change: Partial<KeyInfo>, ours: readonly string[] = OURS) =>
  checkKey({ ...TRADE, ...change }, "trade", NOW, at(ours));
const without = (permission: string) => TRADE.permissions.filter((other) => other !== permission);
const inDays = (days: number): EpochMs => later(NOW, days * DAY_MS);

const FINE = { problems: [], warnings: [] };

test("a key with what is needed and no more passes, for trading and for reading", () => {
  expect(checkKey(TRADE, "trade", NOW, at(OURS))).toEqual(FINE);
  expect(checkKey(READ, "read", NOW, at(OURS))).toEqual(FINE);
});

test("ledger entries and the token of the WebSocket interface may be on", () => {
  const more = ["query-ledger", "create-ws-token"];
  expect(verdict({ permissions: [...TRADE.permissions, ...more] })).toEqual(FINE);
  expect(checkKey({ ...READ, permissions: [...READ.permissions, ...more] }, "read", NOW, at(OURS))).toEqual(
    FINE,
  );
});

describe("permissions", () => {
  test.each([
    ["query-funds", "Funds permissions: Query"],
    ["query-open-trades", "Orders and trades: Query open orders & trades"],
    ["query-closed-trades", "Orders and trades: Query closed orders & trades"],
    ["modify-trades", "Orders and trades: Create & modify orders"],
    ["close-trades", "Orders and trades: Cancel & close orders"],
  ])("without %s a trade key is refused", (permission, box) => {
    expect(verdict({ permissions: without(permission) }).problems).toEqual([
      `the tick box "${box}" is off; turn it on`,
    ]);
  });

  test.each(["query-funds", "query-open-trades", "query-closed-trades"])(
    "without %s a read key is refused",
    (permission) => {
      const permissions = READ.permissions.filter((other) => other !== permission);
      expect(checkKey({ ...READ, permissions }, "read", NOW, at(OURS)).problems).toHaveLength(1);
    },
  );

  test.each<readonly [string, KeyUseKind, string]>([
    [
      "withdraw-funds",
      "trade",
      'the tick box "Funds permissions: Withdraw" is on; turn it off; a key that can withdraw turns every leak into a total loss',
    ],
    ["earn-funds", "trade", 'the tick box "Funds permissions: Earn" is on; turn it off'],
    ["add-funds", "trade", 'the tick box "Funds permissions: Deposit" is on; turn it off'],
    ["export-data", "trade", 'the tick box "Data: Export data" is on; turn it off'],
    [
      "add-withdraw-address",
      "trade",
      'the tick box "Funds permissions: Add withdrawal address" is on; turn it off',
    ],
    [
      "update-withdraw-address",
      "trade",
      'the tick box "Funds permissions: Update withdrawal address" is on; turn it off',
    ],
    ["modify-trades", "read", 'the tick box "Orders and trades: Create & modify orders" is on; turn it off'],
    ["close-trades", "read", 'the tick box "Orders and trades: Cancel & close orders" is on; turn it off'],
    ["mint-money", "trade", 'the permission "mint-money" is on; turn it off'],
  ])("%s refuses a %s key", (permission, use, problem) => {
    const info = use === "trade" ? TRADE : READ;
    const permissions = [...info.permissions, permission];
    expect(checkKey({ ...info, permissions }, use, NOW, at(OURS))).toEqual({
      problems: [problem],
      warnings: [],
    });
  });

  test("a key without any permission is told all that it lacks", () => {
    expect(verdict({ permissions: [] }).problems).toHaveLength(5);
  });
});

test("a nonce window refuses the key: behind it a delayed order could be taken late", () => {
  expect(verdict({ nonceWindow: 10_000n }).problems).toEqual([
    'the field "Custom nonce window" is 10000; set it to 0, or a delayed order could be taken late',
  ]);
});

test.each([
  [{ queryFrom: inDays(-10) }, "2026-11-13 – ever"],
  [{ queryTo: inDays(10) }, "ever – 2026-12-03"],
  [{ queryFrom: inDays(-10), queryTo: inDays(10) }, "2026-11-13 – 2026-12-03"],
])(
  "a query limit %# refuses the key: an order outside it would look as if it did not exist",
  (limit, dates) => {
    const { problems } = verdict(limit);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(
      `the tick box "Query start/end date" limits queries to ${dates}; turn it off`,
    );
  },
);

describe("expiry", () => {
  test.each([
    [later(inDays(14), -1), "2026-12-07"], // A millisecond less than 14 days
    [inDays(1), "2026-11-24"],
    [inDays(0), "2026-11-23"],
    [inDays(-400), "2025-10-19"],
  ])("in less than 14 days (%i) refuses the key", (validUntil, until) => {
    expect(verdict({ validUntil })).toEqual({
      problems: [
        `the tick box "Key expiration" ends the key on ${until}; set it at least 14 days away, or off`,
      ],
      warnings: [],
    });
  });

  test("in 14 days or more is told and no problem", () => {
    expect(verdict({ validUntil: inDays(14) })).toEqual({
      problems: [],
      warnings: ["the key expires on 2026-12-07"],
    });
  });
});

describe("the allow-list", () => {
  test("that is empty is refused, with the addresses to enter", () => {
    expect(verdict({ ipAllowList: [] }).problems).toEqual([
      'the tick box "IP address restriction" is off; turn it on and enter 203.0.113.7, 203.0.113.8',
    ]);
  });

  test("that is empty is only warned about where our address is not known", () => {
    expect(checkKey({ ...TRADE, ipAllowList: [] }, "trade", NOW, at(undefined))).toEqual({
      problems: [],
      warnings: ['the tick box "IP address restriction" is off: the key works from any address'],
    });
    expect(checkKey({ ...TRADE, ipAllowList: ["198.51.100.1"] }, "trade", NOW, at(undefined))).toEqual(FINE);
  });

  test("that lacks one of ours names it", () => {
    expect(verdict({ ipAllowList: ["203.0.113.7", "203.0.113.80"] }).problems).toEqual([
      'the field "IP address restriction" lacks our address 203.0.113.8; add it',
    ]);
  });

  test.each([
    [["203.0.113.7/32", "203.0.113.8"], OURS],
    [["2001:db8::1/128"], ["2001:db8::1"]],
    [["203.0.113.7", "203.0.113.8", "198.51.100.1"], OURS],
  ])("%j holds our single addresses", (ipAllowList, ours) => {
    expect(verdict({ ipAllowList }, ours)).toEqual(FINE);
  });

  test.each([
    "0.0.0.0/0",
    "203.0.113.0/24",
    "203.0.113.0/31",
    "203.0.113.1-203.0.113.9",
    "2001:db8::/32", // 2^96 addresses: only /128 is a single one there
    "2001:db8::/64",
  ])("with the range %s is refused", (range) => {
    expect(verdict({ ipAllowList: [...OURS, range] }).problems).toEqual([
      `the field "IP address restriction" holds the range ${range}; enter single addresses only`,
    ]);
  });
});

test("a key of another name than the deployment's is refused: two deployments must not share one", () => {
  const mine = { ...at(OURS), name: "tidekeeper-home-trade" };
  const other = { ...at(OURS), name: "tidekeeper-office-trade" };
  expect(checkKey(TRADE, "trade", NOW, mine)).toEqual(FINE);
  expect(checkKey(TRADE, "trade", NOW, other).problems).toEqual([
    'the field "Key name" is "tidekeeper-home-trade"; make a key named tidekeeper-office-trade that nothing else uses',
  ]);
});

test("every mistake of a key is told at once", () => {
  const { problems } = verdict({
    permissions: [...without("close-trades"), "withdraw-funds"],
    nonceWindow: 5n,
    queryFrom: NOW,
    validUntil: NOW,
    ipAllowList: [],
  });
  expect(problems).toHaveLength(6);
});
