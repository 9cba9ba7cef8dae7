/** Every promise of the run ledger's ports, asked of the adapter on an embedded DynamoDB. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PlanSchedule, Settlement } from "../../shared/app/ports.ts";
import { openShard } from "../../shared/aws/items.ts";
import { reservedUnits } from "../../shared/domain/caps.ts";
import { format } from "../../shared/domain/decimal.ts";
import { cost } from "../../shared/domain/money.ts";
import type { Intent, Run } from "../../shared/domain/run.ts";
import { DAY_MS, epochMs, later, MINUTE_MS } from "../../shared/domain/time.ts";
import { times } from "../support/cloud-house.ts";
import { type LedgerHouse, openLedgerHouse } from "../support/ledger-house.ts";
import {
  A_CHECK,
  ACCOUNT,
  acked,
  aMessage,
  anIntent,
  aRun,
  aSettlement,
  COST,
  closed,
  DAY,
  FILLS,
  HELD,
  KEY_HASH,
  MONTH,
  NOW,
  PLAN,
  RESERVED_UNITS,
  RUN,
  SPENT_UNITS,
  submitting,
  windowOf,
} from "../support/ledger-runs.ts";

const ZERO = cost("0");
const dailyAt = (hour: number): PlanSchedule => ({
  schedule: { is: "daily", time: { hour, minute: 0 } },
  zone: "Europe/Berlin",
});
const AT_EIGHT = dailyAt(8);
const AT_NINE = dailyAt(9);
const AT = { account: ACCOUNT, plan: PLAN, run: RUN };
const CLAIM = { account: ACCOUNT, plan: PLAN, keyHash: KEY_HASH, owner: "worker-1", windows: [DAY, MONTH] };

let house: LedgerHouse;
beforeEach(async () => {
  house = await openLedgerHouse();
});
afterEach(() => house.close());

const read = () => house.ledger.read({ ...AT, keyHash: KEY_HASH });
const used = async () => Object.fromEntries((await house.books.head(ACCOUNT)).used);
const due = async (at: number) => (await house.books.openWork(epochMs(at))).due.map(({ run }) => run).sort();
const reserve = (run = aRun(), intent = anIntent({ run: run.id }), windows = [DAY, MONTH], carry = ZERO) =>
  house.ledger.reserve(run, intent, windows, carry);

/** An intent in the ledger, in the state that the tests of later steps start from. */
async function reserved(): Promise<Intent> {
  const intent = anIntent();
  expect(await reserve()).toEqual({ is: "reserved" });
  await house.gates.write(KEY_HASH, undefined, HELD);
  return intent;
}
async function claimed(): Promise<Intent> {
  const planned = await reserved();
  const after = submitting(planned);
  expect(await house.ledger.claim(planned, after, CLAIM)).toBe("claimed");
  return after;
}
async function accepted(): Promise<Intent> {
  const before = await claimed();
  const after = acked(before);
  expect(await house.ledger.change(ACCOUNT, before, after)).toBe(true);
  return after;
}

/** The work leaves the whole table as it was. */
async function leavesAll<T>(work: () => Promise<T>): Promise<T> {
  const before = await house.items();
  const answer = await work();
  expect(await house.items()).toEqual(before);
  return answer;
}

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
    await expect(read()).rejects.toThrow(`item ${pk} ${sk} has schema 2, expected 1`);
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

