/** Who goes first at the gate of a key, and what its counter holds: in virtual time, on the store in memory. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import type { Clock } from "../../shared/app/clock.ts";
import {
  acquireKey,
  type GateDeps,
  HOLD_MS_MAX,
  KeyLease,
  READING_HEADROOM,
  RESOLVING_HEADROOM,
} from "../../shared/app/key-gate.ts";
import { type Credentials, Secret } from "../../shared/app/secret.ts";
import { decimal } from "../../shared/domain/decimal.ts";
import type { Tier } from "../../shared/domain/plan.ts";
import { HEADROOM } from "../../shared/domain/rate-counter.ts";
import { type EpochMs, epochMs, HOUR_MS } from "../../shared/domain/time.ts";
import { NOW } from "../support/arbitraries.ts";
import { seededChance } from "../support/chance.ts";
import { times } from "../support/cloud-house.ts";
import { MemoryGates } from "../support/ledger-gates.ts";
import { inVirtualTime } from "../support/pump.ts";

const STARTER: Tier = { name: "starter", max: 15, decayPerSecond: decimal("0.33") };
const WIDE: Tier = { name: "wide", max: 10_000, decayPerSecond: decimal("100") };
const CREDENTIALS: Credentials = { apiKey: "key", privateKey: new Secret("private"), version: "1" };
/** The longest look of a resolver at a busy key, and one turn of whoever is faster by chance. */
const LOOK_MS_MAX = 180;

let clock: VirtualClock;
let deps: GateDeps;
let chance: ReturnType<typeof seededChance>;
beforeEach(() => {
  clock = new VirtualClock({ startAt: NOW, rate: 0 });
  chance = seededChance(7);
  deps = { store: new MemoryGates(), clock, chance };
});
afterEach(() => clock.stop());

const run = <T>(work: Promise<T>): Promise<T> => inVirtualTime(clock, work, () => 0);

const take = async (headroom: number, tier = WIDE, points = 1, used = deps): Promise<KeyLease> => {
  const answer = await acquireKey(used, CREDENTIALS, tier, points, headroom);
  if (answer instanceof KeyLease) return answer;
  throw new Error(`not the key but ${answer.is}: ${answer.why}`);
};

describe("at a busy key", () => {
  /** Takes the key again and again, as soon as it was given back. */
  const greedy = async (headroom: number, untilMs: number, waits: number[]): Promise<void> => {
    while (clock.monotonicMs() < untilMs) {
      const askedAt = clock.monotonicMs();
      const answer = await acquireKey(deps, CREDENTIALS, WIDE, 1, headroom);
      waits.push(clock.monotonicMs() - askedAt);
      if (!(answer instanceof KeyLease)) continue;
      await clock.sleep(800 + chance.fraction() * 400);
      await answer.release();
    }
  };

  test("a resolver waits for the holder only, however many buys want the key, too", async () => {
    const waits: number[] = [];
    const buys = times(19, () => greedy(HEADROOM, 120_000, []));
    const resolver = async (): Promise<void> => {
      while (clock.monotonicMs() < 100_000) {
        await clock.sleep(2_000 + chance.fraction() * 3_000);
        const askedAt = clock.monotonicMs();
        const lease = await take(RESOLVING_HEADROOM);
        waits.push(clock.monotonicMs() - askedAt);
        await lease.release();
      }
    };
    await run(Promise.all([...buys, resolver()]));
    expect(waits.length).toBeGreaterThan(20);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_200 + LOOK_MS_MAX);
  });

  test("a portfolio read comes after every buy that waits", async () => {
    const order: string[] = [];
    const one = async (name: string, headroom: number): Promise<void> => {
      const lease = await take(headroom);
      order.push(name);
      await clock.sleep(300);
      await lease.release();
    };
    const holder = await take(HEADROOM);
    const reads = times(3, () => one("read", READING_HEADROOM));
    const buys = times(3, () => one("buy", HEADROOM));
    const rest = clock.sleep(2_000).then(() => holder.release());
    await run(Promise.all([...reads, ...buys, rest]));
    expect(order).toEqual(["buy", "buy", "buy", "read", "read", "read"]);
  });

  test("among equals who come back at once nobody is left out", async () => {
    const waits = times(6, () => [] as number[]);
    await run(Promise.all(waits.map((own) => greedy(HEADROOM, 600_000, own))));
    // Six who hold for a second and hand over within half of one: a fair share is some 8 s.
    for (const own of waits) expect(own.length).toBeGreaterThan(40);
  });
});

