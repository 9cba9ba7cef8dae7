import * as z from "zod";
import type { Decimal } from "../../domain/decimal.ts";
import { type Rate, rateOfPercent } from "../../domain/money.ts";
import { privateRead } from "./endpoint.ts";
import { amount, anyAmount, mapOf } from "./wire.ts";

export type TradeVolume = {
  /** Of 30 days, in `currency`. */
  readonly volume: Decimal;
  readonly currency: string;
  /** By pair id; only of the pairs that were asked. */
  readonly takerRates: ReadonlyMap<string, Rate>;
  readonly makerRates: ReadonlyMap<string, Rate>;
};

const rates = mapOf(z.object({ fee: amount(rateOfPercent) }).transform(({ fee }) => fee));
const NONE: ReadonlyMap<string, Rate> = new Map();

/** The only place where the account's own fees are told. */
export const tradeVolume = privateRead<{ readonly pairs: readonly string[] }, TradeVolume>({
  name: "TradeVolume",
  fields: ({ pairs }) => ({ pair: pairs.join(",") }),
  answer: z
    .object({ currency: z.string(), volume: anyAmount, fees: rates.nullish(), fees_maker: rates.nullish() })
    .transform((wire) => ({
      volume: wire.volume,
      currency: wire.currency,
      takerRates: wire.fees ?? NONE,
      makerRates: wire.fees_maker ?? NONE,
    })),
});
