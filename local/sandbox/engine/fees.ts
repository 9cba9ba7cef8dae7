/** Fee schedules, in percent of the cost, by the 30-day volume in US dollars. */
import { type Decimal, decimal } from "../../../shared/domain/decimal.ts";
import { rateOfPercent } from "../../../shared/domain/money.ts";
import type { Pair } from "../market/catalogue.ts";
import { characterOf } from "../market/levels.ts";
import type { Account } from "../state.ts";

type Tier = { readonly from: bigint; readonly taker: string; readonly maker: string };

const tier = (from: number, taker: string, maker: string): Tier => ({ from: BigInt(from), taker, maker });

const SPOT_FROM_50K: readonly Tier[] = [
  tier(50_000, "0.2400", "0.1400"),
  tier(100_000, "0.2200", "0.1200"),
  tier(250_000, "0.2000", "0.1000"),
  tier(500_000, "0.1800", "0.0800"),
  tier(1_000_000, "0.1600", "0.0600"),
  tier(2_500_000, "0.1400", "0.0400"),
  tier(5_000_000, "0.1200", "0.0200"),
  tier(10_000_000, "0.1000", "0.0000"),
];

const SPOT = {
  // Recorded in AssetPairs of November 2025; Kraken's fee page of May 2026 says the same.
  "2024-10": [tier(0, "0.4000", "0.2500"), tier(10_000, "0.3500", "0.2000"), ...SPOT_FROM_50K],
  // Only the entry tier of the 2026 table is known: TradeVolume of a small account, September 2026.
  "entry-0.80": [tier(0, "0.8000", "0.4000"), tier(10_000, "0.3500", "0.2000"), ...SPOT_FROM_50K],
} as const;

// Kraken's long-standing page for stable assets; not seen again in 2026.
const STABLE: readonly Tier[] = [
  tier(0, "0.2000", "0.2000"),
  tier(50_000, "0.1600", "0.1600"),
  tier(100_000, "0.1200", "0.1200"),
  tier(250_000, "0.0800", "0.0800"),
  tier(500_000, "0.0400", "0.0400"),
  tier(1_000_000, "0.0000", "0.0000"),
];

const isStable = (pair: Pair): boolean => characterOf(pair.base).stable === true;

const DAYS_30_MS = 30 * 86_400_000;
const USD_UNIT = 10_000n;

/** US dollars with 4 decimals, traded in the 30 days before `at`. */
export function recentVolume(account: Account, at: number): bigint {
  const { recent } = account;
  while (recent.head < recent.fills.length && recent.fills[recent.head]!.at <= at - DAYS_30_MS) {
    recent.sum -= recent.fills[recent.head]!.usd;
    recent.head++;
  }
  if (recent.head > 1_000) {
    recent.fills.splice(0, recent.head);
    recent.head = 0;
  }
  return recent.sum;
}

/** Stable pairs do not count towards the volume. */
export function countVolume(account: Account, pair: Pair, cost: Decimal, at: number): void {
  if (isStable(pair)) return;
  // A statistic, not an amount anybody is paid: the level of the quote asset is good enough.
  const rate = BigInt(Math.round(characterOf(pair.quote).usd * 1_000_000));
  const usd = (cost.units * rate * USD_UNIT) / (1_000_000n * 10n ** BigInt(cost.scale));
  account.recent.fills.push({ at, usd });
  account.recent.sum += usd;
}

export type FeeLine = {
  readonly percent: string;
  readonly lowest: string;
  readonly highest: string;
  readonly next: string | null;
  readonly nextVolume: string | null;
  readonly tierVolume: string;
};

/** The account's place in the table, as TradeVolume prints it. */
export function feeLine(account: Account, pair: Pair, side: "taker" | "maker", at: number): FeeLine {
  const table: readonly Tier[] = isStable(pair) ? STABLE : SPOT[account.setup.fees];
  const volume = recentVolume(account, at);
  const place = table.findLastIndex((row) => volume >= row.from * USD_UNIT);
  const [row, next] = [table[place]!, table[place + 1]];
  const printed = (from: bigint): string => `${from}.0000`;
  return {
    percent: row[side],
    lowest: table.at(-1)![side],
    highest: table[0]![side],
    next: next?.[side] ?? null,
    nextVolume: next === undefined ? null : printed(next.from),
    tierVolume: printed(row.from),
  };
}

export const feeRate = (account: Account, pair: Pair, side: "taker" | "maker", at: number): Decimal =>
  rateOfPercent(feeLine(account, pair, side, at).percent);

export const NO_FEE = decimal("0");
