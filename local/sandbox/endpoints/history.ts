/** Ticker, OHLC and Trades: three views of the same tape. */
import type { Decimal } from "../../../shared/domain/decimal.ts";
import { fixed } from "../engine/sentence.ts";
import { levelsOf } from "../market/book.ts";
import type { Pair } from "../market/catalogue.ts";
import { averageTicks, type Candle, candleOf, lastTrade, tradesIn } from "../market/tape.ts";
import type { Fields } from "../request.ts";
import type { State } from "../state.ts";
import { wirePrice, wireTicks } from "./market-data.ts";

const DAY_MS = 86_400_000;
/** Digits of an average price beyond those of the pair, before it is cut for display. */
const AVERAGE_DIGITS = 8;

const volumeOf = (pair: Pair, lots: bigint): string =>
  fixed({ units: lots, scale: pair.lotDecimals }, pair.lotDecimals);

const averageOf = (pair: Pair, candle: Candle): Decimal => ({
  units: averageTicks(candle, AVERAGE_DIGITS),
  scale: pair.pairDecimals + AVERAGE_DIGITS,
});

export function ticker(state: State, pair: Pair, at: number): unknown {
  const last = lastTrade(state, pair, at);
  const still = stillCandle(at, last.ticks);
  const midnight = Math.floor(at / DAY_MS) * DAY_MS;
  const today = candleOf(state, pair, { from: midnight, to: at + 1, now: at }) ?? still;
  const sampled = candleOf(state, pair, { from: at - DAY_MS + 1, to: at + 1, now: at }) ?? still;
  // Today is looked at more closely than the whole day: what was found there happened in the day, too.
  const day = {
    ...sampled,
    high: Math.max(sampled.high, today.high),
    low: Math.min(sampled.low, today.low),
  };
  const both = (read: (candle: Candle) => string) => [read(today), read(day)];
  return {
    a: bestOf(state, pair, "ask", at),
    b: bestOf(state, pair, "bid", at),
    c: [wireTicks(pair, last.ticks), volumeOf(pair, last.lots)],
    v: both((candle) => volumeOf(pair, candle.lots)),
    p: both((candle) => wirePrice(pair, averageOf(pair, candle))),
    t: [today.count, day.count],
    l: both((candle) => wireTicks(pair, candle.low)),
    h: both((candle) => wireTicks(pair, candle.high)),
    o: wireTicks(pair, today.open),
  };
}

/** Price, whole lots, lots. */
function bestOf(state: State, pair: Pair, side: "ask" | "bid", at: number): string[] {
  const best = levelsOf(state, pair, side, at).next().value;
  if (best === undefined) return ["0.00000", "0", "0.000"];
  const volume = { units: best.lots, scale: pair.lotDecimals };
  return [wireTicks(pair, best.ticks), fixed(volume, 0), fixed(volume, 3)];
}

const stillCandle = (startsAt: number, ticks: number): Candle => ({
  startsAt,
  open: ticks,
  high: ticks,
  low: ticks,
  close: ticks,
  turnover: 0n,
  lots: 0n,
  count: 0,
});

const INTERVALS_MIN = [1, 5, 15, 30, 60, 240, 1440, 10_080, 21_600];
/** Committed rows; the running one comes on top. Older ones cannot be had, whatever `since` says. */
const ROWS_MAX = 720;

export function ohlc(
  state: State,
  pair: Pair,
  query: Fields,
  at: number,
): { rows: unknown[]; last: number } | string {
  const minutes = query.interval === undefined ? 1 : Number(query.interval);
  if (!INTERVALS_MIN.includes(minutes)) return "EGeneral:Invalid arguments:interval";
  const since = query.since === undefined ? 0 : Number(query.since);
  if (!Number.isFinite(since)) return "EGeneral:Invalid arguments:since";
  const lengthMs = minutes * 60_000;
  const running = Math.floor(at / lengthMs) * lengthMs;
  const rows: unknown[] = [];
  let before: Candle | undefined;
  for (let from = running - ROWS_MAX * lengthMs; from <= running; from += lengthMs) {
    if (from / 1000 <= since && from !== running) continue;
    const traded = candleOf(state, pair, { from, to: from + lengthMs, now: at });
    if (traded === undefined && before === undefined && from !== running) continue;
    const candle = traded ?? stillCandle(from, before?.close ?? lastTrade(state, pair, at).ticks);
    before = candle;
    rows.push(rowOf(pair, from, candle));
  }
  return { rows, last: (running - lengthMs) / 1000 };
}

function rowOf(pair: Pair, from: number, candle: Candle): unknown[] {
  const price = (ticks: number) =>
    fixed({ units: BigInt(ticks), scale: pair.pairDecimals }, pair.pairDecimals);
  const average = candle.lots === 0n ? price(0) : fixed(averageOf(pair, candle), pair.pairDecimals);
  const { open, high, low, close } = candle;
  const prices = [open, high, low, close].map(price);
  return [from / 1000, ...prices, average, volumeOf(pair, candle.lots), candle.count];
}

export function trades(
  state: State,
  pair: Pair,
  query: Fields,
  at: number,
): { rows: unknown[]; last: string } | string {
  const count = query.count === undefined ? 1000 : Number(query.count);
  if (!Number.isInteger(count) || count < 1 || count > 1000) return "EGeneral:Invalid arguments:count";
  const since = query.since === undefined || query.since === "" ? undefined : sinceMs(query.since);
  if (since === null) return "EGeneral:Invalid arguments:since";
  const found = tradesIn(state, pair, {
    after: since ?? 0,
    until: at,
    count: count + 10,
    newest: since === undefined,
  }).filter((trade) => trade.lots > 0n);
  const shown = since === undefined ? found.slice(-count) : found.slice(0, count);
  const lastAt = shown.at(-1)?.at ?? Math.floor(since ?? at);
  return {
    rows: shown.map((trade) => [
      wireTicks(pair, trade.ticks),
      volumeOf(pair, trade.lots),
      trade.at / 1000,
      trade.side,
      trade.type,
      "",
      trade.id,
    ]),
    last: `${BigInt(lastAt) * 1_000_000n}`,
  };
}

/** Nanoseconds, or seconds when the number is small enough to be some. `null`: not a number. */
function sinceMs(text: string): number | null {
  if (!/^\d{1,20}(\.\d+)?$/.test(text)) return null;
  return text.length > 15
    ? Number(BigInt(text.split(".")[0]!) / 1_000_000n)
    : Math.floor(Number(text) * 1000);
}
