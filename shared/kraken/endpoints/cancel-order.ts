import * as z from "zod";
import { privateWrite } from "./endpoint.ts";
import { count } from "./wire.ts";

export type CancelOrderArgs =
  | { readonly clientOrderId: string; readonly txid?: never }
  | { readonly txid: string | number; readonly clientOrderId?: never };

/** A number as `txid` is a userref, and cancels every order with it. */
export const cancelOrder = privateWrite<
  CancelOrderArgs,
  { readonly cancelled: number; readonly isPending: boolean }
>({
  name: "CancelOrder",
  fields: (args) => ({ txid: args.txid, cl_ord_id: args.clientOrderId }),
  answer: z
    .object({ count, pending: z.boolean().optional() })
    .transform((wire) => ({ cancelled: wire.count, isPending: wire.pending ?? false })),
});
