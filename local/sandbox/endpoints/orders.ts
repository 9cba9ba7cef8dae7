/** OpenOrders, ClosedOrders and QueryOrders: the account's own orders, as Kraken prints them. */
import { divide, format, toScale } from "../../../shared/domain/decimal.ts";
import { sameClientId } from "../engine/form.ts";
import { ordersWithClientId, type Reply } from "../engine/place.ts";
import { descriptionOf, fixed } from "../engine/sentence.ts";
import { secondsOf, useFault } from "../faults.ts";
import { findPair, pairOf } from "../market/catalogue.ts";
import { type Fields, flagOf } from "../request.ts";
import { isLive, type Key, type Order, type State } from "../state.ts";

const PAGE = 50;

/** What a key may see: a range of dates, in ms. */
export type DateRange = { readonly from: number; readonly to: number };

export const isInRange = (range: DateRange, at: number): boolean => at >= range.from && at <= range.to;

export function openOrders(state: State, key: Key, fields: Fields, at: number, range: DateRange): Reply {
  const live = [...state.live].map((txid) => state.orders.get(txid)!);
  const own = live.filter((order) => order.account === key.account && isInRange(range, order.acceptedAt));
  const wanted = own.filter((order) => matches(order, fields));
  const shown = wanted.filter((order) => !isHidden(state, key, order, "OpenOrders", at)).reverse();
  return { result: { open: byTxid(shown, fields) } };
}

export function closedOrders(state: State, key: Key, fields: Fields, at: number, range: DateRange): Reply {
  const closetime = fields.closetime ?? "both";
  if (!["open", "close", "both"].includes(closetime))
    return { error: "EGeneral:Invalid arguments:closetime" };
  const start = instantOf(state, fields.start, 0);
  const end = instantOf(state, fields.end, Number.POSITIVE_INFINITY);
  const offset = Number(fields.ofs ?? 0);
  if (start === undefined || end === undefined) return { error: "EGeneral:Invalid arguments" };
  if (!Number.isInteger(offset) || offset < 0) return { error: "EGeneral:Invalid arguments:ofs" };

  const all = candidates(state, key, fields.cl_ord_id);
  const isWithin = (instant: number) => instant > start && instant <= end;
  const wanted = all.filter((order) => {
    if (isLive(order) || !isInRange(range, order.acceptedAt) || !matches(order, fields)) return false;
    const opened = closetime !== "close" && isWithin(order.acceptedAt);
    return opened || (closetime !== "open" && isWithin(order.closedAt!));
  });
  const visible = wanted.filter((order) => !isHidden(state, key, order, "ClosedOrders", at));
  const sortedBy = (order: Order) => (closetime === "open" ? order.acceptedAt : order.closedAt!);
  const newestFirst = visible.reverse().sort((a, b) => sortedBy(b) - sortedBy(a));
  const closed = byTxid(newestFirst.slice(offset, offset + PAGE), fields);
  const isCounted = flagOf(fields.without_count) !== true;
  return { result: isCounted ? { closed, count: visible.length } : { closed } };
}

/** Unknown ids are simply missing from the answer. */
export function queryOrders(state: State, key: Key, fields: Fields, range: DateRange): Reply {
  if (fields.txid === undefined || fields.txid === "") return { error: "EGeneral:Invalid arguments" };
  const txids = fields.txid.split(",").map((txid) => txid.trim());
  if (txids.length > PAGE) return { error: "EGeneral:Invalid arguments" };
  const found = txids.flatMap((txid) => {
    const order = state.orders.get(txid);
    const isOwn = order?.account === key.account && isInRange(range, order.acceptedAt);
    return isOwn && mayQuery(key, order) && matches(order, fields) ? [order] : [];
  });
  return { result: byTxid(found, fields) };
}

const mayQuery = (key: Key, order: Order): boolean =>
  key.setup.permissions.includes(isLive(order) ? "query-open-trades" : "query-closed-trades");

const candidates = (state: State, key: Key, clOrdId: string | undefined): Order[] =>
  clOrdId === undefined
    ? [...state.orders.values()].filter((order) => order.account === key.account)
    : [...ordersWithClientId(state, key.account, clOrdId)];

