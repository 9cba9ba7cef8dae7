/**
 * The plans' monthly AWS bill, line by line, beside what the same buys cost at Kraken.
 *
 * Promises, each a test: the total is the sum of the lines; more plans never cost less; at the break-even the fees saved pay
 * the bill, and a cent below it they do not.
 */
import {
  add,
  type Decimal,
  decimal,
  divide,
  multiply,
  subtract,
  toScale,
} from "../../shared/domain/decimal.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import type { EpochMs } from "../../shared/domain/time.ts";
import { type Item, itemsOf } from "./items.ts";
import { BUTTON_FEE, type KrakenFee, type Prices, pricesOf, TAKER_FEES, type UnitPrice } from "./rates.ts";
import { type Usage, usageOf } from "./usage.ts";

export type Egress = Settings["egress"];
export const EGRESS_MODES: readonly Egress[] = ["nat-gateway", "nat-instance", "none"];

export type Asked = {
  readonly now: EpochMs;
  readonly region: string;
  readonly egress: Egress;
  /** Zones with an egress of their own: one fixed address each, one gateway each. */
  readonly natZones: number;
};

export type Line = Omit<Item, "price"> & {
  readonly price: UnitPrice;
  /** In whole cents, as on an invoice; a cent begun counts. */
  readonly usd: Decimal;
};

/** The buys of one currency, a month, and what Kraken takes of them. */
export type Buys = {
  readonly asset: string;
  readonly perMonth: Decimal;
  readonly button: Decimal;
  readonly api: readonly { readonly fee: KrakenFee; readonly paid: Decimal; readonly saved: Decimal }[];
};

/** `buysPerMonth` in USD; undefined where nothing is saved. */
export type BreakEven = { readonly fee: KrakenFee; readonly buysPerMonth: Decimal | undefined };

export type Bill = {
  readonly asked: Asked;
  readonly usage: Usage;
  readonly lines: readonly Line[];
  readonly totalUsd: Decimal;
  readonly buys: readonly Buys[];
  readonly breakEvens: readonly BreakEven[];
  /** Each way out, for the owner to choose from. */
  readonly modes: readonly {
    readonly egress: Egress;
    readonly totalUsd: Decimal;
    readonly breakEvens: readonly BreakEven[];
  }[];
  readonly warning?: string;
};

export function billOf(settings: Settings, asked: Asked): Bill {
  const usage = usageOf(settings, asked.now);
  const { prices, warning } = pricesOf(asked.region);
  const linesIn = (egress: Egress) => linesOf(usage, prices, egress, asked.natZones);
  const lines = linesIn(asked.egress);
  const totalUsd = totalOf(lines);
  return {
    asked,
    usage,
    lines,
    totalUsd,
    buys: usage.buys.map(({ asset, perYear }) => buysOf(asset, perYear)),
    breakEvens: breakEvensOf(totalUsd),
    modes: EGRESS_MODES.map((egress) => {
      const total = totalOf(linesIn(egress));
      return { egress, totalUsd: total, breakEvens: breakEvensOf(total) };
    }),
    ...(warning === undefined ? {} : { warning }),
  };
}

const linesOf = (usage: Usage, prices: Prices, egress: Egress, natZones: number): readonly Line[] =>
  itemsOf(usage, egress, natZones).map(({ price: name, ...item }) => {
    const price = prices[name];
    return { ...item, price, usd: chargeOf(item.quantity, price) };
  });

const ZERO = decimal("0");

/** Up: AWS never asks for less than the bill says. */
export function chargeOf(quantity: Decimal, { usd, perScale, free }: UnitPrice): Decimal {
  const over = free === undefined ? quantity : subtract(quantity, free);
  if (over.units <= 0n) return decimal("0.00");
  const { units, scale } = multiply(over, usd);
  return toScale({ units, scale: scale + perScale }, 2, "up");
}

const totalOf = (lines: readonly Line[]): Decimal => lines.reduce((sum, { usd }) => add(sum, usd), ZERO);

const MONTHS_A_YEAR = decimal("12");

function buysOf(asset: string, perYear: Decimal): Buys {
  // Cents for currencies that have cents; what is paid in bitcoin keeps its satoshi.
  const digits = perYear.scale <= 2 ? 2 : 8;
  const feeAMonth = (fee: KrakenFee, rounding: "up" | "down") =>
    divide(multiply(perYear, fee.rate), MONTHS_A_YEAR, digits, rounding);
  // The button down, ours up: what is saved is never overstated by rounding.
  const button = feeAMonth(BUTTON_FEE, "down");
  return {
    asset,
    perMonth: divide(perYear, MONTHS_A_YEAR, digits, "down"),
    button,
    api: TAKER_FEES.map((fee) => {
      const paid = feeAMonth(fee, "up");
      return { fee, paid, saved: subtract(button, paid) };
    }),
  };
}

const breakEvensOf = (totalUsd: Decimal): readonly BreakEven[] =>
  TAKER_FEES.map((fee) => ({ fee, buysPerMonth: breakEvenOf(totalUsd, savedRate(fee)) }));

export const savedRate = (fee: KrakenFee): Decimal => subtract(BUTTON_FEE.rate, fee.rate);

/** The least sum of buys, in whole cents, whose saved fees pay the bill. */
export const breakEvenOf = (totalUsd: Decimal, saved: Decimal): Decimal | undefined =>
  saved.units <= 0n ? undefined : divide(totalUsd, saved, 2, "up");
