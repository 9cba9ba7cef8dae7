import { privateRead } from "./endpoint.ts";
import { type OrderRecord, ordersByTxid } from "./order-record.ts";

/** An id that Kraken does not know is left out without an error. A client order id does not work here. */
export const queryOrders = privateRead<
  { readonly txids: readonly string[]; readonly withTrades?: boolean },
  readonly OrderRecord[]
>({
  name: "QueryOrders",
  fields: (args) => ({ txid: args.txids.join(","), trades: args.withTrades }),
  answer: ordersByTxid,
});
