/** Balances, trades, ledger, fees and the key itself. */
import { add, type Decimal, divide, format, multiply } from "../../../shared/domain/decimal.ts";
import { feeLine, recentVolume } from "../engine/fees.ts";
import { heldOf } from "../engine/funds.ts";
import { idOf } from "../engine/ids.ts";
import type { Reply } from "../engine/place.ts";
import { fixed } from "../engine/sentence.ts";
import { ASSETS, type Asset, findAsset, PAIRS, type Pair, pairOf } from "../market/catalogue.ts";
import { characterOf } from "../market/levels.ts";
import { midAt } from "../market/path.ts";
import { type Fields, flagOf } from "../request.ts";
import type { Fill, Key, LedgerEntry, State } from "../state.ts";
import { namedPairs } from "./market-data.ts";
import { type DateRange, instantOf, isInRange } from "./orders.ts";

const PAGE = 50;
const IDS_MAX = 20;

const accountOf = (state: State, key: Key) => state.accounts.get(key.account)!;

export const balance = (state: State, key: Key): Reply => ({
  result: Object.fromEntries(
    [...accountOf(state, key).balances].map(([asset, value]) => [asset, format(value)]),
  ),
});

export function balanceEx(state: State, key: Key): Reply {
  const entries = [...accountOf(state, key).balances].map(([asset, value]) => [
    asset,
    { balance: format(value), hold_trade: format(heldOf(state, key.account, asset)) },
  ]);
  return { result: Object.fromEntries(entries) };
}

/** Value of one unit in US dollars at the path's middle; six digits, a valuation and not a price anybody pays. */
function dollarsOf(state: State, asset: Asset, at: number): Decimal {
  const pair = PAIRS.find((one) => one.base.id === asset.id && one.quote.id === "ZUSD");
  if (pair !== undefined) {
    return { units: BigInt(midAt(state, pair, at)) * 5n, scale: pair.pairDecimals + 1 };
  }
  return { units: BigInt(Math.round(characterOf(asset).usd * 1_000_000)), scale: 6 };
}

/** There is no margin here: everything is free. */
export function tradeBalance(state: State, key: Key, fields: Fields, at: number): Reply {
  const asset = findAsset(fields.asset ?? "ZUSD");
  if (asset === undefined) return { error: "EQuery:Unknown asset" };
  let dollars: Decimal = { units: 0n, scale: 0 };
  for (const [id, value] of accountOf(state, key).balances) {
    dollars = add(dollars, multiply(value, dollarsOf(state, ASSETS.get(id)!, at)));
  }
  const total = format(divide(dollars, dollarsOf(state, asset, at), 4, "down"));
  const zero = "0.0000";
  return {
    result: { eb: total, tb: total, m: zero, uv: zero, n: zero, c: zero, v: zero, e: total, mf: total },
  };
}

/** Newest first, one page; `start` exclusive, `end` inclusive. */
function page<T extends { at: number }>(
  state: State,
  fields: Fields,
  all: Iterable<T>,
  isWanted: (one: T) => boolean,
): { rows: T[]; count: number } | undefined {
  const start = instantOf(state, fields.start, 0);
  const end = instantOf(state, fields.end, Number.POSITIVE_INFINITY);
  const offset = Number(fields.ofs ?? 0);
  if (start === undefined || end === undefined || !Number.isInteger(offset) || offset < 0) return undefined;
  const wanted = [...all].filter((one) => one.at > start && one.at <= end && isWanted(one)).reverse();
  return { rows: wanted.slice(offset, offset + PAGE), count: wanted.length };
}

export function tradesHistory(state: State, key: Key, fields: Fields, range: DateRange): Reply {
  // There are no positions: only `all` and `no position` find anything.
  const type = fields.type ?? "all";
  const hasAny = type === "all" || type === "no position";
  const found = page(
    state,
    fields,
    state.fills.values(),
    (fill) => hasAny && fill.account === key.account && isInRange(range, fill.at),
  );
  if (found === undefined) return { error: "EGeneral:Invalid arguments" };
  const withLedgers = flagOf(fields.ledgers) === true;
  const trades = Object.fromEntries(
    found.rows.map((fill) => [fill.id, tradeObject(state, fill, withLedgers)]),
  );
  const isCounted = flagOf(fields.without_count) !== true;
  return { result: isCounted ? { trades, count: found.count } : { trades } };
}

export function queryTrades(state: State, key: Key, fields: Fields, range: DateRange): Reply {
  const ids = idsOf(fields.txid);
  if (ids === undefined) return { error: "EGeneral:Invalid arguments" };
  const found = ids.flatMap((id) => {
    const fill = state.fills.get(id);
    return fill?.account === key.account && isInRange(range, fill.at) ? [fill] : [];
  });
  return { result: Object.fromEntries(found.map((fill) => [fill.id, tradeObject(state, fill, false)])) };
}

