/** The order book around the path: levels that stay for some seconds, and what own takers have eaten of them. */
import type { Pair } from "./catalogue.ts";
import { businessOf, characterOf } from "./levels.ts";
import { fractionOf } from "./noise.ts";
import { type MarketSeed, touchAt } from "./path.ts";

export type Level = { readonly ticks: number; readonly lots: bigint };

/** Base volume taken from one side of the book; it comes back in equal parts. */
export type Eaten = { readonly lots: bigint; readonly at: number };

export type BookState = MarketSeed & {
  /** Keyed by pair id and side: `XXBTZEUR ask`. */
  readonly eaten: ReadonlyMap<string, Eaten>;
};

export type BookSide = "bid" | "ask";

/** Own fills are made good by new orders of the crowd within half a minute. */
const RECOVERY_MS = 30_000;
/** The crowd's orders change this often. */
const SHUFFLE_MS = 10_000;
/** Fraction of the price from one level to the next, near the best price. */
const GAP = 0.000_02;
export const LEVELS_MAX = 500;
const SIZE = 201;
const GAPS = 202;

export const eatenKey = (pair: Pair, side: BookSide): string => `${pair.id} ${side}`;

export function eatenLots(book: BookState, pair: Pair, side: BookSide, at: number): bigint {
  const eaten = book.eaten.get(eatenKey(pair, side));
  if (eaten === undefined || at - eaten.at >= RECOVERY_MS) return 0n;
  return (eaten.lots * BigInt(RECOVERY_MS - (at - eaten.at))) / BigInt(RECOVERY_MS);
}

/** Levels from the best price outwards, as far as the reader walks. */
export function* levelsOf(book: BookState, pair: Pair, side: BookSide, at: number): Generator<Level> {
  const touch = touchAt(book, pair, at);
  const direction = side === "ask" ? 1 : -1;
  const salt = Math.floor(at / SHUFFLE_MS) * 2 + (side === "ask" ? 1 : 0);
  const { topUsd } = businessOf(pair);
  const topLots = (topUsd / characterOf(pair.base).usd) * 10 ** pair.lotDecimals;
  let toSkip = eatenLots(book, pair, side, at);
  let ticks = touch[side];
  for (let i = 0; i < LEVELS_MAX && ticks > 0; i++) {
    const size = 0.4 + 1.4 * fractionOf(book.seed, SIZE + pair.index, salt, i);
    const lots = BigInt(Math.max(1, Math.round(topLots * size * (1 + i / 6))));
    if (lots > toSkip) yield { ticks, lots: lots - toSkip };
    toSkip = toSkip > lots ? toSkip - lots : 0n;
    const gap = GAP * (1 + i / 8) * 2 * fractionOf(book.seed, GAPS + pair.index, salt, i);
    ticks += direction * Math.max(1, Math.round(touch[side] * gap));
  }
}