describe("change", () => {
  test("is a compare-and-set on state, attempt and claim", async () => {
    const before = await claimed();
    const change = (from: Intent) =>
      leavesAll(() => house.ledger.change(ACCOUNT, from, { ...acked(from), txids: ["OOTHER"] }));
    expect(await change({ ...before, state: "PLANNED" })).toBe(false);
    expect(await change({ ...before, n: 2 })).toBe(false);
    expect(await change({ ...before, claimId: "another" })).toBe(false);
    const { claimId: _, ...unclaimed } = before;
    expect(await change(unclaimed)).toBe(false);
    expect(await house.ledger.change(ACCOUNT, before, acked(before))).toBe(true);
    expect((await read()).intent).toEqual(acked(before));
  });

  test("does not make an intent that is not there", async () => {
    expect(await leavesAll(() => house.ledger.change(ACCOUNT, anIntent(), acked(anIntent())))).toBe(false);
  });

  test("that was written before and whose answer got lost is known by its text, also much later", async () => {
    const before = await claimed();
    await house.ledger.change(ACCOUNT, before, acked(before));
    expect(await leavesAll(() => house.ledger.change(ACCOUNT, before, acked(before)))).toBe(true);
    const other = { ...acked(before), txids: ["OOTHER"] };
    expect(await leavesAll(() => house.ledger.change(ACCOUNT, before, other))).toBe(false);
  });

  test("whose answer got lost while another went on is told as lost", async () => {
    const before = await claimed();
    const after = acked(before);
    await house.arm({ operation: "PutItem", fault: "applied-but-reply-lost" });
    const change = house.ledger.change(ACCOUNT, before, after);
    const other = house.clock.sleep(0).then(() => house.ledger.settle(aSettlement(after)));
    const [changed, settled] = await house.run(Promise.all([change, other]));
    expect(settled).toBe(true);
    expect(changed).toBe(false);
    expect((await read()).intent?.state).toBe("DONE");
  });
});

