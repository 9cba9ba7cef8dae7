/** What only shows on AWS: firings of a finer schedule, the owner's requests through the queue, and what alarms watch. */
import { afterEach, describe, expect, test } from "vitest";
import { metricOf } from "../../shared/domain/metrics.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, type HouseOptions, openHouse, PLANS, SLOT } from "../support/house.ts";

let house: House;
const open = async (options: HouseOptions = {}) => {
  house = await openHouse(options);
};
afterEach(() => house.close());

const orders = () =>
  house.control("GET", "/orders") as Promise<(ExchangeOrder & { readonly acceptedAt: string })[]>;
const metrics = () => house.measured.map(({ metric }) => metric);
const ask = (request: object) => house.fire({ account: "main", asked: "once", ...request });

describe("a plan whose cron is finer than its slots", () => {
  const everyThirdDay = PLANS.replace("every: monday 08:00", "every: 3 days 08:00 from 2026-11-23");

  test("the firings between the slots of every third day are dropped without a word, and its slots are bought", async () => {
    await open({ plans: everyThirdDay });
    for (let day = 23; day <= 26; day++) {
      house.clock.moveTo(Date.parse(`2026-11-${day}T07:00:01Z`));
      await house.fireSlot(`2026-11-${day}T07:00Z`);
    }
    expect((await orders()).map(({ acceptedAt }) => new Date(acceptedAt).toISOString().slice(0, 10))).toEqual(
      ["2026-11-23", "2026-11-26"],
    );
    expect(await house.deadLetters()).toEqual([]);
    expect((await house.messages()).map(({ outcome }) => outcome)).toEqual(["bought", "bought"]);
    expect(house.failures).toEqual([]);
  });

  test("another minute of such a day is refused like any that is no slot", async () => {
    await open({ plans: everyThirdDay });
    house.clock.moveTo(Date.parse("2026-11-24T07:05:01Z"));
    await house.fireSlot("2026-11-24T07:04Z");
    expect(await house.deadLetters()).toHaveLength(1);
  });
});

describe("the owner's requests", () => {
  test("a key check asks Kraken, and its verdict lies in the table", async () => {
    await open();
    await ask({ kind: "check-key", use: "trade" });
    const check = await house.deps.books.keyCheck("main", "trade");
    expect(check).toMatchObject({ keyName: "tidekeeper-sandbox-trade", problems: [] });
    expect(metrics()).toEqual([]);
  });

  test("a key that can withdraw has its verdict by the name of the tick box, and the alarm counts it", async () => {
    await open();
    await house.useKey("tidekeeper-sandbox-withdraw");
    await house.restart();
    await ask({ kind: "check-key", use: "trade" });
    const check = await house.deps.books.keyCheck("main", "trade");
    expect(check?.problems.join()).toContain('"Funds permissions: Withdraw" is on');
    expect(metrics()).toEqual(["KeysRefused"]);
  });

  test("a key that Kraken does not take has Kraken's words as its verdict", async () => {
    await open();
    await house.faults([{ endpoint: "GetApiKeyInfo", fault: "ip-refused", times: 1 }]);
    await ask({ kind: "check-key", use: "trade" });
    const check = await house.deps.books.keyCheck("main", "trade");
    expect(check).toMatchObject({
      keyName: "",
      problems: [expect.stringContaining("EGeneral:Permission denied")],
    });
    expect(await house.deadLetters()).toEqual([]);
  });

  test("the same key keeps the instant it was first met, another one starts its own age", async () => {
    await open();
    const since = async () => (await house.deps.books.keyCheck("main", "trade"))!.since;
    await ask({ kind: "check-key", use: "trade" });
    const first = await since();
    house.clock.moveTo(house.clock.now() + 86_400_000);
    await ask({ kind: "check-key", use: "trade", asked: "again" });
    expect(await since()).toBe(first);
    await house.useKey("tidekeeper-sandbox-trade");
    await ask({ kind: "check-key", use: "trade", asked: "a new version" });
    expect(await since()).toBeGreaterThan(first!);
  });

  test("the kill switch's cancellations are answered by a message that the sweep tells, once", async () => {
    await open();
    await house.deps.books.setKilled("main", true);
    await ask({ kind: "cancel" });
    await house.sweep();
    const [message, ...others] = await house.messages();
    expect(others).toEqual([]);
    expect(message).toMatchObject({ sentAt: expect.any(Number) });
    expect(message!.text).toContain("No order of ours was open");
    expect(metrics()).toEqual(["KillSwitches"]);
  });

  test("a resolve of a run that is over, or that never was, is answered and not put aside", async () => {
    await open();
    await house.fireSlot();
    await ask({ kind: "resolve", run: `btc-weekly@${SLOT}` });
    await ask({ kind: "resolve", run: "btc-weekly@never" });
    const texts = (await house.messages()).map(({ text }) => text).join("\n");
    expect(texts).toContain("is over: bought");
    expect(texts).toContain("the ledger has no run btc-weekly@never");
    expect(await house.deadLetters()).toEqual([]);
    expect(await audit(house)).toEqual([]);
  });

  test("a request for an account that there is not is put aside and told", async () => {
    await open();
    await ask({ kind: "cancel", account: "other" });
    expect(await house.deadLetters()).toEqual([expect.stringContaining('there is no account \\"other\\"')]);
  });
});

