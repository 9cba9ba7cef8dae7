/**
 * Exact decimals: a whole number of units, and how many of its digits stand behind the point.
 *
 * Promises, each a property test: text → decimal → text is the identity; sums, products and comparisons agree
 * with big.js; no operation rounds unless the caller names the direction.
 */
export type Decimal = { readonly units: bigint; readonly scale: number };

/** Where a result goes that does not fit the digits: `down` is towards zero, `up` away from zero. */
export type Rounding = "up" | "down";

/** Longer than any amount of money, short enough that a hostile text cannot cost time. */
const DIGITS_MAX = 80;

/** Reads plain decimal notation only: no exponent, no sign but minus, no digit groups. */
export function decimal(text: string): Decimal {
  const read = tryDecimal(text);
  if (read === undefined) throw new Error(`not a plain decimal number: ${JSON.stringify(text)}`);
  return read;
}

export function tryDecimal(text: string): Decimal | undefined {
  const match = text.length <= DIGITS_MAX ? /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) : null;
  if (match === null) return undefined;
  const [, sign, whole, fraction = ""] = match;
  return { units: BigInt(`${sign}${whole}${fraction}`), scale: fraction.length };
}

/** All digits, trailing zeros included: `decimal("1.50")` is printed as `1.50`. */
export function format({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const sign = units < 0n ? "-" : "";
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** For people: trailing zeros behind the point are left out, `1.50` is `1.5`. */
export function formatShort(value: Decimal): string {
  const text = format(value);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: unitsAt(a, scale) + unitsAt(b, scale), scale };
}

export const subtract = (a: Decimal, b: Decimal): Decimal => add(a, { units: -b.units, scale: b.scale });

export const multiply = (a: Decimal, b: Decimal): Decimal => ({
  units: a.units * b.units,
  scale: a.scale + b.scale,
});

export function compare(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const difference = subtract(a, b).units;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export const isZero = (value: Decimal): boolean => value.units === 0n;
export const isPositive = (value: Decimal): boolean => value.units > 0n;

/** a ÷ b with `scale` digits behind the point. Neither may be negative: amounts and prices have no sign here. */
export function divide(a: Decimal, b: Decimal, scale: number, rounding: Rounding): Decimal {
  if (a.units < 0n || b.units <= 0n) throw new Error(`cannot divide ${format(a)} by ${format(b)}`);
  const common = Math.max(a.scale, b.scale);
  return { units: quotient(unitsAt(a, common + scale), unitsAt(b, common), rounding), scale };
}

/** The nearest multiple of `step` that lies in the named direction, with the digits of `step`. */
export function toMultipleOf(step: Decimal, value: Decimal, rounding: Rounding): Decimal {
  if (step.units <= 0n) throw new Error(`a step must be positive, was ${format(step)}`);
  if (value.units < 0n) throw new Error(`a value must not be negative, was ${format(value)}`);
  const scale = Math.max(step.scale, value.scale);
  return {
    units: quotient(unitsAt(value, scale), unitsAt(step, scale), rounding) * step.units,
    scale: step.scale,
  };
}

/** The same value with exactly `scale` digits behind the point. Negative values round by their size. */
export function toScale(value: Decimal, scale: number, rounding: Rounding): Decimal {
  if (value.scale <= scale) return { units: unitsAt(value, scale), scale };
  const size = value.units < 0n ? -value.units : value.units;
  const units = quotient(size, 10n ** BigInt(value.scale - scale), rounding);
  return { units: value.units < 0n ? -units : units, scale };
}

export const isMultipleOf = (step: Decimal, value: Decimal): boolean =>
  compare(toMultipleOf(step, value, "down"), value) === 0;

export const smaller = <T extends Decimal>(a: T, b: T): T => (compare(a, b) <= 0 ? a : b);
export const larger = <T extends Decimal>(a: T, b: T): T => (compare(a, b) >= 0 ? a : b);

/** The value as a whole number of 10^-scale. Throws when digits would be lost. */
export function unitsAt({ units, scale }: Decimal, target: number): bigint {
  if (target < scale) throw new Error(`${format({ units, scale })} does not fit ${target} decimals`);
  return units * 10n ** BigInt(target - scale);
}

const quotient = (a: bigint, b: bigint, rounding: Rounding): bigint =>
  rounding === "up" ? (a + b - 1n) / b : a / b;
