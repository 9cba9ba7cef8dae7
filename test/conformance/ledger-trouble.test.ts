/** Trouble of DynamoDB, met by each write of the ledger. Asked of the adapter on an embedded DynamoDB. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reservedUnits } from "../../shared/domain/caps.ts";
import { cost } from "../../shared/domain/money.ts";
import { later } from "../../shared/domain/time.ts";
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
  NOW,
  PLAN,
  submitting,
} from "../support/ledger-runs.ts";

import { AT_EIGHT, CLAIM, ledgerSteps, ZERO } from "../support/ledger-steps.ts";

let house: LedgerHouse;
beforeEach(async () => {
  house = await openLedgerHouse();
});
afterEach(() => house.close());

const { read, reserve, reserved, claimed, accepted } = ledgerSteps(() => house);

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
    setKeyCheck: {
      via: "TransactWriteItems",
      act: () => house.ledger.setKeyCheck(ACCOUNT, "trade", { ...A_CHECK, krakenAccount: "k" }),
    },
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
