import * as z from "zod";
import { type Price, price, type Volume, volume } from "../../domain/money.ts";
import type { EpochMs } from "../../domain/time.ts";
import { publicRead } from "./endpoint.ts";
import { amount, onlyEntry, seconds } from "./wire.ts";

export type BookLevel = { readonly price: Price; readonly volume: Volume; readonly at: EpochMs };

const levels = z.array(
  z.tuple([amount(price), amount(volume), seconds]).transform(([at, held, since]) => ({
    price: at,
    volume: held,
    at: since,
  })),
);

/** Best prices first. `levels`: 1 to 500, Kraken's default is 100. */
export const depth = publicRead<
  { readonly pair: string; readonly levels?: number },
  { readonly asks: readonly BookLevel[]; readonly bids: readonly BookLevel[] }
>({
  name: "Depth",
  fields: (args) => ({ pair: args.pair, count: args.levels }),
  answer: z.record(z.string(), z.object({ asks: levels, bids: levels })).transform(onlyEntry),
});
