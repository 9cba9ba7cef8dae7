/** The ledger's promises for how runs and intents end: compare-and-set, settle, quarantine, conclude, postpone. Asked of the adapter on an embedded DynamoDB. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Settlement } from "../../shared/app/ports.ts";
import { format } from "../../shared/domain/decimal.ts";
import { cost } from "../../shared/domain/money.ts";
import type { Intent, Run } from "../../shared/domain/run.ts";
import { DAY_MS, later } from "../../shared/domain/time.ts";
import { times } from "../support/cloud-house.ts";
import { type LedgerHouse, openLedgerHouse } from "../support/ledger-house.ts";
import {
  ACCOUNT,
  acked,
  aMessage,
  anIntent,
  aRun,
  aSettlement,
  closed,
  DAY,
  FILLS,
  MONTH,
  NOW,
  PLAN,
  RESERVED_UNITS,
  RUN,
  SPENT_UNITS,
} from "../support/ledger-runs.ts";

import { AT_NINE, ledgerSteps, ZERO } from "../support/ledger-steps.ts";

let house: LedgerHouse;
beforeEach(async () => {
  house = await openLedgerHouse();
});
afterEach(() => house.close());

const { read, used, due, reserve, reserved, claimed, accepted, leavesAll } = ledgerSteps(() => house);

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
      isBound: true,
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
