/** Waiting, forgetting and asking again: what a review of them found, each as it would have hurt. */
import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { afterEach, describe, expect, test } from "vitest";
import type { Deps } from "../../shared/app/ports.ts";
import { sweepRuns } from "../../shared/app/sweep-runs.ts";
import { DAY_MS, HOUR_MS, later, MINUTE_MS } from "../../shared/domain/time.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { embeddedConfig } from "../support/embedded-aws.ts";
import { type House, type HouseOptions, openHouse, PLANS, SLOT } from "../support/house.ts";

const RUN = `btc-weekly@${SLOT}`;

let house: House;
const open = async (options: HouseOptions = {}) => {
  house = await openHouse(options);
};
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;
const ask = (request: object) => house.fire({ account: "main", asked: String(Math.random()), ...request });
const answers = async () =>
  (await house.messages()).filter(({ id }) => id.startsWith("asked#")).map(({ text }) => text);
const unreadableKey = (deps: Deps): Deps => ({
  ...deps,
  secrets: { credentials: () => Promise.reject(new Error("the secret cannot be read")) },
});

/** Accepted and not shown: in doubt for a day, then in quarantine. */
async function quarantine(): Promise<void> {
  await house.faults([
    { endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1 },
    { endpoint: "ClosedOrders", fault: "visibility-lag", times: 1, seconds: 200_000 },
    { endpoint: "Ledgers", fault: "key-date-limit", times: 10_000 },
  ]);
  await house.fireSlot();
  for (let hour = 0; hour < 27; hour++) {
    house.clock.moveTo(house.clock.now() + HOUR_MS);
    await house.sweep();
  }
  expect((await house.run()).intent?.state).toBe("QUARANTINED");
}

describe("cap windows", () => {
  test("of today stay, however far ahead the clock of one sweep is", async () => {
    await open({
      plans: PLANS.replaceAll(/per(Order|Day|Month): \d+ EUR/g, "per$1: 150 EUR"),
    });
    await house.buy("one");
    for (const days of [80, 81, 3000]) {
      const now = () => later(house.clock.now(), days * DAY_MS);
      const clock = { ...house.deps.clock, now, sleep: house.clock.sleep.bind(house.clock) };
      await house.inTime(sweepRuns({ ...house.deps, clock: clock as never }));
    }
    await house.buy("two");
    expect((await house.run("btc-weekly@two")).run).toMatchObject({ outcome: "refused" });
    expect(await orders()).toHaveLength(1);
  });

  test("that were forgotten under an order come back with what it spent", async () => {
    await open();
    let isFirst = true;
    await house.restart((deps) => ({
      ...deps,
      ledger: {
        ...deps.ledger,
        async settle(settlement) {
          const { used } = await deps.books.head("main");
          if (isFirst) await deps.books.setDaily("main", "2026-11-22", [...used.keys()]);
          isFirst = false;
          return deps.ledger.settle(settlement);
        },
      },
    }));
    await house.buy("one");
    expect(await audit(house)).toEqual([]);
    expect([...(await house.deps.books.head("main")).used.keys()]).toHaveLength(2);
  });
});

describe("a run that waits for long", () => {
  test("keeps its beginning and what happened last, and can always be ended", async () => {
    await open({ plans: PLANS.replace("catch-up within 2h", "catch-up within 30d") });
    await house.faults([{ endpoint: "SystemStatus", fault: "maintenance", times: 100_000 }]);
    await house.fireSlot();
    for (let turn = 0; turn < 100; turn++) {
      house.clock.moveTo(house.clock.now() + 6 * MINUTE_MS);
      await house.sweep();
    }
    const { steps } = (await house.run()).run;
    expect(steps.length).toBeLessThanOrEqual(60);
    expect(steps[0]?.step).toBe("fire");
    house.clock.moveTo(house.clock.now() + 31 * DAY_MS);
    await house.sweep();
    expect((await house.run()).run).toMatchObject({ outcome: "missed" });
    expect(house.failures).toEqual([]);
  });
});

