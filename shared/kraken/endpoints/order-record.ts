/** The order as OpenOrders, ClosedOrders and QueryOrders describe it. */
import * as z from "zod";
import type { OrderReport } from "../../app/exchange.ts";
import { cost, fee, price, volume } from "../../domain/money.ts";
import { amount, mapOf, seconds, side } from "./wire.ts";

export type OrderRecord = OrderReport & {
  /** The pair's altname, `XBTEUR`. */
  readonly pair: string;
  readonly orderType: string;
  /** Kraken's sentence, `buy 0.00100000 XBTEUR @ limit 50000.0`. */
  readonly description: string;
  readonly trades: readonly string[];
};

const order = z.object({
  cl_ord_id: z.string().nullish(),
  status: z.enum(["pending", "open", "closed", "canceled", "expired"]),
  opentm: seconds,
  closetm: seconds.nullish(),
  reason: z.string().nullish(),
  descr: z.object({ pair: z.string(), type: side, ordertype: z.string(), order: z.string() }),
  vol: amount(volume),
  vol_exec: amount(volume),
  cost: amount(cost),
  fee: amount(fee),
  price: amount(price),
  trades: z.array(z.string()).nullish(),
});

export const ordersByTxid = mapOf(order).transform((orders): readonly OrderRecord[] =>
  [...orders].map(([txid, wire]) => ({
    txid,
    clientOrderId: wire.cl_ord_id ?? undefined,
    status: wire.status,
    side: wire.descr.type,
    volume: wire.vol,
    filled: wire.vol_exec,
    cost: wire.cost,
    fee: wire.fee,
    price: wire.price,
    openedAt: wire.opentm,
    closedAt: wire.closetm ?? undefined,
    reason: wire.reason ?? undefined,
    pair: wire.descr.pair,
    orderType: wire.descr.ordertype,
    description: wire.descr.order,
    trades: wire.trades ?? [],
  })),
);
