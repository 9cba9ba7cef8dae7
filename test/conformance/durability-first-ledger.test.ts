/** A new ledger on a live key: what Kraken has of the month is imported once, and the plans wait for their owner. */
import { afterEach, describe, expect, test } from "vitest";
import { OwnersDesk } from "../../local/desk/owners-desk.ts";
import type { Workplace } from "../../local/desk/workplace.ts";
import { clientOrderIdOf } from "../../shared/app/ids.ts";
import type { RunImport } from "../../shared/aws/import-runs.ts";
import { openLedgerHouse, PLANS, placeByHand, SLOTS } from "../support/durability-ledger.ts";

type Lost = Awaited<ReturnType<typeof openLedgerHouse>>;
const opened: Lost[] = [];
const open = async (plans?: string) => {
  const made = await openLedgerHouse(plans);
  opened.push(made);
  return made;
};
afterEach(async () => {
  for (const { house } of opened.splice(0)) await house.close();
});

/** With a rest before it, so that the rate counter holds nobody up. */
async function fire({ house }: Lost, slot: string, plan = "btc-hourly") {
  house.clock.moveTo(house.clock.now() + 60_000);
  await house.fireSlot(slot, plan);
}

/** Four buys, and what the ledger said of them before it was lost. */
async function buyAndLose(lost: Lost) {
  for (const slot of SLOTS) await fire(lost, slot);
  await fire(lost, "2026-11-23T06:30Z", "eth-daily");
  const before = await ledgerOf(lost);
  expect(before.runs.map(({ outcome }) => outcome)).toEqual(["bought", "bought", "bought", "bought"]);
  await forget(lost);
  return before;
}

/** The gate of the key goes with the ledger: time that has passed since keeps its nonces rising, its counter low. */
async function forget({ house }: Lost) {
  await house.forgetLedger();
  house.clock.moveTo(house.clock.now() + 60_000);
}

