/** Conditional close: each fill of an order with one makes a second order on the other side, of the fill's volume. */
import type { Decimal } from "../../../shared/domain/decimal.ts";
import { pairOf } from "../market/catalogue.ts";
import { midAt, priceOfTicks } from "../market/path.ts";
import { lastTrade } from "../market/tape.ts";
import type { Order, State } from "../state.ts";
import { NO_FEE } from "./fees.ts";
import { levelsFor, tickErrorOf } from "./given-levels.ts";
import { idOf } from "./ids.ts";

/** Makes the second orders for all fills from place `filledBefore` on. They join the book at the next whole second. */
export function placeClosing(state: State, order: Order, filledBefore: number, at: number): void {
  if (order.close === undefined) return;
  for (const fill of order.trades.slice(filledBefore)) {
    const closing = closingOf(state, order, state.fills.get(fill)!.volume, at);
    if (closing === undefined) continue;
    state.orders.set(closing.txid, closing);
    state.live.add(closing.txid);
  }
}

function closingOf(state: State, order: Order, volume: Decimal, at: number): Order | undefined {
  const close = order.close!;
  const pair = pairOf(order.pair);
  const side = order.side === "buy" ? "sell" : "buy";
  const last = priceOfTicks(pair, lastTrade(state, pair, at).ticks);
  const levels = levelsFor({ pair, last, mid: midAt(state, pair, at) }, { side, ...close });
  if (levels === undefined || tickErrorOf(pair, levels) !== undefined) return undefined;
  return {
    ...order,
    ...levels,
    txid: idOf(state, "O"),
    side,
    type: close.type,
    clOrdId: undefined,
    volume,
    inQuote: false,
    displayVolume: undefined,
    triggered: false,
    tif: "GTC",
    postOnly: false,
    startsAt: 0,
    expiresAt: 0,
    close: undefined,
    refid: order.txid,
    status: "open",
    reason: undefined,
    acceptedAt: at,
    changedAt: at,
    closedAt: undefined,
    volumeFilled: { units: 0n, scale: pair.lotDecimals },
    cost: NO_FEE,
    fee: NO_FEE,
    turnover: NO_FEE,
    misc: [],
    trades: [],
    hiddenUntil: {},
  };
}