function matches(order: Order, fields: Fields): boolean {
  const { cl_ord_id: clOrdId, userref } = fields;
  if (clOrdId !== undefined) {
    if (order.clOrdId === undefined || sameClientId(order.clOrdId) !== sameClientId(clOrdId)) return false;
  }
  return userref === undefined || order.userref === Number(userref);
}

/** Unix seconds, with a fraction or without; or an order's id, which stands for its opening. In ms. */
export function instantOf(state: State, text: string | undefined, otherwise: number): number | undefined {
  if (text === undefined || text === "" || text === "0") return otherwise;
  const order = state.orders.get(text) ?? undefined;
  if (order !== undefined) return order.acceptedAt;
  const match = /^(\d{1,12})(?:\.(\d+))?$/.exec(text);
  return match === null
    ? undefined
    : Number(match[1]) * 1000 + Math.floor(Number((match[2] ?? "").padEnd(3, "0").slice(0, 3)));
}

/**
 * An armed `visibility-lag` takes the orders it hides, not the requests: each stays unseen here until its time is over,
 * however often one asks.
 */
function isHidden(
  state: State,
  key: Key,
  order: Order,
  endpoint: "OpenOrders" | "ClosedOrders",
  at: number,
): boolean {
  if (order.hiddenUntil[endpoint] === undefined) {
    const fault = state.faults.find(
      (one) =>
        one.fault === "visibility-lag" &&
        one.endpoint === endpoint &&
        (one.pair === undefined || findPair(one.pair)?.pair.id === order.pair) &&
        (one.key === undefined || one.key === key.setup.name || one.key === key.setup.key) &&
        order.acceptedAt + secondsOf(one) * 1000 > at,
    );
    if (fault === undefined) return false;
    useFault(state, fault);
    order.hiddenUntil[endpoint] = order.acceptedAt + secondsOf(fault) * 1000;
  }
  return order.hiddenUntil[endpoint]! > at;
}

const byTxid = (orders: readonly Order[], fields: Fields): Record<string, unknown> => {
  const withTrades = flagOf(fields.trades) === true;
  return Object.fromEntries(orders.map((order) => [order.txid, orderObject(order, withTrades)]));
};

export function orderObject(order: Order, withTrades: boolean): Record<string, unknown> {
  const pair = pairOf(order.pair);
  const costText = (value: Order["cost"]) => fixed(value, pair.costDecimals);
  const isFilled = order.volumeFilled.units > 0n;
  const average = isFilled
    ? divide(order.turnover, order.volumeFilled, pair.costDecimals, "down")
    : { units: 0n, scale: pair.costDecimals };
  const isWaiting = order.trigger !== undefined;
  const limitOfStop = isWaiting ? order.limit : undefined;
  const shown = (value: Order["limit"]) =>
    value === undefined
      ? costText({ units: 0n, scale: 0 })
      : format(toScale(value, pair.costDecimals, "down"));
  return {
    refid: order.refid ?? null,
    userref: order.userref ?? 0,
    ...(order.clOrdId === undefined ? {} : { cl_ord_id: order.clOrdId }),
    status: order.status,
    ...(order.closedAt === undefined ? {} : { reason: order.reason ?? null }),
    opentm: order.acceptedAt / 1000,
    ...(order.closedAt === undefined ? {} : { closetm: order.closedAt / 1000 }),
    starttm: order.startsAt / 1000,
    expiretm: order.expiresAt / 1000,
    descr: descriptionOf(pair, order),
    vol: fixed(order.volume, pair.lotDecimals),
    vol_exec: fixed(order.volumeFilled, pair.lotDecimals),
    cost: costText(order.cost),
    fee: order.feeInBase ? fixed(order.fee, pair.base.decimals) : costText(order.fee),
    price: format(average),
    stopprice: shown(order.trigger),
    limitprice: shown(limitOfStop),
    misc: order.misc.join(","),
    oflags: order.flags.join(","),
    ...(isWaiting ? { trigger: "last" } : {}),
    ...(withTrades && order.trades.length > 0 ? { trades: order.trades } : {}),
  };
}
