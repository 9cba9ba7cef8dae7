/**
 * More coins than our own orders explain: Kraken's ledger says where they came from. It shows an order that the lists hide, and
 * it frees one whose owner bought by hand; nothing else does.
 */
import { afterEach, describe, expect, test } from "vitest";
import { resolveRun } from "../../shared/app/resolve-run.ts";
import { add, compare, decimal } from "../../shared/domain/decimal.ts";
import { cost } from "../../shared/domain/money.ts";
import { HOUR_MS } from "../../shared/domain/time.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { placeByHand } from "../support/by-hand.ts";
import { type House, openHouse, PLANS, SLOT } from "../support/house.ts";
import { withAccount } from "../support/with-account.ts";

const RUN = `btc-weekly@${SLOT}`;
const FOR_DAYS = { times: 10_000, seconds: 1_000_000 };
const HIDDEN = ["OpenOrders", "ClosedOrders"].map((endpoint) => ({
  endpoint,
  fault: "visibility-lag",
  ...FOR_DAYS,
}));
const never = (endpoint: string, fault = "unavailable") => ({ endpoint, fault, times: 100_000 });
const LOST_REPLY = { endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1 };
const LOST_REQUEST = { endpoint: "AddOrder", fault: "drop-request", times: 1 };

let house: House;
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;
/** With a sweep at the end of each step, as if it came then for the first time. */
const passHours = async (hours: number, step = 5) => {
  for (let passed = 0; passed < hours; passed += step) {
    house.clock.moveTo(house.clock.now() + Math.min(step, hours - passed) * HOUR_MS);
    await house.sweep();
  }
};
const blocked = async () => (await house.deps.books.plans("main"))[0]!.blocked;
const askAgain = async () => {
  // Kraken's rate counter rests.
  house.clock.moveTo(house.clock.now() + 120_000);
  return house.inTime(resolveRun("main", RUN, await house.boot()));
};
const noFaults = () => house.faults([]);

describe("an order that Kraken's lists hide is found by what it left in the ledger", () => {
  test("after a day, by itself, however late the plan may still buy", async () => {
    house = await openHouse({ plans: PLANS.replace("within 2h", "within 3d") });
    await house.faults([LOST_REPLY, ...HIDDEN]);
    await house.fireSlot();
    await passHours(26);
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await blocked()).toBeUndefined();
    expect(await orders()).toHaveLength(1);
    expect(await audit(house)).toEqual([]);
  });

  test("by the owner's asking, when the ledger could not be read for that day", async () => {
    house = await openHouse();
    await house.faults([LOST_REPLY, ...HIDDEN, never("Ledgers")]);
    await house.fireSlot();
    await passHours(26, 1);
    expect((await house.run()).intent?.state).toBe("QUARANTINED");
    await noFaults();
    await house.faults(HIDDEN);
    expect((await askAgain()).is).toBe("found");
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await blocked()).toBeUndefined();
    expect(await audit(house)).toEqual([]);
  });

  test("but not where Kraken leaves the id out: nothing is proven then, and nothing sent", async () => {
    house = await openHouse({ plans: PLANS.replace("within 2h", "within 3d") });
    await house.restart(
      withAccount((account) => ({
        ...account,
        orders: async (txids) =>
          (await account.orders(txids)).map((order) => ({ ...order, clientOrderId: undefined })),
      })),
    );
    await house.faults([LOST_REPLY, ...HIDDEN]);
    await house.fireSlot();
    await passHours(26);
    expect((await house.run()).intent).toMatchObject({ state: "QUARANTINED", n: 1 });
    expect((await house.run()).intent!.reason!.detail).toContain("does not say whose an order in BTC is");
    expect(await orders()).toHaveLength(1);
  });

  test("but an order of ours that is newer and shown proves nothing of it", async () => {
    house = await openHouse({
      plans: `${PLANS.replace("within 2h", "within 3d").replace("perDay: 500", "perDay: 900")}
  - { id: eth, buy: 20 EUR of ETH, every: day 12:00 }
`,
    });
    await house.faults([LOST_REPLY, ...HIDDEN.map((fault) => ({ ...fault, times: 1 }))]);
    await house.fireSlot();
    await house.pass(4);
    await house.buy("newer", "eth");
    expect((await house.run("eth@newer")).run.outcome).toBe("bought");
    // Nor does a ledger that is empty.
    await house.faults([never("Ledgers", "key-date-limit")]);
    await passHours(26);
    expect((await house.run()).intent).toMatchObject({ state: "QUARANTINED", n: 1 });
    expect(await askAgain()).toMatchObject({
      is: "no-evidence",
      why: expect.stringContaining("there is more BTC than our own orders explain"),
    });
  });
});

