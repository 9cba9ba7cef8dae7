/** Orders against the book: takers eat levels, resting orders are filled when the market comes to them. */
import { type Decimal, subtract, unitsAt } from "../../../shared/domain/decimal.ts";
import { type BookSide, eatenKey, eatenLots, levelsOf } from "../market/book.ts";
import { type Pair, pairOf } from "../market/catalogue.ts";
import type { Order, State } from "../state.ts";
import { hasFunds, needFor, remainingOf } from "./funds.ts";
import { closeOrder, isFilled, settleFill } from "./settle.ts";

type Cut = { readonly ticks: number; readonly lots: bigint };

export const ticksOf = (pair: Pair, price: Decimal): number => Number(unitsAt(price, pair.pairDecimals));

const opposite = (order: Order): BookSide => (order.side === "buy" ? "ask" : "bid");

const isBetterOrEqual = (order: Order, ticks: number, limit: number): boolean =>
  order.side === "buy" ? ticks <= limit : ticks >= limit;

/** What the order would get of the book right now, best price first. `lotsMax` limits it from outside. */
export function cutsFor(state: State, order: Order, at: number, lotsMax?: bigint): Cut[] {
  const pair = pairOf(order.pair);
  const limit = order.limit === undefined ? undefined : ticksOf(pair, order.limit);
  const cuts: Cut[] = [];
  let lots = order.inQuote ? 0n : unitsAt(remainingOf(order), pair.lotDecimals);
  // Quote units per (tick × lot), for orders whose volume is in the quote asset.
  const quoteScale = pair.pairDecimals + pair.lotDecimals;
  let quote = order.inQuote ? unitsAt(subtract(order.volume, order.turnover), quoteScale) : 0n;
  let allowed = lotsMax;
  for (const level of levelsOf(state, pair, opposite(order), at)) {
    if (limit !== undefined && !isBetterOrEqual(order, level.ticks, limit)) break;
    const wanted = order.inQuote ? quote / BigInt(level.ticks) : lots;
    let taken = wanted < level.lots ? wanted : level.lots;
    if (allowed !== undefined && allowed < taken) taken = allowed;
    if (taken <= 0n) break;
    cuts.push({ ticks: level.ticks, lots: taken });
    if (order.inQuote) quote -= taken * BigInt(level.ticks);
    else lots -= taken;
    if (allowed !== undefined) allowed -= taken;
  }
  return cuts;
}

export const lotsIn = (cuts: readonly Cut[]): bigint => cuts.reduce((sum, cut) => sum + cut.lots, 0n);

/** Removes lots from the front of a side; they come back with time. */
function eat(state: State, pair: Pair, side: BookSide, lots: bigint, at: number): void {
  state.eaten.set(eatenKey(pair, side), { lots: eatenLots(state, pair, side, at) + lots, at });
}

/** An arriving order. Afterwards it is closed, or it rests. `partial`: a fault lets it find half of its volume only. */
export function takeFromBook(state: State, order: Order, at: number, partial = false): void {
  const pair = pairOf(order.pair);
  const full = cutsFor(state, order, at);
  const half = lotsIn(full) / 2n;
  const cuts = partial ? cutsFor(state, order, at, half > 0n ? half : 1n) : full;
  const isWhole = !order.inQuote && lotsIn(cuts) === unitsAt(remainingOf(order), pair.lotDecimals);
  if (order.tif === "FOK" && !isWhole) {
    closeOrder(state, order, "canceled", at, "Fill or kill: not the whole volume");
    return;
  }
  if (cuts.length > 0) {
    eat(state, pair, opposite(order), lotsIn(cuts), at);
    for (const cut of cuts) settleFill(state, order, { ...cut, isMaker: false, at });
  }
  endArrival(state, order, at, order.inQuote && cuts.length > 0 && !partial);
}

/** What becomes of an arriving order once it has taken what it could. `isSpent`: the rest buys less than one lot. */
function endArrival(state: State, order: Order, at: number, isSpent: boolean): void {
  if (isFilled(order) || isSpent) closeOrder(state, order, "closed", at);
  else if (order.limit === undefined) closeOrder(state, order, "canceled", at, "No liquidity");
  else if (order.tif === "IOC") {
    closeOrder(state, order, "canceled", at, "Immediate or cancel: volume left over");
  }
}

/** A resting order that the market has come to: it is filled at its own price, as much as there is. */
export function fillResting(state: State, order: Order, at: number): void {
  const pair = pairOf(order.pair);
  const lots = lotsIn(cutsFor(state, order, at));
  if (lots === 0n) return;
  eat(state, pair, opposite(order), lots, at);
  settleFill(state, order, { ticks: ticksOf(pair, order.limit!), lots, isMaker: true, at });
  if (isFilled(order)) closeOrder(state, order, "closed", at);
}

/** A stop that fired. Without a limit nothing was held for a price worse than its trigger: that is checked now. */
export function takeTriggered(state: State, order: Order, at: number): void {
  const pair = pairOf(order.pair);
  if (order.limit === undefined && order.side === "buy") {
    const worst = cutsFor(state, order, at).at(-1);
    const price: Decimal = { units: BigInt(worst?.ticks ?? 0), scale: pair.pairDecimals };
    const need = needFor(pair, { ...order, volume: remainingOf(order), price });
    if (!hasFunds(state, state.accounts.get(order.account)!, need)) {
      closeOrder(state, order, "canceled", at, "Insufficient funds");
      return;
    }
  }
  takeFromBook(state, order, at);
}
