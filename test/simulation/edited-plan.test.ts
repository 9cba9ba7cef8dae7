/** A plan whose schedule is edited, or that is taken out: its earlier slots are accounted for by the schedule they belong to. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Deps, SweepDeps } from "../../shared/app/ports.ts";
import { registerPlans } from "../../shared/app/register-plans.ts";
import { sweepRuns } from "../../shared/app/sweep-runs.ts";
import { audit } from "../support/audit.ts";
import { type House, openHouse, PLANS, SLOT, settingsIn } from "../support/house.ts";

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

const edited =
  (every: string) =>
  (deps: Deps): Deps => ({ ...deps, settings: settingsIn(PLANS.replace("monday 08:00", every)) });
const takenOut = (deps: Deps): Deps => ({ ...deps, settings: { ...deps.settings, plans: [] } });

/** As a deploy does: the functions start anew with other settings. */
async function deploy(around: (deps: Deps) => Deps): Promise<void> {
  await registerPlans(around(house.deps));
  await house.restart(around);
}

const at = (time: string) => house.clock.moveTo(Date.parse(`2026-11-23T${time}Z`));
const outcomes = async () =>
  Object.fromEntries((await house.deps.books.runs("main")).map(({ run }) => [run.id, run.outcome]));
const missedTold = async () =>
  (await house.messages()).filter(({ subject }) => /missed/.test(subject)).map(({ text }) => text);

describe.each([
  ["edited", edited("tuesday 08:00"), /its schedule has been changed since/],
  ["taken out", takenOut, /its plan is no longer in tide\.yaml/],
])("of a plan that is %s", (_, change, why) => {
  test("a slot that nothing ran for is written down as missed, and told once", async () => {
    at("07:30:00");
    await deploy(change);
    await deploy(change);
    await house.pass(3);
    expect(await outcomes()).toEqual({ [`btc-weekly@${SLOT}`]: "missed" });
    const told = await missedTold();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(why);
    expect(await audit(house)).toEqual([]);
  });

  test("a slot that was bought stays bought, and nothing is told of it", async () => {
    at("07:00:01");
    await house.fireSlot();
    at("07:01:00");
    await deploy(change);
    await house.pass(3);
    expect(await outcomes()).toEqual({ [`btc-weekly@${SLOT}`]: "bought" });
    expect(await missedTold()).toEqual([]);
  });

  test("a slot whose firing comes after the change buys nothing", async () => {
    at("07:00:20");
    await deploy(change);
    await house.fireSlot();
    await house.pass(3);
    expect(await house.control("GET", "/orders")).toEqual([]);
    expect(await outcomes()).toEqual({ [`btc-weekly@${SLOT}`]: "missed" });
  });

  test("each of many slots is accounted for, also when the change is interrupted at any of them", async () => {
    at("07:00:01");
    await house.fireSlot();
    // Three weeks on; the last one's slot is an hour old.
    house.clock.moveTo(Date.parse("2026-12-14T08:00:00Z"));
    let isCut = true;
    await expect(
      registerPlans({
        ...change(house.deps),
        books: {
          ...house.deps.books,
          async addMissed(runs, message) {
            const is = await house.deps.books.addMissed(runs, message);
            if (isCut) throw new Error("cut");
            return is;
          },
        },
      }),
    ).rejects.toThrow("cut");
    isCut = false;
    await deploy(change);
    await house.pass(2);
    expect(await outcomes()).toEqual({
      [`btc-weekly@${SLOT}`]: "bought",
      "btc-weekly@2026-11-30T07:00Z": "missed",
      "btc-weekly@2026-12-07T07:00Z": "missed",
      "btc-weekly@2026-12-14T07:00Z": "missed",
    });
    expect(await missedTold()).toHaveLength(1);
  });
});

describe("a slot that the new schedule has, too", () => {
  test("is still bought while it may be, once, whoever fires it", async () => {
    at("07:00:30");
    await deploy(edited("weekdays 08:00"));
    await house.fireSlot();
    await house.pass(5);
    expect(await outcomes()).toEqual({ [`btc-weekly@${SLOT}`]: "bought" });
    expect(await house.control("GET", "/orders")).toHaveLength(1);
    expect(await audit(house)).toEqual([]);
  });

  test("is missed when it may not be bought any more", async () => {
    at("09:30:00");
    await deploy(edited("weekdays 08:00"));
    await house.pass(5);
    expect(await outcomes()).toEqual({ [`btc-weekly@${SLOT}`]: "missed" });
  });

  test("does not make slots of the new one before the change count", async () => {
    at("07:30:00");
    await deploy(edited("hour at :15"));
    await house.pass(5);
    expect(await outcomes()).toEqual({ [`btc-weekly@${SLOT}`]: "missed" });
  });
});

test("the day's line counts the slots of both schedules", async () => {
  at("07:00:01");
  await house.fireSlot();
  at("09:00:00");
  await deploy(edited("monday 12:00"));
  at("11:00:01");
  await house.fireSlot("2026-11-23T11:00Z");
  house.clock.moveTo(Date.parse("2026-11-24T03:00:00Z"));
  await house.pass(2);
  const daily = (await house.messages()).find(({ id }) => id.startsWith("daily#"))!;
  expect(daily.text).toMatch(/2 of 2 slots accounted for: 2 bought\./);
});

test("a sweep of the settings before does not put an old schedule back", async () => {
  const before = { ...house.deps, startedAt: house.clock.now() } as SweepDeps;
  at("06:59:59");
  await deploy(edited("monday 09:00"));
  at("08:00:01");
  await house.inTime(sweepRuns(before));
  await house.fireSlot("2026-11-23T08:00Z");
  expect(await outcomes()).toEqual({ "btc-weekly@2026-11-23T08:00Z": "bought" });
});
