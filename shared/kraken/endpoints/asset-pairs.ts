import * as z from "zod";
import type { Cost, Price, Volume } from "../../domain/money.ts";
import { cost, price, volume } from "../../domain/money.ts";
import { publicRead } from "./endpoint.ts";
import { amount, count, mapOf } from "./wire.ts";

/** One odd row among 1,450 must not hide the others, so what a row may lack is checked where it is used. */
export type PairRecord = {
  readonly altname: string;
  /** `XBT/EUR`: base and quote, apart from each other, in old names. */
  readonly wsname: string | undefined;
  readonly baseId: string;
  readonly quoteId: string;
  readonly priceDecimals: number;
  readonly lotDecimals: number;
  readonly costDecimals: number;
  readonly tickSize: Price | undefined;
  readonly volumeMin: Volume | undefined;
  readonly costMin: Cost | undefined;
  readonly status: string;
};

const row = z
  .object({
    altname: z.string(),
    wsname: z.string().optional(),
    base: z.string(),
    quote: z.string(),
    pair_decimals: count,
    lot_decimals: count,
    cost_decimals: count,
    tick_size: amount(price).optional(),
    ordermin: amount(volume).optional(),
    costmin: amount(cost).optional(),
    status: z.string(),
  })
  .transform(
    (wire): PairRecord => ({
      altname: wire.altname,
      wsname: wire.wsname,
      baseId: wire.base,
      quoteId: wire.quote,
      priceDecimals: wire.pair_decimals,
      lotDecimals: wire.lot_decimals,
      costDecimals: wire.cost_decimals,
      tickSize: wire.tick_size,
      volumeMin: wire.ordermin,
      costMin: wire.costmin,
      status: wire.status,
    }),
  );

export type PairRecords = ReadonlyMap<string, PairRecord>;

/**
 * By pair id, or by the asked name where that was `BTC/EUR`. Without `pairs`: all of them, about 670 kB. Fees are not
 * here: Kraken has sent empty tables since 2026.
 */
export const assetPairs = publicRead<
  {
    readonly pairs?: readonly string[];
    readonly baseClass?: string;
    readonly info?: "info" | "leverage" | "fees" | "margin";
  },
  PairRecords
>({
  name: "AssetPairs",
  fields: (args) => ({ pair: args.pairs?.join(","), info: args.info, aclass_base: args.baseClass }),
  answer: mapOf(row),
});
