/** Two accounts of tide.yaml on one Kraken account would spend twice what their caps say: the second one is refused. */
import { afterEach, describe, expect, test } from "vitest";
import { DEFAULT_ACCOUNTS } from "../../local/sandbox/accounts.ts";
import type { ExchangeOrder } from "../support/audit.ts";
import { type House, openHouse, PLANS, SLOT } from "../support/house.ts";

const [one] = DEFAULT_ACCOUNTS;
const [trade] = one!.keys!;
const turned = (key: string) => key.split("").reverse().join("");
const KRAKEN = [
  { ...one!, keys: [...one!.keys!, { ...trade!, name: "second key", key: turned(trade!.key) }] },
  {
    ...one!,
    name: "another",
    iban: "AA11 N84G ZZZZ ZZZZ",
    keys: [{ ...trade!, name: "key of another", key: `Z${turned(trade!.key).slice(1)}` }],
  },
];
const FIRST = trade!.name;

const TWO = `${PLANS.replace("    buy: 100", "    account: anna\n    buy: 100")}
  - id: btc-ben
    account: ben
    buy: 100 EUR of BTC
    every: monday 08:00
    ifMissed: catch-up within 2h
accounts:
  anna: { tier: intermediate }
  ben: { tier: intermediate }
`;

let house: House;
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;
const fire = (account: string, plan: string, key: string) =>
  house.fire({ kind: "dca", account, plan, key }, `${plan}@${key}`);
const ended = async (account: string, run: string) => (await house.deps.books.run(account, run))!.run;

describe("two accounts of tide.yaml never share a Kraken account", () => {
  test.each([
    ["the same key", FIRST],
    ["another key of the same account", "second key"],
  ])("%s", async (_, key) => {
    house = await openHouse({ plans: TWO, exchangeAccounts: KRAKEN });
    await house.useKey(FIRST, "anna");
    await house.useKey(key, "ben");
    await fire("anna", "btc-weekly", "a");
    await fire("ben", "btc-ben", "b");
    expect((await ended("anna", "btc-weekly@a")).outcome).toBe("bought");
    const run = await ended("ben", "btc-ben@b");
    expect(run.outcome).toBe("refused");
    expect(run.reason?.detail).toContain("the Kraken account that account anna of tide.yaml has");
    // And again, with the verdict in the ledger.
    await fire("ben", "btc-ben", "c");
    expect((await ended("ben", "btc-ben@c")).outcome).toBe("refused");
    expect(await orders()).toHaveLength(1);
    // The first one is not disturbed by it.
    await house.restart();
    house.clock.moveTo(house.clock.now() + 2 * 3_600_000);
    await fire("anna", "btc-weekly", "d");
    expect((await ended("anna", "btc-weekly@d")).outcome).toBe("bought");
    expect(await orders()).toHaveLength(2);
  });
});

test("a key that was given to the wrong account is free again when that account has its own", async () => {
  house = await openHouse({ plans: TWO, exchangeAccounts: KRAKEN });
  await house.useKey(FIRST, "anna");
  await house.fire({ kind: "check-key", account: "anna", use: "trade" });
  await house.useKey(FIRST, "ben");
  await house.fire({ kind: "check-key", account: "ben", use: "trade" });
  expect((await house.deps.books.keyCheck("ben", "trade"))!.problems).toHaveLength(1);
  await house.useKey("key of another", "anna");
  await house.fire({ kind: "check-key", account: "anna", use: "trade" }, "again");
  await house.fire({ kind: "check-key", account: "ben", use: "trade" }, "again too");
  expect((await house.deps.books.keyCheck("ben", "trade"))!.problems).toEqual([]);
  await fire("anna", "btc-weekly", "a");
  await fire("ben", "btc-ben", "b");
  expect((await ended("anna", "btc-weekly@a")).outcome).toBe("bought");
  expect((await ended("ben", "btc-ben@b")).outcome).toBe("bought");
});

test("the key of an account that left tide.yaml is free for another", async () => {
  house = await openHouse({ exchangeAccounts: KRAKEN });
  const { ledger } = house.deps;
  await house.fire({ kind: "check-key", account: "main", use: "trade" });
  const { krakenAccount } = (await house.deps.books.keyCheck("main", "trade"))!;
  expect(krakenAccount).toMatch(/^[0-9a-f]{32}$/);
  const check = (await house.deps.books.keyCheck("main", "trade"))!;
  expect(await house.inTime(ledger.setKeyCheck("old", "trade", check, "main"))).toBeUndefined();
  house.clock.moveTo(house.clock.now() + 1000);
  await house.fireSlot();
  expect((await house.run(`btc-weekly@${SLOT}`)).run.outcome).toBe("bought");
});
