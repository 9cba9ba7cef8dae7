/** What an exchange says of a pair: its rules, its quote, its state. */
import type { Cost, Price, Rate, Volume } from "./money.ts";
import type { EpochMs } from "./time.ts";

/** Public names as owners write them: BTC, never XBT or XXBT. */
export type Pair = { readonly base: string; readonly quote: string };

export const pairName = ({ base, quote }: Pair): string => `${base}/${quote}`;

export type PairStatus = "online" | "cancel_only" | "post_only" | "limit_only" | "reduce_only";

export type PairRules = {
  readonly pair: Pair;
  /** The key of AssetPairs, `XXBTZEUR`: what every request names the pair by. */
  readonly id: string;
  readonly altname: string;
  /** Asset ids as balances name them: `XXBT`, `ZEUR`. */
  readonly baseId: string;
  readonly quoteId: string;
  readonly tickSize: Price;
  /** Smallest step of a volume: 10^-lot_decimals. */
  readonly lot: Volume;
  readonly costDecimals: number;
  readonly volumeMin: Volume;
  readonly costMin: Cost;
  readonly status: PairStatus;
};

/** Best prices of a pair. `asOf` is our estimate of Kraken's clock when the request left: the oldest it can be. */
export type Quote = {
  readonly bid: Price;
  readonly ask: Price;
  readonly last: Price;
  readonly asOf: EpochMs;
};

export type SystemStatus = "online" | "maintenance" | "cancel_only" | "post_only";

export type FeeRates = { readonly taker: Rate; readonly maker: Rate };
