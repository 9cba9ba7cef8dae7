/** The gate of a key, on the store in DynamoDB and on its twin in memory, in virtual time. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import type { Chance } from "../../shared/app/clock.ts";
import { keyHashOf } from "../../shared/app/ids.ts";
import {
  acquireKey,
  type GateDeps,
  HOLD_MS_MAX,
  KeyLease,
  LEASE_TTL_MS,
  LeaseOver,
  type NotNow,
  type Stopped,
} from "../../shared/app/key-gate.ts";
import type { Gate, GateStore } from "../../shared/app/ports.ts";
import { type Credentials, Secret } from "../../shared/app/secret.ts";
import { decimal } from "../../shared/domain/decimal.ts";
import type { Tier } from "../../shared/domain/plan.ts";
import { type EpochMs, epochMs, later } from "../../shared/domain/time.ts";
import { seededChance } from "../support/chance.ts";
import { times } from "../support/cloud-house.ts";
import { MemoryGates } from "../support/ledger-gates.ts";
import { type LedgerHouse, openLedgerHouse, START } from "../support/ledger-house.ts";
import { inVirtualTime } from "../support/pump.ts";

const STARTER: Tier = { name: "starter", max: 15, decayPerSecond: decimal("0.33") };
/** So wide that the counter never makes anybody wait. */
const WIDE: Tier = { name: "wide", max: 10_000, decayPerSecond: decimal("100") };
const CREDENTIALS: Credentials = { apiKey: "key", privateKey: new Secret("private"), version: "1" };
const KEY_HASH = keyHashOf("key");

type Bench = {
  readonly clock: VirtualClock;
  readonly store: GateStore;
  readonly chance: Chance;
  readonly house: LedgerHouse | undefined;
  run<T>(work: Promise<T>): Promise<T>;
  /** Lets virtual time pass, with all that falls due in it. */
  pass(ms: number): Promise<void>;
  acquire(points?: number, tier?: Tier, headroom?: number): Promise<KeyLease | NotNow | Stopped>;
  /** As `acquire`, where anything but the key is a failure of the test. */
  take(points?: number, tier?: Tier, headroom?: number): Promise<KeyLease>;
  gate(): Promise<Gate>;
  close(): Promise<void>;
};

async function openBench(kind: "DynamoDB" | "memory"): Promise<Bench> {
  const house = kind === "DynamoDB" ? await openLedgerHouse() : undefined;
  const clock = house?.clock ?? new VirtualClock({ startAt: START, rate: 0 });
  const store = house?.gates ?? new MemoryGates();
  const chance = seededChance(42);
  const deps: GateDeps = { store, clock, chance };
  const run = <T>(work: Promise<T>): Promise<T> =>
    inVirtualTime(clock, work, () => house?.cloud.activity.changes ?? 0);
  const acquire: Bench["acquire"] = (points = 1, tier = WIDE, headroom) =>
    acquireKey(deps, CREDENTIALS, tier, points, headroom);
  return {
    clock,
    store,
    chance,
    house,
    run,
    pass: (ms) => run(clock.sleep(ms)),
    acquire,
    async take(points, tier, headroom) {
      const answer = await run(acquire(points, tier, headroom));
      if (answer instanceof KeyLease) return answer;
      throw new Error(`not the key but ${answer.is}: ${answer.why}`);
    },
    gate: async () => (await store.read(KEY_HASH))!,
    close: async () => {
      clock.stop();
      await house?.close();
    },
  };
}

