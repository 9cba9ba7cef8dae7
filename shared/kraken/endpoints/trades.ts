import * as z from "zod";
import { type Price, price, type Volume, volume } from "../../domain/money.ts";
import type { EpochMs } from "../../domain/time.ts";
import { publicRead } from "./endpoint.ts";
import { amount, onlyEntry, seconds } from "./wire.ts";

export type MarketTrade = {
  readonly price: Price;
  readonly volume: Volume;
  readonly at: EpochMs;
  /** Of the taker. */
  readonly side: "buy" | "sell";
  readonly orderType: "market" | "limit";
};

const row = z
  .tuple([amount(price), amount(volume), seconds, z.enum(["b", "s"]), z.enum(["m", "l"])], z.unknown())
  .transform(
    ([at, traded, time, side, type]): MarketTrade => ({
      price: at,
      volume: traded,
      at: time,
      side: side === "b" ? "buy" : "sell",
      orderType: type === "m" ? "market" : "limit",
    }),
  );

/** Oldest first. `last` is Kraken's own mark (nanoseconds as text), to be given back as `since`. */
export const trades = publicRead<
  { readonly pair: string; readonly since?: string; readonly limit?: number },
  { readonly trades: readonly MarketTrade[]; readonly last: string }
>({
  name: "Trades",
  fields: (args) => ({ pair: args.pair, since: args.since, count: args.limit }),
  answer: z
    .object({ last: z.string() })
    .catchall(z.array(row))
    .transform(({ last, ...pairs }, context) => ({
      trades: onlyEntry(pairs as Record<string, MarketTrade[]>, context),
      last,
    })),
});
