/** The public endpoints: what everybody may ask. They read the market; nothing they do changes it. */
import { add, type Decimal, format, toScale } from "../../../shared/domain/decimal.ts";
import { remainingOf } from "../engine/funds.ts";
import { ticksOf } from "../engine/match.ts";
import type { Reply } from "../engine/place.ts";
import { fixed } from "../engine/sentence.ts";
import type { FaultName } from "../faults.ts";
import { type BookSide, LEVELS_MAX, levelsOf } from "../market/book.ts";
import { ASSETS, findAsset, findPair, PAIRS, type Pair } from "../market/catalogue.ts";
import { priceOfTicks, touchAt } from "../market/path.ts";
import type { Fields } from "../request.ts";
import type { State } from "../state.ts";
import { ohlc, ticker, trades } from "./history.ts";

type PublicEndpoint = (state: State, query: Fields, at: number, fault: FaultName | undefined) => Reply;

/** Prices in Ticker, Depth and Trades show five digits or more, whatever the pair's own are (recorded 2025 and 2026). */
export const wirePrice = (pair: Pair, price: Decimal): string => fixed(price, Math.max(5, pair.pairDecimals));
export const wireTicks = (pair: Pair, ticks: number): string => wirePrice(pair, priceOfTicks(pair, ticks));

export const PUBLIC_ENDPOINTS: Readonly<Record<string, PublicEndpoint>> = {
  Time: (_state, _query, at) => {
    // `Tue, 11 Nov 25 00:17:04 +0000`: two digits for the year.
    const [day, date, month, year, time] = new Date(at).toUTCString().split(" ");
    return {
      result: {
        unixtime: Math.floor(at / 1000),
        rfc1123: `${day} ${date} ${month} ${year!.slice(2)} ${time} +0000`,
      },
    };
  },
  SystemStatus: (_state, _query, at, fault) => ({
    result: { status: modeOf(fault), timestamp: `${new Date(at).toISOString().slice(0, 19)}Z` },
  }),
  Assets: (_state, query) => assets(query),
  AssetPairs: (_state, query, _at, fault) => assetPairs(query, fault),
  Ticker: listed((state, query, at) => forPairs(query, (pair) => ticker(state, pair, at))),
  OHLC: listed((state, query, at) => forOne(query, (pair) => ohlc(state, pair, query, at))),
  Trades: listed((state, query, at) => forOne(query, (pair) => trades(state, pair, query, at))),
  Depth: listed((state, query, at) => forOne(query, (pair) => depth(state, pair, query, at))),
  Spread: listed((state, query, at) => forOne(query, (pair) => spread(state, pair, query, at))),
};

/** Of a pair that was taken off the list nothing is told. */
function listed(endpoint: PublicEndpoint): PublicEndpoint {
  return (state, query, at, fault) =>
    fault === "pair-delisted" && query.pair !== undefined
      ? { error: "EQuery:Unknown asset pair" }
      : endpoint(state, query, at, fault);
}

function modeOf(fault: FaultName | undefined): string {
  if (fault === "maintenance") return "maintenance";
  if (fault === "market-cancel-only") return "cancel_only";
  return fault === "market-post-only" ? "post_only" : "online";
}

function assets(query: Fields): Reply {
  const names = query.asset?.split(",") ?? [...ASSETS.keys()];
  const result: Record<string, unknown> = {};
  for (const name of names) {
    const asset = findAsset(name);
    if (asset === undefined) return { error: "EQuery:Unknown asset" };
    const [, altname, decimals, display, collateral, margin] = asset.row;
    result[asset.id] = {
      aclass: "currency",
      altname,
      decimals,
      display_decimals: display,
      ...(collateral === "" ? {} : { collateral_value: Number(collateral) }),
      status: "enabled",
      ...(margin === "" ? {} : { margin_rate: margin }),
    };
  }
  return { result };
}

const upTo = (highest: number): number[] => Array.from({ length: Math.max(0, highest - 1) }, (_, i) => i + 2);

function assetPairs(query: Fields, fault: FaultName | undefined): Reply {
  const found = namedPairs(query);
  if (found === undefined) return { error: "EQuery:Unknown asset pair" };
  const result: Record<string, unknown> = {};
  for (const { pair, key } of found) {
    if (fault === "pair-delisted") {
      if (query.pair !== undefined) return { error: "EQuery:Unknown asset pair" };
      continue;
    }
    result[key] = pairObject(pair, fault);
  }
  return { result };
}

