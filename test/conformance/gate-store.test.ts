/** What the key gate relies on, asked of the store on DynamoDB and of its twin in memory. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Gate, GateStore } from "../../shared/app/ports.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { times } from "../support/cloud-house.ts";
import { MemoryGates } from "../support/ledger-gates.ts";
import { type LedgerHouse, openLedgerHouse, START } from "../support/ledger-house.ts";

const KEY = "0123456789abcdef0123456789abcdef";
const NOW = epochMs(START);

const FREE: Gate = {
  rvn: 1,
  fence: BigInt(NOW),
  owner: undefined,
  counterMilli: 0,
  counterAt: NOW,
  cooldownUntil: undefined,
  cooldownRepeats: 0,
  stopped: undefined,
};
const HELD: Gate = { ...FREE, owner: "a", counterMilli: 10_000 };
const next = (gate: Gate, change: Partial<Gate>): Gate => ({ ...gate, rvn: gate.rvn + 1, ...change });

describe.each(["DynamoDB", "memory"] as const)("a gate store in %s", (kind) => {
  let house: LedgerHouse | undefined;
  let store: GateStore;
  beforeEach(async () => {
    house = kind === "DynamoDB" ? await openLedgerHouse() : undefined;
    store = house?.gates ?? new MemoryGates();
  });
  afterEach(() => house?.close());

  test("has no gate for a key that it has never seen", async () => {
    expect(await store.read(KEY)).toBeUndefined();
  });

  test("gives back what was written, every member of it", async () => {
    expect(await store.write(KEY, undefined, FREE)).toEqual({ written: true });
    expect(await store.read(KEY)).toEqual(FREE);
    const full: Gate = {
      rvn: 2,
      fence: 2n ** 44n - 1n, // The largest that a nonce has room for
      owner: "f".repeat(32),
      counterMilli: 123_457,
      counterAt: epochMs(NOW + 1),
      cooldownUntil: epochMs(NOW + 900_000),
      cooldownRepeats: 7,
      stopped: 'Kraken said "EAPI:Invalid nonce" – twice',
    };
    expect(await store.write(KEY, FREE, full)).toEqual({ written: true });
    expect(await store.read(KEY)).toEqual(full);
    const bare = next(FREE, { rvn: 3 });
    expect(await store.write(KEY, full, bare)).toEqual({ written: true });
    expect(await store.read(KEY)).toEqual(bare); // What was left out is gone
  });

  test("makes a gate once, and tells the second who was first", async () => {
    await store.write(KEY, undefined, HELD);
    expect(await store.write(KEY, undefined, { ...HELD, owner: "b" })).toEqual({
      written: false,
      current: HELD,
    });
    expect(await store.read(KEY)).toEqual(HELD);
  });

  test("refuses a write that was decided on an older version, and tells the newer one", async () => {
    await store.write(KEY, undefined, HELD);
    const released = next(HELD, { owner: undefined });
    await store.write(KEY, HELD, released);
    expect(await store.write(KEY, HELD, next(HELD, { owner: "b", fence: HELD.fence + 1n }))).toEqual({
      written: false,
      current: released,
    });
    expect(await store.read(KEY)).toEqual(released);
  });

  test("refuses to change a gate that is not there", async () => {
    expect(await store.write(KEY, HELD, next(HELD, {}))).toEqual({ written: false, current: undefined });
    expect(await store.read(KEY)).toBeUndefined();
  });

  test("does not take another's write for the asker's own, however alike", async () => {
    await store.write(KEY, undefined, HELD);
    const theirs = next(HELD, { counterMilli: 1_000 });
    await store.write(KEY, HELD, theirs);
    for (const change of [
      { counterMilli: 1_001 },
      { counterMilli: 1_000, counterAt: epochMs(NOW + 1) },
      { counterMilli: 1_000, cooldownUntil: NOW },
      { counterMilli: 1_000, cooldownRepeats: 1 },
      { counterMilli: 1_000, stopped: "why" },
      { counterMilli: 1_000, owner: undefined },
      { counterMilli: 1_000, fence: HELD.fence + 1n },
    ]) {
      expect(await store.write(KEY, HELD, next(HELD, change))).toEqual({ written: false, current: theirs });
    }
  });

  test("keeps the gates of two keys apart", async () => {
    await store.write(KEY, undefined, HELD);
    await store.write("other", undefined, FREE);
    expect(await store.read(KEY)).toEqual(HELD);
    expect(await store.read("other")).toEqual(FREE);
  });

  test("lets one of twenty in at a time, and none of them for nothing", async () => {
    await store.write(KEY, undefined, FREE);
    const racers = times(20, (racer) => store.write(KEY, FREE, next(FREE, { owner: `racer-${racer}` })));
    const answers = await Promise.all(racers);
    const winners = answers.flatMap((answer, racer) => (answer.written ? [racer] : []));
    expect(winners).toHaveLength(1);
    expect((await store.read(KEY))?.owner).toBe(`racer-${winners[0]}`);
    for (const answer of answers) {
      if (!answer.written) expect(answer.current?.owner).toBe(`racer-${winners[0]}`);
    }
  });

  test("counts to sixty when twenty add three times each by compare-and-set", async () => {
    await store.write(KEY, undefined, FREE);
    const add = async (owner: string): Promise<void> => {
      for (let gate = await store.read(KEY); ; ) {
        const more = { owner, counterMilli: gate!.counterMilli + 1 };
        const answer = await store.write(KEY, gate, next(gate!, more));
        if (answer.written) return;
        gate = answer.current;
      }
    };
    await Promise.all(
      times(20, async (worker) => {
        for (let turn = 0; turn < 3; turn++) await add(`${worker}-${turn}`);
      }),
    );
    expect(await store.read(KEY)).toMatchObject({ rvn: 61, counterMilli: 60 });
  });
});

describe("the gate store on a bad day of DynamoDB", () => {
  let house: LedgerHouse;
  beforeEach(async () => {
    house = await openLedgerHouse();
  });
  afterEach(() => house.close());

  test.each(["throttle", "unavailable", "transaction-conflict", "applied-but-reply-lost"])(
    "a first write that meets %s is done once, and told as done",
    async (fault) => {
      await house.arm({ operation: "PutItem", fault, times: 3 });
      expect(await house.run(house.gates.write(KEY, undefined, HELD))).toEqual({ written: true });
      expect(await house.gates.read(KEY)).toEqual(HELD);
    },
  );

  test.each(["throttle", "unavailable", "transaction-conflict", "applied-but-reply-lost"])(
    "a later write that meets %s is done once, and told as done",
    async (fault) => {
      await house.gates.write(KEY, undefined, HELD);
      await house.arm({ operation: "PutItem", fault, times: 3 });
      const after = next(HELD, { owner: undefined });
      expect(await house.run(house.gates.write(KEY, HELD, after))).toEqual({ written: true });
      expect(await house.gates.read(KEY)).toEqual(after);
    },
  );

  test("of two that ask at once and both lose their answers, one is told that it has the key", async () => {
    await house.gates.write(KEY, undefined, FREE);
    await house.arm({ operation: "PutItem", fault: "applied-but-reply-lost", times: 2 });
    const [a, b] = ["a", "b"].map((owner) => next(FREE, { owner, fence: FREE.fence + 1n }));
    const answers = await house.run(
      Promise.all([house.gates.write(KEY, FREE, a!), house.gates.write(KEY, FREE, b!)]),
    );
    expect(answers.map(({ written }) => written).sort()).toEqual([false, true]);
    const winner = answers[0].written ? a : b;
    expect(await house.gates.read(KEY)).toEqual(winner);
  });

  test("a read that is throttled is repeated", async () => {
    await house.gates.write(KEY, undefined, HELD);
    await house.arm({ operation: "GetItem", fault: "throttle", times: 5 });
    expect(await house.run(house.gates.read(KEY))).toEqual(HELD);
  });

  test("trouble that does not pass ends in an error, not in an answer", async () => {
    await house.arm({ operation: "PutItem", fault: "throttle", times: 100 });
    await expect(house.run(house.gates.write(KEY, undefined, HELD))).rejects.toThrow("throughput");
    expect(house.cloud.takeCounts().PutItem).toBe(9); // Once, and eight repetitions
  });

  test("a gate that a later version wrote is not read", async () => {
    await house.gates.write(KEY, undefined, HELD);
    await house.fromTheFuture(`K#${KEY}`, "GATE");
    await expect(house.gates.read(KEY)).rejects.toThrow("has schema 3, expected 2");
  });
});
