import * as z from "zod";
import type { EpochMs } from "../../domain/time.ts";
import { privateRead } from "./endpoint.ts";
import { type OrderRecord, ordersByTxid } from "./order-record.ts";
import { count } from "./wire.ts";

export type ClosedOrdersArgs = {
  readonly clientOrderId?: string;
  readonly userref?: number;
  readonly withTrades?: boolean;
  /** Kraken leaves the bound itself out. */
  readonly after?: EpochMs | string;
  readonly until?: EpochMs | string;
  readonly offset?: number;
  readonly by?: "open" | "close" | "both";
};

/** A txid stands for the opening time of that order. */
const bound = (at: EpochMs | string | undefined): string | undefined =>
  typeof at === "number" ? String(Math.floor(at / 1000)) : at;

/** Newest first, 50 a page; `count` is of all pages. */
export const closedOrders = privateRead<
  ClosedOrdersArgs,
  { readonly orders: readonly OrderRecord[]; readonly count: number }
>({
  name: "ClosedOrders",
  fields: (args) => ({
    trades: args.withTrades,
    userref: args.userref,
    cl_ord_id: args.clientOrderId,
    start: bound(args.after),
    end: bound(args.until),
    ofs: args.offset,
    closetime: args.by,
  }),
  answer: z
    .object({ closed: ordersByTxid, count })
    .transform(({ closed, count: all }) => ({ orders: closed, count: all })),
});
