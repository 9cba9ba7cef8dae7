/**
 * What happens while nobody asks: the path crosses resting orders, stops fire, orders start and expire, cancel-all timers
 * run out. All of it happens at instants that do not depend on who looks when: crossings on whole seconds, the rest on
 * its own millisecond. So a replay that never looks in between arrives at the same state.
 */
import type { Decimal } from "../../../shared/domain/decimal.ts";
import { PAIRS, type Pair, pairOf } from "../market/catalogue.ts";
import { firstCrossing, halfSpreadOf, midAt, touchAt } from "../market/path.ts";
import type { Order, State } from "../state.ts";
import { placeClosing } from "./closing.ts";
import { fillResting, takeFromBook, takeTriggered, ticksOf } from "./match.ts";
import { closeOrder, note } from "./settle.ts";

/** Brings everything to `at`. Going back is not possible: an earlier instant changes nothing. */
export function bringTo(state: State, at: number): void {
  while (state.at < at) {
    const next = nextEvent(state, at);
    if (next === undefined) break;
    state.at = Math.max(state.at, next.at);
    runTimers(state, next.at);
    for (const pair of next.pairs) touchPair(state, pair, next.at);
  }
  state.at = Math.max(state.at, at);
}

/** A price was set by hand: what it crosses is filled at once. */
export function touchPair(state: State, pair: Pair, at: number): void {
  for (const order of liveOrders(state, pair)) {
    if (order.status !== "open") continue;
    const filledBefore = order.trades.length;
    if (isWaitingForTrigger(order)) fireIfReached(state, order, pair, at);
    else if (order.limit !== undefined && isReached(state, order, pair, at)) fillResting(state, order, at);
    placeClosing(state, order, filledBefore, at);
  }
}

const liveOrders = (state: State, pair?: Pair): Order[] =>
  [...state.live]
    .map((txid) => state.orders.get(txid)!)
    .filter((order) => pair === undefined || order.pair === pair.id);

export const isWaitingForTrigger = (order: Order): boolean => order.trigger !== undefined && !order.triggered;

function isReached(state: State, order: Order, pair: Pair, at: number): boolean {
  const touch = touchAt(state, pair, at);
  const limit = ticksOf(pair, order.limit!);
  return order.side === "buy" ? touch.ask <= limit : touch.bid >= limit;
}

type Event = { readonly at: number; readonly pairs: readonly Pair[] };

function nextEvent(state: State, until: number): Event | undefined {
  let first = Number.POSITIVE_INFINITY;
  for (const account of state.accounts.values()) {
    if (account.cancelAllAt > 0) first = Math.min(first, account.cancelAllAt);
  }
  const waiting = new Map<string, Order[]>();
  for (const order of liveOrders(state)) {
    if (order.status === "pending") first = Math.min(first, order.startsAt);
    if (order.expiresAt > 0) first = Math.min(first, order.expiresAt);
    if (order.status !== "open") continue;
    const group = waiting.get(order.pair);
    if (group === undefined) waiting.set(order.pair, [order]);
    else group.push(order);
  }
  let pairs: Pair[] = [];
  for (const pair of PAIRS) {
    const orders = waiting.get(pair.id);
    if (orders === undefined) continue;
    const found = firstCrossing(state, pair, {
      ...boundsOf(pair, orders),
      afterMs: state.at,
      untilMs: Math.min(until, first),
    });
    if (found === undefined) continue;
    if (found < first) pairs = [];
    first = found;
    pairs.push(pair);
  }
  return first <= until ? { at: first, pairs } : undefined;
}

/** The nearest middle below and above at which one of the orders has something to do; in half ticks. */
function boundsOf(pair: Pair, orders: readonly Order[]): { low: number; high: number } {
  let low = Number.NEGATIVE_INFINITY;
  let high = Number.POSITIVE_INFINITY;
  const half = halfSpreadOf(pair);
  for (const order of orders) {
    if (isWaitingForTrigger(order)) {
      const trigger = halfTicksOf(pair, order.trigger!);
      if (fallsTo(order)) low = Math.max(low, trigger);
      else high = Math.min(high, trigger);
      if (order.peak !== undefined) {
        if (fallsTo(order)) high = Math.min(high, order.peak + 1);
        else low = Math.max(low, order.peak - 1);
      }
    } else if (order.limit !== undefined) {
      const limit = 2 * ticksOf(pair, order.limit);
      if (order.side === "buy") low = Math.max(low, limit - half);
      else high = Math.min(high, limit + half);
    }
  }
  return { low, high };
}

/** Does a falling price fire it? */
const fallsTo = (order: Order): boolean =>
  order.type.startsWith("take-profit") ? order.side === "buy" : order.side === "sell";

const halfTicksOf = (pair: Pair, price: Decimal): number => 2 * ticksOf(pair, price);

function fireIfReached(state: State, order: Order, pair: Pair, at: number): void {
  const mid = midAt(state, pair, at);
  const trigger = halfTicksOf(pair, order.trigger!);
  const isFired = fallsTo(order) ? mid <= trigger : mid >= trigger;
  if (!isFired) {
    followPeak(order, pair, mid);
    return;
  }
  order.triggered = true;
  note(order, order.type.startsWith("take-profit") ? "touched" : "stopped");
  if (order.limitOffset !== undefined) {
    const units = order.trigger!.units + order.limitOffset.units;
    order.limit = { units, scale: order.trigger!.scale };
  }
  takeTriggered(state, order, at);
}

/** A trailing stop follows the best price and never goes back. */
function followPeak(order: Order, pair: Pair, mid: number): void {
  if (order.peak === undefined) return;
  const isBetter = fallsTo(order) ? mid > order.peak : mid < order.peak;
  if (!isBetter) return;
  order.peak = mid;
  const trail = order.trail!.units;
  const best = BigInt(Math.floor(mid / 2));
  const units = fallsTo(order) ? best - trail : best + trail;
  order.trigger = { units: units > 0n ? units : 1n, scale: pair.pairDecimals };
}

function runTimers(state: State, at: number): void {
  for (const account of state.accounts.values()) {
    if (account.cancelAllAt === 0 || account.cancelAllAt > at) continue;
    account.cancelAllAt = 0;
    for (const order of liveOrders(state)) {
      if (order.account === account.setup.name)
        closeOrder(state, order, "canceled", at, "Cancel all orders after");
    }
  }
  for (const order of liveOrders(state)) {
    if (order.expiresAt > 0 && order.expiresAt <= at)
      closeOrder(state, order, "expired", at, "Order expired");
    else if (order.status === "pending" && order.startsAt <= at) startOrder(state, order, at);
  }
}

function startOrder(state: State, order: Order, at: number): void {
  order.status = "open";
  if (isWaitingForTrigger(order)) return;
  const filledBefore = order.trades.length;
  const touch = touchAt(state, pairOf(order.pair), at);
  const limit = order.limit === undefined ? undefined : ticksOf(pairOf(order.pair), order.limit);
  const wouldTake = limit === undefined || (order.side === "buy" ? touch.ask <= limit : touch.bid >= limit);
  if (wouldTake && order.postOnly) closeOrder(state, order, "canceled", at, "Post only order");
  else takeFromBook(state, order, at);
  placeClosing(state, order, filledBefore, at);
}
