/** Found by the chaos campaign: Kraken asked to be left alone, and was called again; a doubt was told twice. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, openHouse } from "../support/house.ts";

let house: House;

beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;

test.each([
  { fault: "lockout", seconds: 600, restMinutes: 14 },
  { fault: "throttled", seconds: 300, restMinutes: 4 },
])(
  "a sending that is answered with a $fault is followed by no call until it is over",
  async ({ fault, seconds, restMinutes }) => {
    await house.faults([{ endpoint: "AddOrder", fault, seconds }]);
    await house.fireSlot();
    house.transportCalls();
    await house.pass(restMinutes);
    expect(house.transportCalls()).toBe(0);
    expect((await house.messages()).map(({ id }) => id).join()).toContain("#uncertain");
    await house.pass(8);
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await orders()).toHaveLength(1);
    expect(await audit(house)).toEqual([]);
  },
);

test("a public call that is throttled comes back when Kraken said, not before", async () => {
  await house.faults([{ endpoint: "Time", fault: "throttled", seconds: 300 }]);
  await house.fireSlot();
  house.transportCalls();
  await house.pass(4);
  expect(house.transportCalls()).toBe(0);
  await house.pass(3);
  expect((await house.run()).run.outcome).toBe("bought");
});

test("an order in doubt is told once", async () => {
  await house.faults([{ endpoint: "AddOrder", fault: "drop-request" }]);
  await house.fireSlot();
  await house.pass(4);
  const [doubt] = (await house.messages()).filter(({ id }) => id.endsWith("#uncertain"));
  expect(house.cloud.published().filter(({ message }) => message === doubt?.text)).toHaveLength(1);
});