const idsOf = (text: string | undefined): string[] | undefined => {
  const ids = (text ?? "").split(",").filter((id) => id !== "");
  return ids.length === 0 || ids.length > IDS_MAX ? undefined : ids;
};

function tradeObject(state: State, fill: Fill, withLedgers: boolean): unknown {
  const order = state.orders.get(fill.order)!;
  const pair = pairOf(order.pair);
  const costText = (value: Decimal) => fixed(value, pair.costDecimals);
  return {
    ordertxid: fill.order,
    postxid: `T${fill.order.slice(1)}`,
    pair: pair.id,
    time: fill.at / 1000,
    type: order.side,
    ordertype: order.type,
    price: fixed(fill.price, Math.max(5, pair.pairDecimals)),
    cost: costText(fill.cost),
    fee: order.feeInBase ? fixed(fill.fee, pair.base.decimals) : costText(fill.fee),
    vol: fixed(fill.volume, pair.lotDecimals),
    margin: costText({ units: 0n, scale: 0 }),
    leverage: "0",
    misc: "",
    trade_id: fill.tradeId,
    maker: fill.isMaker,
    ...(withLedgers ? { ledgers: fill.ledgers } : {}),
  };
}

export function ledgers(state: State, key: Key, fields: Fields, range: DateRange): Reply {
  const names = (fields.asset ?? "all").split(",");
  const assets = names.includes("all") ? undefined : names.map((name) => findAsset(name)?.id);
  if (assets?.includes(undefined)) return { error: "EQuery:Unknown asset" };
  const type = fields.type ?? "all";
  const found = page(state, fields, state.ledger.values(), (entry) => {
    const isOwn = entry.account === key.account && isInRange(range, entry.at);
    return isOwn && (assets?.includes(entry.asset) ?? true) && (type === "all" || type === entry.type);
  });
  if (found === undefined) return { error: "EGeneral:Invalid arguments" };
  const ledger = Object.fromEntries(found.rows.map((entry) => [entry.id, ledgerObject(entry)]));
  const isCounted = flagOf(fields.without_count) !== true;
  return { result: isCounted ? { ledger, count: found.count } : { ledger } };
}

export function queryLedgers(state: State, key: Key, fields: Fields, range: DateRange): Reply {
  const ids = idsOf(fields.id);
  if (ids === undefined) return { error: "EGeneral:Invalid arguments" };
  const found = ids.flatMap((id) => {
    const entry = state.ledger.get(id);
    return entry?.account === key.account && isInRange(range, entry.at) ? [entry] : [];
  });
  return { result: Object.fromEntries(found.map((entry) => [entry.id, ledgerObject(entry)])) };
}

const ledgerObject = (entry: LedgerEntry) => ({
  refid: entry.refid,
  time: entry.at / 1000,
  type: entry.type,
  subtype: "",
  aclass: "currency",
  asset: entry.asset,
  amount: format(entry.amount),
  fee: format(entry.fee),
  balance: format(entry.balance),
});

export function tradeVolume(state: State, key: Key, fields: Fields, at: number): Reply {
  const account = accountOf(state, key);
  const volume = format({ units: recentVolume(account, at), scale: 4 });
  if (fields.pair === undefined || fields.pair === "") return { result: { currency: "ZUSD", volume } };
  const pairs = namedPairs(fields);
  if (pairs === undefined) return { error: "EQuery:Unknown asset pair" };
  const lines = (side: "taker" | "maker") =>
    Object.fromEntries(pairs.map(({ pair, key: name }) => [name, feeObject(pair, side)]));
  const feeObject = (pair: Pair, side: "taker" | "maker") => {
    const line = feeLine(account, pair, side, at);
    return {
      fee: line.percent,
      minfee: line.lowest,
      maxfee: line.highest,
      nextfee: line.next,
      nextvolume: line.nextVolume,
      tiervolume: line.tierVolume,
    };
  };
  return { result: { currency: "ZUSD", volume, fees: lines("taker"), fees_maker: lines("maker") } };
}

export function apiKeyInfo(state: State, key: Key, queryTo: number): Reply {
  const { setup } = key;
  return {
    result: {
      api_key_name: setup.name,
      api_key: setup.key,
      nonce: String(key.nonceMax),
      nonce_window: setup.nonceWindow,
      permissions: setup.permissions,
      iban: accountOf(state, key).setup.iban,
      valid_until: String(setup.validUntil),
      query_from: String(setup.queryFrom),
      query_to: String(queryTo),
      created_time: String(Math.floor(key.createdAt / 1000)),
      modified_time: String(Math.floor(key.createdAt / 1000)),
      ip_allowlist: setup.ipAllowlist,
      last_used: String(Math.floor(key.lastUsedAt / 1000)),
    },
  };
}

/** Made to look the part: the WebSocket door that would take it is not there yet. */
export const webSocketsToken = (state: State): Reply => ({
  result: { token: `${idOf(state, "Q")}${idOf(state, "Q")}`.replaceAll("-", ""), expires: 900 },
});
