/** The description of an order, in Kraken's exact words: clients split it on its spaces. */
import { type Decimal, format, toScale } from "../../../shared/domain/decimal.ts";
import type { Pair } from "../market/catalogue.ts";
import type { ConditionalClose, Order, OrderType, Side } from "../state.ts";

/** With exactly that many decimals. */
export const fixed = (value: Decimal, decimals: number): string => format(toScale(value, decimals, "down"));

const WORDS: Readonly<Record<OrderType, string>> = {
  market: "market",
  limit: "limit",
  iceberg: "iceberg",
  "stop-loss": "stop loss",
  "take-profit": "take profit",
  "stop-loss-limit": "stop loss",
  "take-profit-limit": "take profit",
  "trailing-stop": "trailing stop",
  "trailing-stop-limit": "trailing stop",
};

const typeWords = (type: OrderType, price: string, price2: string): string => {
  if (type === "market") return "market";
  const first = `${WORDS[type]} ${price}`;
  return type.endsWith("-limit") ? `${first} -> limit ${price2}` : first;
};

export function sentenceOf(
  pair: Pair,
  order: {
    side: Side;
    volume: Decimal;
    type: OrderType;
    priceShown: string;
    price2Shown: string;
    leverageShown: string;
  },
): string {
  const leverage = order.leverageShown === "none" ? "" : ` with ${order.leverageShown} leverage`;
  const volume = fixed(order.volume, pair.lotDecimals);
  const what = typeWords(order.type, order.priceShown, order.price2Shown);
  return `${order.side} ${volume} ${pair.altname} @ ${what}${leverage}`;
}

export const closeSentence = (close: ConditionalClose | undefined): string =>
  close === undefined ? "" : `close position @ ${typeWords(close.type, close.price, close.price2 ?? "0")}`;

/** The part of a REST order object that describes it. */
export const descriptionOf = (pair: Pair, order: Order) => ({
  pair: pair.altname,
  type: order.side,
  ordertype: order.type,
  price: order.priceShown,
  price2: order.price2Shown,
  leverage: order.leverageShown,
  order: sentenceOf(pair, order),
  close: closeSentence(order.close),
});