describe("settle", () => {
  test("gives back what was reserved and not used, books what changed, and leaves the message", async () => {
    const before = await accepted();
    const settlement = aSettlement(before);
    expect((await read()).head.unsettled).toEqual(new Set([RUN]));
    expect(await house.ledger.settle(settlement)).toBe(true);
    const snapshot = await read();
    expect(snapshot.run).toEqual(settlement.run);
    expect(snapshot.intent).toEqual({ ...before, state: "DONE", fills: FILLS });
    expect(snapshot.head).toEqual({
      killed: false,
      armed: undefined,
      used: new Map([
        [DAY.name, SPENT_UNITS],
        [MONTH.name, SPENT_UNITS],
      ]),
      net: new Map([
        ["XXBT", 19_821_200n],
        ["ZEUR", -SPENT_UNITS],
      ]),
      unsettled: new Set(),
      lastOrder: settlement.lastOrder,
    });
    expect(await house.books.messages(ACCOUNT)).toEqual([{ ...settlement.message, sentAt: undefined }]);
    expect(await due(NOW + DAY_MS)).toEqual([]);
  });

  test("done by two workers counts once", async () => {
    const before = await accepted();
    const answers = await house.run(Promise.all(times(5, () => house.ledger.settle(aSettlement(before)))));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await used()).toEqual({ [DAY.name]: SPENT_UNITS, [MONTH.name]: SPENT_UNITS });
    expect((await house.books.head(ACCOUNT)).net.get("XXBT")).toBe(19_821_200n);
  });

  test("adds what each run changed of an asset, and leaves other windows alone", async () => {
    const first = await accepted();
    const other = aRun({ id: "next" });
    await reserve(other, anIntent({ run: "next" }), [DAY]);
    await house.ledger.settle(aSettlement(first));
    expect(await used()).toEqual({ [DAY.name]: RESERVED_UNITS + SPENT_UNITS, [MONTH.name]: SPENT_UNITS });
    const second = anIntent({ run: "next", windows: [DAY.name] });
    await house.ledger.settle({
      ...aSettlement(second),
      run: { ...closed(other, "bought") },
      after: { ...second, state: "DONE" },
    });
    expect(await used()).toEqual({ [DAY.name]: 2n * SPENT_UNITS, [MONTH.name]: SPENT_UNITS });
    expect((await house.books.head(ACCOUNT)).net.get("ZEUR")).toBe(-2n * SPENT_UNITS);
  });

  test("of an order that placed nothing gives all back, also what was carried", async () => {
    await house.ledger.conclude(
      closed(aRun({ id: "earlier" })),
      { asset: "EUR", from: ZERO, to: cost("5") },
      aMessage("m"),
    );
    const planned = anIntent({ carryUsed: cost("5") });
    await reserve(aRun(), planned, [DAY, MONTH], cost("5"));
    const after: Intent = { ...planned, state: "SKIPPED", reason: { code: "LATE", detail: "late" } };
    const { lastOrder: _, ...rest } = aSettlement(planned);
    const none: Settlement = { ...rest, after, usedUnits: 0n, net: [], carryBack: cost("5") };
    expect(await house.ledger.settle(none)).toBe(true);
    const { head, plan, intent } = await read();
    expect(Object.fromEntries(head.used)).toEqual({ [DAY.name]: 0n, [MONTH.name]: 0n });
    expect(head.net).toEqual(new Map());
    expect(head.lastOrder).toBeUndefined();
    expect(format(plan!.carry.get("EUR")!)).toBe("5.0000000000");
    expect(intent).toEqual(after);
  });

  test("adds what it carries back to what was carried meanwhile", async () => {
    const planned = anIntent({ carryUsed: cost("5") });
    await reserve(aRun(), planned);
    await house.ledger.conclude(
      closed(aRun({ id: "later" })),
      { asset: "EUR", from: ZERO, to: cost("2.5") },
      aMessage("m"),
    );
    await house.ledger.settle(aSettlement(planned, { carryBack: cost("5") }));
    expect(format((await read()).plan!.carry.get("EUR")!)).toBe("7.5000000000");
  });

  test("that took more than was reserved says so in the windows", async () => {
    const before = await accepted();
    await house.ledger.settle(aSettlement(before, { usedUnits: RESERVED_UNITS + 7n }));
    expect(await used()).toMatchObject({ [DAY.name]: RESERVED_UNITS + 7n });
  });

  test("blocks the plan when it is told to, and it stays blocked", async () => {
    const before = await accepted();
    await house.ledger.settle(aSettlement(before, { block: "2 orders exist under one id" }));
    expect((await read()).plan?.blocked).toBe("2 orders exist under one id");
    await house.books.registerPlan(ACCOUNT, PLAN, AT_NINE, NOW);
    expect((await read()).plan?.blocked).toBe("2 orders exist under one id");
  });

  test("works without windows, net, order or carry", async () => {
    const planned = anIntent({ windows: [] });
    await reserve(aRun(), planned, []);
    const { lastOrder: _, ...rest } = aSettlement(planned, { net: [], usedUnits: 0n });
    expect(await house.ledger.settle(rest)).toBe(true);
  });

  test("is refused, and changes nothing, when the intent is no longer what it was", async () => {
    const before = await accepted();
    const stale = { ...before, n: before.n + 1 };
    expect(await leavesAll(() => house.ledger.settle(aSettlement(stale)))).toBe(false);
  });
});

describe("quarantine", () => {
  const reason = { code: "UNPROVEN", detail: "Kraken does not show our earlier order either" } as const;

  test("keeps the reservation, blocks the plan, tells the owner, and is looked for no more", async () => {
    const before = await claimed();
    const after: Intent = { ...before, state: "QUARANTINED", reason };
    const run: Run = { ...aRun(), outcome: "uncertain", reason };
    expect(await house.ledger.quarantine(run, before, after, aMessage(`${RUN}#quarantined`))).toBe(true);
    const snapshot = await read();
    expect(snapshot.intent).toEqual(after);
    expect(snapshot.run).toEqual(run);
    expect(snapshot.plan?.blocked).toBe(`${RUN} is in doubt: ${reason.detail}`);
    expect(await used()).toMatchObject({ [DAY.name]: RESERVED_UNITS });
    expect(await due(NOW + DAY_MS)).toEqual([]);
    expect((await house.books.unsentMessages(NOW)).map(({ message }) => message.id)).toEqual([
      `${RUN}#quarantined`,
    ]);
  });

  test("is refused when the order was found after all", async () => {
    const before = await claimed();
    await house.ledger.change(ACCOUNT, before, acked(before));
    const after: Intent = { ...before, state: "QUARANTINED", reason };
    const answer = await leavesAll(() => house.ledger.quarantine(aRun(), before, after, aMessage("q")));
    expect(answer).toBe(false);
  });

  test("can be settled later, once a person has looked", async () => {
    const before = await claimed();
    const after: Intent = { ...before, state: "QUARANTINED", reason };
    await house.ledger.quarantine({ ...aRun(), outcome: "uncertain" }, before, after, aMessage("q"));
    expect(await house.ledger.settle(aSettlement(after))).toBe(true);
    expect(await used()).toMatchObject({ [DAY.name]: SPENT_UNITS });
  });
});