describe("Kraken's counter", () => {
  const spend = async (points: number): Promise<void> => {
    const lease = await take(RESOLVING_HEADROOM, STARTER, points);
    for (let call = 0; call < points; call++) lease.nextNonce("Balance", 1);
    await lease.release();
  };

  test.each([
    ["a resolver", RESOLVING_HEADROOM, 3_031], // 1 point ÷ 0.33
    ["a buy", HEADROOM, 15_152], // 5 points ÷ 0.33
    ["a read", READING_HEADROOM, 30_304], // Below an empty counter there is nothing: 10 points ÷ 0.33
  ])("is left to %s with 5 points when all but its head-room is there", async (_, headroom, waitMs) => {
    await run(spend(10));
    await run(clock.sleep(1_000));
    clock.moveTo(NOW + 1_000);
    const answer = await run(acquireKey(deps, CREDENTIALS, STARTER, 5, headroom));
    const waited = answer instanceof KeyLease ? clock.now() - NOW - 1_000 : 0;
    const toldMs = "is" in answer && answer.is === "not-now" ? answer.retryAt - clock.now() : 0;
    expect(waited + toldMs).toBe(Math.max(0, waitMs - 1_000));
  });

  test("counts a call from its answer on, as Kraken, where it arrives later than it was sent", async () => {
    const lease = await run(take(RESOLVING_HEADROOM, STARTER, 5));
    lease.nextNonce("Balance", 1);
    await run(clock.sleep(8_000));
    await run(lease.release());
    // At Kraken it may stand at a whole point now, so nothing of it has decayed here.
    expect((await deps.store.read(lease.keyHash))!.counterMilli).toBe(1_000);
  });

  test.each([
    [8, 7],
    [6, 7],
    [1, 2],
  ])("of a tier with only %i points serves also those who ask for %i", async (max, points) => {
    const small: Tier = { name: "custom", max, decayPerSecond: decimal("1") };
    const first = await run(take(HEADROOM, small, points));
    await run(first.release());
    await run(clock.sleep(15_000));
    await run(take(READING_HEADROOM, small, points));
  });
});

describe("wrong clocks", () => {
  const wrongBy = (ms: () => number): Clock => ({
    now: () => epochMs(clock.now() + ms()),
    monotonicMs: () => clock.monotonicMs(),
    sleep: (length, signal) => clock.sleep(length, signal),
    after: (length, action) => clock.after(length, action),
  });
  const exchangeNow = async (): Promise<EpochMs> => clock.now();

  test.each([
    ["ahead", HOUR_MS],
    ["behind", -HOUR_MS],
  ])("an hour %s neither forget nor keep points where Kraken's clock is asked", async (_, wrongMs) => {
    const wrong: GateDeps = { ...deps, clock: wrongBy(() => wrongMs), exchangeNow };
    const first = await run(take(HEADROOM, STARTER, 10, { ...deps, exchangeNow }));
    for (let call = 0; call < 10; call++) first.nextNonce("Balance", 1);
    await run(first.release());
    const told = await run(acquireKey(wrong, CREDENTIALS, STARTER, 10, HEADROOM));
    // By the clock of the one who comes back.
    expect(told).toMatchObject({ is: "not-now", retryAt: clock.now() + wrongMs + 30_304 });
    clock.moveTo(clock.now() + 30_304);
    const second = await run(take(HEADROOM, STARTER, 10, wrong));
    await run(second.coolDown());
    expect(await run(acquireKey({ ...deps, exchangeNow }, CREDENTIALS, STARTER, 1))).toMatchObject({
      is: "not-now",
      retryAt: clock.now() + 30_304,
    });
  });

  test("without an answer of Kraken the machine's own clock counts", async () => {
    const failing = { ...deps, exchangeNow: () => Promise.reject(new Error("no connection")) };
    expect((await run(take(HEADROOM, STARTER, 1, failing))).fence).toBe(BigInt(NOW));
  });

  test("set forward in a holding end the lease, and its points are kept as they were", async () => {
    let wrongMs = 0;
    const stepping: GateDeps = { ...deps, clock: wrongBy(() => wrongMs) };
    const lease = await run(take(HEADROOM, STARTER, 6, stepping));
    for (let call = 0; call < 6; call++) lease.nextNonce("Balance", 1);
    wrongMs = HOLD_MS_MAX;
    // A machine that was frozen whole shows the same: its monotonic clock may have stood still.
    expect(lease.isOver).toBe(true);
    await run(lease.release());
    expect(await deps.store.read(lease.keyHash)).toMatchObject({ counterMilli: 6_000, counterAt: NOW });
  });
});
