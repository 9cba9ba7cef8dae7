/** What Kraken may answer besides yes, and what becomes of the run, the key and the money. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keyHashOf } from "../../shared/app/ids.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, openHouse, PLANS } from "../support/house.ts";

describe("Kraken says no", () => {
  let house: House;

  beforeEach(async () => {
    house = await openHouse();
  });
  afterEach(() => house.close());

  const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;
  const fault = (name: string, times = 1, endpoint = "AddOrder") =>
    house.faults([{ endpoint, fault: name, times }]);
  const gate = () =>
    house.deps.gates.read(
      keyHashOf(house.sandbox.keys.find(({ name }) => name === "tidekeeper-sandbox-trade")!.key),
    );

  test("a refused nonce takes the lease anew, looks, and tries once more", async () => {
    await fault("invalid-nonce");
    await house.fireSlot();
    const { run, intent } = await house.run();
    expect(run.outcome).toBe("bought");
    expect(intent?.n).toBe(2);
    expect(await orders()).toHaveLength(1);
  });

  test("a second refused nonce stops the key: something else is using it", async () => {
    await fault("invalid-nonce", 2);
    await house.fireSlot();
    expect((await house.run()).run.reason?.code).toBe("KEY_STOPPED");
    expect((await gate())?.stopped).toBeDefined();
    expect(await orders()).toHaveLength(0);
    expect(await audit(house)).toEqual([]);
  });

  test("one refused nonce after a read that outlasted its lease does not stop the key", async () => {
    await fault("slow-body", 1, "ClosedOrders");
    await fault("invalid-nonce", 1, "ClosedOrders");
    await house.fireSlot();
    expect((await gate())?.stopped).toBeUndefined();
    await house.pass(3);
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await audit(house)).toEqual([]);
  });

  test.each(["rate-limit", "lockout", "throttled"])("%s rests the key and buys later", async (name) => {
    await fault(name);
    await house.fireSlot();
    expect(await orders()).toHaveLength(0);
    await house.pass(25);
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await orders()).toHaveLength(1);
    expect(await audit(house)).toEqual([]);
  });

  test.each(["market-cancel-only", "market-post-only"])(
    "%s at the order waits and tries again",
    async (name) => {
      await fault(name);
      await house.fireSlot();
      await house.pass(5);
      expect((await house.run()).run.outcome).toBe("bought");
      expect(await orders()).toHaveLength(1);
    },
  );

  test.each(["unavailable", "busy"])(
    "%s at the order is in doubt, proven absent, and sent again",
    async (name) => {
      await fault(name);
      await house.fireSlot();
      expect((await house.run()).intent?.state).toBe("SUBMITTING");
      await house.pass(5);
      expect((await house.run()).run.outcome).toBe("bought");
      expect(await orders()).toHaveLength(1);
      expect(await audit(house)).toEqual([]);
    },
  );

  test.each([
    ["insufficient-funds", "FUNDS_INSUFFICIENT", /Insufficient funds/i],
    ["ordermin-raised", "VOLUME_BELOW_MINIMUM", /minimum not met/i],
  ])(
    "%s at the order: the slot is skipped with the reason of our own check, and the reservation is free",
    async (name, code, words) => {
      await fault(name);
      await house.fireSlot();
      const { run } = await house.run();
      expect(run).toMatchObject({ outcome: "skipped", reason: { code } });
      expect(run.reason?.detail).toMatch(words);
      expect(await audit(house)).toEqual([]);
    },
  );

  test("rules of a pair that Kraken refuses by are asked for anew", async () => {
    await house.fireSlot();
    await fault("ordermin-raised");
    await house.buy("refused");
    house.clock.moveTo(house.clock.now() + 60_000);
    await house.faults([{ endpoint: "AssetPairs", fault: "pair-delisted", times: 1 }]);
    await house.buy("anew");
    expect((await house.run("btc-weekly@anew")).run.reason?.code).toBe("PAIR_UNKNOWN");
  });

  test("maintenance is seen before anything is planned, and the slot is told", async () => {
    await fault("maintenance", 1000, "SystemStatus");
    await house.fireSlot();
    expect(await orders()).toHaveLength(0);
    await house.pass(125);
    expect((await house.run()).run).toMatchObject({
      outcome: "skipped",
      reason: { code: "EXCHANGE_STATUS" },
    });
    expect(await orders()).toHaveLength(0);
    expect(await audit(house)).toEqual([]);
  });

  test.each([
    ["maintenance", "SystemStatus"],
    ["market-cancel-only", "SystemStatus"],
    ["market-post-only", "AssetPairs"],
  ])(
    "a buy waits for Kraken's maintenance as long as it may be late, and is bought after it (%s, %s)",
    async (how, where) => {
      await fault(how, 5, where);
      await house.fireSlot();
      await house.pass(12);
      expect(await orders()).toHaveLength(0);
      await house.pass(20);
      expect((await house.run()).run.outcome).toBe("bought");
      expect(await audit(house)).toEqual([]);
    },
  );

  test("a buy by hand, and a slot that may not be late, are skipped at once when Kraken is shut", async () => {
    const shut = { outcome: "skipped", reason: { code: "EXCHANGE_STATUS" } };
    await fault("maintenance", 1, "SystemStatus");
    await house.buy("now");
    expect((await house.run("btc-weekly@now")).run).toMatchObject(shut);

    await house.close();
    house = await openHouse({ plans: PLANS.replace("ifMissed: catch-up within 2h", "ifMissed: skip") });
    // Once only: a run that came back five minutes later would find Kraken open, and buy.
    await fault("maintenance", 1, "SystemStatus");
    await house.fireSlot();
    expect((await house.run()).run).toMatchObject(shut);
    await house.pass(12);
    expect(await orders()).toHaveLength(0);
    expect(await audit(house)).toEqual([]);
  });

  test("a key that can withdraw is refused by the name of its tick box", async () => {
    await house.useKey("tidekeeper-sandbox-withdraw");
    await house.fireSlot();
    const { run, intent } = await house.run();
    expect(run.outcome).toBe("refused");
    expect(run.reason?.code).toBe("KEY_REFUSED");
    expect(run.reason?.detail).toContain("Funds permissions: Withdraw");
    // Before anything was planned or reserved.
    expect(intent).toBeUndefined();
    expect(await orders()).toHaveLength(0);
  });

  test("a key that was replaced meanwhile is fetched anew, once, and the run goes on with it", async () => {
    await house.buy("remembered");
    await fault("key-revoked", 1, "BalanceEx");
    await house.useKey("tidekeeper-sandbox-trade");
    await house.buy("rotated");
    await house.pass(2);
    expect((await house.run("btc-weekly@rotated")).run.outcome).toBe("bought");
  });

  test("a key that becomes limited to dates is refused within the hour", async () => {
    await fault("key-date-limit", 1, "GetApiKeyInfo");
    await house.fireSlot();
    expect((await house.run()).run.reason?.detail).toContain("Query start/end date");
    expect(await orders()).toHaveLength(0);
  });

  test("a price above the ceiling is skipped with both numbers", async () => {
    await house.close();
    const { PLANS } = await import("../support/house.ts");
    house = await openHouse({ plans: `${PLANS}    guards: { maxPrice: 50000 EUR }\n` });
    await house.control("POST", "/price", { pair: "BTC/EUR", price: "60000" });
    await house.fireSlot();
    const { run } = await house.run();
    expect(run.reason?.code).toBe("PRICE_ABOVE_CEILING");
    expect(run.reason?.detail).toMatch(/60000.*50000/);
  });

  test("a normal buy takes at most 8 database trips, and 12 calls cold or 8 with what is remembered", async () => {
    house.cloud.takeCounts();
    const calls = () => house.transportCalls();
    calls();
    await house.fireSlot();
    expect((await house.run()).run.outcome).toBe("bought");
    expect(calls()).toBeLessThanOrEqual(12);
    await house.pass(2);
    await house.buy("before");
    await house.pass(2);
    house.cloud.takeCounts();
    calls();
    await house.buy("warm");
    expect(calls()).toBeLessThanOrEqual(8);
    const trips = house.cloud.takeCounts();
    expect((await house.run("btc-weekly@warm")).run.outcome).toBe("bought");
    const sum = Object.values(trips).reduce((total, count) => total + count, 0);
    expect(sum, JSON.stringify(trips)).toBeLessThanOrEqual(8);
  });
});
