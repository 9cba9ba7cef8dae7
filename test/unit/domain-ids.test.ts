/** Derived ids: the same for ever for the same run, and for no other. */
import { describe, expect, test } from "vitest";
import { armingHash, clientOrderIdOf, hashOf, keyHashOf } from "../../shared/app/ids.ts";
import { decimal } from "../../shared/domain/decimal.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import { runIdOf } from "../../shared/domain/run.ts";
import { planOf } from "../support/arbitraries.ts";

const RUN = "btc-weekly@2026-11-23T07:00Z";

describe("the client order id", () => {
  test("never changes: an order placed by an earlier version is found by a later one", () => {
    // sha256("tk1|main|btc-weekly@2026-11-23T07:00Z|0") starts 3dcb511b c0de ffbf 5e25 0410ac60963d;
    // the version sets f → 8, the variant 5 → 9.
    expect(clientOrderIdOf("main", RUN, 0)).toBe("3dcb511b-c0de-8fbf-9e25-0410ac60963d");
  });

  test("differs by account, run and leg", () => {
    const ids = [
      clientOrderIdOf("main", RUN, 0),
      clientOrderIdOf("other", RUN, 0),
      clientOrderIdOf("main", "btc-weekly@2026-11-30T07:00Z", 0),
      clientOrderIdOf("main", "btc-weekly@by-hand", 0),
      clientOrderIdOf("main", RUN, 1),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("of a hundred thousand runs no two are the same, each a lower-case dashed UUID of version 8", () => {
    const seen = new Set<string>();
    for (let run = 0; run < 100_000; run++) {
      const id = clientOrderIdOf("main", `plan-${run % 7}@key-${run}`, run % 3);
      if (!/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)) {
        throw new Error(`${id} is not what Kraken is known to take`);
      }
      seen.add(id);
    }
    expect(seen.size).toBe(100_000);
  });
});

test("the run id is plan and planned minute, or plan and the owner's own key", () => {
  const firing = { kind: "dca", account: "main", plan: "btc-weekly" } as const;
  expect(runIdOf({ ...firing, slot: "2026-11-23T07:00Z" })).toBe(RUN);
  expect(runIdOf({ ...firing, key: "birthday" })).toBe("btc-weekly@birthday");
});

test("the name of a key in the ledger is stable and does not hold the key", () => {
  expect(keyHashOf("abc")).toBe("6614c91dbf6341b81343c3cb66e75010"); // sha256("tk1|key|abc"), 16 bytes
  expect(keyHashOf("abd")).not.toBe(keyHashOf("abc"));
});

describe("the hash of a value", () => {
  test("does not depend on the order of its members", () => {
    expect(hashOf({ a: 1, b: { c: 2n, d: [1, 2] } })).toBe(hashOf({ b: { d: [1, 2], c: 2n }, a: 1 }));
  });

  test.each([
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: "1" }],
    [{ a: 1n }, { a: 1 }],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: [1] }, { a: { 0: 1 } }],
    [["a", "b"], ["a,b"]],
    [{ a: null }, { a: undefined }],
  ])("differs where the values differ (%#)", (a, b) => {
    expect(hashOf(a)).not.toBe(hashOf(b));
  });

  test("of plans and caps changes with either, so that a looser cap disarms", () => {
    const settings = (cap: string, spend: string) =>
      ({
        plans: [planOf({ base: "BTC", quote: "EUR" }, spend)],
        limits: { perOrder: [], perDay: [], perMonth: [{ amount: decimal(cap), asset: "EUR" }] },
        notifyEmails: [cap],
      }) as unknown as Settings;
    const armed = armingHash({ settings: settings("2000", "100") });
    expect(armingHash({ settings: settings("2000", "100") })).toBe(armed);
    expect(armingHash({ settings: settings("2001", "100") })).not.toBe(armed);
    expect(armingHash({ settings: settings("2000", "101") })).not.toBe(armed);
    expect(armingHash({ settings: { ...settings("2000", "100"), notifyEmails: [] } })).toBe(armed);
  });
});
