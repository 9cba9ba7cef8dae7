/** Exact decimals: nothing is lost between text and text, and every sum agrees with big.js. */
import Big from "big.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  compare,
  type Decimal,
  decimal,
  divide,
  format,
  formatShort,
  isMultipleOf,
  isPositive,
  isZero,
  larger,
  multiply,
  type Rounding,
  smaller,
  subtract,
  toMultipleOf,
  toScale,
  tryDecimal,
  unitsAt,
} from "../../shared/domain/decimal.ts";
import { decimals, decimalTexts, signedDecimals } from "../support/arbitraries.ts";

const RUNS = { numRuns: 2_000 };
const big = (value: Decimal): Big => new Big(format(value));
const MODE: Readonly<Record<Rounding, 0 | 3>> = { down: 0, up: 3 };
const roundings = fc.constantFrom<Rounding>("up", "down");
const money = decimals(25, 18);
const signed = signedDecimals(25, 18);
const positive = money.filter(({ units }) => units > 0n);

/** Beyond what any quotient here needs, so that big.js rounds only where we ask it to. */
const Exact = Big();
Exact.DP = 80;

describe("texts", () => {
  test("text → decimal → text is the identity", () => {
    fc.assert(
      fc.property(decimalTexts, (text) => {
        expect(format(decimal(text))).toBe(text);
      }),
      RUNS,
    );
  });

  test.each(["0", "0.00", "1.50", "0.00000001", "12345678901234567890.123456789012345678", "-0.5", "-12"])(
    "%s comes back as it went in",
    (text) => {
      expect(format(decimal(text))).toBe(text);
    },
  );

  test.each([
    "",
    " 1",
    "1 ",
    "+1",
    "1.",
    ".5",
    "1e5",
    "1E-7",
    "1,000",
    "1_000",
    "0x10",
    "--1",
    "1.2.3",
    "NaN",
    "Infinity",
    "١",
    "1\n",
    "9".repeat(81),
  ])("%j is no decimal", (text) => {
    expect(tryDecimal(text)).toBeUndefined();
    expect(() => decimal(text)).toThrow("not a plain decimal number");
  });

  test("the short form is the same value without zeros at its end", () => {
    fc.assert(
      fc.property(signed, (value) => {
        const short = formatShort(value);
        expect(compare(decimal(short), value)).toBe(0);
        expect(short).not.toMatch(/\.\d*0$|\.$/);
      }),
      RUNS,
    );
  });
});

describe("sums agree with big.js", () => {
  test("addition, subtraction and multiplication lose nothing", () => {
    fc.assert(
      fc.property(signed, signed, (a, b) => {
        expect(big(add(a, b)).eq(big(a).plus(big(b)))).toBe(true);
        expect(big(subtract(a, b)).eq(big(a).minus(big(b)))).toBe(true);
        expect(big(multiply(a, b)).eq(big(a).times(big(b)))).toBe(true);
      }),
      RUNS,
    );
  });

  test("comparison, smaller, larger, isZero and isPositive", () => {
    const near = fc
      .tuple(signed, fc.nat({ max: 6 }))
      .map(([a, zeros]): [Decimal, Decimal] => [
        a,
        { units: a.units * 10n ** BigInt(zeros), scale: a.scale + zeros },
      ]);
    fc.assert(
      fc.property(fc.oneof(fc.tuple(signed, signed), near), ([a, b]) => {
        expect(compare(a, b)).toBe(big(a).cmp(big(b)));
        expect(big(smaller(a, b)).eq(big(a).lt(big(b)) ? big(a) : big(b))).toBe(true);
        expect(big(larger(a, b)).eq(big(a).gt(big(b)) ? big(a) : big(b))).toBe(true);
        expect(isZero(a)).toBe(big(a).eq(0));
        expect(isPositive(a)).toBe(big(a).gt(0));
      }),
      RUNS,
    );
  });

  test("division, at every scale and in both directions", () => {
    fc.assert(
      fc.property(money, positive, fc.nat({ max: 12 }), roundings, (a, b, scale, rounding) => {
        const quotient = divide(a, b, scale, rounding);
        expect(quotient.scale).toBe(scale);
        const exact = new Exact(format(a)).div(format(b));
        expect(format(quotient)).toBe(exact.round(scale, MODE[rounding]).toFixed(scale));
      }),
      RUNS,
    );
  });

  test("toMultipleOf, also for steps that are no power of ten", () => {
    fc.assert(
      fc.property(positive, money, roundings, (step, value, rounding) => {
        const found = toMultipleOf(step, value, rounding);
        expect(found.scale).toBe(step.scale);
        const steps = new Exact(format(value)).div(format(step)).round(0, MODE[rounding]);
        expect(big(found).eq(steps.times(format(step)))).toBe(true);
        expect(isMultipleOf(step, found)).toBe(true);
        expect(isMultipleOf(step, value)).toBe(compare(found, value) === 0);
      }),
      RUNS,
    );
  });

  test("toScale, of negative values by their size", () => {
    fc.assert(
      fc.property(signed, fc.nat({ max: 24 }), roundings, (value, scale, rounding) => {
        const found = toScale(value, scale, rounding);
        expect(found.scale).toBe(scale);
        expect(big(found).eq(big(value).round(scale, MODE[rounding]))).toBe(true);
      }),
      RUNS,
    );
  });

  test.each([
    ["-1.25", 1, "down", "-1.2"], // Towards zero
    ["-1.25", 1, "up", "-1.3"], // Away from zero
    ["1.20", 1, "up", "1.2"], // Nothing to round
    ["0.0000000001", 5, "up", "0.00001"],
    ["0.0000000001", 5, "down", "0.00000"],
  ] as const)("%s to %i digits %s is %s", (text, scale, rounding, expected) => {
    expect(format(toScale(decimal(text), scale, rounding))).toBe(expected);
  });

  test("unitsAt gives whole units, or throws where digits would be lost", () => {
    fc.assert(
      fc.property(signed, fc.nat({ max: 24 }), (value, scale) => {
        if (scale < value.scale) expect(() => unitsAt(value, scale)).toThrow("does not fit");
        else expect(big({ units: unitsAt(value, scale), scale }).eq(big(value))).toBe(true);
      }),
      RUNS,
    );
  });
});

describe("what amounts cannot be", () => {
  test.each([
    ["1", "0"],
    ["-1", "2"],
    ["1", "-2"],
  ])("%s is not divided by %s", (a, b) => {
    expect(() => divide(decimal(a), decimal(b), 2, "down")).toThrow("cannot divide");
  });

  test("a step is positive and a value has no sign", () => {
    expect(() => toMultipleOf(decimal("0"), decimal("1"), "up")).toThrow("a step must be positive");
    expect(() => toMultipleOf(decimal("0.1"), decimal("-1"), "up")).toThrow("a value must not be negative");
  });
});
