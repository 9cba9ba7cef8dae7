/** A plan that leaves tide.yaml while its run is under way: no order is forgotten, and none is sent. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Deps } from "../../shared/app/ports.ts";
import { registerPlans } from "../../shared/app/register-plans.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, openHouse } from "../support/house.ts";

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
