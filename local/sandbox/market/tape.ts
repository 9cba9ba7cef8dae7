/**
 * The public trades of a pair and the candles they make. Trades of the simulated crowd follow from the seed, one in each
 * slot of time; what the sandbox's own accounts took is printed between them.
 */
import type { Pair } from "./catalogue.ts";
import { businessOf, characterOf } from "./levels.ts";
import { fractionOf } from "./noise.ts";
import { type MarketSeed, touchAt } from "./path.ts";

export type Trade = {
  readonly at: number;
  readonly ticks: number;
  readonly lots: bigint;
  readonly side: "b" | "s";
  readonly type: "m" | "l";
  readonly id: number;
};

/** A trade that did not come from the seed: an own fill, or the mark a hand-set price leaves (no lots). */
export type Print = {
  readonly at: number;
  readonly ticks: number;
  readonly lots: bigint;
  readonly side: "b" | "s";
  readonly id: number;
};

export type Market = MarketSeed & { readonly prints: ReadonlyMap<string, readonly Print[]> };

/** Nothing was traded before: 2013-09-10, when the real exchange opened. */
export const HISTORY_STARTS_AT = 1_378_771_200_000;
/** Streams of the trades' random numbers, apart from those of the paths. */
const TIME = 101;
const SIDE = 102;
const SIZE = 103;

export function slotTrade(market: Market, pair: Pair, slot: number): Trade {
  const { slotMs, tradeUsd } = businessOf(pair);
  const at = slot * slotMs + Math.floor(fractionOf(market.seed, TIME, pair.index, slot) * slotMs);
  const isBuy = fractionOf(market.seed, SIDE, pair.index, slot) < 0.5;
  const { bid, ask } = touchAt(market, pair, at);
  // Sizes from a hundredth to ten times the ordinary one, small ones far more often.
  const size = tradeUsd * 10 ** (fractionOf(market.seed, SIZE, pair.index, slot) * 3 - 2);
  const lots = Math.max(1, Math.round((size / characterOf(pair.base).usd) * 10 ** pair.lotDecimals));
  return {
    at,
    ticks: isBuy ? ask : bid,
    lots: BigInt(lots),
    side: isBuy ? "b" : "s",
    type: lots % 3 === 0 ? "m" : "l",
    id: idOfSlot(pair, slot),
  };
}

const slotOf = (pair: Pair, at: number): number => Math.floor(at / businessOf(pair).slotMs);

/** Ids rise with time; the crowd's end in 5, so that nine prints in a row find room before the next of them. */
const idOfSlot = (pair: Pair, slot: number): number =>
  (slot - Math.floor(HISTORY_STARTS_AT / businessOf(pair).slotMs)) * 10 + 5;

/** The id of a print that follows `last`, which is the newest one of the pair. */
export const nextPrintId = (pair: Pair, at: number, last: Print | undefined): number =>
  Math.max(idOfSlot(pair, slotOf(pair, at)), last?.id ?? 0) + 1;

/** Own prints in (after, until], oldest first. */
function printsIn(market: Market, pair: Pair, after: number, until: number): Trade[] {
  const prints = market.prints.get(pair.id) ?? [];
  const found: Trade[] = [];
  // They stand in the order of time, and it is nearly always the newest that are asked for.
  for (let i = prints.length - 1; i >= 0 && prints[i]!.at > after; i--) {
    if (prints[i]!.at <= until) found.push({ ...prints[i]!, type: "m" });
  }
  return found.reverse();
}

/** Trades after `after` and not after `until`, oldest first, at most `count`; `newest` keeps the last ones. */
export function tradesIn(
  market: Market,
  pair: Pair,
  span: { after: number; until: number; count: number; newest: boolean },
): Trade[] {
  const after = Math.max(span.after, HISTORY_STARTS_AT);
  const own = printsIn(market, pair, after, span.until);
  const crowd: Trade[] = [];
  const [from, to] = [slotOf(pair, after), slotOf(pair, span.until)];
  const step = span.newest ? -1 : 1;
  for (
    let slot = span.newest ? to : from;
    slot >= from && slot <= to && crowd.length < span.count;
    slot += step
  ) {
    const trade = slotTrade(market, pair, slot);
    if (trade.at > after && trade.at <= span.until) crowd.push(trade);
  }
  const all = [...crowd, ...own].sort((a, b) => a.at - b.at || a.id - b.id);
  return span.newest ? all.slice(-span.count) : all.slice(0, span.count);
}

export function lastTrade(market: Market, pair: Pair, at: number): Trade {
  for (let slot = slotOf(pair, at); ; slot--) {
    const crowd = slotTrade(market, pair, slot);
    if (crowd.at > at) continue;
    return printsIn(market, pair, crowd.at - 1, at).at(-1) ?? crowd;
  }
}

export type Candle = {
  readonly startsAt: number;
  /** Prices in ticks. */
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  /** Σ price × lots, for the average price. */
  readonly turnover: bigint;
  readonly lots: bigint;
  readonly count: number;
};

/** As many trades of one candle are looked at; of longer candles evenly spread ones stand for all. */
const SAMPLES_MAX = 75;

/** What was traded from `from` up to but not including `to`, nothing after `now`. `undefined`: nothing was. */
export function candleOf(
  market: Market,
  pair: Pair,
  span: { from: number; to: number; now: number },
): Candle | undefined {
  const until = Math.min(span.to - 1, span.now);
  if (until < span.from || span.from < HISTORY_STARTS_AT) return undefined;
  const trades: Trade[] = [];
  let [first, last] = [slotOf(pair, span.from), slotOf(pair, until)];
  if (slotTrade(market, pair, first).at < span.from) first++;
  if (slotTrade(market, pair, last).at > until) last--;
  const count = last - first + 1;
  const stride = Math.ceil(count / SAMPLES_MAX);
  for (let slot = first; slot <= last; slot += stride) trades.push(slotTrade(market, pair, slot));
  if (stride > 1 && (count - 1) % stride !== 0) trades.push(slotTrade(market, pair, last));
  const looked = BigInt(Math.max(1, trades.length));

  const own = printsIn(market, pair, span.from - 1, until);
  if (count <= 0 && own.length === 0) return undefined;
  let [turnover, lots] = [0n, 0n];
  for (const trade of trades) {
    turnover += trade.lots * BigInt(trade.ticks);
    lots += trade.lots;
  }
  turnover = (turnover * BigInt(Math.max(0, count))) / looked;
  lots = (lots * BigInt(Math.max(0, count))) / looked;
  for (const print of own) {
    turnover += print.lots * BigInt(print.ticks);
    lots += print.lots;
  }
  const all = [...trades, ...own].sort((a, b) => a.at - b.at || a.id - b.id);
  const ticks = all.map((trade) => trade.ticks);
  return {
    startsAt: span.from,
    open: ticks[0]!,
    high: Math.max(...ticks),
    low: Math.min(...ticks),
    close: ticks.at(-1)!,
    turnover,
    lots,
    count: Math.max(0, count) + own.filter((print) => print.lots > 0n).length,
  };
}

/** The average price of a candle in ticks; the close when only a hand-set price stands in it. */
export const averageTicks = (candle: Candle, digits: number): bigint =>
  candle.lots === 0n
    ? BigInt(candle.close) * 10n ** BigInt(digits)
    : (candle.turnover * 10n ** BigInt(digits)) / candle.lots;