describe("conclude and postpone", () => {
  test("a run without an order ends once, with its message", async () => {
    expect(await house.ledger.conclude(closed(aRun()), undefined, aMessage("first"))).toBe(true);
    const again = () => house.ledger.conclude(closed(aRun(), "refused"), undefined, aMessage("second"));
    expect(await leavesAll(again)).toBe(false);
    expect((await read()).run).toEqual(closed(aRun()));
  });

  test("a run with an intent is never overwritten", async () => {
    await reserved();
    const conclude = () =>
      house.ledger.conclude(closed(aRun()), { asset: "EUR", from: ZERO, to: cost("1") }, aMessage("m"));
    expect(await leavesAll(conclude)).toBe(false);
    expect(await leavesAll(() => house.ledger.postpone(aRun({ dueAt: NOW })))).toBe(false);
    await house.ledger.change(ACCOUNT, anIntent(), acked(anIntent()));
    expect(await leavesAll(conclude)).toBe(false);
    await house.ledger.settle(aSettlement(acked(anIntent())));
    expect(await leavesAll(conclude)).toBe(false);
    expect(await leavesAll(() => house.ledger.postpone(aRun({ dueAt: NOW })))).toBe(false);
  });

  test("what is carried is a compare-and-set, all or nothing with the run's end", async () => {
    const carry = (id: string, from: string, to: string) =>
      house.ledger.conclude(
        closed(aRun({ id }), "carried"),
        { asset: "EUR", from: cost(from), to: cost(to) },
        aMessage(`${id}#carried`),
      );
    expect(await carry("one", "0", "2.50")).toBe(true);
    expect(await leavesAll(() => carry("two", "0", "2.50"))).toBe(false);
    expect(await carry("two", "2.5", "5")).toBe(true);
    expect(format((await read()).plan!.carry.get("EUR")!)).toBe("5.0000000000");
  });

  test("what is carried in one asset is apart from what is carried in another, and goes with its plan", async () => {
    const carry = (id: string, asset: string, to: string) =>
      house.ledger.conclude(
        closed(aRun({ id }), "carried"),
        { asset, from: ZERO, to: cost(to) },
        aMessage(`${id}#carried`),
      );
    expect(await carry("one", "EUR", "2.50")).toBe(true);
    expect(await carry("two", "BTC", "0.001")).toBe(true);
    const carried = async () =>
      [...(await read()).plan!.carry].map(([asset, amount]) => [asset, format(amount)]);
    expect(new Set(await carried())).toEqual(
      new Set([
        ["EUR", "2.5000000000"],
        ["BTC", "0.0010000000"],
      ]),
    );
    await house.books.registerPlan(ACCOUNT, PLAN, AT_NINE, NOW);
    expect(await carried()).toHaveLength(2);
    await house.books.registerPlan(ACCOUNT, PLAN, undefined, NOW);
    expect(await carried()).toEqual([]);
  });

  test("a postponed run is found when it is due, may be postponed again, and ends", async () => {
    const run = aRun({ dueAt: later(NOW, 30_000) });
    expect(await house.ledger.postpone(run)).toBe(true);
    expect(await due(NOW + 29_999)).toEqual([]);
    expect(await due(NOW + 30_000)).toEqual([RUN]);
    expect(await house.ledger.postpone({ ...run, dueAt: later(NOW, 60_000) })).toBe(true);
    expect(await due(NOW + 30_000)).toEqual([]);
    expect((await read()).run?.dueAt).toBe(NOW + 60_000);
    const { dueAt: _, ...rest } = run;
    expect(await house.ledger.conclude(closed(rest), undefined, aMessage("m"))).toBe(true);
    expect(await due(NOW + DAY_MS)).toEqual([]);
  });
});