async function ledgerOf({ house }: Lost) {
  const { head, runs } = {
    head: await house.deps.books.head("main"),
    runs: await house.deps.books.runs("main"),
  };
  return {
    used: Object.fromEntries(head.used),
    net: Object.fromEntries(head.net),
    lastOrder: head.lastOrder?.txid,
    runs: runs
      .filter(({ intent }) => intent !== undefined)
      .map(({ run, intent }) => ({
        id: run.id,
        outcome: run.outcome,
        reason: run.reason?.code,
        state: intent!.state,
        clientOrderId: intent!.clientOrderId,
        txids: intent!.txids,
        fills: JSON.stringify(intent!.fills, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}

test("what is imported is what the lost ledger said: runs, fills, caps, net changes and the last order", async () => {
  const lost = await open();
  const before = await buyAndLose(lost);
  await lost.start();
  expect(await ledgerOf(lost)).toEqual(before);
  expect(Object.keys(before.used).toSorted((a, b) => a.localeCompare(b))).toEqual([
    "used|day|EUR|2026-11-23",
    "used|day|USD|2026-11-23",
    "used|month|EUR|2026-11",
    "used|month|USD|2026-11",
  ]);
  for (const id of ["btc-hourly", "eth-daily"])
    expect(await lost.plan(id)).toMatchObject({ paused: true, blocked: undefined });
});

test("one message tells what was imported, what was not, and how to go on", async () => {
  const lost = await open();
  await buyAndLose(lost);
  const { house } = lost;
  const resting = await placeByHand(house, true);
  const handRun = clientOrderIdOf("main", "btc-hourly@by-hand", 0);
  const byHand = await placeByHand(house, false, handRun);
  await lost.start();
  const [message, ...more] = await house.messages();
  expect(more).toEqual([]);
  expect(lost.told).toEqual([message!.text]);
  expect(message!.subject).toBe("[DRY RUN] new ledger of main: 4 runs imported");
  const { text } = message!;
  for (const slot of SLOTS) expect(text).toContain(`btc-hourly@${slot} 0.000`);
  expect(text).toMatch(/eth-daily@2026-11-23T06:30Z 0\.\d+ ETH for \d+\.\d+ \+ 0\.\d+ fee USD \(O\w{5}-/);
  const [, foreign] = text.split("Not imported and not touched");
  expect(foreign).toContain(`${resting} buy 0.00100000 XBTEUR @ limit 1000.0 (open)`);
  expect(foreign).toContain(`${byHand} buy 0.00100000 XBTEUR @ limit 1000.0 (canceled)`);
  expect(foreign).toContain("tide buy --key");
  expect(foreign).toContain("`tide resume PLAN`");
  // Not touched: it rests still.
  expect(house.sandbox.orders().find(({ txid }) => txid === resting)?.status).toBe("open");
});

test("until Kraken has been read no plan buys, also one that was resumed; then the owner's word counts", async () => {
  const lost = await open();
  await buyAndLose(lost);
  const { house, newLedger } = lost;
  const ledger = newLedger();
  await house.inTime(ledger.hold());
  await house.deps.books.setPaused("main", "btc-hourly", false);
  const placed = house.sandbox.orders().length;
  await fire(lost, "2026-11-23T08:00Z");
  expect((await house.run("btc-hourly@2026-11-23T08:00Z")).run.reason?.code).toBe("PLAN_BLOCKED");
  await house.inTime(ledger.settle());
  await fire(lost, "2026-11-23T09:00Z");
  expect((await house.run("btc-hourly@2026-11-23T09:00Z")).run.reason?.code).toBe("PAUSED");
  expect(house.sandbox.orders()).toHaveLength(placed);

  await house.deps.books.setPaused("main", "btc-hourly", false);
  await lost.start();
  await fire(lost, "2026-11-23T10:00Z");
  expect((await house.run("btc-hourly@2026-11-23T10:00Z")).run.outcome).toBe("bought");
  expect(await lost.plan("eth-daily")).toMatchObject({ paused: true });
});

test("a slot that Kraken has an order for is not bought again, and caps are as full as they were", async () => {
  const lost = await open(
    PLANS.replace("perOrder: [500 EUR", "perOrder: [130 EUR").replace("perDay: [500 EUR", "perDay: [130 EUR"),
  );
  await buyAndLose(lost);
  await lost.start();
  const { house } = lost;
  await house.deps.books.setPaused("main", "btc-hourly", false);
  const placed = house.sandbox.orders().length;
  for (const slot of SLOTS) await fire(lost, slot);
  await fire(lost, "2026-11-23T09:00Z");
  expect((await house.run("btc-hourly@2026-11-23T09:00Z")).run.reason?.code).toBe("CAP_DAY");
  expect(house.sandbox.orders()).toHaveLength(placed);
});

test("with nothing of the month at Kraken the plans go on by themselves, but not those that their owner paused", async () => {
  const lost = await open();
  const { house } = lost;
  await house.deps.books.setPaused("main", "eth-daily", true);
  await lost.start();
  expect(lost.told).toEqual([expect.stringContaining("Kraken has no order of this month")]);
  expect(await lost.plan("btc-hourly")).toMatchObject({ paused: false, blocked: undefined });
  expect(await lost.plan("eth-daily")).toMatchObject({ paused: true, blocked: undefined });
  lost.takeCalls();
  await lost.start();
  expect(lost.takeCalls()).toBe(0); // Once
});

test("an order of ours that is still open is followed to its end by its own run, while its plan is paused", async () => {
  const lost = await open();
  const { house } = lost;
  const run = "btc-hourly@2026-11-23T10:00Z";
  const txid = await placeByHand(house, true, clientOrderIdOf("main", run, 0));
  await lost.start();
  const open_ = await house.run(run);
  expect(open_).toMatchObject({ intent: { state: "ACKED", txids: [txid] } });
  expect(open_.run.closedAt).toBeUndefined();
  expect((await house.deps.books.head("main")).used.get("used|day|EUR|2026-11-23")).toBe(10_100_000_000n); // 0.001 × 1000 and 1 % on top
  house.clock.moveTo(house.clock.now() + 61 * 60_000);
  await house.sweep();
  const ended = await house.run(run);
  expect(ended).toMatchObject({ run: { outcome: "skipped" }, intent: { state: "DONE" } });
  expect((await house.deps.books.head("main")).used.get("used|day|EUR|2026-11-23")).toBe(0n);
});

test("two orders under one id are both counted, and the plan waits for a person", async () => {
  const lost = await open();
  const { house } = lost;
  const id = clientOrderIdOf("main", "btc-hourly@2026-11-23T10:00Z", 0);
  const txids = [await placeByHand(house, false, id), await placeByHand(house, false, id)];
  await lost.start();
  expect((await lost.plan("btc-hourly")).blocked).toContain("2 orders exist under");
  const { intent } = await house.run("btc-hourly@2026-11-23T10:00Z");
  expect([...intent!.txids].sort()).toEqual([...txids].sort());
});

test("all pages are read, each in its turn at the key, and the rate counter is never overrun", async () => {
  const lost = await open();
  const { house } = lost;
  const txids: string[] = [];
  for (let order = 0; order < 110; order++) {
    txids.push(await placeByHand(house, false));
    house.clock.moveTo(house.clock.now() + 5_000);
  }
  await fire(lost, "2026-11-23T11:00Z");
  await forget(lost);
  await lost.start();
  expect(lost.told).toEqual([expect.stringContaining("and 90 more")]);
  expect(await house.run("btc-hourly@2026-11-23T11:00Z")).toMatchObject({ run: { outcome: "bought" } });
});

describe("what cannot be read whole is not believed", () => {
  test.each([
    ["a key that may withdraw", "tidekeeper-sandbox-withdraw", "Funds permissions: Withdraw"],
    ["a key that may not trade", "tidekeeper-sandbox-read", "Create & modify orders"],
  ])("%s imports nothing, and the plans stay on hold", async (_, key, why) => {
    const lost = await open();
    await buyAndLose(lost);
    await lost.house.useKey(key);
    await lost.house.deps.secrets.credentials("main", "trade", true);
    const ledger = lost.newLedger();
    await lost.start(ledger);
    await lost.house.inTime(ledger.settle());
    expect(lost.told).toEqual([expect.stringContaining(why)]); // Once
    expect((await lost.plan("btc-hourly")).blocked).toMatch(/this ledger is new/);
    await lost.house.useKey("tidekeeper-sandbox-trade");
    await lost.house.deps.secrets.credentials("main", "trade", true);
    await lost.house.inTime(ledger.settle());
    expect((await ledgerOf(lost)).runs).toHaveLength(4);
  });

  test("resuming does not let a plan buy before the month at Kraken is in its new ledger", async () => {
    const lost = await open();
    await buyAndLose(lost);
    await lost.house.faults([{ endpoint: "ClosedOrders", fault: "unavailable", times: 50 }]);
    await lost.start(lost.newLedger());
    const { deps } = lost.house;
    const desk = new OwnersDesk({ deps, exchange: "Kraken" } as Partial<Workplace> as Workplace);
    await expect(desk.resume("btc-hourly")).rejects.toThrow("it goes on by itself when that has been read");
    expect((await lost.plan("btc-hourly")).blocked).toMatch(/this ledger is new/);
  });

  test("Kraken that does not answer is asked again at the next sweep", async () => {
    const lost = await open();
    const before = await buyAndLose(lost);
    await lost.house.faults([{ endpoint: "ClosedOrders", fault: "unavailable", times: 50 }]);
    const ledger = lost.newLedger();
    await lost.start(ledger);
    expect(lost.told).toEqual([expect.stringContaining("stay on hold")]);
    expect((await ledgerOf(lost)).runs).toEqual([]);
    await lost.house.faults([]);
    lost.house.clock.moveTo(lost.house.clock.now() + 60_000);
    await lost.house.inTime(ledger.settle());
    expect(await ledgerOf(lost)).toEqual(before);
  });
});

class Crash extends Error {}

/** Dies at the `at`-th write, before it is made or after it was made and before its answer is known. */
function dying(imports: RunImport, at: number, when: "before" | "after") {
  const calls: string[] = [];
  const proxy = new Proxy(imports, {
    get(target, name, receiver) {
      const member = Reflect.get(target, name, receiver) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        calls.push(String(name));
        if (calls.length > at) throw new Crash();
        if (calls.length === at && when === "before") throw new Crash();
        const answer = await member.apply(target, args);
        if (calls.length === at) throw new Crash();
        return answer;
      };
    },
  });
  return { proxy, calls };
}

test.each(["before", "after"] as const)(
  "stopped %s any of its calls to the ledger and started again, it ends as if it had never been stopped",
  async (when) => {
    const lost = await open();
    const before = await buyAndLose(lost);
    const whole = dying(lost.imports, Number.POSITIVE_INFINITY, when);
    await lost.start(lost.newLedger(whole.proxy));
    expect(whole.calls.filter((name) => name === "importRun")).toHaveLength(4);
    for (let at = 1; at <= whole.calls.length; at++) {
      await forget(lost);
      const { proxy } = dying(lost.imports, at, when);
      await lost.start(lost.newLedger(proxy)).catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
      });
      await lost.start();
      const where = `${when} ${at} ${whole.calls[at - 1]}`;
      expect([where, await ledgerOf(lost)]).toEqual([where, before]);
      expect([where, (await lost.house.messages()).length]).toEqual([where, 1]);
      expect([where, await lost.plan("btc-hourly")]).toMatchObject([
        where,
        { paused: true, blocked: undefined },
      ]);
    }
  },
);
