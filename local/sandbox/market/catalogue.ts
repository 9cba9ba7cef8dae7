/** The pairs and assets of the sandbox, and every name they go by. */
import { type Decimal, decimal } from "../../../shared/domain/decimal.ts";
import { ASSET_ROWS, type AssetRow, PAIR_ROWS, type PairRow } from "./catalogue-rows.ts";

export type Asset = {
  /** As balances name it: `XXBT`. */
  readonly id: string;
  readonly altname: string;
  readonly decimals: number;
  readonly row: AssetRow;
};

export type PairStatus = "online" | "cancel_only" | "post_only" | "limit_only" | "reduce_only";

export type Pair = {
  /** The key of AssetPairs: `XXBTZEUR`. */
  readonly id: string;
  readonly altname: string;
  /** `BTC/EUR`: the slash form that REST and WebSocket v2 take. */
  readonly name: string;
  readonly base: Asset;
  readonly quote: Asset;
  readonly pairDecimals: number;
  readonly lotDecimals: number;
  readonly costDecimals: number;
  /** Digits a cost really has: no more than a balance of the quote asset can hold. */
  readonly costScale: number;
  readonly tick: Decimal;
  readonly orderMin: Decimal;
  readonly costMin: Decimal;
  readonly status: PairStatus;
  readonly row: PairRow;
  /** Place in the catalogue: part of what makes its random numbers its own. */
  readonly index: number;
};

const PUBLIC_NAMES: ReadonlyMap<string, string> = new Map([
  ["XBT", "BTC"],
  ["XDG", "DOGE"],
]);

export const ASSETS: ReadonlyMap<string, Asset> = new Map(
  ASSET_ROWS.map((row) => [row[0], { id: row[0], altname: row[1], decimals: row[2], row }]),
);

export const PAIRS: readonly Pair[] = PAIR_ROWS.map((row, index) => {
  const [id, altname, wsname, base, quote, , costDecimals, pairDecimals, lotDecimals] = row;
  const quoteAsset = ASSETS.get(quote)!;
  return {
    id,
    altname,
    name: wsname
      .split("/")
      .map((part) => PUBLIC_NAMES.get(part) ?? part)
      .join("/"),
    base: ASSETS.get(base)!,
    quote: quoteAsset,
    pairDecimals,
    lotDecimals,
    costDecimals,
    costScale: Math.min(costDecimals, quoteAsset.decimals),
    tick: decimal(row[11]),
    orderMin: decimal(row[9]),
    costMin: decimal(row[10]),
    status: row[12] as PairStatus,
    row,
    index,
  };
});

const byId: ReadonlyMap<string, Pair> = new Map(PAIRS.map((pair) => [pair.id, pair]));
const byName: ReadonlyMap<string, Pair> = new Map(
  PAIRS.flatMap((pair) => [
    [pair.altname, pair],
    [pair.name, pair],
    [pair.id, pair],
  ]),
);

export const pairOf = (id: string): Pair => {
  const pair = byId.get(id);
  if (pair === undefined) throw new Error(`no pair ${id} in the catalogue`);
  return pair;
};

/**
 * By id, altname or slash form. The old `XBT/USD` is refused, as the live exchange refuses it since 2026; answers to a
 * slash form stand under that form, all others under the id.
 */
export function findPair(name: string): { pair: Pair; key: string } | undefined {
  const pair = byName.get(name.toUpperCase()) ?? byName.get(name);
  if (pair === undefined) return undefined;
  return { pair, key: name.includes("/") ? pair.name : pair.id };
}

/** By any name that the exchange has ever told, the old slash form of AssetPairs' `wsname` among them. */
export const pairByAnyName = (name: string): Pair | undefined =>
  findPair(name)?.pair ?? PAIRS.find(({ row }) => row[2] === name.toUpperCase());

/** By id (`XXBT`), altname (`XBT`) or public name (`BTC`). */
export function findAsset(name: string): Asset | undefined {
  const direct = ASSETS.get(name);
  if (direct !== undefined) return direct;
  for (const asset of ASSETS.values()) {
    if (asset.altname === name || PUBLIC_NAMES.get(asset.altname) === name) return asset;
  }
  return undefined;
}
