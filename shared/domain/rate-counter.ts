/**
 * Our mirror of Kraken's counter of private calls: it rises by the cost of each call and decays with time; a call over the
 * maximum is refused, and calling on while refused prolongs it (docs.kraken.com, spot rate limits).
 *
 * Whole thousandths of a point, so that it can be stored and compared exactly.
 */
import { type Decimal, decimal, toScale, unitsAt } from "./decimal.ts";
import type { Tier } from "./plan.ts";
import type { EpochMs } from "./time.ts";

/** Kraken's private rate counter per verification tier: ceiling and points that fall off each second. */
export const TIERS = {
  starter: { name: "starter", max: 15, decayPerSecond: decimal("0.33") },
  intermediate: { name: "intermediate", max: 20, decayPerSecond: decimal("0.5") },
  pro: { name: "pro", max: 20, decayPerSecond: decimal("1") },
} as const satisfies Record<string, Tier>;

export type RateCounter = { readonly milli: number; readonly at: EpochMs };

/** Four points for resolving an order that is in doubt, one because Kraken lowers its counter in steps. */
export const HEADROOM = 5;

const decayMilliPerSecond = (decay: Decimal): number => Number(unitsAt(toScale(decay, 3, "down"), 3));

/** The counter at `now`. A clock that went back decays nothing. */
export function decayed(counter: RateCounter, tier: Tier, now: EpochMs): RateCounter {
  const passedMs = Math.max(0, now - counter.at);
  // Down to a whole thousandth of what has decayed: the mirror may stand too high, never too low.
  const lost = Math.floor((passedMs * decayMilliPerSecond(tier.decayPerSecond)) / 1000);
  return { milli: Math.max(0, counter.milli - lost), at: now };
}

export const charged = (counter: RateCounter, points: number): RateCounter => ({
  ...counter,
  milli: Math.max(0, counter.milli + points * 1000),
});

/** How long until `points` more fit under the maximum less `headroom`; 0 when they fit now. */
export function waitMsFor(
  counter: RateCounter,
  tier: Tier,
  points: number,
  headroom: number,
  now: EpochMs,
): number {
  const over = decayed(counter, tier, now).milli + points * 1000 - (tier.max - headroom) * 1000;
  if (over <= 0) return 0;
  return Math.ceil((over * 1000) / decayMilliPerSecond(tier.decayPerSecond));
}

/** After a real rate-limit error: how long to keep away, doubled at each repeat, at most a quarter of an hour. */
export function coolDownMs(tier: Tier, repeats: number): number {
  const once = ((tier.max - HEADROOM) * 1_000_000) / decayMilliPerSecond(tier.decayPerSecond);
  return Math.min(15 * 60_000, Math.ceil(once) * 2 ** Math.min(repeats, 10));
}
