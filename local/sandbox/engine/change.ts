/** What changes orders that exist: amend, edit, cancel, cancel all, and the timer that cancels all. */
import { compare, toScale, tryDecimal } from "../../../shared/domain/decimal.ts";
import { ageCost, charge, engineLimits } from "../counters.ts";
import { type Pair, pairOf } from "../market/catalogue.ts";
import { midAt, priceOfTicks } from "../market/path.ts";
import { lastTrade } from "../market/tape.ts";
import { type Fields, flagOf } from "../request.ts";
import { type Account, isLive, type Key, type Order, type State } from "../state.ts";
import { readDeadline } from "./form.ts";
import { hasFunds, holdOf } from "./funds.ts";
import { levelsFor, tickErrorOf } from "./given-levels.ts";
import { idOf } from "./ids.ts";
import { takeFromBook } from "./match.ts";
import { addOrder, deadlineError, ordersWithClientId, type Reply, type World, wouldTake } from "./place.ts";
import { fixed } from "./sentence.ts";
import { closeOrder, note } from "./settle.ts";

const refuse = (error: string): Reply => ({ error });

/** The engine's points; the verdict matters only to those who ask for it: cancels always run. */
function chargeEngine(account: Account, order: Order, points: number, at: number): boolean {
  const counter = account.engineCounters.get(order.pair) ?? { points: 0, at };
  account.engineCounters.set(order.pair, counter);
  return charge(counter, engineLimits(account.setup.tier), points, at);
}

/** `EOrder:Unknown order`: it was there, but is open no more. `EOrder:Invalid order`: there never was one. */
function findOpen(state: State, key: Key, fields: Fields): Order | string {
  const { txid, cl_ord_id: clOrdId } = fields;
  if ((txid === undefined) === (clOrdId === undefined)) return "EGeneral:Invalid arguments";
  if (clOrdId !== undefined) {
    const known = ordersWithClientId(state, key.account, clOrdId);
    const open = known.find(isLive);
    return open ?? (known.length > 0 ? "EOrder:Unknown order" : "EOrder:Invalid order");
  }
  const order = state.orders.get(txid!);
  if (order === undefined || order.account !== key.account) return "EOrder:Invalid order";
  return isLive(order) ? order : "EOrder:Unknown order";
}

export function cancelOrder(state: State, key: Key, fields: Fields, at: number): Reply {
  if (fields.cl_ord_id === undefined && /^-?\d+$/.test(fields.txid ?? "")) {
    const userref = Number(fields.txid);
    const group = liveOf(state, key).filter((order) => order.userref === userref);
    return group.length === 0 ? refuse("EOrder:Unknown order") : cancelEach(state, key, group, at);
  }
  const order = findOpen(state, key, fields);
  return typeof order === "string" ? refuse(order) : cancelEach(state, key, [order], at);
}

export const cancelAll = (state: State, key: Key, at: number): Reply =>
  cancelEach(state, key, liveOf(state, key), at);

const liveOf = (state: State, key: Key): Order[] =>
  [...state.live].map((txid) => state.orders.get(txid)!).filter((order) => order.account === key.account);

function cancelEach(state: State, key: Key, orders: readonly Order[], at: number): Reply {
  const account = state.accounts.get(key.account)!;
  for (const order of orders) {
    chargeEngine(account, order, ageCost("cancel", at - order.changedAt), at);
    closeOrder(state, order, "canceled", at, "User requested");
  }
  return { result: { count: orders.length } };
}

/** One timer per account. 0 takes it away. */
export function cancelAllAfter(state: State, key: Key, fields: Fields, at: number): Reply {
  const { timeout = "" } = fields;
  if (!/^\d{1,5}$/.test(timeout) || Number(timeout) >= 86_400)
    return refuse("EGeneral:Invalid arguments:timeout");
  const account = state.accounts.get(key.account)!;
  account.cancelAllAt = timeout === "0" ? 0 : at + Number(timeout) * 1000;
  const text = (instant: number) => `${new Date(instant).toISOString().slice(0, 19)}Z`;
  return {
    result: {
      currentTime: text(at),
      triggerTime: account.cancelAllAt === 0 ? "0" : text(account.cancelAllAt),
    },
  };
}

/** The order keeps its id and its fills. */
export function amendOrder(state: State, key: Key, fields: Fields, at: number, world: World): Reply {
  const deadline = readDeadline(fields);
  if (typeof deadline === "string") return refuse(deadline);
  const late = deadlineError(deadline, at, world.gatewayAt);
  if (late !== undefined) return refuse(late);
  const order = findOpen(state, key, fields);
  if (typeof order === "string") return refuse(order);
  if (order.close !== undefined || order.inQuote) return refuse("EOrder:Invalid order");
  const pair = pairOf(order.pair);
  const account = state.accounts.get(key.account)!;
  if (!chargeEngine(account, order, 1 + ageCost("amend", at - order.changedAt), at)) {
    return refuse("EOrder:Rate limit exceeded");
  }
  const changed = changedOrder(state, order, pair, fields, at);
  if (typeof changed === "string") return refuse(changed);
  if (compare(changed.volume, order.volumeFilled) <= 0) {
    closeOrder(state, order, "canceled", at, "Amended below the filled volume");
    return { result: { amend_id: idOf(state, "T") } };
  }
  const isPostOnly = flagOf(fields.post_only) === true || order.postOnly;
  if (isPostOnly && wouldTake(state, changed, pair, at)) return refuse("EOrder:Post only order");
  if (!canPay(state, account, order, changed)) return refuse("EOrder:Insufficient funds");
  Object.assign(order, changed, { changedAt: at });
  note(order, "amended");
  if (
    order.status === "open" &&
    order.limit !== undefined &&
    (order.trigger === undefined || order.triggered)
  ) {
    if (wouldTake(state, order, pair, at)) takeFromBook(state, order, at);
  }
  return { result: { amend_id: idOf(state, "T") } };
}

