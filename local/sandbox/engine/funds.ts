/** What an order needs, what open orders hold, what is left. */
import { add, compare, type Decimal, multiply, subtract, toScale } from "../../../shared/domain/decimal.ts";
import { ASSETS, type Asset, type Pair, pairOf } from "../market/catalogue.ts";
import type { Account, Order, State } from "../state.ts";

export type Need = { readonly asset: Asset; readonly amount: Decimal };

export const remainingOf = (order: Order): Decimal => subtract(order.volume, order.volumeFilled);

/** At worst: limit price and taker fee, rounded up, so that no fill can take more than was held. */
export function needFor(
  pair: Pair,
  what: { side: "buy" | "sell"; volume: Decimal; price: Decimal; feeInBase: boolean; takerRate: Decimal },
): Need {
  const { decimals: baseDecimals } = pair.base;
  if (what.side === "sell") {
    const fee = what.feeInBase ? multiply(what.volume, what.takerRate) : { units: 0n, scale: 0 };
    return { asset: pair.base, amount: toScale(add(what.volume, fee), baseDecimals, "up") };
  }
  const paid = multiply(what.volume, what.price);
  const fee = what.feeInBase ? { units: 0n, scale: 0 } : multiply(paid, what.takerRate);
  return { asset: pair.quote, amount: toScale(add(paid, fee), pair.quote.decimals, "up") };
}

/** `undefined`: it holds nothing (a stop that will take whatever the market gives is checked when it fires). */
export function holdOf(order: Order): Need | undefined {
  const pair = pairOf(order.pair);
  const price = order.limit ?? order.trigger;
  if (price === undefined) return undefined;
  return needFor(pair, { ...order, volume: remainingOf(order), price });
}

export function heldOf(state: State, account: string, asset: string): Decimal {
  let held: Decimal = { units: 0n, scale: ASSETS.get(asset)!.decimals };
  for (const txid of state.live) {
    const order = state.orders.get(txid)!;
    if (order.account !== account) continue;
    const hold = holdOf(order);
    if (hold?.asset.id === asset) held = add(held, hold.amount);
  }
  return held;
}

const balanceOf = (account: Account, asset: string): Decimal =>
  account.balances.get(asset) ?? { units: 0n, scale: ASSETS.get(asset)!.decimals };

export function hasFunds(state: State, account: Account, need: Need): boolean {
  const held = heldOf(state, account.setup.name, need.asset.id);
  return compare(subtract(balanceOf(account, need.asset.id), held), need.amount) >= 0;
}