describe("what is due", () => {
  test("intents are found by their instant until they are closed", async () => {
    const planned = await reserved();
    expect(await due(NOW + MINUTE_MS - 1)).toEqual([]);
    expect((await house.books.openWork(later(NOW, MINUTE_MS))).due).toEqual([
      { account: ACCOUNT, run: RUN, dueAt: later(NOW, MINUTE_MS) },
    ]);
    const after = submitting(planned, { dueAt: later(NOW, 90_000) });
    await house.ledger.claim(planned, after, CLAIM);
    expect(await due(NOW + 89_999)).toEqual([]);
    expect(await due(NOW + 90_000)).toEqual([RUN]);
    await house.ledger.change(ACCOUNT, after, acked(after));
    expect(await due(NOW + 90_000)).toEqual([RUN]);
    await house.ledger.settle(aSettlement(acked(after)));
    expect(await due(NOW + DAY_MS)).toEqual([]);
  });

  test("a run whose id holds signs of the table's own is found by its whole id", async () => {
    const id = `${PLAN}@a#b#0`;
    await reserve(aRun({ id }), anIntent({ run: id }));
    await house.ledger.postpone(aRun({ id: `${PLAN}@c#1`, dueAt: NOW }));
    expect(await due(NOW + DAY_MS)).toEqual([id, `${PLAN}@c#1`]);
  });

  test("runs of every account are found, whichever shard they lie in", async () => {
    const accounts = times(12, (n) => `account-${n}`);
    expect(new Set(accounts.map(openShard)).size).toBe(4);
    for (const account of accounts) await house.ledger.postpone(aRun({ account, dueAt: NOW }));
    const found = (await house.books.openWork(NOW)).due;
    expect(found.map(({ account }) => account).sort()).toEqual([...accounts].sort());
  });

  test("a run is found also behind a heap of messages that nobody could be told", async () => {
    await house.run(Promise.all(times(250, (n) => house.books.addMessage(ACCOUNT, aMessage(`m-${n}`)))));
    await house.ledger.postpone(aRun({ dueAt: later(NOW, 1) }));
    expect(await due(NOW + 1)).toEqual([RUN]);
  });
});

describe("messages", () => {
  test("wait in the outbox until they are sent, and are kept", async () => {
    await house.ledger.conclude(closed(aRun()), undefined, aMessage("one"));
    expect(await house.books.addMessage(ACCOUNT, aMessage("two", later(NOW, 5)))).toBe(true);
    const unsent = async (at: number) =>
      (await house.books.unsentMessages(epochMs(at))).map(({ message }) => message.id).sort();
    expect(await unsent(NOW)).toEqual(["one"]);
    expect(await unsent(NOW + 5)).toEqual(["one", "two"]);
    expect(await house.books.unsentMessages(NOW)).toEqual([{ account: ACCOUNT, message: aMessage("one") }]);
    await house.ledger.messageSent(ACCOUNT, "one", later(NOW, 7));
    expect(await unsent(NOW + DAY_MS)).toEqual(["two"]);
    expect(await house.books.messages(ACCOUNT)).toEqual([
      { ...aMessage("one"), sentAt: NOW + 7 },
      { ...aMessage("two", later(NOW, 5)), sentAt: undefined },
    ]);
  });

  test("of one id are put in once", async () => {
    await house.books.addMessage(ACCOUNT, aMessage("one"));
    await house.ledger.messageSent(ACCOUNT, "one", NOW);
    const other = { ...aMessage("one"), text: "PLAY MONEY. Something else." };
    expect(await leavesAll(() => house.books.addMessage(ACCOUNT, other))).toBe(false);
  });

  test("that do not exist cannot be marked as sent", async () => {
    await leavesAll(async () => {
      await expect(house.ledger.messageSent(ACCOUNT, "nobody", NOW)).rejects.toThrow("conditional");
    });
  });
});

