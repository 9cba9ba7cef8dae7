/** One fill: it changes order, balances, ledger and tape together, to the same last digit. */
import { add, compare, type Decimal, multiply, subtract, toScale } from "../../../shared/domain/decimal.ts";
import { type Asset, type Pair, pairOf } from "../market/catalogue.ts";
import { priceOfTicks } from "../market/path.ts";
import { nextPrintId } from "../market/tape.ts";
import { changeBalance, type LedgerEntry, type Order, type State } from "../state.ts";
import { countVolume } from "./fees.ts";
import { remainingOf } from "./funds.ts";
import { idOf } from "./ids.ts";

const PRINTS_MAX = 5_000;

const negative = ({ units, scale }: Decimal): Decimal => ({ units: -units, scale });

/**
 * Costs and fees are cut to the digits a balance has, never rounded up: the exchange's own rounding is not published, and
 * an owner who counted exactly must not be charged more.
 */
export function settleFill(
  state: State,
  order: Order,
  what: { ticks: number; lots: bigint; isMaker: boolean; at: number },
): void {
  const pair = pairOf(order.pair);
  const account = state.accounts.get(order.account)!;
  const price = priceOfTicks(pair, what.ticks);
  const volume: Decimal = { units: what.lots, scale: pair.lotDecimals };
  const turnover = multiply(price, volume);
  const cost = toScale(turnover, pair.costScale, "down");
  const rate = what.isMaker ? order.makerRate : order.takerRate;
  const feeOf = (amount: Decimal, scale: number) => toScale(multiply(amount, rate), scale, "down");
  const fee = order.feeInBase ? feeOf(volume, pair.base.decimals) : feeOf(cost, pair.costScale);

  const id = idOf(state, "T");
  const isBuy = order.side === "buy";
  const book = (asset: Asset, amount: Decimal, taken: Decimal): string => {
    const change = subtract(amount, taken);
    const balance = changeBalance(account, asset.id, change);
    const entry: LedgerEntry = {
      id: idOf(state, "L"),
      account: order.account,
      refid: id,
      at: what.at,
      type: "trade",
      asset: asset.id,
      amount: toScale(amount, asset.decimals, "down"),
      fee: toScale(taken, asset.decimals, "down"),
      balance,
    };
    state.ledger.set(entry.id, entry);
    return entry.id;
  };
  const none: Decimal = { units: 0n, scale: 0 };
  const paid = () => book(pair.quote, isBuy ? negative(cost) : cost, order.feeInBase ? none : fee);
  const got = () => book(pair.base, isBuy ? volume : negative(volume), order.feeInBase ? fee : none);
  const ledgers = isBuy ? [paid(), got()] : [got(), paid()];

  // The taker's side names a public trade: a resting buy was hit by a seller.
  const tradeId = printTrade(state, pair, { ...what, side: isBuy === what.isMaker ? "s" : "b" });
  state.fills.set(id, {
    id,
    order: order.txid,
    account: order.account,
    at: what.at,
    price,
    volume,
    cost,
    fee,
    isMaker: what.isMaker,
    ledgers,
    tradeId,
  });
  order.trades.push(id);
  order.volumeFilled = add(order.volumeFilled, volume);
  order.cost = add(order.cost, cost);
  order.fee = add(order.fee, fee);
  order.turnover = add(order.turnover, turnover);
  countVolume(account, pair, cost, what.at);
}

/** Puts it on the public tape and answers its id there. */
export function printTrade(
  state: State,
  pair: Pair,
  { at, ticks, lots, side }: { at: number; ticks: number; lots: bigint; side: "b" | "s" },
): number {
  const prints = state.prints.get(pair.id) ?? [];
  const id = nextPrintId(pair, at, prints.at(-1));
  prints.push({ at, ticks, lots, side, id });
  if (prints.length > PRINTS_MAX * 2) prints.splice(0, PRINTS_MAX);
  state.prints.set(pair.id, prints);
  return id;
}

/** Adds a word to what the exchange remarks about an order, once. */
export function note(order: Order, word: string): void {
  if (!order.misc.includes(word)) order.misc.push(word);
}

/** Ends an order. What it held is free from here on. */
export function closeOrder(
  state: State,
  order: Order,
  status: "closed" | "canceled" | "expired",
  at: number,
  reason?: string,
): void {
  order.status = status;
  order.closedAt = at;
  order.reason = reason;
  state.live.delete(order.txid);
  if (status !== "closed" && order.volumeFilled.units > 0n) note(order, "partial");
}

/** With `viqc` the volume counts the quote asset, so "filled" is a matter of what was paid. */
export const isFilled = (order: Order): boolean =>
  order.inQuote ? false : compare(remainingOf(order), { units: 0n, scale: 0 }) <= 0;
