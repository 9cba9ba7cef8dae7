/** Caps: whatever is bought in whatever order, a window never holds more than its cap. */
import Big from "big.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CAP_SCALE,
  type CapWindow,
  capOf,
  capUnits,
  checkOrderCap,
  checkWindow,
  reservedUnits,
  windowsOf,
  windowsToForget,
} from "../../shared/domain/caps.ts";
import { type Decimal, decimal, format } from "../../shared/domain/decimal.ts";
import { type Cost, cost, rate } from "../../shared/domain/money.ts";
import type { Limits } from "../../shared/domain/plan.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { dayWindow, monthWindow } from "../../shared/domain/zone.ts";
import { decimals } from "../support/arbitraries.ts";

const costs: fc.Arbitrary<Cost> = decimals(9, 14).map((value) => ({ ...cost("0"), ...value }));
const big = (value: Decimal): Big => new Big(format(value));
const windowOf = (cap: Cost): CapWindow => ({
  name: "used|day|EUR|2026-11-23",
  code: "CAP_DAY",
  asset: "EUR",
  cap,
});

describe("a window", () => {
  test("never holds more than its cap, whatever wants in", () => {
    fc.assert(
      fc.property(costs, fc.array(costs, { maxLength: 30, size: "max" }), (cap, wishes) => {
        const window = windowOf(cap);
        let used = 0n;
        let spent = new Big(0);
        for (const wish of wishes) {
          if (checkWindow(window, used, wish) !== undefined) continue;
          used += reservedUnits(wish);
          spent = spent.plus(big(wish));
        }
        expect(spent.lte(big(cap))).toBe(true);
        expect(new Big(used.toString()).lte(big(cap).times(10 ** CAP_SCALE))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test("refuses only what does not fit, up to the digits it counts with", () => {
    fc.assert(
      fc.property(costs, costs, costs, (cap, before, wish) => {
        const used = reservedUnits(before);
        const fits = used + reservedUnits(wish) <= capUnits(cap);
        const refused = checkWindow(windowOf(cap), used, wish);
        expect(refused === undefined).toBe(fits);
        const left = big(cap).minus(big(before)).minus(big(wish));
        if (left.gte("0.0000000003")) expect(refused).toBeUndefined(); // Three roundings of one unit at most
        if (left.lt(0)) expect(refused?.code).toBe("CAP_DAY");
      }),
      { numRuns: 1_000 },
    );
  });

  test("what is reserved is rounded up, a cap down", () => {
    // 12 digits behind the point, 10 are counted.
    expect(reservedUnits(cost("1.000000000001"))).toBe(10_000_000_001n);
    expect(capUnits(cost("1.000000000099"))).toBe(10_000_000_000n);
    expect(reservedUnits(cost("1"))).toBe(10_000_000_000n);
    expect(checkWindow(windowOf(cost("1")), 0n, cost("1"))).toBeUndefined();
    expect(checkWindow(windowOf(cost("1")), 0n, cost("1.000000000001"))?.code).toBe("CAP_DAY");
    expect(checkWindow(windowOf(cost("1")), 1n, cost("1"))?.code).toBe("CAP_DAY");
  });

  test.each([
    ["CAP_DAY", 4_600_000_000_000n, "needs up to 99.99994 EUR; 40 EUR is left of 500 per day"],
    ["CAP_MONTH", 4_999_999_999_999n, "needs up to 99.99994 EUR; 0 EUR is left of 500 per month"],
    ["CAP_DAY", 6_000_000_000_000n, "needs up to 99.99994 EUR; 0 EUR is left of 500 per day"],
  ] as const)("%s with %i units used says what is left", (code, used, detail) => {
    const window = { ...windowOf(cost("500")), code };
    expect(checkWindow(window, used, cost("99.99994"))).toEqual({ code, detail });
  });
});

describe("the windows of a buy", () => {
  const money = (amount: string, asset: string) => ({ amount: decimal(amount), asset });
  const limits: Limits = {
    perOrder: [money("500", "EUR"), money("400", "USD")],
    perDay: [money("500", "EUR")],
    perMonth: [money("2000", "EUR"), money("3000", "USD")],
    maxSlippage: rate("0.005"),
  };

  test("are named after period, asset and date, and bind their own currency only", () => {
    const names = (asset: string) =>
      windowsOf(limits, asset, "2026-11-23", "2026-11").map(({ name, code, cap }) => [
        name,
        code,
        cap && format(cap),
      ]);
    expect(names("EUR")).toEqual([
      ["used|day|EUR|2026-11-23", "CAP_DAY", "500"],
      ["used|month|EUR|2026-11", "CAP_MONTH", "2000"],
    ]);
    // What is used is counted without a cap, too.
    expect(names("USD")).toEqual([
      ["used|day|USD|2026-11-23", "CAP_DAY", undefined],
      ["used|month|USD|2026-11", "CAP_MONTH", "3000"],
    ]);
  });

  test.each([
    // Berlin is an hour ahead in winter, two in summer; Los Angeles eight behind in winter.
    ["2026-11-22T22:59:59.999Z", "Europe/Berlin", "2026-11-22", "2026-11"],
    ["2026-11-22T23:00:00.000Z", "Europe/Berlin", "2026-11-23", "2026-11"],
    ["2026-08-31T22:00:00.000Z", "Europe/Berlin", "2026-09-01", "2026-09"],
    ["2026-08-31T21:59:59.999Z", "Europe/Berlin", "2026-08-31", "2026-08"],
    ["2027-01-01T07:59:59.999Z", "America/Los_Angeles", "2026-12-31", "2026-12"],
    ["2027-01-01T08:00:00.000Z", "America/Los_Angeles", "2027-01-01", "2027-01"],
    ["2026-12-31T23:59:59.999Z", "UTC", "2026-12-31", "2026-12"],
  ])("at %s in %s the day is %s and the month %s", (at, zone, day, month) => {
    const instant = epochMs(Date.parse(at));
    expect([dayWindow(instant, zone), monthWindow(instant, zone)]).toEqual([day, month]);
  });

  test("an order is measured at the cap per order of its own currency", () => {
    expect(checkOrderCap(limits, "EUR", cost("500"))).toBeUndefined();
    expect(checkOrderCap(limits, "EUR", cost("500.00001"))).toEqual({
      code: "CAP_ORDER",
      detail: "the order may cost 500.00001 EUR, the cap per order is 500 EUR",
    });
    expect(checkOrderCap(limits, "USD", cost("450"))?.code).toBe("CAP_ORDER");
    expect(checkOrderCap(limits, "GBP", cost("1"))).toEqual({
      code: "CAP_NONE",
      detail: "limits name no perOrder cap for GBP; every quote currency needs one",
    });
    expect(capOf(limits.perOrder, "GBP")).toBeUndefined();
  });
});

test("windows are forgotten by their number, newest kept, whatever their dates say and in whatever order they come", () => {
  const days = fc.uniqueArray(fc.integer({ min: 0, max: 20_000 }), { maxLength: 300 });
  fc.assert(
    fc.property(days, fc.constantFrom("EUR", "USD"), fc.boolean(), (numbers, asset, isMonth) => {
      const dates = numbers.map((day) => new Date(day * 86_400_000).toISOString());
      const kind = isMonth ? "month" : "day";
      const names = [
        ...new Set(dates.map((date) => `used|${kind}|${asset}|${date.slice(0, isMonth ? 7 : 10)}`)),
      ];
      const other = ["used|day|BTC|2001-01-01", "used|month|BTC|2001-01"];
      const forgotten = windowsToForget([...names, ...other]);
      const kept = names.filter((name) => !forgotten.includes(name));
      expect(kept).toHaveLength(Math.min(names.length, isMonth ? 24 : 100));
      for (const name of forgotten) for (const newer of kept) expect(name < newer).toBe(true);
      expect(forgotten.filter((name) => other.includes(name))).toEqual([]);
    }),
  );
});
