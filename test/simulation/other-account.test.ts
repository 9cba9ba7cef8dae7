/** A key of another Kraken account than the ledger's orders: nothing is bought with it, and nothing is proven with it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { DEFAULT_ACCOUNTS } from "../../local/sandbox/accounts.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, openHouse } from "../support/house.ts";

const [mine] = DEFAULT_ACCOUNTS;
const [trade] = mine!.keys!;
const theirs = {
  ...mine!,
  name: "theirs",
  iban: "AA11 N84G ZZZZ ZZZZ",
  keys: [{ ...trade!, name: "theirs", key: trade!.key.split("").reverse().join("") }],
};

let house: House;
beforeEach(async () => {
  house = await openHouse({ exchangeAccounts: [mine!, theirs] });
});
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;

test("a key of another Kraken account is refused, and no order in doubt is looked for with it", async () => {
  await house.faults([
    { endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1 },
    { endpoint: "ClosedOrders", fault: "visibility-lag", times: 1, seconds: 30 },
  ]);
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
