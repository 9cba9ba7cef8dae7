/** The mirror of Kraken's counter, against the counter itself: exact, continuous decay, reckoned in whole numbers. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decimal } from "../../shared/domain/decimal.ts";
import type { Tier } from "../../shared/domain/plan.ts";
import {
  charged,
  coolDownMs,
  decayed,
  HEADROOM,
  type RateCounter,
  waitMsFor,
} from "../../shared/domain/rate-counter.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { NOW } from "../support/arbitraries.ts";

const STARTER: Tier = { name: "starter", max: 15, decayPerSecond: decimal("0.33") };
const TIERS: readonly Tier[] = [
  STARTER,
  { name: "intermediate", max: 20, decayPerSecond: decimal("0.5") },
  { name: "pro", max: 20, decayPerSecond: decimal("1") },
  { name: "institution", max: 100, decayPerSecond: decimal("5") },
  { name: "odd", max: 33, decayPerSecond: decimal("0.123456") },
];
const tiers = fc.constantFrom(...TIERS);

/** Kraken's counter in units of 10^-9 points: rises by whole points, falls by `decay` points a second without steps. */
class Reference {
  #units = 0n;
  #atMs = 0;
  readonly #perMs: bigint; // Points per millisecond × 10^9 = points per second × 10^6

  constructor(tier: Tier) {
    this.#perMs = (tier.decayPerSecond.units * 10n ** 6n) / 10n ** BigInt(tier.decayPerSecond.scale);
  }

  at(ms: number): bigint {
    const fallen = this.#units - this.#perMs * BigInt(ms - this.#atMs);
    this.#units = fallen > 0n ? fallen : 0n;
    this.#atMs = ms;
    return this.#units;
  }

  charge(points: number): void {
    this.#units += BigInt(points) * 10n ** 9n;
  }
}

const calls = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 30_000 })),
    points: fc.constantFrom(0, 1, 1, 2, 5),
  }),
  { maxLength: 200, size: "max" },
);

describe("the mirror", () => {
  test("never stands below the counter of Kraken, and drifts above it by less than a thousandth a write", () => {
    fc.assert(
      fc.property(tiers, calls, (tier, made) => {
        const kraken = new Reference(tier);
        let mirror: RateCounter = { milli: 0, at: NOW };
        let ms = 0;
        for (const { afterMs, points } of made) {
          ms += afterMs;
          mirror = charged(decayed(mirror, tier, epochMs(NOW + ms)), points);
          kraken.at(ms);
          kraken.charge(points);
          const counter = kraken.at(ms);
          expect(BigInt(mirror.milli) * 10n ** 6n).toBeGreaterThanOrEqual(counter);
          // Each write rounds by less than a thousandth; a decay with more than three digits is rounded down, too.
          if (tier.name !== "odd") {
            expect(Number(BigInt(mirror.milli) * 10n ** 6n - counter) / 1e9).toBeLessThanOrEqual(
              made.length / 1000,
            );
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  test("a call that is made when the mirror allows it never meets a full counter", () => {
    fc.assert(
      fc.property(tiers, calls, (tier, made) => {
        const kraken = new Reference(tier);
        let mirror: RateCounter = { milli: 0, at: NOW };
        let ms = 0;
        for (const { afterMs, points } of made) {
          ms += afterMs;
          ms += waitMsFor(mirror, tier, points, 0, epochMs(NOW + ms));
          expect(waitMsFor(mirror, tier, points, 0, epochMs(NOW + ms))).toBe(0);
          mirror = charged(decayed(mirror, tier, epochMs(NOW + ms)), points);
          kraken.at(ms);
          kraken.charge(points);
          expect(kraken.at(ms)).toBeLessThanOrEqual(BigInt(tier.max) * 10n ** 9n);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("a wait is enough, and hardly longer than needed", () => {
    const counters = fc.record({ milli: fc.nat({ max: 40_000 }), at: fc.constant(NOW) });
    fc.assert(
      fc.property(
        tiers,
        counters,
        fc.nat({ max: 10 }),
        fc.nat({ max: HEADROOM }),
        fc.nat({ max: 90_000 }),
        (tier, counter, points, headroom, passed) => {
          const now = epochMs(NOW + passed);
          const waitMs = waitMsFor(counter, tier, points, headroom, now);
          const room = (tier.max - headroom) * 1000;
          const milliAfter = (ms: number) => decayed(counter, tier, epochMs(now + ms)).milli + points * 1000;
          expect(milliAfter(waitMs)).toBeLessThanOrEqual(room);
          // One thousandth of a point decays in 1 ÷ decay ms; two roundings can each cost as much.
          const stepMs =
            1_000 / Math.floor(Number(tier.decayPerSecond.units) / 10 ** (tier.decayPerSecond.scale - 3));
          const slackMs = Math.ceil(stepMs) + 1;
          if (waitMs > slackMs) expect(milliAfter(waitMs - slackMs)).toBeGreaterThan(room);
          if (waitMs > 0) expect(milliAfter(0)).toBeGreaterThan(room);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("charging keeps the instant; what is given back never leads below nothing", () => {
    expect(charged({ milli: 500, at: NOW }, 2)).toEqual({ milli: 2_500, at: NOW });
    expect(charged({ milli: 500, at: NOW }, -2)).toEqual({ milli: 0, at: NOW });
  });

  test("a clock that went back decays nothing", () => {
    const counter = { milli: 9_000, at: NOW };
    expect(decayed(counter, STARTER, epochMs(NOW - 3_600_000)).milli).toBe(9_000);
  });
});

describe("Starter, reckoned by hand", () => {
  test.each([
    // 15 − 5 = 10 points fit under the headroom; 0.33 points decay in a second.
    [0, 10, HEADROOM, 0],
    [0, 11, HEADROOM, 3_031], // One point: 1000 ÷ 0.33 = 3030.3
    [10_000, 10, HEADROOM, 30_304], // Ten points: 30303.03
    [14_000, 1, 0, 0],
    [14_001, 1, 0, 4], // A thousandth: 3.03
  ])("at %i thousandths, %i points under headroom %i wait %i ms", (milli, points, headroom, waitMs) => {
    expect(waitMsFor({ milli, at: NOW }, STARTER, points, headroom, NOW)).toBe(waitMs);
  });

  test("the cool-down is (15 − 5) ÷ 0.33 s, doubled each time, never over a quarter of an hour", () => {
    expect([0, 1, 2, 3, 4, 5, 50].map((repeats) => coolDownMs(STARTER, repeats))).toEqual([
      30_304, 60_608, 121_216, 242_432, 484_864, 900_000, 900_000,
    ]);
  });
});
