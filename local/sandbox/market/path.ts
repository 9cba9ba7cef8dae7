/**
 * The middle price of every pair as a function of time. Crosses agree with each other, because each price is the
 * quotient of two assets' own paths, until somebody sets one by hand: from then on that pair goes its way from there.
 *
 * Inside, a path is a number in log space. What comes out is a whole count of half ticks, and exact.
 */
import type { Decimal } from "../../../shared/domain/decimal.ts";
import type { Pair } from "./catalogue.ts";
import { businessOf, characterOf, levelOf } from "./levels.ts";
import { type Noise, noiseAt, noiseBound, noiseOf } from "./noise.ts";

/** A price set by hand. `halfTicks` is the middle. */
export type Anchor = { readonly at: number; readonly halfTicks: number };

/** What prices depend on. */
export type MarketSeed = {
  readonly seed: number;
  /** When the sandbox began, in ms: then every pair stands at its level. */
  readonly startedAt: number;
  /** Oldest first, by pair id. */
  readonly anchors: ReadonlyMap<string, readonly Anchor[]>;
};

/** After a price was set it stands still for a moment, and only slowly regains its usual movement. */
const HOLD_MS = 10_000;
const RAMP_MS = 600_000;

const noises = new Map<string, Noise>();

function assetNoise(seed: number, asset: Pair["base"]): Noise {
  const key = `${seed} ${asset.id}`;
  const known = noises.get(key);
  if (known !== undefined) return known;
  if (noises.size > 4_000) noises.clear();
  const { yearly, stable } = characterOf(asset);
  let stream = 7;
  for (const letter of asset.id) stream = Math.imul(stream, 31) + letter.charCodeAt(0);
  const noise = noiseOf(seed, stream, yearly, stable === true);
  noises.set(key, noise);
  return noise;
}

const logNoise = (seed: number, pair: Pair, atMs: number): number =>
  noiseAt(assetNoise(seed, pair.base), atMs / 1000) - noiseAt(assetNoise(seed, pair.quote), atMs / 1000);

const halfTicksOfLevel = (pair: Pair): number => levelOf(pair) * 2 * 10 ** pair.pairDecimals;

/** Half of the spread in half ticks. It is fixed, so that "the ask reached P" is a question about the middle alone. */
export function halfSpreadOf(pair: Pair): number {
  return Math.max(1, Math.round(halfTicksOfLevel(pair) * businessOf(pair).halfSpread));
}

function anchorAt(market: MarketSeed, pair: Pair, atMs: number): Anchor | undefined {
  const anchors = market.anchors.get(pair.id);
  if (anchors === undefined) return undefined;
  for (let i = anchors.length - 1; i >= 0; i--) if (anchors[i]!.at <= atMs) return anchors[i];
  return undefined;
}

const startLogs = new WeakMap<MarketSeed, Map<string, number>>();

function startLog(market: MarketSeed, pair: Pair): number {
  let known = startLogs.get(market);
  if (known === undefined) {
    known = new Map();
    startLogs.set(market, known);
  }
  let value = known.get(pair.id);
  if (value === undefined) {
    value = logNoise(market.seed, pair, market.startedAt);
    known.set(pair.id, value);
  }
  return value;
}

/** Half ticks, not rounded. */
function rawMid(market: MarketSeed, pair: Pair, atMs: number): number {
  const anchor = anchorAt(market, pair, atMs);
  if (anchor === undefined) {
    return halfTicksOfLevel(pair) * Math.exp(logNoise(market.seed, pair, atMs) - startLog(market, pair));
  }
  const free = Math.min(1, Math.max(0, (atMs - anchor.at - HOLD_MS) / RAMP_MS));
  if (free === 0) return anchor.halfTicks;
  const moved = logNoise(market.seed, pair, atMs) - logNoise(market.seed, pair, anchor.at);
  return anchor.halfTicks * Math.exp(free * moved);
}

/** The middle at an instant, in half ticks. */
export function midAt(market: MarketSeed, pair: Pair, atMs: number): number {
  return Math.max(halfSpreadOf(pair) + 2, Math.round(rawMid(market, pair, atMs)));
}

export type Touch = { readonly bid: number; readonly ask: number };

/** Best prices in whole ticks: symmetric around the middle. */
export function touchAt(market: MarketSeed, pair: Pair, atMs: number): Touch {
  const mid = midAt(market, pair, atMs);
  const half = halfSpreadOf(pair);
  return { bid: Math.floor((mid - half) / 2), ask: Math.ceil((mid + half) / 2) };
}

export const priceOfTicks = (pair: Pair, ticks: number): Decimal => ({
  units: BigInt(ticks),
  scale: pair.pairDecimals,
});

/**
 * The first whole second after `afterMs` and not after `untilMs` at which the middle is at or below `low` or at or above
 * `high`. It looks into a stretch of time only where the path could get there, so a month costs little.
 */
export function firstCrossing(
  market: MarketSeed,
  pair: Pair,
  bounds: { low: number; high: number; afterMs: number; untilMs: number },
): number | undefined {
  const first = Math.floor(bounds.afterMs / 1000) + 1;
  const last = Math.floor(bounds.untilMs / 1000);
  const base = assetNoise(market.seed, pair.base);
  const quote = assetNoise(market.seed, pair.quote);
  const anchor = anchorAt(market, pair, bounds.untilMs);
  const stepwiseUntil = anchor === undefined ? 0 : Math.ceil((anchor.at + HOLD_MS + RAMP_MS) / 1000);

  const search = (from: number, to: number): number | undefined => {
    if (from > to) return undefined;
    const middle = Math.floor((from + to) / 2);
    if (from < to && from >= stepwiseUntil) {
      const reach = Math.max(middle - from, to - middle);
      const bound = noiseBound(base, reach) + noiseBound(quote, reach);
      const here = rawMid(market, pair, middle * 1000);
      // One half tick each way for the rounding of the middle.
      if (here * Math.exp(-bound) - 1 > bounds.low && here * Math.exp(bound) + 1 < bounds.high)
        return undefined;
    }
    if (from === to) {
      const mid = midAt(market, pair, from * 1000);
      return mid <= bounds.low || mid >= bounds.high ? from : undefined;
    }
    return search(from, middle) ?? search(middle + 1, to);
  };
  const found = search(first, last);
  return found === undefined ? undefined : found * 1000;
}
