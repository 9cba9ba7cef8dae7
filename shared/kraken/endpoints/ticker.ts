import * as z from "zod";
import { type Price, price, type Volume, volume } from "../../domain/money.ts";
import { publicRead } from "./endpoint.ts";
import { amount, mapOf } from "./wire.ts";

export type TickerRecord = {
  readonly ask: Price;
  readonly bid: Price;
  readonly last: Price;
  /** Of the last 24 hours. */
  readonly volume: Volume;
  readonly low: Price;
  readonly high: Price;
  /** Today's first, since 00:00 UTC. */
  readonly open: Price;
};

const prices = amount(price);
/** `[today, last 24 hours]`. */
const twoPrices = z.tuple([prices, prices]);

/** By pair id. Without `pairs`: all of them. */
export const ticker = publicRead<{ readonly pairs?: readonly string[] }, ReadonlyMap<string, TickerRecord>>({
  name: "Ticker",
  fields: ({ pairs }) => ({ pair: pairs?.join(",") }),
  answer: mapOf(
    z
      .object({
        a: z.tuple([prices], z.string()),
        b: z.tuple([prices], z.string()),
        c: z.tuple([prices], z.string()),
        v: z.tuple([z.string(), amount(volume)]),
        l: twoPrices,
        h: twoPrices,
        o: prices,
      })
      .transform(({ a, b, c, v, l, h, o }) => ({
        ask: a[0],
        bid: b[0],
        last: c[0],
        volume: v[1],
        low: l[1],
        high: h[1],
        open: o,
      })),
  ),
});
