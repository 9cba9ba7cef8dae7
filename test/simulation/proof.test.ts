/** An order in doubt: adopted as soon as it is seen, sent again only after a proof. Each part of the proof by itself. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clientOrderIdOf } from "../../shared/app/ids.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, openHouse, SLOT } from "../support/house.ts";

const RUN = `btc-weekly@${SLOT}`;

describe("an order in doubt", () => {
  let house: House;

  beforeEach(async () => {
    house = await openHouse();
  });
  afterEach(() => house.close());

  const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;
  const doubt = (fault: string) => house.faults([{ endpoint: "AddOrder", fault, times: 1 }]);
  const historyAt = async (what: RegExp) => {
    const { intent } = await house.run();
    return intent!.history.filter((line) => what.test(line.what)).map((line) => line.at);
  };

  /** A container that stands still before AddOrder is sent, or after it was answered, until it thaws. */
  async function freezeAtSubmit(when: "before" | "after") {
    const thawed = Promise.withResolvers<void>();
    const frozen = Promise.withResolvers<void>();
    const standStill = async () => {
      frozen.resolve();
      await thawed.promise;
    };
    const stuck = await house.boot((deps) => ({
      ...deps,
      exchange: {
        ...deps.exchange,
        as: (key) => {
          const account = deps.exchange.as(key);
          const submit: typeof account.submit = async (order) => {
            if (when === "before") await standStill();
            const answer = await account.submit(order);
            if (when === "after") await standStill();
            return answer;
          };
          return { ...account, submit };
        },
      },
    }));
    return { stuck, frozen: frozen.promise, thaw: thawed.resolve };
  }

  test("an order that a lost ledger does not know is found before sending, and adopted", async () => {
    await house.fireSlot();
    await house.forgetLedger();
    await house.fireSlot();
    const { run, intent } = await house.run();
    expect(run.outcome).toBe("bought");
    expect(intent?.history.map((line) => line.what).join()).toContain("found at Kraken before sending");
    expect(await orders()).toHaveLength(1);
  });

  test("no look counts as proof before deadline, barrier and grace have passed", async () => {
    await doubt("drop-request");
    await house.fireSlot();
    const { intent } = await house.run();
    const fencedAt = Math.max(intent!.deadline!, intent!.barrierAt!);
    await house.pass(4);
    const [absent] = await historyAt(/^absent: first look/);
    expect(absent! - fencedAt).toBeGreaterThan(61_000);
    expect((await house.run()).run.outcome).toBe("bought");
  });

  test("a look under another key is no barrier: the deadline alone must have been over for ten minutes", async () => {
    // Blind from the sending on, so that no look is made with the key that sent it.
    await house.restart((deps) => ({
      ...deps,
      exchange: {
        ...deps.exchange,
        as: (key) => {
          const account = deps.exchange.as(key);
          const submit: typeof account.submit = async (order) => {
            await house.faults([
              { endpoint: "AddOrder", fault: "drop-request", times: 1 },
              { endpoint: "OpenOrders", fault: "unavailable", times: 1000 },
            ]);
            return account.submit(order);
          };
          return { ...account, submit };
        },
      },
    }));
    await house.fireSlot();
    const { intent } = await house.run();
    expect(intent).toMatchObject({ state: "SUBMITTING" });
    expect(intent!.barrierAt).toBeUndefined();
    await house.useKey("tidekeeper-sandbox-withdraw");
    await house.faults([]);
    await house.restart();
    await house.pass(10);
    expect((await house.run()).intent?.state).toBe("SUBMITTING");
    await house.pass(8);
    const [absent] = await historyAt(/^absent: first look/);
    expect(absent! - intent!.deadline!).toBeGreaterThan(10 * 60_000 + 61_000);
    // Proven, and then the new key is judged like any.
    expect((await house.run()).run).toMatchObject({ outcome: "refused", reason: { code: "KEY_REFUSED" } });
    expect(await orders()).toHaveLength(0);
  });

  test("a proof takes two looks, fifteen seconds apart", async () => {
    await doubt("drop-request");
    await house.fireSlot();
    await house.pass(4);
    const [first] = await historyAt(/^absent: first look/);
    const [proven] = await historyAt(/proven absent/);
    expect(proven! - first!).toBeGreaterThanOrEqual(15_000);
  });

  test("the barrier counts, not only the deadline: a crash long ago does not shorten the grace", async () => {
    await doubt("drop-request");
    await house.fireSlot();
    const before = await house.run();
    // The barrier of the first invocation is forgotten on purpose: as if it had died before its first look.
    const { barrierAt: _, ...unlooked } = before.intent!;
    await house.deps.ledger.change("main", before.intent!, unlooked);
    await house.restart();
    house.clock.moveTo(house.clock.now() + 5 * 60_000);
    await house.sweep();
    const { intent } = await house.run();
    expect(intent?.state).toBe("SUBMITTING");
    expect(intent!.barrierAt! - intent!.deadline!).toBeGreaterThan(4 * 60_000);
    await house.pass(3);
    const [absent] = await historyAt(/^absent: first look/);
    expect(absent! - intent!.barrierAt!).toBeGreaterThan(61_000);
    expect(await orders()).toHaveLength(1);
  });

  test("an order that shows a few seconds late is adopted in the same invocation", async () => {
    await doubt("drop-reply-after-accept");
    await house.faults([{ endpoint: "ClosedOrders", fault: "visibility-lag", times: 50, seconds: 4 }]);
    await house.fireSlot();
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await orders()).toHaveLength(1);
  });

  test("an order that shows up late is adopted, never doubled", async () => {
    await doubt("drop-reply-after-accept");
    await house.faults([
      { endpoint: "ClosedOrders", fault: "visibility-lag", times: 50, seconds: 45 },
      { endpoint: "OpenOrders", fault: "visibility-lag", times: 50, seconds: 45 },
    ]);
    await house.fireSlot();
    expect((await house.run()).intent?.state).toBe("SUBMITTING");
    await house.pass(4);
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await orders()).toHaveLength(1);
  });

  test("records that lag beyond the grace are caught by the balance: no second buy, adopted when it shows", async () => {
    await doubt("drop-reply-after-accept");
    await house.faults([
      { endpoint: "ClosedOrders", fault: "visibility-lag", times: 200, seconds: 400 },
      { endpoint: "OpenOrders", fault: "visibility-lag", times: 200, seconds: 400 },
    ]);
    await house.fireSlot();
    await house.pass(4);
    const doubted = await house.run();
    expect(doubted.intent?.state).toBe("SUBMITTING");
    expect(doubted.intent?.n).toBe(1);
    await house.pass(8);
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await orders()).toHaveLength(1);
    expect(await audit(house)).toEqual([]);
  });

  test("a buy of another plan meanwhile does not look like the missing order", async () => {
    await doubt("drop-request");
    await house.fireSlot();
    await house.buy("meanwhile");
    await house.pass(5);
    expect((await house.run()).run.outcome).toBe("bought");
    expect((await house.run("btc-weekly@meanwhile")).run.outcome).toBe("bought");
    expect(await orders()).toHaveLength(2);
    expect(await audit(house)).toEqual([]);
  });

  test("what can never be proven is quarantined after a day: reserved, on hold, and told", async () => {
    await doubt("drop-reply-after-accept");
    await house.faults([
      { endpoint: "Ledgers", fault: "key-date-limit", times: 10_000 },
      { endpoint: "ClosedOrders", fault: "visibility-lag", times: 10_000, seconds: 1_000_000 },
      { endpoint: "OpenOrders", fault: "visibility-lag", times: 10_000, seconds: 1_000_000 },
    ]);
    await house.fireSlot();
    await house.pass(15);
    for (let hour = 0; hour < 26; hour++) {
      house.clock.moveTo(house.clock.now() + 3_600_000);
      await house.sweep();
    }
    const { run, intent } = await house.run();
    expect(intent?.state).toBe("QUARANTINED");
    expect(run.outcome).toBe("uncertain");
    const [plan] = await house.deps.books.plans("main");
    expect(plan?.blocked).toBeDefined();
    const ids = (await house.messages()).map((message) => message.id);
    expect(ids).toContain(`${RUN}#quarantined`);
    await house.buy("afterwards");
    const refused = await house.run("btc-weekly@afterwards");
    expect(refused.run.reason?.code).toBe("PLAN_BLOCKED");
    expect(await orders()).toHaveLength(1);
  });

  test("a worker frozen between claim and send is refused by the exchange when it thaws", async () => {
    // The first container stops at AddOrder for ten minutes; another one proves absence and buys.
    const { stuck, frozen, thaw } = await freezeAtSubmit("before");
    const { runPlan } = await import("../../shared/app/run-plan.ts");
    const firing = { kind: "dca", account: "main", plan: "btc-weekly", slot: SLOT } as const;
    house.clock.moveTo(Date.parse("2026-11-23T07:00:00Z"));
    const sleeper = runPlan(firing, stuck).catch((error: unknown) => error);
    await frozen;
    await house.pass(8);
    expect((await house.run()).run.outcome).toBe("bought");
    thaw();
    await house.inTime(sleeper);
    expect(await orders()).toHaveLength(1);
    expect((await house.run()).intent?.n).toBe(2);
    expect(await audit(house)).toEqual([]);
  });

  test("an answer that comes after another worker has settled the order changes nothing", async () => {
    const { stuck, frozen, thaw } = await freezeAtSubmit("after");
    const { runPlan } = await import("../../shared/app/run-plan.ts");
    const firing = { kind: "dca", account: "main", plan: "btc-weekly", slot: SLOT } as const;
    house.clock.moveTo(Date.parse("2026-11-23T07:00:00Z"));
    const sleeper = runPlan(firing, stuck);
    await frozen;
    await house.pass(3);
    const settled = await house.run();
    expect(settled.intent?.state).toBe("DONE");
    thaw();
    const report = await house.inTime(sleeper);
    expect(report.outcome).toBe("bought");
    expect(await house.run()).toEqual(settled);
    expect(await audit(house)).toEqual([]);
  });

  test("two workers on one firing place one order", async () => {
    const { runPlan } = await import("../../shared/app/run-plan.ts");
    const firing = { kind: "dca", account: "main", plan: "btc-weekly", slot: SLOT } as const;
    house.clock.moveTo(Date.parse("2026-11-23T07:00:00Z"));
    const containers = await Promise.all(Array.from({ length: 4 }, () => house.boot()));
    await house.inTime(Promise.all(containers.map((deps) => runPlan(firing, deps))));
    await house.pass(4);
    expect(await orders()).toHaveLength(1);
    expect(await audit(house)).toEqual([]);
  });

  test("the order carries the id that follows from account, run and leg", async () => {
    await house.fireSlot();
    const [order] = await orders();
    expect(order?.clOrdId).toBe(clientOrderIdOf("main", RUN, 0));
  });

  test("an order that fills partly is bought for what it filled, and the rest of its amount is free again", async () => {
    await doubt("partial-fill");
    await house.fireSlot();
    const { run, intent } = await house.run();
    expect(run.reason?.code).toBe("FILLED_PARTLY");
    expect(intent?.fills?.volume.units).toBeGreaterThan(0n);
    expect(await audit(house)).toEqual([]);
  });
});