describe("a sweep", () => {
  test("that meets an item it cannot read, or a queue that takes nothing, does all the rest", async () => {
    await open();
    await house.faults([
      { endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1 },
      { endpoint: "ClosedOrders", fault: "visibility-lag", times: 1, seconds: 100_000 },
    ]);
    await house.buy("odd");
    const dynamo = new DynamoDBClient(embeddedConfig(house.cloud));
    await dynamo.send(
      new UpdateItemCommand({
        TableName: "tidekeeper",
        Key: { pk: { S: "A#main" }, sk: { S: "INTENT#btc-weekly@odd#0" } },
        UpdateExpression: "SET schemaVersion = :two",
        ExpressionAttributeValues: { ":two": { N: "3" } },
      }),
    );
    await house.restart((deps) => ({
      ...deps,
      queue: { send: () => Promise.reject(new Error("no queue")) },
    }));
    const hello = { id: "hello", at: house.clock.now(), subject: "s", text: "t" };
    await house.deps.books.addMessage("main", hello);
    await house.pass(4);
    expect((await house.messages()).find(({ id }) => id === "hello")).toHaveProperty(
      "sentAt",
      expect.any(Number),
    );
    // And it says so: the alarm of the function counts its failures.
    expect(house.failures.map(String).join()).toContain("has schema 3, expected 2");
    expect(house.failures.map(String).join()).toContain("no queue");
  });
});

describe("a key that cannot be read", () => {
  test("lets a buy by hand wait in the ledger, and ends it with a message that says why", async () => {
    await open({ around: unreadableKey });
    await house.buy("one");
    await house.pass(12);
    expect((await house.run("btc-weekly@one")).run).toMatchObject({
      outcome: "skipped",
      reason: { code: "KEY_UNREADABLE", detail: "the secret cannot be read" },
    });
    expect((await house.messages()).map(({ id }) => id)).toContain("btc-weekly@one#skipped");
    expect(await house.deadLetters()).toEqual([]);
    expect(house.failures).toEqual([]);
  });

  test("is what the owner is told who asks for a run in quarantine: not that it is over", async () => {
    await open();
    await quarantine();
    await house.restart(unreadableKey);
    await ask({ kind: "resolve", run: RUN });
    const [answer] = await answers();
    expect(answer).toContain("could not be answered now: the secret cannot be read");
    expect((await house.run()).intent?.state).toBe("QUARANTINED");
  });

  test.each([
    ["trade", "check-key"],
    ["read", "check-key"],
  ])("answers a request about the %s key, and holds up no firing", async (use, kind) => {
    await open();
    await house.restart(unreadableKey);
    await ask({ kind, use });
    expect((await answers())[0]).toContain("the secret cannot be read");
    expect(house.failures).toEqual([]);
  });
});

describe("the owner's requests", () => {
  test("about a key that is not set are answered", async () => {
    await open();
    await ask({ kind: "check-key", use: "read" });
    expect((await answers())[0]).toContain("no read key is set for account main");
  });

  test("a resolve that died before it let the plan go on does so when it is asked again", async () => {
    await open();
    await quarantine();
    house.clock.moveTo(house.clock.now() + 3 * DAY_MS);
    let isFirst = true;
    await house.restart((deps) => ({
      ...deps,
      books: {
        ...deps.books,
        async unblock(...args) {
          if (isFirst) {
            isFirst = false;
            throw new Error("killed here");
          }
          return deps.books.unblock(...args);
        },
      },
    }));
    const blocked = async () => (await house.deps.books.plans("main"))[0]?.blocked;
    await ask({ kind: "resolve", run: RUN });
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await blocked()).toBeDefined();
    await ask({ kind: "resolve", run: RUN });
    expect(await blocked()).toBeUndefined();
  });

  test("a rate limit met by one rests the key for everybody, and is counted", async () => {
    await open();
    await house.faults([{ endpoint: "GetApiKeyInfo", fault: "rate-limit", times: 1 }]);
    await ask({ kind: "check-key", use: "trade" });
    expect(house.measured.map(({ metric }) => metric)).toContain("RateLimits");
    expect((await answers())[0]).toContain("could not be answered now");
  });
});

test("an older verdict on a key never replaces a newer one", async () => {
  await open();
  const { ledger, books } = house.deps;
  const good = { secretVersion: "v", keyName: "k", problems: [], warnings: [], checkedAt: house.clock.now() };
  const bad = { ...good, problems: ["it can withdraw"], checkedAt: later(house.clock.now(), 1000) };
  await ledger.setKeyCheck("main", "trade", bad);
  await ledger.setKeyCheck("main", "trade", good);
  expect(await books.keyCheck("main", "trade")).toEqual(bad);
});

test("a firing between slots leaves a line in the log", async () => {
  await open({ plans: PLANS.replace("every: monday 08:00", "every: 3 days 08:00 from 2026-11-24") });
  await house.fireSlot();
  expect(house.events.map(({ step, detail }) => [step, detail])).toEqual([
    ["fire", `${SLOT} lies between the slots of plan btc-weekly: nothing to do`],
  ]);
});
