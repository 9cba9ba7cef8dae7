import { privateRead } from "./endpoint.ts";
import { type Fill, fillsByTradeId } from "./trades-history.ts";

/** Kraken's limit per call. */
export const QUERY_TRADES_MAX = 20;

/** An id that Kraken does not know is left out. */
export const queryTrades = privateRead<{ readonly tradeIds: readonly string[] }, readonly Fill[]>({
  name: "QueryTrades",
  fields: ({ tradeIds }) => ({ txid: tradeIds.join(",") }),
  answer: fillsByTradeId,
});
