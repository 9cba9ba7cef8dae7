import * as z from "zod";
import { privateRead } from "./endpoint.ts";
import { type OrderRecord, ordersByTxid } from "./order-record.ts";

export const openOrders = privateRead<
  { readonly clientOrderId?: string; readonly userref?: number; readonly withTrades?: boolean },
  readonly OrderRecord[]
>({
  name: "OpenOrders",
  fields: (args) => ({ trades: args.withTrades, userref: args.userref, cl_ord_id: args.clientOrderId }),
  answer: z.object({ open: ordersByTxid }).transform(({ open }) => open),
});
