/** Caps hold for what is really spent, and on the day it is spent. */
import { afterEach, describe, expect, test } from "vitest";
import { amountOfUnits } from "../../shared/domain/caps.ts";
import { add, compare, decimal, format } from "../../shared/domain/decimal.ts";
import type { ExchangeOrder } from "../support/audit.ts";
import { type House, type HouseOptions, openHouse, PLANS, settingsIn } from "../support/house.ts";

let house: House;
const open = async (options: HouseOptions = {}) => {
  house = await openHouse(options);
};
afterEach(() => house.close());

type Order = ExchangeOrder & { readonly acceptedAt: string };
const orders = () => house.control("GET", "/orders") as Promise<Order[]>;
const spentOf = (some: readonly Order[]) =>
  some.reduce((sum, { cost, fee }) => add(sum, add(decimal(cost), decimal(fee))), decimal("0"));

describe("an order that is sent after midnight", () => {
  const plans = PLANS.replace("perDay: 500 EUR", "perDay: 150 EUR")
    .replace("perOrder: 500 EUR", "perOrder: 150 EUR")
    .replace("monday 08:00", "day 23:58");
  const SLOT = "2026-11-23T22:58Z"; // 23:58 in Berlin

  const planBeforeMidnight = async () => {
    await open({ plans, startAt: Date.parse("2026-11-23T22:58:00Z") });
    await house.faults([{ endpoint: "AddOrder", fault: "market-cancel-only", times: 1 }]);
    await house.fireSlot(SLOT);
    expect((await house.run(`btc-weekly@${SLOT}`)).intent?.state).toBe("PLANNED");
    house.clock.moveTo(Date.parse("2026-11-23T23:01:00Z"));
  };

  test("counts for the day it is sent on", async () => {
    await planBeforeMidnight();
    await house.sweep();
    const [order] = await orders();
    expect(order?.acceptedAt.slice(0, 13)).toBe("2026-11-23T23");
    const { used } = await house.deps.books.head("main");
    expect(used.get("used|day|EUR|2026-11-23")).toBe(0n);
    expect(format(amountOfUnits(used.get("used|day|EUR|2026-11-24")!))).toContain(format(spentOf([order!])));
  });

  test("is refused where that day has no room left, and its amount is free again on both", async () => {
    await planBeforeMidnight();
    await house.buy("today");
    await house.pass(3);
    const all = await orders();
    expect(compare(spentOf(all), decimal("150"))).toBe(-1);
    const { run } = await house.run(`btc-weekly@${SLOT}`);
    expect(run.outcome).toBe("refused");
    expect(run.reason?.code).toBe("CAP_DAY");
    const { used } = await house.deps.books.head("main");
    expect(used.get("used|day|EUR|2026-11-23")).toBe(0n);
    expect(compare(amountOfUnits(used.get("used|day|EUR|2026-11-24")!), spentOf(all))).toBe(0);
    expect(compare(amountOfUnits(used.get("used|month|EUR|2026-11")!), spentOf(all))).toBe(0);
  });

  test("is refused where the cap of that day has become less than the order", async () => {
    await planBeforeMidnight();
    const lower = [{ amount: decimal("50"), asset: "EUR" }];
    await house.restart((deps) => ({
      ...deps,
      settings: { ...deps.settings, limits: { ...deps.settings.limits, perDay: lower } },
    }));
    await house.pass(3);
    expect(await orders()).toHaveLength(0);
    expect((await house.run(`btc-weekly@${SLOT}`)).run.reason?.code).toBe("CAP_DAY");
  });
});

test("a cap that is named later counts what was bought before", async () => {
  await open({ plans: PLANS.replace("perMonth: 2000 EUR, ", "") });
  await house.fireSlot();
  await house.buy("second");
  expect(await orders()).toHaveLength(2);
  const capped = settingsIn(
    PLANS.replace("perMonth: 2000 EUR", "perMonth: 250 EUR").replace(/per(Order|Day): 500/g, "per$1: 250"),
  );
  await house.restart((deps) => ({ ...deps, settings: capped }));
  house.clock.moveTo(Date.parse("2026-11-24T09:00:00Z"));
  await house.buy("third");
  expect((await house.run("btc-weekly@third")).run.reason?.code).toBe("CAP_MONTH");
  expect(await orders()).toHaveLength(2);
});
