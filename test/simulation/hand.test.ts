/** The owner's hand on the switch: arming, resolving, orders of the owner's own, the day's account. */
import { afterEach, describe, expect, test } from "vitest";
import { DeskRefusal } from "../../local/desk/errors.ts";
import { ownHand } from "../../local/desk/machine-place.ts";
import { arm, disarm, kill, resolve } from "../../local/desk/switches.ts";
import { armingHash } from "../../shared/app/ids.ts";
import { runPlan } from "../../shared/app/run-plan.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { placeByHand } from "../support/by-hand.ts";
import { type House, openHouse, PLANS, SLOT } from "../support/house.ts";

const RUN = `btc-weekly@${SLOT}`;
let house: House;
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;

async function quarantine(fault: string, lagSeconds: number) {
  house = await openHouse();
  await house.faults([
    { endpoint: "AddOrder", fault, times: 1 },
    // The ledger at Kraken shows nothing of it either.
    { endpoint: "Ledgers", fault: "key-date-limit", times: 10_000 },
  ]);
  await house.faults(
    ["ClosedOrders", "OpenOrders"].map((endpoint) => ({
      endpoint,
      fault: "visibility-lag",
      times: 10_000,
      seconds: lagSeconds,
    })),
  );
  await house.fireSlot();
  await house.pass(15);
  for (let hour = 0; hour < 26; hour++) {
    house.clock.moveTo(house.clock.now() + 3_600_000);
    await house.sweep();
  }
  expect((await house.run()).intent?.state).toBe("QUARANTINED");
}

describe("resolve", () => {
  test("without evidence from the exchange is refused, and nothing changes", async () => {
    await quarantine("drop-reply-after-accept", 10_000_000);
    await expect(house.inTime(resolve(ownHand(house.deps), RUN))).rejects.toThrow(
      /neither the order nor that there is none/,
    );
    expect((await house.run()).intent?.state).toBe("QUARANTINED");
    expect((await house.deps.books.plans("main"))[0]?.blocked).toBeDefined();
  });

  test("with the order in Kraken's records books it and lets the plan go on", async () => {
    await quarantine("drop-reply-after-accept", 100_000);
    house.clock.moveTo(house.clock.now() + 100_000_000);
    const view = await house.inTime(resolve(ownHand(house.deps), RUN));
    expect(view.outcome).toBe("bought");
    expect((await house.deps.books.plans("main"))[0]?.blocked).toBeUndefined();
    const wrong = (await audit(house)).filter((line) => !line.startsWith("window"));
    expect(wrong).toEqual([]);
  });

  test("an order in doubt that is still looked for is not resolved by hand", async () => {
    house = await openHouse();
    await house.faults([
      { endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1 },
      { endpoint: "ClosedOrders", fault: "visibility-lag", times: 1, seconds: 120 },
    ]);
    await house.fireSlot();
    const refused = resolve(ownHand(house.deps), RUN);
    await expect(refused).rejects.toThrow(DeskRefusal);
    await expect(refused).rejects.toThrow(/is still looked for by itself \(.+\); after a day/);
    await house.pass(4);
    expect((await house.run()).run.outcome).toBe("bought");
    await expect(resolve(ownHand(house.deps), RUN)).rejects.toThrow(/is not in doubt, it is bought/);
  });

  test("names what is in quarantine when asked for something else", async () => {
    house = await openHouse();
    await expect(resolve(ownHand(house.deps), "btc-weekly@nothing")).rejects.toThrow(
      /there is no run "btc-weekly@nothing" to resolve; in quarantine none is/,
    );
  });
});

