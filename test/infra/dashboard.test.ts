/** What the dashboard asks of the log is what runs really say. */
import { afterEach, expect, test } from "vitest";
import { COUNTER_WAIT, capsText, RESOLVED, SPENT } from "../../infra/parts/dashboard-queries.ts";
import type { Event } from "../../shared/app/ports.ts";
import { type House, openHouse, PLANS, settingsIn } from "../support/house.ts";

let house: House;
afterEach(() => house?.close());

const saying = (events: readonly Event[], words: string) =>
  events.filter(({ step, detail }) => step === "reconcile" && detail.includes(words));

test.each([
  ["answer of Kraken", []],
  ["found later", ["drop-reply-after-accept"]],
  ["proven absent", ["drop-request"]],
] as const)("%s: the words stand in the steps of such a run, once", async (path, faults) => {
  house = await openHouse();
  await house.faults(faults.map((fault) => ({ endpoint: "AddOrder", fault, times: 1 })));
  await house.fireSlot();
  await house.pass(5);
  expect(saying(house.events, RESOLVED[path])).toHaveLength(1);
  const booked = house.events.filter(({ step, outcome }) => step === "reconcile" && outcome === "bought");
  expect(booked).toHaveLength(1);
  expect(SPENT.exec(booked[0]!.detail)?.groups).toMatchObject({
    cost: expect.stringMatching(/^\d+\.\d+$/),
    asset: "EUR",
  });
});

test("a wait for the rate counter says so in those words", async () => {
  house = await openHouse({
    plans: PLANS.replace("perDay: 500", "perDay: 1500"),
  });
  for (let n = 0; n < 4; n++) await house.buy(`k${n}`);
  expect(house.events.some(({ detail }) => detail.includes(COUNTER_WAIT))).toBe(true);
});

test("the caps stand beside what was spent", () => {
  expect(capsText(settingsIn(PLANS).limits)).toContain("| perDay | 500 EUR |");
});