function changedOrder(state: State, order: Order, pair: Pair, fields: Fields, at: number): Order | string {
  const changed: Order = { ...order };
  if (fields.order_qty !== undefined) {
    const volume = tryDecimal(fields.order_qty);
    const isWhole = volume !== undefined && compare(toScale(volume, pair.lotDecimals, "down"), volume) === 0;
    if (!isWhole || volume.units <= 0n) return "EGeneral:Invalid arguments:order_qty";
    if (compare(volume, pair.orderMin) < 0) return "EOrder:Order minimum not met";
    changed.volume = toScale(volume, pair.lotDecimals, "down");
  }
  const { limit_price: limit, trigger_price: trigger } = fields;
  if (limit === undefined && trigger === undefined) return changed;
  if (limit !== undefined && order.limit === undefined) return "EGeneral:Invalid arguments:limit_price";
  if (trigger !== undefined && (order.trigger === undefined || order.trail !== undefined)) {
    return "EGeneral:Invalid arguments:trigger_price";
  }
  const hasTrigger = order.trigger !== undefined;
  const last = priceOfTicks(pair, lastTrade(state, pair, at).ticks);
  const levels = levelsFor(
    { pair, last, mid: midAt(state, pair, at) },
    {
      side: order.side,
      type: order.type,
      price: hasTrigger ? (trigger ?? order.priceShown) : limit!,
      price2: hasTrigger && order.limit !== undefined ? (limit ?? order.price2Shown) : undefined,
    },
  );
  if (levels === undefined) return "EOrder:Invalid price";
  const offTick = tickErrorOf(pair, levels);
  if (offTick !== undefined) return offTick;
  const { priceShown, price2Shown } = levels;
  const normal = (value: Order["limit"]) =>
    value === undefined ? undefined : toScale(value, pair.pairDecimals, "down");
  return Object.assign(changed, {
    priceShown,
    price2Shown,
    limit: normal(levels.limit),
    trigger: normal(levels.trigger),
  });
}

/** Only the rise counts: what the order holds already is its own. */
function canPay(state: State, account: Account, order: Order, changed: Order): boolean {
  const before = holdOf(order);
  const after = holdOf(changed);
  if (before === undefined || after === undefined || compare(after.amount, before.amount) <= 0) return true;
  const rise = { units: after.amount.units - before.amount.units, scale: after.amount.scale };
  return hasFunds(state, account, { asset: after.asset, amount: rise });
}

/** The old way: the order is cancelled and a new one takes its place, with a new id and no client order id. */
export function editOrder(state: State, key: Key, fields: Fields, at: number, world: World): Reply {
  const order = findOpen(state, key, { txid: fields.txid ?? "" });
  if (typeof order === "string") return refuse(order);
  const pair = pairOf(order.pair);
  if (order.close !== undefined || order.inQuote) return refuse("EOrder:Invalid order");
  const wanted: Record<string, string> = {
    pair: fields.pair ?? pair.altname,
    type: order.side,
    ordertype: order.type,
    volume: fields.volume ?? fixed(order.volume, pair.lotDecimals),
    price: fields.price ?? order.priceShown,
    price2: fields.price2 ?? order.price2Shown,
    oflags: fields.oflags ?? order.flags.join(","),
    timeinforce: order.tif,
    expiretm: String(Math.floor(order.expiresAt / 1000)),
    validate: "true",
  };
  if (fields.userref !== undefined) wanted.userref = fields.userref;
  else if (order.userref !== undefined) wanted.userref = String(order.userref);
  if (fields.deadline !== undefined) wanted.deadline = fields.deadline;
  if (order.displayVolume !== undefined) {
    wanted.displayvol = fields.displayvol ?? fixed(order.displayVolume, pair.lotDecimals);
  }
  // The old order's hold is free for the new one: check as if it were gone.
  state.live.delete(order.txid);
  const checked = addOrder(state, key, wanted, at, world);
  state.live.add(order.txid);
  if ("error" in checked) return checked;
  if (flagOf(fields.validate) === true) return checked;

  const account = state.accounts.get(key.account)!;
  if (!chargeEngine(account, order, ageCost("edit", at - order.changedAt), at)) {
    return refuse("EOrder:Rate limit exceeded");
  }
  closeOrder(state, order, "canceled", at, "Order replaced");
  const placed = addOrder(state, key, { ...wanted, validate: "false" }, at, world);
  if ("error" in placed) return placed;
  const { txid, descr } = placed.result as { txid: [string]; descr: { order: string } };
  const fresh = state.orders.get(txid[0])!;
  return {
    result: {
      status: "ok",
      txid: txid[0],
      originaltxid: order.txid,
      volume: fixed(fresh.volume, pair.lotDecimals),
      price: fresh.priceShown,
      price2: fresh.price2Shown,
      orders_cancelled: 1,
      descr,
    },
  };
}
