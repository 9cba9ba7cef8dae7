/** The owner's limits and switches, and what is not a slot: nothing is spent past them, and each refusal is told. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Deps } from "../../shared/app/ports.ts";
import { registerPlans } from "../../shared/app/register-plans.ts";
import { runPlan } from "../../shared/app/run-plan.ts";
import { compare, decimal } from "../../shared/domain/decimal.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, type HouseOptions, openHouse, PLANS, SLOT, settingsIn } from "../support/house.ts";

let house: House;
const open = async (options: HouseOptions = {}) => {
  house = await openHouse(options);
};
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;
const manual = (key: string) => ({ kind: "dca", account: "main", plan: "btc-weekly", key }) as const;

/** Runs `act` just before the container makes the named call of its ledger for the first time. */
const beforeLedger =
  (name: keyof Deps["ledger"], act: () => Promise<unknown>) =>
  (deps: Deps): Deps => {
    let isFirst = true;
    const original = deps.ledger[name] as (...args: unknown[]) => Promise<unknown>;
    const wrapped = async (...args: unknown[]) => {
      if (isFirst) await act();
      isFirst = false;
      return original.apply(deps.ledger, args);
    };
    return { ...deps, ledger: { ...deps.ledger, [name]: wrapped } };
  };

describe("caps", () => {
  test("many buys at once never spend more than the day's cap", async () => {
    await open({
      plans: PLANS.replace("perDay: 500 EUR", "perDay: 250 EUR").replace(
        "perOrder: 500 EUR",
        "perOrder: 250 EUR",
      ),
    });
    const containers = await Promise.all(Array.from({ length: 6 }, () => house.boot()));
    await house.inTime(Promise.all(containers.map((deps, index) => runPlan(manual(`k${index}`), deps))));
    await house.pass(4);
    const all = await orders();
    expect(all).toHaveLength(2);
    const refused = (await house.deps.books.runs("main")).filter(
      ({ run }) => run.slot === undefined && run.reason?.code === "CAP_DAY",
    );
    expect(refused).toHaveLength(4);
    expect(await audit(house)).toEqual([]);
  });

  test("a cap that another run used up meanwhile refuses the reservation", async () => {
    await open({
      plans: PLANS.replace("perDay: 500 EUR", "perDay: 150 EUR").replace(
        "perOrder: 500 EUR",
        "perOrder: 150 EUR",
      ),
    });
    // The other run buys after this one has read the account, and before it reserves.
    const other = await house.boot();
    await house.restart(beforeLedger("reserve", () => runPlan(manual("faster"), other)));
    await house.buy("slower");
    expect((await house.run("btc-weekly@faster")).run.outcome).toBe("bought");
    expect((await house.run("btc-weekly@slower")).run.reason?.code).toBe("CAP_DAY");
    expect(await orders()).toHaveLength(1);
  });

  test("what a buy did not need of its reservation is free for the next one", async () => {
    await open({
      plans: PLANS.replace("perDay: 500 EUR", "perDay: 199.9 EUR").replace(
        "perOrder: 500 EUR",
        "perOrder: 199.9 EUR",
      ),
    });
    await house.buy("one");
    await house.buy("two");
    expect((await house.run("btc-weekly@two")).run.outcome).toBe("bought");
    expect(await orders()).toHaveLength(2);
  });

  test("the month's cap holds over days", async () => {
    await open({
      plans: PLANS.replace("perDay: 500 EUR", "perDay: 150 EUR")
        .replace("perOrder: 500 EUR", "perOrder: 150 EUR")
        .replace("perMonth: 2000 EUR", "perMonth: 250 EUR"),
    });
    for (const day of ["a", "b", "c"]) {
      await house.buy(day);
      house.clock.moveTo(house.clock.now() + 24 * 3_600_000);
    }
    expect(await orders()).toHaveLength(2);
    expect((await house.run("btc-weekly@c")).run.reason?.code).toBe("CAP_MONTH");
  });
});

