import * as z from "zod";
import {
  type Cost,
  cost,
  type Fee,
  fee,
  type Price,
  price,
  type Volume,
  volume,
} from "../../domain/money.ts";
import type { EpochMs } from "../../domain/time.ts";
import { privateRead } from "./endpoint.ts";
import { amount, count, mapOf, seconds, side } from "./wire.ts";

export type Fill = {
  readonly tradeId: string;
  readonly orderTxid: string;
  /** The pair's id, `XXBTZEUR`. */
  readonly pair: string;
  readonly at: EpochMs;
  readonly side: "buy" | "sell";
  readonly price: Price;
  readonly volume: Volume;
  readonly cost: Cost;
  readonly fee: Fee;
  readonly isMaker: boolean | undefined;
};

const trade = z.object({
  ordertxid: z.string(),
  pair: z.string(),
  time: seconds,
  type: side,
  price: amount(price),
  vol: amount(volume),
  cost: amount(cost),
  fee: amount(fee),
  maker: z.boolean().optional(),
});

export const fillsByTradeId = mapOf(trade).transform((trades): readonly Fill[] =>
  [...trades].map(([tradeId, entry]) => ({
    tradeId,
    orderTxid: entry.ordertxid,
    pair: entry.pair,
    at: entry.time,
    side: entry.type,
    price: entry.price,
    volume: entry.vol,
    cost: entry.cost,
    fee: entry.fee,
    isMaker: entry.maker,
  })),
);

/** Newest first, 50 a page. There is no client order id here: fills are linked by `orderTxid`. */
export const tradesHistory = privateRead<
  { readonly after?: EpochMs; readonly until?: EpochMs; readonly offset?: number },
  { readonly fills: readonly Fill[]; readonly count: number | undefined }
>({
  name: "TradesHistory",
  fields: (args) => ({
    start: args.after === undefined ? undefined : Math.floor(args.after / 1000),
    end: args.until === undefined ? undefined : Math.floor(args.until / 1000),
    ofs: args.offset,
  }),
  answer: z
    .object({ trades: fillsByTradeId, count: count.optional() })
    .transform(({ trades, count: all }) => ({ fills: trades, count: all })),
});