describe.each(["DynamoDB", "memory"] as const)("the key's gate on %s", (kind) => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await openBench(kind);
  });
  afterEach(() => bench.close());

  describe("twenty workers at once", () => {
    test("hold the key one after another, and their nonces rise in the order of use", async () => {
      const { clock, chance } = bench;
      const leases: KeyLease[] = [];
      const nonces: bigint[] = [];
      const died: { at: number; next: number }[] = [];
      let frozenSent = 0;
      let rounds = 0;

      const use = (lease: KeyLease): void => {
        const nonce = BigInt(lease.nextNonce("Balance", 1));
        expect(leases.filter((other) => other !== lease && !other.isOver)).toEqual([]);
        nonces.push(nonce);
      };
      const worker = async (number: number): Promise<void> => {
        for (let turn = 0; turn < 2; ) {
          const answer = await bench.acquire(3);
          if (!(answer instanceof KeyLease)) {
            if (answer.is === "stopped") throw new Error("nobody stopped the key");
            await clock.sleep(answer.retryAt - clock.now());
            continue;
          }
          turn += 1;
          rounds += 1;
          expect(leases.filter((other) => !other.isOver)).toEqual([]);
          for (const death of died) if (death.next === 0) death.next = clock.monotonicMs();
          leases.push(answer);
          for (let call = 0; call < 3; call++) {
            use(answer);
            await clock.sleep(chance.fraction() * 600);
          }
          // Every tenth worker dies with the key in its hand, another tenth stands still for a while.
          if (number % 10 === 3 && turn === 1) {
            died.push({ at: clock.monotonicMs(), next: 0 });
            continue;
          }
          if (number % 10 === 7 && turn === 1) {
            await clock.sleep(16_000 + chance.fraction() * 10_000);
            expect(() => answer.nextNonce("AddOrder", 0)).toThrow(LeaseOver);
            frozenSent += 1;
          }
          await answer.release();
        }
      };
      await bench.run(Promise.all(times(20, worker)));

      expect(rounds).toBe(40);
      expect(frozenSent).toBe(2);
      expect(died).toHaveLength(2);
      // The last sign of life of a lease is its acquisition, at most 1.8 s before it died here.
      for (const { at, next } of died) expect(next - at).toBeGreaterThanOrEqual(LEASE_TTL_MS - 1_800);
      for (const [index, nonce] of nonces.entries()) {
        if (index > 0) expect(nonce).toBeGreaterThan(nonces[index - 1]!);
      }
      expect(nonces).toHaveLength(120);
      const fences = leases.map(({ fence }) => fence);
      expect(fences).toEqual([...new Set(fences)].sort((a, b) => (a < b ? -1 : 1)));
    });

    test("are told within 26 seconds when Kraken's counter has no room for all of them", async () => {
      const { clock } = bench;
      const waited: number[] = [];
      let served = 0;
      const worker = async (): Promise<void> => {
        const askedAt = clock.monotonicMs();
        const answer = await bench.acquire(4, STARTER);
        waited.push(clock.monotonicMs() - askedAt);
        if (!(answer instanceof KeyLease)) return;
        served += 1;
        for (let call = 0; call < 4; call++) answer.nextNonce("Balance", 1);
        await clock.sleep(100);
        await answer.release();
      };
      await bench.run(Promise.all(times(20, worker)));
      // 15 points less the head-room of 5 are there, and 0.33 a second come back: three or four fit into 26 s.
      expect(served).toBeGreaterThanOrEqual(3);
      expect(served).toBeLessThanOrEqual(4);
      expect(Math.max(...waited)).toBeLessThanOrEqual(26_000);
    });
  });

  describe("a holder that died", () => {
    test("is replaced after fifteen seconds, by the worker's own clock, and not much later", async () => {
      const dead = await bench.take();
      const takenAt = bench.clock.monotonicMs();
      const heir = await bench.take();
      const passed = bench.clock.monotonicMs() - takenAt;
      expect(passed).toBeGreaterThanOrEqual(LEASE_TTL_MS);
      expect(passed).toBeLessThanOrEqual(LEASE_TTL_MS + 400); // A poll is 375 ms at most
      expect(heir.fence).toBeGreaterThan(dead.fence);
    });

    test("is waited for in full by a worker that came late: it cannot know how old the lease is", async () => {
      await bench.take();
      await bench.pass(14_000);
      const askedAt = bench.clock.monotonicMs();
      await bench.take();
      expect(bench.clock.monotonicMs() - askedAt).toBeGreaterThanOrEqual(LEASE_TTL_MS);
    });

    test("that wakes up does not release the key of its heir", async () => {
      const dead = await bench.take();
      const heir = await bench.take();
      const before = await bench.gate();
      await bench.run(dead.release());
      expect(await bench.gate()).toEqual(before);
      expect((await bench.gate()).owner).toBe(heir.owner);
      expect(() => heir.nextNonce("Balance", 1)).not.toThrow();
    });
  });

  describe("a lease", () => {
    test("hands out nonces for ten seconds and not a millisecond longer", async () => {
      const lease = await bench.take();
      const first = BigInt(lease.nextNonce("Balance", 1));
      expect(first).toBe(lease.fence << 20n);
      await bench.pass(HOLD_MS_MAX - 1);
      expect(lease.peekNonce()).toBe((first + 1n).toString());
      expect(lease.nextNonce("Balance", 1)).toBe((first + 1n).toString());
      expect(lease.isOver).toBe(false);
      await bench.pass(1);
      expect(lease.isOver).toBe(true);
      expect(() => lease.nextNonce("AddOrder", 0)).toThrow("the key's lease ended before AddOrder was sent");
    });

    test("ends with its release, which may be said twice", async () => {
      const lease = await bench.take();
      await bench.run(lease.release());
      const released = await bench.gate();
      expect(released.owner).toBeUndefined();
      expect(() => lease.nextNonce("Balance", 1)).toThrow(LeaseOver);
      await bench.run(lease.release());
      expect(await bench.gate()).toEqual(released);
    });

    test("whose clock went back a year still has larger nonces", async () => {
      const first = await bench.take();
      const nonce = BigInt(first.nextNonce("Balance", 1));
      await bench.run(first.release());
      bench.clock.resetTo(START - 365 * 86_400_000);
      const second = await bench.take();
      expect(BigInt(second.nextNonce("Balance", 1))).toBeGreaterThan(nonce);
    });
  });

  describe("the counter", () => {
    test("makes the next one wait, to the very instant that it is told", async () => {
      const lease = await bench.take(10, STARTER);
      for (let call = 0; call < 10; call++) lease.nextNonce("Balance", 1);
      await bench.run(lease.release());
      const now = bench.clock.now();
      const answer = await bench.run(bench.acquire(10, STARTER));
      // 10 points at 0.33 a second are 30303.03 ms.
      expect(answer).toEqual({
        is: "not-now",
        retryAt: later(now, 30_304),
        why: "10 more calls need 31 s of rest for Kraken's rate counter",
      });
      expect(bench.clock.now()).toBe(now); // Told at once, not after a wait
      bench.clock.moveTo((answer as NotNow).retryAt);
      await bench.take(10, STARTER);
      expect(bench.clock.now()).toBe((answer as NotNow).retryAt);
    });

    test("is waited for where that takes no longer than fifteen seconds", async () => {
      const lease = await bench.take(10, STARTER);
      for (let call = 0; call < 10; call++) lease.nextNonce("Balance", 1);
      await bench.run(lease.release());
      const startedAt = bench.clock.now();
      await bench.take(4, STARTER);
      expect(bench.clock.now() - startedAt).toBe(12_122); // 4 ÷ 0.33 s
    });

    test("gets back what was charged and not used", async () => {
      const lease = await bench.take(10, STARTER);
      expect((await bench.gate()).counterMilli).toBe(10_000);
      lease.nextNonce("Balance", 1);
      lease.nextNonce("ClosedOrders", 2);
      lease.nextNonce("AddOrder", 0);
      await bench.run(lease.release());
      expect((await bench.gate()).counterMilli).toBe(3_000);
    });

    test("keeps what a dead holder was admitted with: it may have used it", async () => {
      await bench.take(10, STARTER);
      const heir = await bench.take(1, STARTER);
      // 10 points and its own, less 0.33 for each second since the dead one's last call may have left: up to 10 s after
      // it took the key.
      const restMs = Number(heir.fence - BigInt(START)) - HOLD_MS_MAX;
      expect((await bench.gate()).counterMilli).toBe(11_000 - Math.floor((restMs * 330) / 1000));
    });

    test("lets those who resolve an order into the head-room", async () => {
      const lease = await bench.take(10, STARTER);
      for (let call = 0; call < 10; call++) lease.nextNonce("Balance", 1);
      await bench.run(lease.release());
      const startedAt = bench.clock.now();
      // 4 of the head-room's 5: Kraken lowers its counter in steps, and 1 is left for that.
      await bench.take(4, STARTER, 0);
      expect(bench.clock.now()).toBe(startedAt);
    });
  });

  describe("after a rate-limit error", () => {
    const coolDown = async (): Promise<number> => {
      const lease = await bench.take(1, STARTER, 0);
      const startedAt = bench.clock.now();
      return (await bench.run(lease.coolDown())) - startedAt;
    };

    test("everybody keeps away until the cool-down is over", async () => {
      const ms = await coolDown();
      expect(ms).toBe(30_304); // (15 − 5) ÷ 0.33 s
      const until = later(epochMs(START), ms);
      expect(await bench.run(bench.acquire(1, STARTER))).toEqual({
        is: "not-now",
        retryAt: until,
        why: "the key is cooling down",
      });
      bench.clock.moveTo(until - 10_000);
      await bench.take(1, STARTER);
      expect(bench.clock.now()).toBeGreaterThanOrEqual(until);
    });

    test("each repetition doubles the cool-down, up to a quarter of an hour", async () => {
      const lengths: number[] = [];
      for (let repeats = 0; repeats < 7; repeats++) {
        lengths.push(await coolDown());
        bench.clock.moveTo(bench.clock.now() + lengths.at(-1)!);
      }
      expect(lengths).toEqual([30_304, 60_608, 121_216, 242_432, 484_864, 900_000, 900_000]);
    });

    test("successful use in between does not make it forget, a long rest does", async () => {
      expect(await coolDown()).toBe(30_304);
      await bench.pass(30_304);
      const lease = await bench.take(1, STARTER);
      await bench.run(lease.release());
      expect(await coolDown()).toBe(60_608);
      await bench.pass(60_608 + 15 * 60_000);
      expect(await coolDown()).toBe(30_304);
    });

    test("the counter stands over the maximum, so that nobody rushes in at the end", async () => {
      await coolDown();
      expect((await bench.gate()).counterMilli).toBe(16_000);
    });

    test("a holder that lost the key meanwhile makes the new one's followers keep away, too", async () => {
      const frozen = await bench.take(1, STARTER);
      const heir = await bench.take(1, STARTER);
      const until = await bench.run(frozen.coolDown());
      expect((await bench.gate()).owner).toBe(heir.owner);
      await bench.run(heir.release());
      expect(await bench.run(bench.acquire(1, STARTER))).toMatchObject({ is: "not-now", retryAt: until });
    });
  });

  test("a lockout keeps everybody away for a quarter of an hour, or until the instant that Kraken named", async () => {
    const startedAt = bench.clock.now();
    expect(await bench.run((await bench.take()).keepAway())).toBe(startedAt + 15 * 60_000);
    expect(await bench.run(bench.acquire())).toMatchObject({ is: "not-now", retryAt: startedAt + 900_000 });
    bench.clock.moveTo(startedAt + 900_000);
    const named = later(bench.clock.now(), 60_000) as EpochMs;
    expect(await bench.run((await bench.take()).keepAway(named))).toBe(named);
    expect(await bench.run(bench.acquire())).toMatchObject({ is: "not-now", retryAt: named });
  });

  describe("a stopped key", () => {
    test("is given to nobody, at any time", async () => {
      const lease = await bench.take();
      await bench.run(lease.stop("nonces refused twice"));
      expect(() => lease.nextNonce("Balance", 1)).toThrow(LeaseOver);
      for (const ms of [0, 60_000, 365 * 86_400_000]) {
        bench.clock.moveTo(bench.clock.now() + ms);
        expect(await bench.run(bench.acquire())).toEqual({ is: "stopped", why: "nonces refused twice" });
      }
    });

    test("is stopped also by a holder that lost it meanwhile", async () => {
      const frozen = await bench.take();
      await bench.take();
      await bench.run(frozen.stop("nonces refused twice"));
      expect(await bench.run(bench.acquire())).toMatchObject({ is: "stopped" });
    });

    test("is noticed by those who wait for it", async () => {
      const lease = await bench.take();
      const waiting = bench.acquire();
      await bench.run(Promise.all([waiting, bench.clock.sleep(3_000).then(() => lease.stop("why"))]));
      expect(await waiting).toEqual({ is: "stopped", why: "why" });
    });
  });

  test("who meets one holder after another for twenty-five seconds is told to come back", async () => {
    const { clock, store } = bench;
    const lease = await bench.take();
    let passing = true;
    const others = async (): Promise<void> => {
      for (let gate = await bench.gate(), turn = 0; passing; turn++) {
        const after = { ...gate, rvn: gate.rvn + 1, owner: `other-${turn}` };
        await store.write(KEY_HASH, gate, after);
        gate = after;
        await clock.sleep(5_000);
      }
    };
    const startedAt = clock.now();
    const answer = bench.acquire().finally(() => {
      passing = false;
    });
    await bench.run(Promise.all([answer, others()]));
    const { is, retryAt, why } = (await answer) as NotNow;
    expect([is, why]).toEqual(["not-now", "another worker holds the key"]);
    expect(retryAt - startedAt).toBeGreaterThanOrEqual(30_000); // 25 s of waiting, 5 s of pause
    expect(retryAt - startedAt).toBeLessThanOrEqual(30_400);
    expect(lease.owner).not.toBe((await bench.gate()).owner);
  });

  test("a gate that was read with the run is not read again", async () => {
    const first = await bench.take();
    await bench.run(first.release());
    const known = await bench.gate();
    bench.house?.cloud.takeCounts();
    const reads = bench.store instanceof MemoryGates ? bench.store.reads : 0;
    const deps = { store: bench.store, clock: bench.clock, chance: bench.chance };
    const again = await bench.run(acquireKey(deps, CREDENTIALS, WIDE, 1, undefined, known));
    expect(again).toBeInstanceOf(KeyLease);
    if (bench.store instanceof MemoryGates) expect(bench.store.reads).toBe(reads);
    else expect(bench.house?.cloud.takeCounts()).toEqual({ PutItem: 1 });
  });

  test("a gate that was read too long ago does not give the key twice", async () => {
    const known = await bench.run((await bench.take()).release()).then(() => bench.gate());
    const holder = await bench.take();
    const deps = { store: bench.store, clock: bench.clock, chance: bench.chance };
    const startedAt = bench.clock.monotonicMs();
    const heir = await bench.run(acquireKey(deps, CREDENTIALS, WIDE, 1, undefined, known));
    expect(heir).toBeInstanceOf(KeyLease);
    expect(bench.clock.monotonicMs() - startedAt).toBeGreaterThanOrEqual(LEASE_TTL_MS);
    expect(holder.isOver).toBe(true);
  });
});

