/** Spending caps: which windows a buy falls into, and how much room each has. Each cap binds its own currency only. */
import {
  compare,
  type Decimal,
  decimal,
  format,
  formatShort,
  subtract,
  toScale,
  unitsAt,
} from "./decimal.ts";
import type { Cost } from "./money.ts";
import type { Limits, Money } from "./plan.ts";
import type { Reason } from "./run.ts";

/** Digits behind the point that a window counts with: as many as any asset of Kraken has. */
export const CAP_SCALE = 10;

/** A window with its cap; `name` is also the attribute that holds what is used of it. */
export type CapWindow = {
  readonly name: string;
  readonly code: "CAP_DAY" | "CAP_MONTH";
  readonly asset: string;
  /** Undefined where none is named: what is used is counted all the same, for the day on which one is. */
  readonly cap: Cost | undefined;
};

export const capOf = (caps: readonly Money[], asset: string): Cost | undefined =>
  caps.find((money) => money.asset === asset)?.amount as Cost | undefined;

/** The day and month windows, in the account's zone, that a buy paid in `asset` counts against. */
export function windowsOf(limits: Limits, asset: string, day: string, month: string): readonly CapWindow[] {
  // Test: a cap that is named later counts what was bought before
  return [
    { name: `used|day|${asset}|${day}`, code: "CAP_DAY", asset, cap: capOf(limits.perDay, asset) },
    { name: `used|month|${asset}|${month}`, code: "CAP_MONTH", asset, cap: capOf(limits.perMonth, asset) },
  ];
}

/** Newest windows of each kind and asset that an account keeps. */
const DAYS_KEPT = 100;
const MONTHS_KEPT = 24;

/**
 * Of the windows that an account has, those that can be forgotten: all but the newest of each kind and asset. An account of
 * many years would carry one for each of its days in every write. No clock is asked: a wrong one must never make a window of
 * today go, which would then be found empty.
 */
export function windowsToForget(names: Iterable<string>): readonly string[] {
  const kinds = Map.groupBy(names, (name) => name.slice(0, name.lastIndexOf("|")));
  return [...kinds].flatMap(([kind, windows]) =>
    // Their dates sort as text.
    windows
      .sort()
      .reverse()
      .slice(kind.startsWith("used|day|") ? DAYS_KEPT : MONTHS_KEPT),
  );
}

/** Up: what is reserved must cover what Kraken can take. */
export const reservedUnits = (costMax: Cost): bigint => unitsAt(toScale(costMax, CAP_SCALE, "up"), CAP_SCALE);

/** Down: a cap with more digits than we count is never widened. */
export const capUnits = (cap: Cost): bigint => unitsAt(toScale(cap, CAP_SCALE, "down"), CAP_SCALE);

export const amountOfUnits = (units: bigint): Decimal => ({ units, scale: CAP_SCALE });

/** The reason to refuse when an order alone is larger than its cap allows, or has no cap at all. */
export function checkOrderCap(limits: Limits, asset: string, costMax: Cost): Reason | undefined {
  const perOrder = capOf(limits.perOrder, asset);
  if (perOrder === undefined) {
    return {
      code: "CAP_NONE",
      detail: `limits name no perOrder cap for ${asset}; every quote currency needs one`,
    };
  }
  if (compare(costMax, perOrder) <= 0) return undefined;
  return {
    code: "CAP_ORDER",
    detail: `the order may cost ${formatShort(costMax)} ${asset}, the cap per order is ${formatShort(perOrder)} ${asset}`,
  };
}

/** The reason a window refuses, given what is used of it; undefined when it has room. */
export function checkWindow(window: CapWindow, used: bigint, costMax: Cost): Reason | undefined {
  const { cap } = window;
  if (cap === undefined || used + reservedUnits(costMax) <= capUnits(cap)) return undefined;
  const left = subtract(cap, amountOfUnits(used));
  const room = compare(left, decimal("0")) < 0 ? decimal("0") : left;
  const period = window.code === "CAP_DAY" ? "day" : "month";
  return {
    code: window.code,
    detail:
      `needs up to ${formatShort(costMax)} ${window.asset}; ${formatShort(toScale(room, 2, "down"))} ${window.asset} ` +
      `is left of ${format(cap)} per ${period}`,
  };
}