describe("the books", () => {
  const plan = async (id = PLAN) => (await house.books.plans(ACCOUNT)).find((state) => state.id === id);

  test("a plan that is registered again is not moved, one with another schedule starts anew", async () => {
    await house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, NOW);
    const fresh = {
      id: PLAN,
      schedule: AT_EIGHT,
      activeFrom: NOW,
      accountedTo: NOW,
      paused: false,
      blocked: undefined,
      carry: new Map(),
    };
    expect(await plan()).toEqual(fresh);
    await leavesAll(() => house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, later(NOW, DAY_MS)));
    await house.books.setAccountedTo(ACCOUNT, PLAN, NOW, later(NOW, 5));
    await house.books.setPaused(ACCOUNT, PLAN, true);
    await house.ledger.conclude(closed(aRun()), { asset: "EUR", from: ZERO, to: cost("3") }, aMessage("m"));
    await leavesAll(() => house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, later(NOW, DAY_MS)));
    await house.books.registerPlan(ACCOUNT, PLAN, AT_NINE, later(NOW, DAY_MS));
    expect(await plan()).toEqual({
      ...fresh,
      schedule: AT_NINE,
      activeFrom: NOW + DAY_MS,
      accountedTo: NOW + DAY_MS,
      paused: true, // The owner's switch and money stay
      carry: new Map([["EUR", { units: 30_000_000_000n, scale: 10 }]]),
    });
  });

  test("a plan that a run has touched before it was registered starts when it is registered", async () => {
    await reserve();
    await house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, later(NOW, 9));
    expect(await plan()).toMatchObject({ schedule: AT_EIGHT, activeFrom: NOW + 9, accountedTo: NOW + 9 });
  });

  test("slots are accounted by compare-and-set", async () => {
    await house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, NOW);
    expect(await house.books.setAccountedTo(ACCOUNT, PLAN, NOW, later(NOW, 5))).toBe(true);
    const stale = () => house.books.setAccountedTo(ACCOUNT, PLAN, NOW, later(NOW, 3));
    expect(await leavesAll(stale)).toBe(false);
    expect(await leavesAll(() => house.books.setAccountedTo(ACCOUNT, "nobody", NOW, NOW))).toBe(false);
    expect((await plan())?.accountedTo).toBe(NOW + 5);
  });

  test("only a known plan can be paused", async () => {
    expect(await leavesAll(() => house.books.setPaused(ACCOUNT, "nobody", true))).toBe(false);
  });

  test("the kill switch goes on and off, also on an empty ledger", async () => {
    await house.books.setKilled(ACCOUNT, true);
    expect((await house.books.head(ACCOUNT)).killed).toBe(true);
    await house.books.setKilled(ACCOUNT, false);
    expect((await house.books.head(ACCOUNT)).killed).toBe(false);
    expect((await house.books.head("other")).killed).toBe(false);
  });

  test("switching does not make an item of a later version look like one of ours", async () => {
    await reserved();
    await house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, NOW);
    for (const sk of ["HEAD", `PLAN#${PLAN}`]) await house.fromTheFuture("A#main", sk);
    await house.books.setKilled(ACCOUNT, true);
    await house.books.setPaused(ACCOUNT, PLAN, true);
    await house.books.registerPlan(ACCOUNT, PLAN, AT_NINE, NOW);
    for (const sk of ["HEAD", `PLAN#${PLAN}`]) {
      expect((await house.item("A#main", sk))?.schemaVersion).toEqual({ N: "2" });
    }
    expect((await house.item("A#main", "HEAD"))?.killed).toEqual({ BOOL: true }); // A kill always works
  });

  test("runs are told oldest first, each with its intent, and accounts are kept apart", async () => {
    await reserve();
    const missed = closed(aRun({ id: "older", openedAt: later(NOW, -DAY_MS) }), "missed");
    await house.books.addMissed([missed], aMessage("m"));
    await house.ledger.postpone(aRun({ account: "other", dueAt: NOW }));
    expect(await house.books.runs(ACCOUNT)).toEqual([
      { run: missed, intent: undefined },
      { run: aRun(), intent: anIntent() },
    ]);
    expect(await house.books.run(ACCOUNT, RUN)).toEqual({ run: aRun(), intent: anIntent() });
    expect(await house.books.run(ACCOUNT, "nobody")).toBeUndefined();
  });

  test("more runs than fit one page are all told", async () => {
    const long = "x".repeat(30_000);
    const ids = times(40, (n) => `many-${String(n).padStart(2, "0")}`); // 1.2 MB, a page holds 1 MB
    await house.run(
      Promise.all(
        ids.map((id) =>
          house.ledger.postpone(aRun({ id, dueAt: NOW, steps: [{ step: "fire", at: NOW, detail: long }] })),
        ),
      ),
    );
    expect((await house.books.runs(ACCOUNT)).map(({ run }) => run.id)).toEqual(ids);
  });

  test("slots without a run are written all or none", async () => {
    const missed = times(90, (n) => closed(aRun({ id: `${PLAN}@slot-${n}` }), "missed"));
    expect(await house.books.addMissed(missed, aMessage("missed"))).toBe(true);
    expect(await house.books.runs(ACCOUNT)).toHaveLength(90);
    const more = [closed(aRun({ id: "new" }), "missed"), missed[7]!];
    expect(await leavesAll(() => house.books.addMissed(more, aMessage("again")))).toBe(false);
    await reserve();
    const late = [closed(aRun({ id: "new" }), "missed"), closed(aRun(), "missed")];
    expect(await leavesAll(() => house.books.addMissed(late, aMessage("again")))).toBe(false);
  });

  test("the check of a key is kept for each use", async () => {
    await house.ledger.setKeyCheck(ACCOUNT, "trade", A_CHECK);
    await house.ledger.setKeyCheck(ACCOUNT, "read", { ...A_CHECK, keyName: "read" });
    await house.ledger.setKeyCheck(ACCOUNT, "trade", { ...A_CHECK, problems: ["a", "b"] });
    expect(await house.books.keyCheck(ACCOUNT, "trade")).toEqual({ ...A_CHECK, problems: ["a", "b"] });
    expect(await house.books.keyCheck(ACCOUNT, "read")).toEqual({ ...A_CHECK, keyName: "read" });
    expect(await house.books.keyCheck("other", "trade")).toBeUndefined();
  });
});