describe("arming", () => {
  test("needs mode live, the monthly cap typed back, and a good key; any change takes it away", async () => {
    house = await openHouse();
    await expect(arm(house.deps, "2000 EUR", [])).rejects.toThrow(/mode: dry-run/);
    await house.close();
    house = await openHouse({ plans: PLANS.replace("mode: dry-run", "mode: live") });
    await expect(arm(house.deps, "2001 EUR", [])).rejects.toThrow(/expected 2000 EUR/);
    await expect(arm(house.deps, "2000 EUR", ["it can withdraw"])).rejects.toThrow(/it can withdraw/);
    await arm(house.deps, " 2000  eur ", []);
    expect((await house.deps.books.head("main")).armed).toBe(armingHash(house.deps));
    const looser = { ...house.deps, settings: { ...house.deps.settings, plans: [] } };
    expect((await house.deps.books.head("main")).armed).not.toBe(armingHash(looser));
    await disarm(house.deps);
    expect((await house.deps.books.head("main")).armed).toBeUndefined();
  });
});

describe("the owner's own orders", () => {
  const withManual = (what: string) => PLANS.replace("mode: dry-run", `mode: dry-run\nmanualOrders: ${what}`);

  test.each([
    ["warn", "bought", 1],
    ["stop", "skipped", 1],
    ["expect", "bought", 0],
  ] as const)("%s: the run ends %s, and the order is never touched", async (what, outcome, told) => {
    house = await openHouse({ plans: withManual(what) });
    const txid = await placeByHand(house);
    await house.fireSlot();
    expect((await house.run()).run.outcome).toBe(outcome);
    const foreign = (await house.messages()).filter((message) => message.id === `foreign#${txid}`);
    expect(foreign).toHaveLength(told);
    expect((await orders()).find((order) => order.txid === txid)?.status).toBe("open");
  });

  test("the kill switch lists them and leaves them alone", async () => {
    house = await openHouse();
    const txid = await placeByHand(house);
    const killed = await house.inTime(kill(ownHand(house.deps)));
    expect(killed.foreign).toEqual([txid]);
    expect((await orders()).find((order) => order.txid === txid)?.status).toBe("open");
  });
});

test("kill during twenty concurrent claims: nothing is accepted later than eleven seconds after", async () => {
  house = await openHouse({
    plans: PLANS.replace("100 EUR of BTC", "10 EUR of BTC").replace("accounts:", "accounts:"),
  });
  house.clock.moveTo(Date.parse("2026-11-23T07:00:00Z"));
  const containers = await Promise.all(Array.from({ length: 20 }, () => house.boot()));
  const runs = containers.map((deps, index) =>
    runPlan({ kind: "dca", account: "main", plan: "btc-weekly", key: `k${index}` }, deps).catch(
      () => undefined,
    ),
  );
  let killedAt = 0;
  const switched = house.deps.clock.sleep(12_000).then(async () => {
    await house.deps.books.setKilled("main", true);
    killedAt = house.clock.now();
  });
  await house.inTime(Promise.all([...runs, switched]));
  await house.pass(10);
  const accepted = (await house.control("GET", "/orders")) as { acceptedAt: string | number }[];
  const times = accepted.map(({ acceptedAt }) => new Date(acceptedAt).getTime());
  expect(times.length).toBeGreaterThan(0);
  expect(times.length).toBeLessThan(20);
  expect(Math.max(...times)).toBeLessThanOrEqual(killedAt + 11_000);
  expect(await audit(house)).toEqual([]);
});

test("the day's account names every slot, once", async () => {
  house = await openHouse({
    plans: PLANS.replace("monday 08:00", "hour at :00").replace("100 EUR", "10 EUR"),
  });
  for (const hour of ["07", "08", "09"]) {
    house.clock.moveTo(Date.parse(`2026-11-23T${hour}:00:00Z`));
    await house.fireSlot(`2026-11-23T${hour}:00Z`);
  }
  house.clock.moveTo(Date.parse("2026-11-24T03:30:00Z"));
  await house.sweep();
  await house.sweep();
  const daily = (await house.messages()).filter((message) => message.id === "daily#2026-11-23");
  expect(daily).toHaveLength(1);
  // 07:00 to 22:00 UTC are the sixteen hours of that day in Berlin since the plan was first seen.
  expect(daily[0]?.text).toContain("2026-11-23: 16 of 16 slots accounted for: 3 bought, 13 missed");
  expect(daily[0]?.text).toMatch(/Spent 29\.\d+ EUR, fees included\./);
});
