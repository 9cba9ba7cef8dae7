/** Nonces: they rise from lease to lease whatever the clocks say, and fit what Kraken takes. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { nextFence, nonceOf, SEQUENCE_MAX } from "../../shared/domain/nonce.ts";
import { NOW } from "../support/arbitraries.ts";

const UINT64_MAX = 2n ** 64n - 1n;
const YEAR_MS = 365.25 * 86_400_000;

/** Leases, each with how its clock differs from the one before, and how many nonces it takes. */
const leases = fc.array(
  fc.record({
    clockMoves: fc.oneof(
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: -60_000, max: 60_000 }),
      fc.integer({ min: -2 * YEAR_MS, max: 2 * YEAR_MS }),
    ),
    taken: fc.oneof(fc.nat({ max: 5 }), fc.constant(SEQUENCE_MAX)),
  }),
  { minLength: 1, maxLength: 60, size: "max" },
);

test("nonces strictly rise over all leases, with clocks that jump back and forth, and fit unsigned 64 bits", () => {
  fc.assert(
    fc.property(leases, (all) => {
      let fence: bigint | undefined;
      let clock: number = NOW;
      let last = 0n;
      for (const { clockMoves, taken } of all) {
        clock = Math.max(0, clock + clockMoves);
        const next = nextFence(fence, clock);
        if (fence !== undefined) expect(next).toBeGreaterThan(fence);
        expect(next).toBeGreaterThanOrEqual(BigInt(clock));
        fence = next;
        const sequences = taken > 5 ? [0, 1, taken] : Array.from({ length: taken + 1 }, (_, at) => at);
        for (const sequence of sequences) {
          const nonce = BigInt(nonceOf(fence, sequence));
          expect(nonce).toBeGreaterThan(last);
          expect(nonce).toBeLessThanOrEqual(UINT64_MAX);
          last = nonce;
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("a lease's nonces lie above the nanosecond nonces that another client makes at the same instant", () => {
  fc.assert(
    fc.property(fc.integer({ min: NOW, max: NOW + 200 * YEAR_MS }), (now) => {
      const nanoseconds = BigInt(now) * 1_000_000n + 999_999n;
      expect(BigInt(nonceOf(nextFence(undefined, now), 0))).toBeGreaterThan(nanoseconds);
    }),
  );
});

test("a fence that a restored table has lost is regained from the clock", () => {
  const before = nextFence(undefined, NOW);
  expect(nextFence(before - 1_000_000n, NOW + 1)).toBeGreaterThan(before);
});

test("a lease has a million nonces and not one more", () => {
  expect(BigInt(nonceOf(5n, SEQUENCE_MAX)) + 1n).toBe(BigInt(nonceOf(6n, 0)));
  for (const sequence of [-1, SEQUENCE_MAX + 1, 0.5, Number.NaN]) {
    expect(() => nonceOf(5n, sequence)).toThrow("nonces");
  }
});

test("the nonce of a known instant", () => {
  // 1795417200000 ms × 2^20 + 3.
  expect(NOW).toBe(1_795_417_200_000);
  expect(nonceOf(BigInt(NOW), 3)).toBe((1_795_417_200_000n * 1_048_576n + 3n).toString());
});