/** Its owner buys by hand while an order is in doubt that never arrived. */
async function boughtByHand(plans = PLANS, times = 1) {
  house = await openHouse({ plans: plans.replace("mode: dry-run", "mode: dry-run\nmanualOrders: expect") });
  await house.faults([LOST_REQUEST]);
  await house.fireSlot();
  await placeByHand(house, "90000.0");
  await house.pass(20);
  for (let more = 1; more < times; more++) {
    house.clock.moveTo(house.clock.now() + 5_000);
    await placeByHand(house, "90000.0");
  }
  expect((await house.run()).intent).toMatchObject({ state: "SUBMITTING", n: 1 });
}

describe("coins that came from elsewhere do not keep an order in doubt for ever", () => {
  test("the owner's asking ends it, and the plan goes on", async () => {
    await boughtByHand();
    await house.faults([never("Ledgers")]);
    await passHours(26);
    expect((await house.run()).intent?.state).toBe("QUARANTINED");
    await noFaults();
    expect((await askAgain()).is).toBe("absent");
    expect((await house.run()).run.outcome).toBe("abandoned");
    expect(await blocked()).toBeUndefined();
    expect(await orders()).toHaveLength(1);
  });

  test("it ends by itself after a day", async () => {
    await boughtByHand();
    await passHours(26);
    expect((await house.run()).run).toMatchObject({ outcome: "skipped", reason: { code: "LATE" } });
    expect(await orders()).toHaveLength(1);
  });

  test("also when its owner bought sixty times since", async () => {
    await boughtByHand(PLANS, 60);
    await passHours(26);
    expect((await house.run()).run).toMatchObject({ outcome: "skipped", reason: { code: "LATE" } });
  });

  test("one refused call after a day of answers is not the end of it", async () => {
    await boughtByHand();
    await passHours(22);
    while ((await house.run()).intent!.dueAt! - (await house.run()).intent!.deadline! < 24 * HOUR_MS)
      await house.pass(1);
    await house.faults([{ endpoint: "OpenOrders", fault: "rate-limit", times: 1 }]);
    await house.pass(5);
    expect((await house.run()).intent?.state).toBe("SUBMITTING");
    await house.pass(60);
    expect((await house.run()).run.outcome).toBe("skipped");
  });

  test("an empty ledger proves nothing", async () => {
    await boughtByHand();
    await house.faults([never("Ledgers", "key-date-limit")]);
    await passHours(26);
    expect((await house.run()).intent).toMatchObject({ state: "QUARANTINED", n: 1 });
    expect((await house.run()).intent!.reason!.detail).toContain("shows nothing of it");
    expect(await askAgain()).toMatchObject({ is: "no-evidence" });
    expect(await blocked()).toBeDefined();
  });

  test("a balance that the ledger does not explain proves nothing", async () => {
    await boughtByHand(PLANS, 2);
    // One of the two buys is missing in it.
    await house.restart(
      withAccount((account) => ({
        ...account,
        async balanceChanges(...asked) {
          const { changes, count } = await account.balanceChanges(...asked);
          return { changes: changes.slice(1), count: count - 1 };
        },
      })),
    );
    await passHours(26);
    expect((await house.run()).intent).toMatchObject({ state: "QUARANTINED", n: 1 });
    expect((await house.run()).intent!.reason!.detail).toContain("does not explain the balance");
    // Asked again when it is whole, the order is proven absent.
    expect((await askAgain()).is).toBe("absent");
  });

  test("a trade whose order Kraken does not show proves nothing", async () => {
    await boughtByHand();
    await house.faults([never("QueryOrders", "key-date-limit")]);
    await passHours(26);
    expect((await house.run()).intent!.reason!.detail).toContain("does not show the order of each trade");
  });
});