describe("the kill switch", () => {
  beforeEach(() => open());

  test("stops a run before it starts", async () => {
    await house.deps.books.setKilled("main", true);
    await house.fireSlot();
    expect((await house.run()).run.reason?.code).toBe("KILLED");
    expect(await orders()).toHaveLength(0);
  });

  test.each(["reserve", "claim"] as const)("stops a run in its middle, before %s", async (step) => {
    await house.restart(beforeLedger(step, () => house.deps.books.setKilled("main", true)));
    await house.fireSlot();
    const { run } = await house.run();
    expect(run.outcome).toBe("skipped");
    expect(run.reason?.code).toBe("KILLED");
    expect(await orders()).toHaveLength(0);
    expect(await audit(house)).toEqual([]);
  });

  test("a paused plan is stopped before the claim, too, and its slot is told", async () => {
    await house.restart(beforeLedger("claim", () => house.deps.books.setPaused("main", "btc-weekly", true)));
    await house.fireSlot();
    expect((await house.run()).run.reason?.code).toBe("PAUSED");
    expect(await orders()).toHaveLength(0);
    expect((await house.messages()).at(-1)?.text).toContain("paused");
  });
});

describe("the lease", () => {
  beforeEach(() => open());

  test("a worker whose lease was taken does not send", async () => {
    const steal = async () => {
      const { keyHashOf } = await import("../../shared/app/ids.ts");
      const { acquireKey, KeyLease } = await import("../../shared/app/key-gate.ts");
      const credentials = (await house.deps.secrets.credentials("main", "trade"))!;
      const hash = keyHashOf(credentials.apiKey);
      const gate = (await house.deps.gates.read(hash))!;
      await house.deps.gates.write(hash, gate, {
        ...gate,
        rvn: gate.rvn + 1,
        owner: undefined,
        counterMilli: 0,
      });
      const { clock, chance, gates: store, settings, exchange } = house.deps;
      const lease = await acquireKey({ store, clock, chance }, credentials, settings.accounts[0]!.tier, 1);
      if (!(lease instanceof KeyLease)) throw new Error(lease.why);
      await exchange.as(lease).balances();
      await lease.release();
    };
    await house.restart(beforeLedger("claim", steal));
    await house.fireSlot();
    const { run, intent } = await house.run();
    expect(run.outcome).toBe("bought");
    // The first claim was refused, so it is the first attempt that bought.
    expect(intent?.n).toBe(1);
    expect(await orders()).toHaveLength(1);
  });
});

describe("firings", () => {
  beforeEach(() => open());

  test.each([
    [
      "of no slot",
      { kind: "dca", account: "main", plan: "btc-weekly", slot: "2026-11-23T07:01Z" },
      /no slot/,
    ],
    ["of an unknown plan", { kind: "dca", account: "main", plan: "nothing", slot: SLOT }, /no plan/],
    [
      "of the future",
      { kind: "dca", account: "main", plan: "btc-weekly", slot: "2026-11-30T07:00Z" },
      /not come/,
    ],
    [
      "of the wrong shape",
      { kind: "dca", account: "main", plan: "btc-weekly", slot: SLOT, extra: 1 },
      /extra|nrecognized/,
    ],
    [
      "of the wrong kind",
      { kind: "rebalance", account: "main", plan: "btc-weekly", slot: SLOT },
      /cannot be fired/,
    ],
    [
      "that resumes what is not there",
      { kind: "resume", account: "main", run: "btc-weekly@nothing" },
      /no run/,
    ],
  ])("a firing %s is put aside and told, and others go on", async (_, body, why) => {
    await house.fire(body);
    await house.fireSlot();
    expect(house.failures).toEqual([]);
    const [dead] = await house.deadLetters();
    expect(dead).toMatch(why);
    await house.sweep();
    expect(
      (await house.messages()).find((message) => message.id.startsWith("refused#"))?.sentAt,
    ).toBeDefined();
    expect(await orders()).toHaveLength(1);
  });

  test("a firing that comes too late is missed, not bought", async () => {
    house.clock.moveTo(Date.parse("2026-11-23T09:30:00Z"));
    await house.fireSlot();
    expect((await house.run()).run.outcome).toBe("missed");
    expect(await orders()).toHaveLength(0);
  });
});