describe("what alarms watch", () => {
  test("a buy that goes well measures nothing", async () => {
    await open();
    await house.fireSlot();
    await house.pass(3);
    expect(metrics()).toEqual([]);
  });

  test("an order in doubt rings after five minutes, and no more once it is found", async () => {
    await open();
    await house.faults([
      { endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1 },
      // Kraken's records lag behind its engine; the balance says that something was bought.
      { endpoint: "ClosedOrders", fault: "visibility-lag", times: 1, seconds: 480 },
    ]);
    await house.fireSlot();
    await house.pass(4);
    expect(metrics()).not.toContain("OrdersInDoubt");
    await house.pass(3);
    expect(metrics()).toContain("OrdersInDoubt");
    await house.pass(12);
    house.measured.length = 0;
    await house.pass(2);
    expect(metrics()).toEqual([]);
    expect(await audit(house)).toEqual([]);
  });

  test("a kill switch rings each minute until its owner turns it off", async () => {
    await open();
    await house.deps.books.setKilled("main", true);
    await house.pass(2);
    expect(metrics()).toEqual(["KillSwitches", "KillSwitches"]);
    await house.deps.books.setKilled("main", false);
    house.measured.length = 0;
    await house.pass(1);
    expect(metrics()).toEqual([]);
  });

  test("a missed slot counts once, as many as were missed", async () => {
    await open({ plans: PLANS.replace("every: monday 08:00", 'every: "hour at :00"') });
    house.clock.moveTo(Date.parse("2026-11-23T12:30:00Z"));
    await house.sweep();
    await house.sweep();
    expect(house.measured.filter(({ metric }) => metric === "SlotsMissed")).toEqual([
      // 08:00 to 11:00 in Berlin; those of the last two hours are caught up
      { metric: "SlotsMissed", value: 4 },
    ]);
  });

  test("a message that cannot be delivered for ten minutes rings", async () => {
    await open({
      around: (deps) => ({ ...deps, notifier: { publish: () => Promise.reject(new Error("no way")) } }),
    });
    await house.fireSlot();
    await house.pass(9);
    expect(metrics()).not.toContain("MessagesUntold");
    await house.pass(3);
    expect(metrics()).toContain("MessagesUntold");
  });

  test("each fault at Kraken that somebody must know of has its metric", async () => {
    await open();
    await house.faults([{ endpoint: "BalanceEx", fault: "rate-limit", times: 1 }]);
    await house.fireSlot();
    expect(metrics()).toEqual(["RateLimits"]);
    expect(metricOf("refused", "CAP_DAY")).toBe("CapsRefused");
    expect(metricOf("refused", "KEY_REFUSED")).toBe("KeysRefused");
    expect(metricOf("abandoned", "UNPROVEN")).toBe("RunsAbandoned");
    expect(metricOf("missed", "LATE")).toBe("SlotsMissed");
    expect(metricOf("bought", "FILLED")).toBeUndefined();
  });
});

describe("keys that work from anywhere", () => {
  test("are spoken of each week with egress none on the real exchange, and never in play", async () => {
    await open({ plans: `${PLANS}egress: none\nacceptOpenAllowList: true\n` });
    const weekly = async () =>
      (await house.messages()).filter(({ id }) => id.startsWith("open-allow-list#")).length;
    await house.pass(3);
    expect(await weekly()).toBe(0);
    await house.restart((deps) => ({ ...deps, venue: "kraken" }));
    for (let day = 0; day < 15; day++) {
      house.clock.moveTo(house.clock.now() + 86_400_000);
      await house.sweep();
    }
    expect(await weekly()).toBe(3);
  });
});

describe("a request while the key rests", () => {
  test("is waited for, and answered in the same delivery", async () => {
    await open();
    for (const key of ["a", "b"]) await house.buy(key);
    await ask({ kind: "resolve", run: "btc-weekly@b" });
    await ask({ kind: "check-key", use: "trade" });
    expect(house.failures).toEqual([]);
    expect((await house.messages()).some(({ text }) => text.includes("is over: bought"))).toBe(true);
  });
});

describe("what waits in the queue, and for AWS", () => {
  test("a buy by hand that waited in the queue for long is missed, not bought at another market", async () => {
    await open();
    await house.deps.queue.send(
      "main",
      { kind: "dca", account: "main", plan: "btc-weekly", key: "old" },
      "old",
    );
    house.clock.moveTo(house.clock.now() + 11 * 60_000);
    await house.work();
    expect((await house.run("btc-weekly@old")).run).toMatchObject({
      outcome: "missed",
      reason: { code: "LATE" },
    });
    await house.buy("new");
    expect((await house.run("btc-weekly@new")).run.outcome).toBe("bought");
    expect(await orders()).toHaveLength(1);
  });

  test("a run whose key cannot be read now waits in the ledger, and is not refused for it", async () => {
    await open();
    await house.faults([{ endpoint: "SystemStatus", fault: "unavailable", times: 10 }]);
    await house.fireSlot();
    expect((await house.run()).run.closedAt).toBeUndefined();
    await house.faults([]);
    await house.restart((deps) => ({
      ...deps,
      secrets: { credentials: () => Promise.reject(new Error("Secrets Manager cannot be reached")) },
    }));
    await house.pass(3);
    expect((await house.run()).run.outcome).toBeUndefined();
    expect(house.failures).toEqual([]);
    await house.restart((deps) => deps);
    await house.pass(12);
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await audit(house)).toEqual([]);
  });

  test("a key check that Kraken does not answer is told, and holds up nobody", async () => {
    await open();
    await house.faults([{ endpoint: "GetApiKeyInfo", fault: "unavailable", times: 50 }]);
    await ask({ kind: "check-key", use: "trade" });
    expect(house.failures).toEqual([]);
    const [message] = await house.messages();
    expect(message!.id).toMatch(/^asked#/);
    expect(message!.text).toContain("Your check-key could not be answered now");
  });
});