test("what Kraken's ledger explains does not hold up the plan that buys after all", async () => {
  await boughtByHand(PLANS.replace("within 2h", "within 3d"));
  await passHours(26);
  expect((await house.run()).intent).toMatchObject({ state: "DONE", n: 2 });
  expect((await house.run()).run.outcome).toBe("bought");
  expect(await blocked()).toBeUndefined();
});

test("an order that shows in the ledger after the second one was sent is booked, too, and the plan is on hold", async () => {
  house = await openHouse();
  // Lists and balance both lag for longer than the proof takes, which is what it rests on; the balance until the second order.
  let sent = 0;
  await house.restart(
    withAccount((account) => ({
      ...account,
      submit: (order) => {
        sent++;
        return account.submit(order);
      },
      async balances() {
        const balances = new Map(await account.balances());
        const total = cost("0.5");
        return sent === 1 ? balances.set("XXBT", { ...balances.get("XXBT")!, total }) : balances;
      },
    })),
  );
  await house.faults([LOST_REPLY, ...HIDDEN.map((fault) => ({ ...fault, times: 1 }))]);
  await house.fireSlot();
  await house.pass(6);
  expect(await orders()).toHaveLength(2);
  const { run, intent } = await house.run();
  expect(run.outcome).toBe("bought");
  expect(intent!.txids).toHaveLength(2);
  expect(await blocked()).toContain("2 orders exist under");
  // Both are counted under the caps.
  const spent = (await orders()).reduce(
    (sum, order) => add(sum, add(decimal(order.cost), decimal(order.fee))),
    decimal("0"),
  );
  expect(compare(add(intent!.fills!.cost, intent!.fills!.fee), spent)).toBe(0);
});

describe("an order that cannot be looked for is quarantined after a day, and not before it was tried for some time", () => {
  /** An order is in doubt, and from then on Kraken does not answer the look for it. */
  async function openBlind() {
    house = await openHouse();
    await house.faults([LOST_REPLY, ...HIDDEN]);
    await house.fireSlot();
    await noFaults();
    await house.faults([never("OpenOrders")]);
  }

  test("Kraken does not answer for a day; when it does, its owner asks, and the order is booked", async () => {
    await openBlind();
    await passHours(23, 1);
    expect((await house.run()).intent?.state).toBe("SUBMITTING");
    await house.pass(90);
    expect((await house.run()).intent?.state).toBe("QUARANTINED");
    expect(await blocked()).toContain(RUN);
    expect((await house.messages()).map(({ id }) => id)).toContain(`${RUN}#quarantined`);
    await noFaults();
    expect((await askAgain()).is).toBe("found");
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await audit(house)).toEqual([]);
  });

  test("while Kraken does not answer, asking is refused, and nothing changes", async () => {
    await openBlind();
    await passHours(26, 1);
    const before = await house.run();
    expect(before.intent?.state).toBe("QUARANTINED");
    expect(await askAgain()).toMatchObject({
      is: "no-evidence",
      why: expect.stringContaining("Unavailable"),
    });
    expect(await house.run()).toEqual(before);
  });

  test("after two days without power the first looks that fail are not the last", async () => {
    await openBlind();
    house.clock.moveTo(house.clock.now() + 48 * HOUR_MS);
    await house.sweep();
    await house.pass(50);
    expect((await house.run()).intent?.state).toBe("SUBMITTING");
    await noFaults();
    await house.pass(15);
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await blocked()).toBeUndefined();
  });
});
