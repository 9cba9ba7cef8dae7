/** What each private call adds to the key's counter at Kraken (docs.kraken.com, rate limits). */

/** Calls not named here cost 1. */
export const COSTS: Readonly<Record<string, number>> = {
  // One page of the docs says 4. Clients and the newer page say 2.
  Ledgers: 2,
  TradesHistory: 2,
  // Not named by Kraken; its history calls are.
  ClosedOrders: 2,
  // The matching engine counts these by itself, per pair.
  AddOrder: 0,
  AmendOrder: 0,
  CancelOrder: 0,
};

export const costOfCall = (endpoint: string): number => COSTS[endpoint] ?? 1;
