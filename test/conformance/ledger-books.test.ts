/** The ledger's books: what is due, messages, plans, switches. Asked of the adapter on an embedded DynamoDB. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openShard } from "../../shared/aws/items.ts";
import { cost } from "../../shared/domain/money.ts";
import { DAY_MS, epochMs, later, MINUTE_MS } from "../../shared/domain/time.ts";
import { times } from "../support/cloud-house.ts";
import { type LedgerHouse, openLedgerHouse } from "../support/ledger-house.ts";
import {
  A_CHECK,
  ACCOUNT,
  acked,
  aMessage,
  anIntent,
  aRun,
  aSettlement,
  closed,
  NOW,
  PLAN,
  RUN,
  submitting,
} from "../support/ledger-runs.ts";

import { AT_EIGHT, AT_NINE, CLAIM, ledgerSteps, ZERO } from "../support/ledger-steps.ts";

let house: LedgerHouse;
beforeEach(async () => {
  house = await openLedgerHouse();
});
afterEach(() => house.close());

const { due, reserve, reserved, leavesAll } = ledgerSteps(() => house);

describe("what is due", () => {
  test("intents are found by their instant until they are closed", async () => {
    const planned = await reserved();
    expect(await due(NOW + MINUTE_MS - 1)).toEqual([]);
    expect((await house.books.openWork(later(NOW, MINUTE_MS))).due).toEqual([
      { account: ACCOUNT, run: RUN, dueAt: later(NOW, MINUTE_MS) },
    ]);
    const after = submitting(planned, { dueAt: later(NOW, 90_000) });
    await house.ledger.claim(planned, after, CLAIM);
    expect(await due(NOW + 89_999)).toEqual([]);
    expect(await due(NOW + 90_000)).toEqual([RUN]);
    await house.ledger.change(ACCOUNT, after, acked(after));
    expect(await due(NOW + 90_000)).toEqual([RUN]);
    await house.ledger.settle(aSettlement(acked(after)));
    expect(await due(NOW + DAY_MS)).toEqual([]);
  });

  test("a run whose id holds signs of the table's own is found by its whole id", async () => {
    const id = `${PLAN}@a#b#0`;
    await reserve(aRun({ id }), anIntent({ run: id }));
    await house.ledger.postpone(aRun({ id: `${PLAN}@c#1`, dueAt: NOW }));
    expect(await due(NOW + DAY_MS)).toEqual([id, `${PLAN}@c#1`]);
  });

  test("runs of every account are found, whichever shard they lie in", async () => {
    const accounts = times(12, (n) => `account-${n}`);
    expect(new Set(accounts.map(openShard)).size).toBe(4);
    for (const account of accounts) await house.ledger.postpone(aRun({ account, dueAt: NOW }));
    const found = (await house.books.openWork(NOW)).due;
    expect(found.map(({ account }) => account).sort()).toEqual([...accounts].sort());
  });

  test("a run is found also behind a heap of messages that nobody could be told", async () => {
    await house.run(Promise.all(times(250, (n) => house.books.addMessage(ACCOUNT, aMessage(`m-${n}`)))));
    await house.ledger.postpone(aRun({ dueAt: later(NOW, 1) }));
    expect(await due(NOW + 1)).toEqual([RUN]);
  });
});

describe("messages", () => {
  test("wait in the outbox until they are sent, and are kept", async () => {
    await house.ledger.conclude(closed(aRun()), undefined, aMessage("one"));
    expect(await house.books.addMessage(ACCOUNT, aMessage("two", later(NOW, 5)))).toBe(true);
    const unsent = async (at: number) =>
      (await house.books.unsentMessages(epochMs(at))).map(({ message }) => message.id).sort();
    expect(await unsent(NOW)).toEqual(["one"]);
    expect(await unsent(NOW + 5)).toEqual(["one", "two"]);
    expect(await house.books.unsentMessages(NOW)).toEqual([{ account: ACCOUNT, message: aMessage("one") }]);
    await house.ledger.messageSent(ACCOUNT, "one", later(NOW, 7));
    expect(await unsent(NOW + DAY_MS)).toEqual(["two"]);
    expect(await house.books.messages(ACCOUNT)).toEqual([
      { ...aMessage("one"), sentAt: NOW + 7 },
      { ...aMessage("two", later(NOW, 5)), sentAt: undefined },
    ]);
  });

  test("of one id are put in once", async () => {
    await house.books.addMessage(ACCOUNT, aMessage("one"));
    await house.ledger.messageSent(ACCOUNT, "one", NOW);
    const other = { ...aMessage("one"), text: "PLAY MONEY. Something else." };
    expect(await leavesAll(() => house.books.addMessage(ACCOUNT, other))).toBe(false);
  });

  test("that do not exist cannot be marked as sent", async () => {
    await leavesAll(async () => {
      await expect(house.ledger.messageSent(ACCOUNT, "nobody", NOW)).rejects.toThrow("conditional");
    });
  });
});

describe("the books", () => {
  const plan = async (id = PLAN) => (await house.books.plans(ACCOUNT)).find((state) => state.id === id);

  test("a plan that is registered again is not moved, one with another schedule starts anew", async () => {
    await house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, NOW);
    const fresh = {
      id: PLAN,
      schedule: AT_EIGHT,
      activeFrom: NOW,
      accountedTo: NOW,
      paused: false,
      blocked: undefined,
      carry: new Map(),
    };
    expect(await plan()).toEqual(fresh);
    await leavesAll(() => house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, later(NOW, DAY_MS)));
    await house.books.setAccountedTo(ACCOUNT, PLAN, NOW, later(NOW, 5));
    await house.books.setPaused(ACCOUNT, PLAN, true);
    await house.ledger.conclude(closed(aRun()), { asset: "EUR", from: ZERO, to: cost("3") }, aMessage("m"));
    await leavesAll(() => house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, later(NOW, DAY_MS)));
    await house.books.registerPlan(ACCOUNT, PLAN, AT_NINE, later(NOW, DAY_MS));
    expect(await plan()).toEqual({
      ...fresh,
      schedule: AT_NINE,
      activeFrom: NOW + DAY_MS,
      accountedTo: NOW + DAY_MS,
      paused: true, // The owner's switch and money stay
      carry: new Map([["EUR", { units: 30_000_000_000n, scale: 10 }]]),
    });
  });

  test("a plan that a run has touched before it was registered starts when it is registered", async () => {
    await reserve();
    await house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, later(NOW, 9));
    expect(await plan()).toMatchObject({ schedule: AT_EIGHT, activeFrom: NOW + 9, accountedTo: NOW + 9 });
  });

  test("slots are accounted by compare-and-set", async () => {
    await house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, NOW);
    expect(await house.books.setAccountedTo(ACCOUNT, PLAN, NOW, later(NOW, 5))).toBe(true);
    const stale = () => house.books.setAccountedTo(ACCOUNT, PLAN, NOW, later(NOW, 3));
    expect(await leavesAll(stale)).toBe(false);
    expect(await leavesAll(() => house.books.setAccountedTo(ACCOUNT, "nobody", NOW, NOW))).toBe(false);
    expect((await plan())?.accountedTo).toBe(NOW + 5);
  });

  test("only a known plan can be paused", async () => {
    expect(await leavesAll(() => house.books.setPaused(ACCOUNT, "nobody", true))).toBe(false);
  });

  test("the kill switch goes on and off, also on an empty ledger", async () => {
    await house.books.setKilled(ACCOUNT, true);
    expect((await house.books.head(ACCOUNT)).killed).toBe(true);
    await house.books.setKilled(ACCOUNT, false);
    expect((await house.books.head(ACCOUNT)).killed).toBe(false);
    expect((await house.books.head("other")).killed).toBe(false);
  });

  test("switching does not make an item of a later version look like one of ours", async () => {
    await reserved();
    await house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, NOW);
    for (const sk of ["HEAD", `PLAN#${PLAN}`]) await house.fromTheFuture("A#main", sk);
    await house.books.setKilled(ACCOUNT, true);
    await house.books.setPaused(ACCOUNT, PLAN, true);
    await house.books.registerPlan(ACCOUNT, PLAN, AT_NINE, NOW);
    for (const sk of ["HEAD", `PLAN#${PLAN}`]) {
      expect((await house.item("A#main", sk))?.schemaVersion).toEqual({ N: "3" });
    }
    expect((await house.item("A#main", "HEAD"))?.killed).toEqual({ BOOL: true }); // A kill always works
  });

  test("runs are told oldest first, each with its intent, and accounts are kept apart", async () => {
    await reserve();
    const missed = closed(aRun({ id: "older", openedAt: later(NOW, -DAY_MS) }), "missed");
    await house.books.addMissed([missed], aMessage("m"));
    await house.ledger.postpone(aRun({ account: "other", dueAt: NOW }));
    expect(await house.books.runs(ACCOUNT)).toEqual([
      { run: missed, intent: undefined },
      { run: aRun(), intent: anIntent() },
    ]);
    expect(await house.books.run(ACCOUNT, RUN)).toEqual({ run: aRun(), intent: anIntent() });
    expect(await house.books.run(ACCOUNT, "nobody")).toBeUndefined();
  });

  test("more runs than fit one page are all told", async () => {
    const long = "x".repeat(30_000);
    const ids = times(40, (n) => `many-${String(n).padStart(2, "0")}`); // 1.2 MB, a page holds 1 MB
    await house.run(
      Promise.all(
        ids.map((id) =>
          house.ledger.postpone(aRun({ id, dueAt: NOW, steps: [{ step: "fire", at: NOW, detail: long }] })),
        ),
      ),
    );
    expect((await house.books.runs(ACCOUNT)).map(({ run }) => run.id)).toEqual(ids);
  });

  test("slots without a run are written all or none", async () => {
    const missed = times(90, (n) => closed(aRun({ id: `${PLAN}@slot-${n}` }), "missed"));
    expect(await house.books.addMissed(missed, aMessage("missed"))).toBe(true);
    expect(await house.books.runs(ACCOUNT)).toHaveLength(90);
    const more = [closed(aRun({ id: "new" }), "missed"), missed[7]!];
    expect(await leavesAll(() => house.books.addMissed(more, aMessage("again")))).toBe(false);
    await reserve();
    const late = [closed(aRun({ id: "new" }), "missed"), closed(aRun(), "missed")];
    expect(await leavesAll(() => house.books.addMissed(late, aMessage("again")))).toBe(false);
  });

  test("the check of a key is kept for each use", async () => {
    await house.ledger.setKeyCheck(ACCOUNT, "trade", A_CHECK);
    await house.ledger.setKeyCheck(ACCOUNT, "read", { ...A_CHECK, keyName: "read" });
    await house.ledger.setKeyCheck(ACCOUNT, "trade", { ...A_CHECK, problems: ["a", "b"] });
    expect(await house.books.keyCheck(ACCOUNT, "trade")).toEqual({ ...A_CHECK, problems: ["a", "b"] });
    expect(await house.books.keyCheck(ACCOUNT, "read")).toEqual({ ...A_CHECK, keyName: "read" });
    expect(await house.books.keyCheck("other", "trade")).toBeUndefined();
  });

  test("a Kraken account is one account's: another one writes nothing, unless it takes it over from the one it knows", async () => {
    const check = { ...A_CHECK, krakenAccount: "k1" };
    const newer = { ...check, checkedAt: later(NOW, 1) };
    expect(await house.ledger.setKeyCheck(ACCOUNT, "trade", check)).toBeUndefined();
    expect(await house.ledger.setKeyCheck(ACCOUNT, "read", check)).toBeUndefined();
    expect(await leavesAll(() => house.ledger.setKeyCheck("ben", "trade", newer))).toBe(ACCOUNT);
    expect(await leavesAll(() => house.ledger.setKeyCheck("ben", "trade", newer, "eve"))).toBe(ACCOUNT);
    const another = { ...newer, krakenAccount: "k2" };
    expect(await house.ledger.setKeyCheck("ben", "trade", another)).toBeUndefined();
    expect(await house.ledger.setKeyCheck("ben", "trade", newer, ACCOUNT)).toBeUndefined();
    expect(await leavesAll(() => house.ledger.setKeyCheck(ACCOUNT, "trade", newer))).toBe("ben");
  });

  test("a newer verdict that is there already does not leave the Kraken account to whoever comes", async () => {
    const late = { ...A_CHECK, krakenAccount: "k1" };
    const newer = { ...A_CHECK, checkedAt: later(NOW, 1) };
    for (const account of [ACCOUNT, "ben"]) await house.ledger.setKeyCheck(account, "trade", newer);
    expect(await house.ledger.setKeyCheck(ACCOUNT, "trade", late)).toBeUndefined();
    expect(await house.books.keyCheck(ACCOUNT, "trade")).toEqual(newer);
    expect(await leavesAll(() => house.ledger.setKeyCheck("ben", "trade", late))).toBe(ACCOUNT);
    expect(await house.ledger.setKeyCheck("ben", "trade", late, ACCOUNT)).toBeUndefined();
    expect(await house.ledger.setKeyCheck(ACCOUNT, "trade", late)).toBe("ben");
  });
});
