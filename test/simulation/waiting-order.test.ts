/** An order that is written down and cannot be sent for a while: what changes meanwhile counts, and nothing is given up early. */
import { afterEach, describe, expect, test } from "vitest";
import { ExchangeError } from "../../shared/app/errors.ts";
import type { Deps } from "../../shared/app/ports.ts";
import { registerPlans } from "../../shared/app/register-plans.ts";
import { decimal } from "../../shared/domain/decimal.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import { TIERS } from "../../shared/domain/rate-counter.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, openHouse, PLANS, settingsIn } from "../support/house.ts";
import { withAccount } from "../support/with-account.ts";

let house: House;
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;

/** Kraken does not show orders for now, so that none is sent. */
async function planned(plans = PLANS) {
  let isBlind = true;
  const blind = withAccount((account) => ({
    ...account,
    async findOrders(...which) {
      if (!isBlind) return account.findOrders(...which);
      throw new ExchangeError({
        code: "KRAKEN_UNAVAILABLE",
        retry: "later",
        endpoint: "OpenOrders",
        message: "not now",
      });
    },
  }));
  house = await openHouse({ plans, around: blind });
  await house.fireSlot();
  expect((await house.run()).intent?.state).toBe("PLANNED");
  return {
    async deploy(settings: Settings) {
      const changed = (deps: Deps): Deps => ({ ...deps, settings });
      await registerPlans(changed(house.deps));
      await house.restart((deps) => changed(blind(deps)));
    },
    see() {
      isBlind = false;
    },
  };
}

describe("an order that waits", () => {
  test("an order that waits while its plan is changed is not sent as it was decided", async () => {
    const { deploy, see } = await planned();
    await deploy(settingsIn(PLANS.replace("buy: 100 EUR", "buy: 10 EUR")));
    see();
    await house.pass(5);
    expect(await orders()).toEqual([]);
    expect((await house.run()).run).toMatchObject({ outcome: "refused", reason: { code: "PLAN_CHANGED" } });
    expect(await audit(house)).toEqual([]);
  });

  test.each([
    ["perOrder", "CAP_ORDER"],
    ["perDay", "CAP_DAY"],
    ["perMonth", "CAP_MONTH"],
  ])("a cap that was lowered while an order waits is not exceeded by it: %s", async (cap, code) => {
    const { deploy, see } = await planned();
    // As where a part of the order was carried from earlier, or of the day is used already.
    const settings = settingsIn(PLANS);
    const lowered = { ...settings.limits, [cap]: [{ amount: decimal("20"), asset: "EUR" }] };
    await deploy({ ...settings, limits: lowered });
    see();
    await house.pass(5);
    expect(await orders()).toEqual([]);
    expect((await house.run()).run).toMatchObject({ outcome: "refused", reason: { code } });
    expect(await audit(house)).toEqual([]);
  });

  test("is sent when only what does not concern it was changed", async () => {
    const { deploy, see } = await planned();
    await deploy(
      settingsIn(PLANS.replace("perMonth: 2000", "perMonth: 3000").replace("within 2h", "within 3h")),
    );
    see();
    await house.pass(5);
    expect(await orders()).toHaveLength(1);
    expect(await audit(house)).toEqual([]);
  });
});

describe("what Kraken refuses for a time is tried again for as long as the slot may be late", () => {
  test("a market that only cancels orders for half an hour", async () => {
    house = await openHouse();
    await house.faults([{ endpoint: "AddOrder", fault: "market-cancel-only", times: 8 }]);
    await house.fireSlot();
    await house.pass(45);
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await orders()).toHaveLength(1);
    expect(await audit(house)).toEqual([]);
  });

  test("and no longer: then it is too late, and nothing stays reserved", async () => {
    house = await openHouse();
    await house.faults([{ endpoint: "AddOrder", fault: "market-cancel-only", times: 1_000 }]);
    await house.fireSlot();
    await house.pass(130);
    expect((await house.run()).run).toMatchObject({ outcome: "skipped", reason: { code: "LATE" } });
    expect(await audit(house)).toEqual([]);
  });
});

test("an order whose claim took too long for its deadline is not sent, and tried again", async () => {
  let isSlow = true;
  house = await openHouse({
    around: (deps) => ({
      ...deps,
      ledger: {
        ...deps.ledger,
        async claim(...args) {
          if (isSlow) await deps.clock.sleep(8_500);
          isSlow = false;
          return deps.ledger.claim(...args);
        },
      },
    }),
  });
  await house.fireSlot();
  expect(await orders()).toEqual([]);
  await house.pass(2);
  expect((await house.run()).run.outcome).toBe("bought");
  expect(decimal((await orders())[0]!.cost).units).toBeGreaterThan(0n);
  expect(await audit(house)).toEqual([]);
});

test("a machine whose clock is ahead does not buy before the slot by Kraken's", async () => {
  house = await openHouse({ startAt: Date.parse("2026-11-22T19:00:00Z") });
  const aheadMs = 12 * 3_600_000;
  await house.restart((deps) => ({
    ...deps,
    clock: {
      ...deps.clock,
      now: () => epochMs(deps.clock.now() + aheadMs),
      monotonicMs: () => deps.clock.monotonicMs(),
    },
    exchange: { ...deps.exchange, now: async () => deps.clock.now() },
  }));
  await house.fireSlot();
  expect(await orders()).toEqual([]);
  expect((await house.run()).run.closedAt).toBeUndefined();
  await house.restart();
  house.clock.moveTo(Date.parse("2026-11-23T07:00:01Z"));
  await house.fireSlot();
  expect((await house.run()).run.outcome).toBe("bought");
});

test("a holder never calls for more points than it was admitted with", async () => {
  const stored: number[] = [];
  house = await openHouse({
    plans: PLANS.replace("perDay: 500 EUR", "perDay: 2000 EUR").replace("perMonth: 2000", "perMonth: 4000"),
    around: (deps) => ({
      ...deps,
      gates: {
        ...deps.gates,
        write(keyHash, before, after) {
          stored.push(after.counterMilli);
          return deps.gates.write(keyHash, before, after);
        },
      },
    }),
  });
  await house.buy("first");
  await house.faults([{ endpoint: "AddOrder", fault: "drop-request", times: 1 }]);
  await house.fireSlot();
  // Others use what a proof leaves them, just before it is due.
  house.clock.moveTo((await house.run()).intent!.dueAt! - 1_000);
  for (const key of ["one", "two", "three"]) await house.buy(key);
  await house.sweep();
  await house.pass(3);
  expect((await house.run()).run.outcome).toBe("bought");
  expect(Math.max(...stored)).toBeLessThanOrEqual(TIERS.starter.max * 1000);
});
