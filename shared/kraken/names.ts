/**
 * Public names and Kraken's. Owners write BTC; Kraken says XBT, XXBT, XBTEUR or XXBTZEUR, by place. Ids come from
 * Kraken's own lists only: built by a rule, ADA/USD and AD/AUSD would be the same.
 */
import type { ExchangeError } from "../app/errors.ts";
import { type Pair, pairName } from "../domain/market.ts";
import type { PairRecord, PairRecords } from "./endpoints/asset-pairs.ts";
import { assetPairs } from "./endpoints/asset-pairs.ts";
import { type AssetRecord, assets as assetsEndpoint } from "./endpoints/assets.ts";
import { notSendable } from "./errors.ts";

/** The only two names that differ, measured over the whole catalogue. */
const PUBLIC_NAMES: Readonly<Record<string, string>> = { XBT: "BTC", XDG: "DOGE" };
const OLD_NAMES: Readonly<Record<string, string>> = { BTC: "XBT", DOGE: "XDG" };
const SUGGESTIONS_MAX = 5;

/** `XBT` is BTC, and `XBT.M`, a balance of another kind, is `BTC.M`. */
export function publicName(altname: string): string {
  const [name = "", ...suffix] = altname.split(".");
  return [PUBLIC_NAMES[name] ?? name, ...suffix].join(".");
}

/** `undefined` for pairs that Kraken gives no two-part name. */
export function publicPair({ wsname }: PairRecord): Pair | undefined {
  const [base, quote, ...rest] = wsname?.split("/") ?? [];
  if (!base || !quote || rest.length > 0) return undefined;
  return { base: publicName(base), quote: publicName(quote) };
}

/** What to ask AssetPairs for. A guess, right for nearly every pair: only `findPair` on the answer says which it is. */
export const altnameGuess = ({ base, quote }: Pair): string =>
  `${OLD_NAMES[base] ?? base}${OLD_NAMES[quote] ?? quote}`;

export type FoundPair = { readonly id: string; readonly record: PairRecord };

/** The pair with this public name, if it is among these. */
export function lookUpPair(records: PairRecords, pair: Pair): FoundPair | undefined {
  const wanted = pairName({ base: publicName(pair.base), quote: publicName(pair.quote) });
  for (const [id, record] of records) {
    const named = publicPair(record);
    // `XBTUSD:BTNL` is a listing of the same two assets at another venue.
    if (named !== undefined && pairName(named) === wanted && !id.includes(":")) return { id, record };
  }
  return undefined;
}

/** Throws PAIR_UNKNOWN with the nearest names. */
export function findPair(records: PairRecords, pair: Pair): FoundPair {
  const found = lookUpPair(records, pair);
  if (found !== undefined) return found;
  throw pairUnknown(records, pair);
}

function pairUnknown(records: PairRecords, pair: Pair): ExchangeError {
  const near = nearestPairs(records, pair).map(pairName);
  const expected = near.length === 0 ? "" : `, expected one that it does: ${near.join(", ")}`;
  return notSendable(assetPairs, "PAIR_UNKNOWN", `Kraken does not trade ${pairName(pair)}${expected}`);
}

/** The same base against other quotes; else what is spelt alike. */
function nearestPairs(records: PairRecords, { base, quote }: Pair): readonly Pair[] {
  const all = [...records.values()].map(publicPair).filter((each) => each !== undefined);
  const [wantedBase, wantedQuote] = [publicName(base.toUpperCase()), publicName(quote.toUpperCase())];
  const rank = (each: Pair): number =>
    4 * distance(each.base.toUpperCase(), wantedBase) +
    Math.min(3, distance(each.quote.toUpperCase(), wantedQuote));
  return all
    .map((each) => ({ each, rank: rank(each) }))
    .filter((ranked) => ranked.rank < 8)
    .sort((a, b) => a.rank - b.rank || pairName(a.each).localeCompare(pairName(b.each)))
    .slice(0, SUGGESTIONS_MAX)
    .map(({ each }) => each);
}

export type AssetRecords = ReadonlyMap<string, AssetRecord>;

/** Kraken's id of an asset, `XXBT` of BTC. Throws ASSET_UNKNOWN. */
export function findAssetId(records: AssetRecords, name: string): string {
  for (const [id, { altname }] of records) if (publicName(altname) === publicName(name)) return id;
  throw notSendable(assetsEndpoint, "ASSET_UNKNOWN", `Kraken has no asset ${name}`);
}

/** The public name of an asset id; `undefined` when Kraken does not list it. */
export function assetName(records: AssetRecords, id: string): string | undefined {
  const record = records.get(id);
  return record && publicName(record.altname);
}

/** Levenshtein's: how many letters must change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
