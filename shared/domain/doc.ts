/** Values as text and back: decimals and bigints survive, everything else is plain JSON. */
import { type Decimal, decimal, format } from "./decimal.ts";

export const toDoc = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "bigint") return { $bigint: inner.toString() };
    if (isDecimal(inner)) return { $decimal: format(inner) };
    return inner;
  });

export const fromDoc = (text: string): unknown =>
  JSON.parse(text, (_, inner: unknown) => {
    if (typeof inner !== "object" || inner === null) return inner;
    if ("$bigint" in inner) return BigInt(inner.$bigint as string);
    if ("$decimal" in inner) return decimal(inner.$decimal as string);
    return inner;
  });

const isDecimal = (value: unknown): value is Decimal =>
  typeof value === "object" &&
  value !== null &&
  "units" in value &&
  typeof value.units === "bigint" &&
  "scale" in value;
