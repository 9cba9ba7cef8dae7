/** A plan that leaves tide.yaml while its run is under way: no order is forgotten, and none is sent. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Deps } from "../../shared/app/ports.ts";
import { registerPlans } from "../../shared/app/register-plans.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, openHouse, PLANS } from "../support/house.ts";

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;
const arm = (name: string) => house.faults([{ endpoint: "AddOrder", fault: name, times: 1 }]);
const without = (deps: Deps): Deps => ({ ...deps, settings: { ...deps.settings, plans: [] } });

test("leaves no order behind that nobody looks for", async () => {
  await arm("drop-reply-after-accept");
  await house.faults([
    { endpoint: "ClosedOrders", fault: "visibility-lag", times: 50, seconds: 30 },
    { endpoint: "OpenOrders", fault: "visibility-lag", times: 50, seconds: 30 },
  ]);
  await house.fireSlot();
  expect((await house.run()).intent?.state).toBe("SUBMITTING");
  await house.restart(without);
  await house.pass(6);
  expect((await house.run()).run.outcome).toBe("bought");
  expect(await house.deadLetters()).toEqual([]);
  expect(await audit(house)).toEqual([]);
});

test("sends no second attempt, and its run says why", async () => {
  await arm("drop-request");
  await house.fireSlot();
  await house.restart(without);
  await house.pass(6);
  expect(await orders()).toHaveLength(0);
  const { run, intent } = await house.run();
  expect(intent?.state).toBe("SKIPPED");
  expect(run.reason?.code).toBe("PLAN_UNKNOWN");
  expect(await audit(house)).toEqual([]);
});

test("ends a run that waited to be planned, and says why", async () => {
  await house.faults([{ endpoint: "SystemStatus", fault: "unavailable", times: 50 }]);
  await house.fireSlot();
  expect((await house.run()).run.dueAt).toBeDefined();
  await house.faults([]);
  await house.restart(without);
  await house.pass(3);
  expect((await house.run()).run.reason?.code).toBe("PLAN_UNKNOWN");
  expect(await audit(house)).toEqual([]);
});

test("fires nothing when it comes back: its slots count from then on", async () => {
  await registerPlans(without(house.deps));
  await house.restart(without);
  house.clock.moveTo(Date.parse("2026-11-23T07:30:00Z"));
  await house.sweep();
  await registerPlans(house.deps);
  await house.restart();
  await house.pass(3);
  expect(await house.deps.books.runs("main")).toEqual([]);
  expect(await orders()).toHaveLength(0);
});

describe("an account that leaves tide.yaml", () => {
  const BOTH = PLANS.replace(
    "plans:",
    "accounts: { main: { tier: starter }, family: { tier: starter } }\nplans:",
  ).replace("every: monday", "account: main\n    every: monday");
  const only = (deps: Deps): Deps => ({
    ...deps,
    settings: {
      ...deps.settings,
      accounts: deps.settings.accounts.filter(({ name }) => name === "family"),
      plans: [],
    },
  });

  beforeEach(async () => {
    await house.close();
    house = await openHouse({ plans: BOTH });
  });

  test("fires nothing when its account comes back", async () => {
    await registerPlans(only(house.deps));
    await house.restart(only);
    house.clock.moveTo(Date.parse("2026-11-23T08:30:00Z"));
    await house.sweep();
    await registerPlans(house.deps);
    await house.restart();
    await house.pass(3);
    expect(await house.deps.books.runs("main")).toEqual([]);
    expect(await orders()).toHaveLength(0);
    // And its coming slots count again.
    house.clock.moveTo(Date.parse("2026-11-30T07:00:01Z"));
    await house.pass(4);
    expect(await orders()).toHaveLength(1);
  });

  test("has its last slots accounted for", async () => {
    house.clock.moveTo(Date.parse("2026-11-23T08:30:00Z"));
    await house.restart(only);
    await house.pass(2);
    const [{ run } = expect.fail("no run")] = await house.deps.books.runs("main");
    expect(run.outcome).toBe("missed");
  });

  test("leaves no order behind that nobody looks for, when its account leaves", async () => {
    await house.faults([
      { endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1 },
      { endpoint: "ClosedOrders", fault: "visibility-lag", times: 1, seconds: 30 },
    ]);
    await house.fireSlot();
    expect((await house.run()).intent?.state).toBe("SUBMITTING");
    await house.restart(only);
    await house.pass(10);
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await house.deadLetters()).toEqual([]);
    expect(await house.deps.books.messages("family")).toEqual([]);
    expect(await audit(house)).toEqual([]);
  });
});
