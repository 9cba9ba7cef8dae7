import { privateRead } from "./endpoint.ts";
import { type Fill, fillsByTradeId } from "./trades-history.ts";

/** An id that Kraken does not know is left out. */
export const queryTrades = privateRead<{ readonly tradeIds: readonly string[] }, readonly Fill[]>({
  name: "QueryTrades",
  fields: ({ tradeIds }) => ({ txid: tradeIds.join(",") }),
  answer: fillsByTradeId,
});
