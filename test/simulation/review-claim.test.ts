/** What must still hold at the moment of the claim. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, openHouse } from "../support/house.ts";

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());
const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;

test("a plan that was put on hold by another run of it sends nothing more", async () => {
  await house.faults([{ endpoint: "AddOrder", fault: "market-cancel-only", times: 1 }]);
  await house.fireSlot();
  const { run, intent } = await house.run();
  expect(intent?.state).toBe("PLANNED");
  // Another run of the plan, in doubt for a day by now.
  const other = { ...run, id: "btc-weekly@other" };
  const doubted = { ...intent!, run: other.id, state: "SUBMITTING", claimId: "c" } as const;
  await house.deps.ledger.reserve(other, { ...doubted, carryUsed: intent!.carryUsed }, [], intent!.carryUsed);
  const message = { id: "held", at: house.clock.now(), run: other.id, subject: "held", text: "held" };
  await house.deps.ledger.quarantine(other, doubted, { ...doubted, state: "QUARANTINED" }, message);
  await house.pass(3);
  expect(await orders()).toHaveLength(0);
  expect((await house.run()).run.reason?.code).toBe("PLAN_BLOCKED");
  expect((await audit(house)).filter((line) => line.includes("window"))).toEqual([]);
});