describe("trouble of DynamoDB, met by each write, changes nothing of what stands there in the end", () => {
  type Write = {
    readonly via: string;
    readonly before?: () => Promise<unknown>;
    readonly act: () => Promise<unknown>;
  };
  const planned = anIntent();
  const submitted = submitting(planned);
  const registered = () => house.books.registerPlan(ACCOUNT, PLAN, AT_EIGHT, NOW);
  const writes: Readonly<Record<string, Write>> = {
    reserve: { via: "TransactWriteItems", act: () => reserve() },
    claim: {
      via: "TransactWriteItems",
      before: reserved,
      act: () => house.ledger.claim(planned, submitted, CLAIM),
    },
    change: {
      via: "PutItem",
      before: claimed,
      act: () => house.ledger.change(ACCOUNT, submitted, acked(submitted)),
    },
    settle: {
      via: "TransactWriteItems",
      before: accepted,
      act: () => house.ledger.settle(aSettlement(acked(submitted), { carryBack: cost("1"), block: "why" })),
    },
    quarantine: {
      via: "TransactWriteItems",
      before: claimed,
      act: () =>
        house.ledger.quarantine(aRun(), submitted, { ...submitted, state: "QUARANTINED" }, aMessage("q")),
    },
    conclude: {
      via: "TransactWriteItems",
      act: () =>
        house.ledger.conclude(closed(aRun()), { asset: "EUR", from: ZERO, to: cost("2") }, aMessage("m")),
    },
    postpone: { via: "PutItem", act: () => house.ledger.postpone(aRun({ dueAt: NOW })) },
    setKeyCheck: { via: "PutItem", act: () => house.ledger.setKeyCheck(ACCOUNT, "trade", A_CHECK) },
    messageSent: {
      via: "UpdateItem",
      before: () => house.books.addMessage(ACCOUNT, aMessage("m")),
      act: () => house.ledger.messageSent(ACCOUNT, "m", NOW),
    },
    registerPlan: { via: "UpdateItem", act: registered },
    setAccountedTo: {
      via: "UpdateItem",
      before: registered,
      act: () => house.books.setAccountedTo(ACCOUNT, PLAN, NOW, later(NOW, 5)),
    },
    setPaused: {
      via: "UpdateItem",
      before: registered,
      act: () => house.books.setPaused(ACCOUNT, PLAN, true),
    },
    setKilled: { via: "UpdateItem", act: () => house.books.setKilled(ACCOUNT, true) },
    addMissed: {
      via: "TransactWriteItems",
      act: () => house.books.addMissed([closed(aRun(), "missed")], aMessage("m")),
    },
    addMessage: { via: "PutItem", act: () => house.books.addMessage(ACCOUNT, aMessage("m")) },
  };
  const faults = ["applied-but-reply-lost", "transaction-conflict", "throttle", "unavailable"];

  async function ending({ via, before, act }: Write, trouble: readonly object[]) {
    await before?.();
    await house.arm(...trouble.map((fault) => ({ operation: via, ...fault })));
    const answer = await house.run(act());
    await house.arm();
    return { answer, items: await house.items() };
  }

  test.each(Object.keys(writes))("%s", async (name) => {
    const write = writes[name]!;
    const calm = await ending(write, []);
    for (const trouble of [
      ...faults.map((fault) => [{ fault }]),
      [
        { fault: "throttle", times: 3 },
        { fault: "applied-but-reply-lost" },
        { fault: "unavailable", times: 2 },
      ],
    ]) {
      await house.close();
      house = await openLedgerHouse();
      expect(await ending(write, trouble), JSON.stringify(trouble)).toEqual(calm);
    }
  });

  test("a read that meets throttling is repeated", async () => {
    await reserved();
    const calm = await read();
    await house.arm(
      { operation: "BatchGetItem", fault: "throttle", times: 4 },
      { operation: "BatchGetItem", fault: "applied-but-reply-lost" },
    );
    expect(await house.run(read())).toEqual(calm);
  });

  test("trouble without end is an error, and what was not written is not there", async () => {
    await house.arm({ operation: "TransactWriteItems", fault: "throttle", times: 100 });
    const before = await house.items();
    await expect(house.run(reserve())).rejects.toThrow("throughput");
    expect(await house.items()).toEqual(before);
    expect(house.cloud.takeCounts().TransactWriteItems).toBe(9);
  });

  test("a refusal that comes with a conflict is told as the refusal", async () => {
    await house.books.setKilled(ACCOUNT, true);
    await house.arm({ operation: "TransactWriteItems", fault: "transaction-conflict", times: 2 });
    expect(await house.run(reserve())).toEqual({ is: "killed" });
  });
});

test("costs and units of the tests agree", () => {
  expect(reservedUnits(cost(COST))).toBe(999_999_400_000n);
});
