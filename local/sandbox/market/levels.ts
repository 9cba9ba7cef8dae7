/** What the simulated market is like: price levels, how much they move, how busy and how deep each market is. */
import type { Asset, Pair } from "./catalogue.ts";

type Character = {
  /** US dollars for one unit at the start of the sandbox. */
  readonly usd: number;
  /** Standard deviation of a year, as a fraction. */
  readonly yearly: number;
  /** Stable assets swing around their level and go nowhere. */
  readonly stable?: true;
};

// Levels of the autumn of 2026, so that sums on a screen look like sums.
const CHARACTERS: Readonly<Record<string, Character>> = {
  XXBT: { usd: 84_000, yearly: 0.4 },
  XETH: { usd: 2_750, yearly: 0.55 },
  SOL: { usd: 132, yearly: 0.7 },
  XXRP: { usd: 2.05, yearly: 0.7 },
  ADA: { usd: 0.42, yearly: 0.75 },
  XXDG: { usd: 0.145, yearly: 0.8 },
  DOT: { usd: 2.3, yearly: 0.75 },
  XLTC: { usd: 84, yearly: 0.65 },
  XXLM: { usd: 0.25, yearly: 0.75 },
  AAVE: { usd: 165, yearly: 0.8 },
  DASH: { usd: 52, yearly: 0.9 },
  XTZ: { usd: 0.55, yearly: 0.8 },
  XETC: { usd: 14, yearly: 0.7 },
  XXMR: { usd: 380, yearly: 0.6 },
  XZEC: { usd: 420, yearly: 1 },
  YFI: { usd: 3_900, yearly: 0.8 },
  "0G": { usd: 1.1, yearly: 1 },
  CXT: { usd: 0.02, yearly: 1 },
  USDT: { usd: 1.0002, yearly: 0.01, stable: true },
  USDC: { usd: 0.9999, yearly: 0.01, stable: true },
  DAI: { usd: 1, yearly: 0.01, stable: true },
  USDR: { usd: 1, yearly: 0.02, stable: true },
  ZUSD: { usd: 1, yearly: 0 },
  ZEUR: { usd: 1.16, yearly: 0.07 },
  ZGBP: { usd: 1.32, yearly: 0.08 },
  ZAUD: { usd: 0.65, yearly: 0.1 },
  ZCAD: { usd: 0.715, yearly: 0.06 },
  CHF: { usd: 1.24, yearly: 0.07 },
  ZJPY: { usd: 0.0064, yearly: 0.1 },
};

export const characterOf = (asset: Asset): Character => CHARACTERS[asset.id] ?? { usd: 1, yearly: 0.8 };

/** Price of the pair at the start of the sandbox: a simulated level, not an amount of money. */
export const levelOf = (pair: Pair): number => characterOf(pair.base).usd / characterOf(pair.quote).usd;

export type Business = {
  /** One public trade in each slot; divides a minute, so that candles are made of whole slots. */
  readonly slotMs: number;
  /** US dollars at the best price, and in an ordinary public trade. */
  readonly topUsd: number;
  readonly tradeUsd: number;
  /** Half of the spread, as a fraction of the price; never less than half a tick. */
  readonly halfSpread: number;
};

const BUSY: Business = { slotMs: 4_000, topUsd: 26_000, tradeUsd: 5_000, halfSpread: 0 };
const BRISK: Business = { slotMs: 6_000, topUsd: 14_000, tradeUsd: 2_000, halfSpread: 0.000_02 };
const CALM: Business = { slotMs: 15_000, topUsd: 6_000, tradeUsd: 600, halfSpread: 0.000_2 };
const THIN: Business = { slotMs: 30_000, topUsd: 2_500, tradeUsd: 200, halfSpread: 0.000_6 };

const BUSINESS: Readonly<Record<string, Business>> = {
  XXBTZUSD: BUSY,
  XXBTZEUR: BUSY,
  XETHZUSD: BRISK,
  XETHZEUR: BRISK,
  SOLUSD: BRISK,
  SOLEUR: BRISK,
  XXRPZUSD: BRISK,
  XXRPZEUR: BRISK,
  XBTUSDT: BRISK,
  XBTUSDC: BRISK,
  USDTZUSD: { ...BRISK, halfSpread: 0 },
  USDCUSD: { ...BRISK, halfSpread: 0 },
  "0GUSD": THIN,
  CXTUSD: THIN,
  USDRUSD: THIN,
  YFIEUR: THIN,
};

export const businessOf = (pair: Pair): Business => BUSINESS[pair.id] ?? CALM;
