/** The key's gate under any mix of workers: fast and slow, with wrong clocks, dying and freezing at any point. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import type { Clock } from "../../shared/app/clock.ts";
import { acquireKey, KeyLease, LEASE_TTL_MS, LeaseOver } from "../../shared/app/key-gate.ts";
import { type Credentials, Secret } from "../../shared/app/secret.ts";
import { decimal } from "../../shared/domain/decimal.ts";
import type { Tier } from "../../shared/domain/plan.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { NOW } from "../support/arbitraries.ts";
import { seededChance } from "../support/chance.ts";
import { MemoryGates } from "../support/ledger-gates.ts";

const CREDENTIALS: Credentials = { apiKey: "key", privateKey: new Secret("private"), version: "1" };
/** So wide that only holders make one another wait. */
const WIDE: Tier = { name: "wide", max: 1_000, decayPerSecond: decimal("50") };
/** Five calls, the most of a worker, fit just under the head-room of five. */
const TIGHT: Tier = { name: "tight", max: 10, decayPerSecond: decimal("0.5") };

type Worker = {
  readonly startsAfterMs: number;
  readonly clockWrongByMs: number;
  /** Before each call. */
  readonly thinkMs: readonly number[];
  readonly end: "releases" | "dies" | "cools down";
};

const workers = (clockWrongByMs: fc.Arbitrary<number>): fc.Arbitrary<readonly Worker[]> =>
  fc.array(
    fc.record({
      startsAfterMs: fc.nat({ max: 20_000 }),
      clockWrongByMs,
      thinkMs: fc.array(
        fc.oneof(
          { weight: 8, arbitrary: fc.nat({ max: 900 }) },
          { weight: 1, arbitrary: fc.nat({ max: 30_000 }) },
        ),
        { minLength: 1, maxLength: 5 },
      ),
      end: fc.oneof(
        { weight: 6, arbitrary: fc.constant("releases" as const) },
        { weight: 1, arbitrary: fc.constant("dies" as const) },
        { weight: 1, arbitrary: fc.constant("cools down" as const) },
      ),
    }),
    { minLength: 2, maxLength: 12, size: "max" },
  );

/** As seen by a machine whose clock is wrong; what a clock measures is right. */
const wrongBy = (clock: VirtualClock, ms: number): Clock => ({
  now: () => epochMs(clock.now() + ms),
  monotonicMs: () => clock.monotonicMs(),
  sleep: (length, signal) => clock.sleep(length, signal),
  after: (length, action) => clock.after(length, action),
});

/** The store in memory answers without the event loop: a single turn of it, and only the clock can go on. */
async function drive(clock: VirtualClock, work: Promise<unknown>): Promise<void> {
  let isDone = false;
  const watched = work.finally(() => {
    isDone = true;
  });
  watched.catch(() => undefined);
  while (!isDone) {
    await new Promise((resolve) => setImmediate(resolve));
    const due = clock.nextDue();
    if (due !== undefined) clock.moveTo(due);
  }
  await watched;
}

type Call = { readonly atMs: number; readonly nonce: bigint };
type Seen = {
  readonly calls: readonly Call[];
  readonly leases: readonly { readonly takenAtMs: number; readonly endedAtMs: number | undefined }[];
  readonly overlaps: number;
  readonly sentAfterEnd: number;
};

async function watch(all: readonly Worker[], seed: number, tier: Tier): Promise<Seen> {
  const clock = new VirtualClock({ startAt: NOW, rate: 0 });
  const store = new MemoryGates();
  const chance = seededChance(seed);
  const calls: Call[] = [];
  const held: { lease: KeyLease; takenAtMs: number; endedAtMs: number | undefined }[] = [];
  let overlaps = 0;
  let sentAfterEnd = 0;
  const live = () => held.filter(({ lease }) => !lease.isOver).length;

  const work = async (worker: Worker): Promise<void> => {
    await clock.sleep(worker.startsAfterMs);
    const own = wrongBy(clock, worker.clockWrongByMs);
    for (let tries = 0; tries < 12; tries++) {
      const answer = await acquireKey(
        { store, clock: own, chance },
        CREDENTIALS,
        tier,
        worker.thinkMs.length,
      );
      if (!(answer instanceof KeyLease)) {
        if (answer.is === "stopped") throw new Error("nobody stopped the key");
        expect(answer.retryAt).toBeGreaterThan(own.now());
        await own.sleep(Math.min(120_000, answer.retryAt - own.now()));
        continue;
      }
      if (live() > 0) overlaps += 1;
      const mine = {
        lease: answer,
        takenAtMs: clock.monotonicMs(),
        endedAtMs: undefined as number | undefined,
      };
      held.push(mine);
      for (const ms of worker.thinkMs) {
        await clock.sleep(ms);
        try {
          calls.push({ atMs: clock.monotonicMs(), nonce: BigInt(answer.nextNonce("Balance", 1)) });
          if (answer.isOver) sentAfterEnd += 1;
          if (live() > 1) overlaps += 1;
        } catch (error) {
          if (!(error instanceof LeaseOver)) throw error;
        }
      }
      if (worker.end === "dies") return;
      mine.endedAtMs = clock.monotonicMs();
      await (worker.end === "releases" ? answer.release() : answer.coolDown());
      return;
    }
  };
  await drive(clock, Promise.all(all.map(work)));
  clock.stop();
  return { calls, leases: held, overlaps, sentAfterEnd };
}

const wrongClocks = fc.oneof(
  fc.constant(0),
  fc.integer({ min: -5_000, max: 5_000 }),
  fc.integer({ min: -31_536_000_000, max: 31_536_000_000 }),
);

test("never two holders at once, and nonces rise in the order of use, whatever the clocks say", async () => {
  await fc.assert(
    fc.asyncProperty(workers(wrongClocks), fc.nat(), async (all, seed) => {
      const { calls, leases, overlaps, sentAfterEnd } = await watch(all, seed, WIDE);
      expect(overlaps).toBe(0);
      expect(sentAfterEnd).toBe(0);
      for (const [index, { nonce }] of calls.entries()) {
        expect(nonce).toBeLessThan(2n ** 64n);
        if (index > 0) expect(nonce).toBeGreaterThan(calls[index - 1]!.nonce);
      }
      for (const [index, { takenAtMs }] of leases.entries()) {
        const before = leases[index - 1];
        if (before === undefined || (before.endedAtMs !== undefined && before.endedAtMs <= takenAtMs))
          continue;
        expect(takenAtMs - before.takenAtMs).toBeGreaterThanOrEqual(LEASE_TTL_MS);
      }
    }),
    { numRuns: 300 },
  );
});

test("with clocks that agree, no call meets a full counter at Kraken", async () => {
  await fc.assert(
    fc.asyncProperty(workers(fc.constant(0)), fc.nat(), async (all, seed) => {
      const { calls } = await watch(all, seed, TIGHT);
      let counter = 0; // In thousandths of a point; half of one decays in a millisecond
      let atMs = 0;
      for (const call of calls) {
        counter = Math.max(0, counter - (call.atMs - atMs) / 2) + 1_000;
        atMs = call.atMs;
        expect(counter).toBeLessThanOrEqual(TIGHT.max * 1_000);
      }
    }),
    { numRuns: 300 },
  );
});