describe("answers that DynamoDB loses", () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await openBench("DynamoDB");
  });
  afterEach(() => bench.close());
  /** A repetition that is refused gets its answer: one lost answer is one write done twice. */
  const lose = (times: number): Promise<void> =>
    bench.house!.arm({ operation: "PutItem", fault: "applied-but-reply-lost", times });

  test("do not lose the lease: the worker has the key, once", async () => {
    await bench.run((await bench.take()).release());
    const before = await bench.gate();
    await lose(1);
    const lease = await bench.take();
    expect(await bench.gate()).toMatchObject({ owner: lease.owner, fence: lease.fence, rvn: before.rvn + 1 });
    expect(() => lease.nextNonce("Balance", 1)).not.toThrow();
  });

  test("do not keep the key: it is free after its release", async () => {
    const lease = await bench.take();
    await lose(1);
    await bench.run(lease.release());
    expect((await bench.gate()).owner).toBeUndefined();
    await bench.pass(500); // Left to whoever resolves an order
    const startedAt = bench.clock.monotonicMs();
    await bench.take();
    expect(bench.clock.monotonicMs()).toBe(startedAt);
  });

  test("count against the ten seconds: the lease began before it was asked for", async () => {
    await bench.run((await bench.take()).release());
    await bench.house!.arm({ operation: "PutItem", fault: "slow", seconds: 4 });
    const lease = await bench.take();
    expect(lease.heldMs).toBe(4_000);
  });

  test("do not make two cool-downs of one", async () => {
    const lease = await bench.take(1, STARTER);
    await lose(1);
    await bench.run(lease.coolDown());
    expect((await bench.gate()).cooldownRepeats).toBe(1);
  });

  test("do not let another worker's key be taken for one's own", async () => {
    const holder = await bench.take();
    await lose(4);
    const waiting = bench.acquire();
    const release = bench.clock.sleep(1_000).then(() => holder.release());
    const third = bench.clock.sleep(900).then(() => bench.acquire());
    await bench.run(
      Promise.all(
        [waiting, release, third].map((work) =>
          work.then((got) => {
            if (got instanceof KeyLease) return got.release();
            return undefined;
          }),
        ),
      ),
    );
    const leases = [await waiting, await third];
    expect(leases.every((lease) => lease instanceof KeyLease)).toBe(true);
    const [a, b] = leases as [KeyLease, KeyLease];
    expect(a.fence).not.toBe(b.fence);
    expect((await bench.gate()).owner).toBeUndefined();
  });
});
