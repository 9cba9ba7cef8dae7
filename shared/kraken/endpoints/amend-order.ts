import * as z from "zod";
import { format } from "../../domain/decimal.ts";
import type { Price, Volume } from "../../domain/money.ts";
import { type EpochMs, isoOf } from "../../domain/time.ts";
import { privateWrite } from "./endpoint.ts";

type OrderName =
  | { readonly txid: string; readonly clientOrderId?: never }
  | { readonly clientOrderId: string; readonly txid?: never };

export type AmendOrderArgs = OrderName & {
  readonly volume?: Volume;
  readonly displayVolume?: Volume;
  readonly limitPrice?: Price;
  readonly triggerPrice?: Price;
  readonly postOnly?: boolean;
  readonly deadline?: EpochMs;
  readonly pair?: string;
};

/** Keeps txid and fills. A volume below what is filled cancels the rest. */
export const amendOrder = privateWrite<AmendOrderArgs, { readonly amendId: string }>({
  name: "AmendOrder",
  fields: (args) => ({
    txid: args.txid,
    cl_ord_id: args.clientOrderId,
    order_qty: args.volume && format(args.volume),
    display_qty: args.displayVolume && format(args.displayVolume),
    limit_price: args.limitPrice && format(args.limitPrice),
    trigger_price: args.triggerPrice && format(args.triggerPrice),
    post_only: args.postOnly,
    deadline: args.deadline === undefined ? undefined : isoOf(args.deadline),
    pair: args.pair,
  }),
  answer: z.object({ amend_id: z.string() }).transform((wire) => ({ amendId: wire.amend_id })),
});
