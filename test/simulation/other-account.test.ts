/** A key of another Kraken account than the ledger's orders: nothing is bought with it, and nothing is proven with it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { DEFAULT_ACCOUNTS } from "../../local/sandbox/accounts.ts";
import { resolveRun } from "../../shared/app/resolve-run.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, openHouse, SLOT } from "../support/house.ts";

const [mine] = DEFAULT_ACCOUNTS;
const [trade] = mine!.keys!;
const theirs = {
  ...mine!,
  name: "theirs",
  iban: "AA11 N84G ZZZZ ZZZZ",
  keys: [{ ...trade!, name: "theirs", key: trade!.key.split("").reverse().join("") }],
};

const LOST_REPLY = [
  { endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1 },
  { endpoint: "ClosedOrders", fault: "visibility-lag", times: 1, seconds: 30 },
];

let house: House;
beforeEach(async () => {
  house = await openHouse({ exchangeAccounts: [mine!, theirs] });
});
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;

test("a key of another Kraken account is refused, and no order in doubt is looked for with it", async () => {
  await house.faults(LOST_REPLY);
  await house.fireSlot();
  await house.useKey("theirs");
  await house.restart();
  await house.pass(20);
  expect((await house.run()).intent?.state).toBe("SUBMITTING");
  await house.buy("other");
  expect((await house.run("btc-weekly@other")).run.reason?.detail).toContain("another Kraken account");
  expect(await orders()).toHaveLength(1);
  // With a key of the right account it goes on.
  await house.useKey("tidekeeper-sandbox-trade");
  await house.restart();
  await house.pass(20);
  expect((await house.run()).run.outcome).toBe("bought");
  expect(await orders()).toHaveLength(1);
  expect(await audit(house)).toEqual([]);
});

test("before the first order any account will do", async () => {
  await house.useKey("theirs");
  await house.fire({ kind: "check-key", account: "main", use: "trade" });
  await house.useKey("tidekeeper-sandbox-trade");
  await house.restart();
  await house.fireSlot();
  expect((await house.run()).run.outcome).toBe("bought");
});

test("the owner's own asking proves nothing with it either, and the account stays known", async () => {
  await house.faults(LOST_REPLY);
  await house.fireSlot();
  await house.useKey("theirs");
  await house.restart();
  for (let hour = 0; hour < 27; hour++) {
    house.clock.moveTo(house.clock.now() + 3_600_000);
    await house.sweep();
  }
  expect((await house.run()).intent?.state).toBe("QUARANTINED");
  const fresh = await house.boot((deps) => deps);
  expect(await house.inTime(resolveRun("main", `btc-weekly@${SLOT}`, fresh))).toMatchObject({
    is: "no-evidence",
    why: expect.stringContaining("another Kraken account"),
  });
  await house.useKey("tidekeeper-sandbox-trade");
  const right = await house.boot((deps) => deps);
  expect((await house.inTime(resolveRun("main", `btc-weekly@${SLOT}`, right))).is).toBe("found");
  expect(await orders()).toHaveLength(1);
});