function pairObject(pair: Pair, fault: FaultName | undefined): unknown {
  const { row } = pair;
  const [, altname, wsname, base, quote, lot, , , , orderMin, costMin, tick, status, buy, sell, long, short] =
    row;
  const raised = format({ units: pair.orderMin.units * 1000n, scale: pair.orderMin.scale });
  return {
    altname,
    wsname,
    aclass_base: "currency",
    base,
    aclass_quote: "currency",
    quote,
    lot,
    cost_decimals: pair.costDecimals,
    pair_decimals: pair.pairDecimals,
    lot_decimals: pair.lotDecimals,
    lot_multiplier: 1,
    leverage_buy: upTo(buy),
    leverage_sell: upTo(sell),
    // Empty on the live exchange since 2026: TradeVolume is the only source of fees.
    fees: [],
    fees_maker: [],
    fee_volume_currency: "ZUSD",
    margin_call: 80,
    margin_stop: 40,
    ordermin: fault === "ordermin-raised" ? raised : orderMin,
    costmin: costMin,
    tick_size: tick,
    status: fault?.startsWith("market-") ? modeOf(fault) : status,
    execution_venue: "international",
    ...(long === -1 ? {} : { long_position_limit: long, short_position_limit: short }),
  };
}

/** `undefined`: one of the names is not known. Without names: all, sorted by id as the exchange sorts them. */
export function namedPairs(query: Fields): { pair: Pair; key: string }[] | undefined {
  if (query.pair === undefined || query.pair === "") return PAIRS.map((pair) => ({ pair, key: pair.id }));
  const found = query.pair.split(",").map((name) => findPair(name.trim()));
  return found.every((one) => one !== undefined) ? found : undefined;
}

function forPairs(query: Fields, ask: (pair: Pair) => unknown): Reply {
  const found = namedPairs(query);
  if (found === undefined) return { error: "EQuery:Unknown asset pair" };
  return { result: Object.fromEntries(found.map(({ pair, key }) => [key, ask(pair)])) };
}

/** `rest` joins the pair's rows: `last` of OHLC, Trades and Spread. */
function forOne(query: Fields, ask: (pair: Pair) => { rows: unknown; last?: unknown } | string): Reply {
  if (query.pair === undefined || query.pair === "") return { error: "EGeneral:Invalid arguments" };
  const found = findPair(query.pair);
  if (found === undefined) return { error: "EQuery:Unknown asset pair" };
  const answer = ask(found.pair);
  if (typeof answer === "string") return { error: answer };
  const { rows, last } = answer;
  return { result: { [found.key]: rows, ...(last === undefined ? {} : { last }) } };
}

function depth(state: State, pair: Pair, query: Fields, at: number): { rows: unknown } | string {
  const count = query.count === undefined ? 100 : Number(query.count);
  if (!Number.isInteger(count) || count < 1 || count > LEVELS_MAX) return "EGeneral:Invalid arguments";
  const side = (name: BookSide) =>
    bookSide(state, pair, name, at, count).map(({ ticks, volume }) => [
      wireTicks(pair, ticks),
      fixed(volume, 3),
      Math.floor(at / 1000),
    ]);
  return { rows: { asks: side("ask"), bids: side("bid") } };
}

type ShownLevel = { readonly ticks: number; readonly volume: Decimal };

/** The crowd's levels and the resting orders of the sandbox's own accounts together. */
export function bookSide(state: State, pair: Pair, side: BookSide, at: number, count: number): ShownLevel[] {
  const levels = new Map<number, Decimal>();
  for (const { ticks, lots } of levelsOf(state, pair, side, at)) {
    levels.set(ticks, { units: lots, scale: pair.lotDecimals });
    if (levels.size === count) break;
  }
  for (const txid of state.live) {
    const order = state.orders.get(txid)!;
    const isHere = order.pair === pair.id && order.side === (side === "bid" ? "buy" : "sell");
    if (!isHere || order.status !== "open" || order.limit === undefined) continue;
    if (order.trigger !== undefined && !order.triggered) continue;
    const ticks = ticksOf(pair, order.limit);
    const shown = order.displayVolume ?? remainingOf(order);
    levels.set(ticks, add(levels.get(ticks) ?? { units: 0n, scale: pair.lotDecimals }, shown));
  }
  const direction = side === "ask" ? 1 : -1;
  return [...levels]
    .map(([ticks, volume]) => ({ ticks, volume: toScale(volume, pair.lotDecimals, "down") }))
    .sort((a, b) => direction * (a.ticks - b.ticks))
    .slice(0, count);
}

const SPREAD_ROWS = 200;

function spread(state: State, pair: Pair, query: Fields, at: number): { rows: unknown; last: number } {
  const now = Math.floor(at / 1000);
  const since = Number(query.since ?? 0) || 0;
  const rows: unknown[] = [];
  for (let second = now - SPREAD_ROWS + 1; second <= now; second++) {
    if (second <= since) continue;
    const touch = touchAt(state, pair, second * 1000);
    rows.push([second, wireTicks(pair, touch.bid), wireTicks(pair, touch.ask)]);
  }
  return { rows, last: now };
}
