/** Pieces that Kraken's answers are made of, and what they become here. */
import * as z from "zod";
import { type Decimal, decimal } from "../../domain/decimal.ts";
import { epochMs } from "../../domain/time.ts";

/** An amount, exact, as the text it came in. */
export const amount = <T extends Decimal>(make: (text: string) => T) =>
  z.string().transform((text, context): T => {
    try {
      return make(text);
    } catch {
      context.addIssue({ code: "custom", message: "expected a plain decimal number" });
      return z.NEVER;
    }
  });

export const anyAmount = amount<Decimal>(decimal);

/** A number that is no money. Private answers carry their numbers as text, see envelope.ts. */
const numeric = z.union([z.number(), z.string().regex(/^-?\d+(\.\d+)?$/)]).transform(Number);

export const count = numeric.refine((value) => Number.isSafeInteger(value) && value >= 0, "expected a count");

/** Seconds since 1970 with any number of decimals, to whole milliseconds. */
export const seconds = numeric
  .refine((value) => value >= 0 && value < 1e11, "expected seconds since 1970")
  .transform((value) => epochMs(Math.round(value * 1000)));

/** `"0"` and 0 stand for "none". */
export const secondsOrNone = seconds.transform((at) => (at === 0 ? undefined : at));

export const isoTime = z
  .string()
  .refine((text) => Number.isFinite(Date.parse(text)), "expected a time")
  .transform((text) => epochMs(Date.parse(text)));

export const side = z.enum(["buy", "sell"]);

export const mapOf = <T>(value: z.ZodType<T>) =>
  z
    .record(z.string(), value)
    .transform((entries): ReadonlyMap<string, T> => new Map(Object.entries(entries)));

/** For answers that hold one pair under a name of Kraken's choice, with `last` beside it or not. */
export function onlyEntry<T>(entries: Readonly<Record<string, T>>, context: z.RefinementCtx): T {
  const [first, ...others] = Object.values(entries);
  if (first !== undefined && others.length === 0) return first;
  context.addIssue({ code: "custom", message: `expected one pair, was ${Object.keys(entries).length}` });
  return z.NEVER;
}