describe("the sweep", () => {
  test("fires a slot that left no run while it may still be caught up", async () => {
    await open();
    house.clock.moveTo(Date.parse("2026-11-23T07:30:00Z"));
    await house.sweep();
    expect((await house.run()).run.outcome).toBe("bought");
    await house.pass(5);
    expect(await orders()).toHaveLength(1);
  });

  test("writes down what was missed, once, and tells it in one message", async () => {
    await open({ plans: PLANS.replace("monday 08:00", "hour at :00").replace("catch-up within 2h", "skip") });
    house.clock.moveTo(Date.parse("2026-11-23T12:30:00Z"));
    await house.sweep();
    await house.sweep();
    const runs = await house.deps.books.runs("main");
    expect(runs.map(({ run }) => run.outcome)).toEqual(Array(6).fill("missed"));
    const told = (await house.messages()).filter((message) => message.outcome === "missed");
    expect(told).toHaveLength(1);
    expect(told[0]?.text).toContain("Missed 6 slots");
    expect(await orders()).toHaveLength(0);
  });

  test("counts slots from when a plan was first seen: deploying and restarting fire nothing", async () => {
    await open();
    const [before] = await house.deps.books.plans("main");
    house.clock.moveTo(Date.parse("2026-11-23T06:59:59Z"));
    await registerPlans(house.deps);
    const [after] = await house.deps.books.plans("main");
    expect(after?.accountedTo).toBe(before?.accountedTo);
    await house.sweep();
    expect(await house.deps.books.runs("main")).toEqual([]);
  });

  test("tells what could not be told when it happened", async () => {
    await open({
      around: (deps) => ({
        ...deps,
        notifier: { publish: () => Promise.reject(new Error("SNS is down")) },
      }),
    });
    await house.fireSlot();
    expect((await house.messages()).at(-1)?.sentAt).toBeUndefined();
    await house.restart((deps) => deps);
    await house.pass(1);
    expect((await house.messages()).at(-1)?.sentAt).toBeDefined();
    expect(house.cloud.published()).toHaveLength(1);
  });
});

describe("amounts too small", () => {
  const small = PLANS.replace("100 EUR of BTC", "2 EUR of BTC").replace("monday 08:00", "hour at :00");

  test("are carried until they are enough, and then bought together", async () => {
    await open({ plans: small });
    for (const slot of ["07", "08", "09"]) {
      house.clock.moveTo(Date.parse(`2026-11-23T${slot}:00:00Z`));
      await house.fireSlot(`2026-11-23T${slot}:00Z`);
    }
    const outcomes = (await house.deps.books.runs("main")).map(({ run }) => run.outcome);
    expect(outcomes).toEqual(["carried", "bought", "carried"]);
    const [order] = await orders();
    expect(compare(decimal(order!.cost), decimal("3.9"))).toBe(1);
    const [plan] = await house.deps.books.plans("main");
    expect(compare(plan!.carry.get("EUR")!, decimal("2"))).toBe(0);
  });

  test("what was carried in one currency is not spent in another", async () => {
    const both = small
      .replace(/perOrder: \S+ EUR/, "perOrder: [500 EUR, 0.05 BTC]")
      .replace(/perDay: \S+ EUR/, "perDay: [500 EUR, 0.1 BTC]")
      .replace(/perMonth: \S+ EUR/, "perMonth: [2000 EUR, 1 BTC]");
    await open({ plans: both });
    await house.fireSlot();
    expect((await house.run()).run.outcome).toBe("carried");
    const inBitcoin = settingsIn(both.replace(/buy: .*/, "buy: 0.002 BTC of ETH"));
    await house.restart((deps) => ({ ...deps, settings: inBitcoin }));
    house.clock.moveTo(Date.parse("2026-11-23T08:00:01Z"));
    await house.fireSlot("2026-11-23T08:00Z");
    const { run, intent } = await house.run("btc-weekly@2026-11-23T08:00Z");
    expect(run.outcome).toBe("bought");
    expect(compare(intent!.order.costMax, decimal("0.002"))).toBeLessThanOrEqual(0);
  });

  test("are skipped when the plan says so, and nothing is kept", async () => {
    await open({ plans: small.replace("ifMissed:", "ifTooSmall: skip\n    ifMissed:") });
    await house.fireSlot();
    expect((await house.run()).run.reason?.code).toBe("VOLUME_BELOW_MINIMUM");
    expect((await house.deps.books.plans("main"))[0]?.carry.get("EUR")).toBeUndefined();
  });
});
