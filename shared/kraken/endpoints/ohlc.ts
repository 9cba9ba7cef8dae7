import * as z from "zod";
import { type Price, price, type Volume, volume } from "../../domain/money.ts";
import type { EpochMs } from "../../domain/time.ts";
import { publicRead } from "./endpoint.ts";
import { amount, count, onlyEntry, seconds } from "./wire.ts";

export type Candle = {
  readonly startAt: EpochMs;
  readonly open: Price;
  readonly high: Price;
  readonly low: Price;
  readonly close: Price;
  /** Volume-weighted average; 0 without trades. */
  readonly average: Price;
  readonly volume: Volume;
  readonly trades: number;
};

const prices = amount(price);
const row = z.tuple([seconds, prices, prices, prices, prices, prices, amount(volume), count]).transform(
  ([startAt, open, high, low, close, average, traded, trades]): Candle => ({
    startAt,
    open,
    high,
    low,
    close,
    average,
    volume: traded,
    trades,
  }),
);

/** Minutes. */
export type CandleLength = 1 | 5 | 15 | 30 | 60 | 240 | 1440 | 10080 | 21600;

/**
 * At most the last 720 whole candles and the one still forming, which is always the last. Nothing older can be had.
 * `lastWholeAt` is the start of the last whole one.
 */
export const ohlc = publicRead<
  { readonly pair: string; readonly interval: CandleLength; readonly since?: EpochMs },
  { readonly candles: readonly Candle[]; readonly lastWholeAt: EpochMs }
>({
  name: "OHLC",
  fields: (args) => ({
    pair: args.pair,
    interval: args.interval,
    since: args.since === undefined ? undefined : Math.floor(args.since / 1000),
  }),
  answer: z
    .object({ last: seconds })
    .catchall(z.array(row))
    .transform(({ last, ...pairs }, context) => ({
      candles: onlyEntry(pairs as Record<string, Candle[]>, context),
      lastWholeAt: last,
    })),
});
