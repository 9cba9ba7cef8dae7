/** The ledger's promises for a run on its way to Kraken: read, reserve, claim. Asked of the adapter on an embedded DynamoDB. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { format } from "../../shared/domain/decimal.ts";
import { cost } from "../../shared/domain/money.ts";
import { later } from "../../shared/domain/time.ts";
import { times } from "../support/cloud-house.ts";
import { type LedgerHouse, openLedgerHouse } from "../support/ledger-house.ts";
import {
  A_CHECK,
  ACCOUNT,
  aMessage,
  anIntent,
  aRun,
  COST,
  closed,
  DAY,
  HELD,
  KEY_HASH,
  MONTH,
  NOW,
  PLAN,
  RESERVED_UNITS,
  RUN,
  submitting,
  windowOf,
} from "../support/ledger-runs.ts";

import { AT, AT_EIGHT, CLAIM, ledgerSteps, ZERO } from "../support/ledger-steps.ts";

let house: LedgerHouse;
beforeEach(async () => {
  house = await openLedgerHouse();
});
afterEach(() => house.close());

const { read, used, reserve, reserved, claimed, leavesAll } = ledgerSteps(() => house);

describe("reading", () => {
  test("an empty ledger has no run, nothing used, nothing switched", async () => {
    expect(await read()).toEqual({
      head: {
        killed: false,
        armed: undefined,
        dailyTo: undefined,
        used: new Map(),
        net: new Map(),
        unsettled: new Set(),
        isBound: false,
        lastOrder: undefined,
      },
      plan: undefined,
      run: undefined,
      intent: undefined,
      keyCheck: undefined,
      gate: undefined,
    });
  });

  test("one consistent read gives back all that was written, to the last digit", async () => {
    const intent = await claimed();
    await house.ledger.setKeyCheck(ACCOUNT, "trade", A_CHECK);
    house.cloud.takeCounts();
    const snapshot = await read();
    expect(house.cloud.takeCounts()).toEqual({ BatchGetItem: 1 });
    expect(snapshot.intent).toEqual(intent);
    expect(format(snapshot.intent!.order.limitPrice)).toBe("50250.0");
    expect(snapshot.run).toEqual(aRun());
    expect(snapshot.keyCheck).toEqual(A_CHECK);
    expect(snapshot.gate).toEqual(HELD);
    expect(snapshot.head.used.get(DAY.name)).toBe(RESERVED_UNITS);
  });

  test("the gate is read only where a key is named", async () => {
    await reserved();
    expect((await house.ledger.read(AT)).gate).toBeUndefined();
  });

  test.each([
    ["A#main", "HEAD"],
    ["A#main", `PLAN#${PLAN}`],
    ["A#main", `RUN#${RUN}`],
    ["A#main", `INTENT#${RUN}#0`],
    ["A#main", "KEYCHECK#trade"],
    [`K#${KEY_HASH}`, "GATE"],
  ])("an item %s %s of another version is refused", async (pk, sk) => {
    await reserved();
    await house.ledger.setKeyCheck(ACCOUNT, "trade", A_CHECK);
    await house.fromTheFuture(pk, sk);
    await expect(read()).rejects.toThrow(`item ${pk} ${sk} has schema 3, expected 2`);
  });
});

describe("reserve", () => {
  test("writes run and intent and takes the cost from every window, and what was carried from the plan", async () => {
    await house.ledger.conclude(
      closed(aRun({ id: "btc-weekly@earlier" }), "carried"),
      { asset: "EUR", from: ZERO, to: cost("5") },
      aMessage("earlier"),
    );
    const intent = anIntent({ carryUsed: cost("5") });
    expect(await reserve(aRun(), intent, [DAY, MONTH], cost("5"))).toEqual({ is: "reserved" });
    const snapshot = await read();
    expect(snapshot.run).toEqual(aRun());
    expect(snapshot.intent).toEqual(intent);
    expect(Object.fromEntries(snapshot.head.used)).toEqual({
      [DAY.name]: RESERVED_UNITS,
      [MONTH.name]: RESERVED_UNITS,
    });
    expect(snapshot.plan?.carry.get("EUR")?.units).toBe(0n);
  });

  test("needs one round trip", async () => {
    house.cloud.takeCounts();
    await reserve();
    expect(house.cloud.takeCounts()).toEqual({ TransactWriteItems: 1 });
  });

  test("rounds what it takes up to the digits that windows count with", async () => {
    const order = { ...anIntent().order, costMax: cost("1.00000000001") };
    await reserve(aRun(), anIntent({ order }));
    expect(await used()).toMatchObject({ [DAY.name]: 10_000_000_001n });
  });

  test("works without any window", async () => {
    expect(await reserve(aRun(), anIntent({ windows: [] }), [])).toEqual({ is: "reserved" });
    expect(await used()).toEqual({});
  });

  test("is refused after a kill, and leaves nothing behind", async () => {
    await house.books.setKilled(ACCOUNT, true);
    expect(await leavesAll(() => reserve())).toEqual({ is: "killed" });
    await house.books.setKilled(ACCOUNT, false);
    expect(await reserve()).toEqual({ is: "reserved" });
  });

  test("is refused while the plan is paused, and leaves nothing behind", async () => {
    await house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, NOW);
    await house.books.setPaused(ACCOUNT, PLAN, true);
    expect(await leavesAll(() => reserve())).toEqual({ is: "paused" });
    await house.books.setPaused(ACCOUNT, PLAN, false);
    expect(await reserve()).toEqual({ is: "reserved" });
  });

  test("tells a kill before a pause and a pause of another plan not at all", async () => {
    await house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, NOW);
    await house.books.registerPlan(ACCOUNT, "other", AT_EIGHT, NOW);
    await house.books.setPaused(ACCOUNT, "other", true);
    expect(await reserve()).toEqual({ is: "reserved" });
    await house.books.setPaused(ACCOUNT, PLAN, true);
    await house.books.setKilled(ACCOUNT, true);
    expect(await reserve(aRun({ id: "next" }))).toEqual({ is: "killed" });
  });

  test.each([
    ["the day's", [windowOf("CAP_DAY", "150"), MONTH], "CAP_DAY"],
    ["the month's", [DAY, windowOf("CAP_MONTH", "199.99987")], "CAP_MONTH"],
  ] as const)(
    "is refused when %s window has no room, says which and how much is used",
    async (_, windows, code) => {
      expect(await reserve()).toEqual({ is: "reserved" });
      const answer = await leavesAll(() => reserve(aRun({ id: "next" }), undefined, [...windows]));
      expect(answer).toEqual({
        is: "full",
        window: windows.find((window) => window.code === code),
        used: RESERVED_UNITS,
      });
    },
  );

  test("fits a window to the last unit", async () => {
    const exact = windowOf("CAP_DAY", "199.99988"); // 2 × 99.99994
    expect(await reserve(aRun(), undefined, [exact])).toEqual({ is: "reserved" });
    expect(await reserve(aRun({ id: "next" }), undefined, [exact])).toEqual({ is: "reserved" });
    expect(await reserve(aRun({ id: "third" }), undefined, [exact])).toMatchObject({ is: "full" });
  });

  test("is refused by a cap below its cost also where the window is new", async () => {
    const tight = windowOf("CAP_DAY", "50");
    expect(await leavesAll(() => reserve(aRun(), undefined, [tight]))).toEqual({
      is: "full",
      window: tight,
      used: 0n,
    });
  });

  test.each<readonly [string, () => Promise<unknown>]>([
    ["an intent", () => reserve()],
    ["an end", () => house.ledger.conclude(closed(aRun()), undefined, aMessage("end"))],
  ])("is told that the run exists when it has %s", async (_, before) => {
    await before();
    expect(await leavesAll(() => reserve())).toEqual({ is: "exists" });
  });

  test("goes on with a run that was only postponed", async () => {
    await house.ledger.postpone(aRun({ dueAt: later(NOW, 30_000) }));
    expect(await reserve()).toEqual({ is: "reserved" });
  });

  test.each([
    ["more", "5"],
    ["less", "0"],
  ])("is refused when %s was carried than it planned with", async (_, carried) => {
    await house.ledger.conclude(
      closed(aRun({ id: "earlier" })),
      { asset: "EUR", from: ZERO, to: cost("3") },
      aMessage("m"),
    );
    const answer = await leavesAll(() => reserve(aRun(), undefined, [DAY], cost(carried)));
    expect(answer).toEqual({ is: "exists" });
  });

  test("is refused while the plan is blocked", async () => {
    const before = await claimed();
    await house.ledger.quarantine(
      aRun(),
      before,
      { ...before, state: "QUARANTINED", reason: { code: "UNPROVEN", detail: "in doubt" } },
      aMessage("q"),
    );
    expect(await leavesAll(() => reserve(aRun({ id: "next" })))).toEqual({ is: "exists" });
  });

  test("of twenty at once under one cap lets in as many as fit, never one more", async () => {
    const answers = await house.run(
      Promise.all(times(20, (n) => reserve(aRun({ id: `${PLAN}@race-${n}` })))),
    );
    // 500 ÷ 99.99994 = 5.000003
    expect(answers.filter(({ is }) => is === "reserved")).toHaveLength(5);
    expect(answers.filter(({ is }) => is === "full")).toHaveLength(15);
    expect(await used()).toEqual({ [DAY.name]: 5n * RESERVED_UNITS, [MONTH.name]: 5n * RESERVED_UNITS });
    expect((await house.books.runs(ACCOUNT)).filter(({ intent }) => intent !== undefined)).toHaveLength(5);
  });

  test("of twenty at once for one run lets in one", async () => {
    const answers = await house.run(Promise.all(times(20, () => reserve())));
    expect(answers.map(({ is }) => is).sort()).toEqual([...times(19, () => "exists"), "reserved"]);
    expect(await used()).toMatchObject({ [DAY.name]: RESERVED_UNITS });
  });
});

describe("claim", () => {
  test("turns a planned intent into one that may have been placed", async () => {
    const planned = await reserved();
    const after = submitting(planned);
    expect(await house.ledger.claim(planned, after, CLAIM)).toBe("claimed");
    expect((await read()).intent).toEqual(after);
  });

  test.each<readonly [string, string, () => Promise<unknown>]>([
    ["killed", "a kill", () => house.books.setKilled(ACCOUNT, true)],
    ["paused", "a pause", () => house.books.setPaused(ACCOUNT, PLAN, true)],
    [
      "lease-lost",
      "another worker took the key",
      () => house.gates.write(KEY_HASH, HELD, { ...HELD, rvn: 2, owner: "worker-2", fence: HELD.fence + 1n }),
    ],
    [
      "lease-lost",
      "the same worker took the key anew",
      () => house.gates.write(KEY_HASH, HELD, { ...HELD, rvn: 2, fence: HELD.fence + 1n }),
    ],
    [
      "lease-lost",
      "the key was released",
      () => house.gates.write(KEY_HASH, HELD, { ...HELD, rvn: 2, owner: undefined }),
    ],
    [
      "lost",
      "another worker claimed",
      () => house.ledger.claim(anIntent(), submitting(anIntent(), { claimId: "other" }), CLAIM),
    ],
    [
      "lost",
      "the intent was ended",
      () => house.ledger.change(ACCOUNT, anIntent(), anIntent({ state: "SKIPPED" })),
    ],
    ["lost", "an attempt came and went", () => house.ledger.change(ACCOUNT, anIntent(), anIntent({ n: 1 }))],
  ])("is %s after %s, and leaves the intent alone", async (answer, _, before) => {
    const planned = await reserved();
    await before();
    expect(await leavesAll(() => house.ledger.claim(planned, submitting(planned), CLAIM))).toBe(answer);
  });

  test("is lease-lost where there is no gate at all", async () => {
    await reserve();
    const planned = anIntent();
    expect(await house.ledger.claim(planned, submitting(planned), CLAIM)).toBe("lease-lost");
  });

  test("is refused where a cap was lowered below what it holds by now, and moves nothing", async () => {
    const planned = await reserved();
    const lowered = { ...DAY, cap: cost("20") };
    const claim = () =>
      house.ledger.claim(planned, submitting(planned), { ...CLAIM, windows: [lowered, MONTH] });
    expect(await leavesAll(claim)).toBe("full");
    const exact = { ...DAY, cap: cost(COST) };
    expect(await house.ledger.claim(planned, submitting(planned), { ...CLAIM, windows: [exact] })).toBe(
      "claimed",
    );
    expect(await used()).toEqual({ [DAY.name]: RESERVED_UNITS, [MONTH.name]: 0n });
  });

  test("with real money needs the arming that it was planned under", async () => {
    const planned = await reserved();
    const claim = (armed: string) => house.ledger.claim(planned, submitting(planned), { ...CLAIM, armed });
    expect(await leavesAll(() => claim("hash-1"))).toBe("disarmed");
    const head = (await house.item("A#main", "HEAD"))!;
    await house.put({ ...head, armed: { S: "hash-2" } });
    expect(await leavesAll(() => claim("hash-1"))).toBe("disarmed");
    await house.put({ ...head, armed: { S: "hash-1" }, killed: { BOOL: true } });
    expect(await leavesAll(() => claim("hash-1"))).toBe("killed");
    await house.put({ ...head, armed: { S: "hash-1" } });
    expect(await claim("hash-1")).toBe("claimed");
  });

  test("of twenty at once is given to one", async () => {
    const planned = await reserved();
    const answers = await house.run(
      Promise.all(
        times(20, (n) => house.ledger.claim(planned, submitting(planned, { claimId: `claim-${n}` }), CLAIM)),
      ),
    );
    expect(answers.filter((answer) => answer === "claimed")).toHaveLength(1);
    expect(answers.filter((answer) => answer === "lost")).toHaveLength(19);
    expect((await read()).intent?.claimId).toBe(`claim-${answers.indexOf("claimed")}`);
  });
});
