/** The owner's desk on a deployment, in this process: arming, doubts, silence, and what does not work. */
import { setTimeout as pause } from "node:timers/promises";
import { GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { afterEach, describe, expect, test } from "vitest";
import { perform } from "../../local/page/verbs.ts";
import { armingHash } from "../../shared/app/ids.ts";
import { cost, volume } from "../../shared/domain/money.ts";
import { AWS_PLANS, type AwsHouse, type AwsHouseOptions, openAwsHouse, SHORT } from "../support/aws-house.ts";

let house: AwsHouse;
const open = async (options?: AwsHouseOptions) => {
  house = await openAwsHouse(options);
  return house.desk();
};
afterEach(() => house.close());

const LIVE = AWS_PLANS.replace("mode: dry-run", "mode: live");
const IMPATIENT = { ...SHORT, runMs: 300, answerMs: 300 };

describe("arming", () => {
  test("asks for a verdict on the key, and lets the functions buy", async () => {
    const { desk, told } = await open({ plans: LIVE });
    await desk.setKey("main", "trade", house.key("trade"));
    const unarmed = await desk.buy("btc-weekly", "unarmed");
    expect(unarmed).toMatchObject({ outcome: "refused", reason: "NOT_ARMED" });
    expect(await desk.arm("2000 eur")).toMatchObject({ mode: "live", armed: "yes" });
    // The verdict that was given when the key was stored is under an hour old.
    expect(told.filter((text) => text.includes("check the trade key"))).toHaveLength(1);
    expect((await house.deps.books.head("main")).armed).toBe(armingHash(house.deps));
    const bought = await desk.buy("btc-weekly", "armed");
    expect(bought).toMatchObject({ outcome: "bought", label: "LIVE" });
    expect(house.sandbox.orders()).toHaveLength(1);
    await desk.disarm();
    expect((await house.deps.books.head("main")).armed).toBeUndefined();
  });

  test("is refused for a key that lacks our address, with the field to mend", async () => {
    const { desk } = await open({ plans: LIVE, addresses: "203.0.113.7" });
    const key = await desk.setKey("main", "trade", house.key("trade"));
    expect(key.problems).toEqual([
      'the field "IP address restriction" lacks our address 203.0.113.7; add it',
    ]);
    await expect(desk.arm("2000 EUR")).rejects.toMatchObject({
      name: "DeskRefusal",
      message: expect.stringContaining("lacks our address 203.0.113.7"),
    });
    expect((await house.deps.books.head("main")).armed).toBeUndefined();
  });

  test("is refused in dry run and for another cap before anybody is asked", async () => {
    const { desk, told } = await open();
    await expect(desk.arm("2000 EUR")).rejects.toThrow("write mode: live first");
    expect(told).toEqual([]);
  });
});

describe("when the functions do not answer", () => {
  test("a key stays stored, its verdict is waited for in vain, and it is said what to look at", async () => {
    await open();
    house.letWork(false);
    const { desk, told } = await house.desk({ ...IMPATIENT, answerMs: 2_000, tellEachMs: 100 });
    await expect(desk.setKey("main", "trade", house.key("trade"))).rejects.toMatchObject({
      name: "DeskSilence",
      message: expect.stringMatching(/stays stored.*alarms of the dca function, the NAT instance.*runbook/),
    });
    expect(told).toContainEqual(
      expect.stringMatching(/^waiting for the verdict on the trade key: \d+ of 2 s$/),
    );
    const { SecretString } = await house.secrets.send(
      new GetSecretValueCommand({ SecretId: "tidekeeper/main/trade" }),
    );
    expect(JSON.parse(SecretString!)).toEqual(house.key("trade"));
  });

  test("a buy is uncertain, not failed: it waits in the queue and may still be bought", async () => {
    await open();
    house.letWork(false);
    const { desk } = await house.desk(IMPATIENT);
    await expect(desk.buy("btc-weekly", "late")).rejects.toMatchObject({
      name: "DeskUncertain",
      message: expect.stringContaining("may still be bought"),
    });
    house.letWork(true);
    await expect.poll(async () => house.deps.books.run("main", "btc-weekly@late")).toBeDefined();
  });

  test("the kill switch is on all the same when the queue cannot be reached, and says so", async () => {
    await open();
    const { desk, at } = await house.desk();
    const cut = { ...at.outputs, dcaQueue: `${at.outputs.dcaQueue.replace("dca", "gone")}` };
    Object.assign(at, { outputs: cut });
    const killed = await desk.kill();
    expect(killed).toMatchObject({ asked: [], notAsked: [{ account: "main", why: expect.any(String) }] });
    expect((await house.deps.books.head("main")).killed).toBe(true);
  });
});

test("a verdict on another version of the key is not taken for one on this", async () => {
  const { desk, told } = await open();
  await desk.setKey("main", "trade", house.key("trade"));
  const { books, ledger } = house.deps;
  const known = (await books.keyCheck("main", "trade"))!;
  house.letWork(false);
  const asked = desk.setKey("main", "trade", house.key("withdraw"));
  await expect.poll(() => told.filter((text) => text.startsWith("asked"))).toHaveLength(2);
  const later = { ...known, checkedAt: (known.checkedAt + 1) as typeof known.checkedAt };
  await ledger.setKeyCheck("main", "trade", later);
  await pause(300);
  house.letWork(true);
  expect(await asked).toMatchObject({ state: "refused", name: "tidekeeper-sandbox-withdraw" });
});

describe("an order in doubt", () => {
  /** As after a day without an answer: a run whose order Kraken shows, or shows no trace of while the balance does not agree. */
  async function quarantine(name: string, isShown: boolean): Promise<string> {
    const { ledger, books } = house.deps;
    const { run: first, intent: done } = (await books.run("main", "btc-weekly@first"))!;
    const { closedAt: _, outcome: __, reason: ___, ...open } = first;
    const run = { ...open, id: `btc-weekly@${name}` };
    const { fills: _____, ...rest } = done!;
    const planned = {
      ...rest,
      run: run.id,
      state: "PLANNED",
      txids: [],
      windows: [],
      ...(isShown
        ? {}
        : {
            clientOrderId: "00000000-0000-4000-8000-000000000001",
            order: { ...rest.order, baseBefore: volume("0.1") },
          }),
    } as const;
    expect(await ledger.reserve(run, planned, [], cost("0"))).toEqual({ is: "reserved" });
    const reason = { code: "UNPROVEN", detail: `${name} is not shown` } as const;
    const after = { ...planned, state: "QUARANTINED", reason } as const;
    const message = { id: `${run.id}#q`, at: house.deps.clock.now(), subject: "s", text: "t" };
    expect(await ledger.quarantine(run, planned, after, message)).toBe(true);
    return run.id;
  }

  async function openWithFirst() {
    const tier = { max: 100, decay: 5 };
    const accounts = `accounts: { main: { tier: { max: ${tier.max}, decay: ${tier.decay} } } }`;
    const { desk } = await open({ plans: LIVE.replace("plans:", `${accounts}\nplans:`), tier });
    await desk.setKey("main", "trade", house.key("trade"));
    await desk.arm("2000 EUR");
    expect(await desk.buy("btc-weekly", "first")).toMatchObject({ outcome: "bought" });
    return desk;
  }

  test("is resolved by the functions when Kraken shows the order", async () => {
    const desk = await openWithFirst();
    const run = await quarantine("shown", true);
    await expect(desk.resume("btc-weekly")).rejects.toThrow(`is in doubt; tide resolve ${run}`);
    expect(await desk.resolve(run)).toMatchObject({ run, outcome: "bought" });
  });

  test("is refused, in the words of the answer, while Kraken shows neither it nor that there is none", async () => {
    const desk = await openWithFirst();
    await expect(desk.resolve(await quarantine("hidden", false))).rejects.toMatchObject({
      name: "DeskRefusal",
      message: expect.stringContaining("neither the order nor that there is none"),
    });
  });
});

test("above fifty accounts the secret is made when its key is set", async () => {
  const names = Array.from({ length: 51 }, (_, at) => `a${at}`);
  const plans = AWS_PLANS.replace(
    "plans:",
    `accounts: { ${names.map((name) => `${name}: {}`).join(", ")} }\nplans:`,
  ).replace("every:", "account: a7\n    every:");
  const { desk } = await open({ plans });
  expect(await desk.setKey("a7", "trade", house.key("trade"))).toMatchObject({
    state: "good",
    account: "a7",
  });
  expect(await desk.checkKey("a8", "trade")).toMatchObject({ state: "no-key" });
});

describe("of two accounts", () => {
  const TWO = LIVE.replace("plans:", "accounts: { anna: {}, ben: {} }\nplans:").replace(
    "every:",
    "account: ben\n    every:",
  );

  test("status shows the switch, the caps and the key of each", async () => {
    const { desk } = await open({ plans: TWO });
    await desk.setKey("ben", "trade", house.key("withdraw"));
    await house.deps.books.setKilled("anna", true);
    const { killed, accounts, caps, plans } = await desk.status();
    expect({ killed, accounts }).toEqual({
      killed: true,
      accounts: [
        { name: "anna", killed: true, key: null },
        { name: "ben", killed: false, key: expect.objectContaining({ name: "tidekeeper-sandbox-withdraw" }) },
      ],
    });
    // Caps hold for each account that has a plan.
    expect(new Set(caps.map(({ account }) => account))).toEqual(new Set(["ben"]));
    expect(plans.map(({ id, account }) => [id, account])).toEqual([["btc-weekly", "ben"]]);
  });

  test("arming that reached only one is not armed", async () => {
    const { desk } = await open({ plans: TWO });
    await house.deps.books.setArmed("anna", armingHash(house.deps));
    expect(await desk.arming()).toMatchObject({ armed: "no" });
    await house.deps.books.setArmed("ben", armingHash(house.deps));
    expect(await desk.arming()).toMatchObject({ armed: "yes" });
    await house.deps.books.setArmed("ben", "other");
    expect(await desk.arming()).toMatchObject({ armed: "other plans or caps" });
  });

  test("keys are checked for both, and a key is not set for one of them unasked", async () => {
    const { desk } = await open({ plans: TWO });
    const checked = (await perform({ desk }, "keys-check", {})).result as { account: string; use: string }[];
    expect(checked.map(({ account, use }) => [account, use])).toEqual([
      ["anna", "trade"],
      ["anna", "read"],
      ["ben", "trade"],
      ["ben", "read"],
    ]);
    const { apiKey, privateKey } = house.key("trade");
    await expect(perform({ desk }, "keys-set", { use: "trade", apiKey, privateKey })).rejects.toThrow(
      "there are the accounts anna, ben: say which, with --account",
    );
  });
});

test("a plan that the sweep has not seen yet cannot be paused, and says so", async () => {
  await open();
  const { desk, at } = await house.desk();
  Object.assign(at.deps.books, { setPaused: async () => false });
  await expect(desk.pause("btc-weekly")).rejects.toThrow("the ledger does not know btc-weekly yet");
});
