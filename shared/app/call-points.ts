/** What a run's private calls cost of Kraken's rate counter, per key (see shared/kraken/costs.ts). */

/** Points of the rate counter that a whole buy needs: fees and balances 1 each, look 3, the order's report 1. */
export const BUY_POINTS = 6;
/** And two more when the key is checked first, with a look for orders that are not ours. */
export const KEY_CHECK_POINTS = 2;
/** One look at our own id: open orders 1, closed ones 2. */
export const LOOK_POINTS = 3;
/** The control of a look: a look at a known order, and the balance. */
export const CONTROL_POINTS = LOOK_POINTS + 1;
/** A look and the order's report; or a control. A look and its control are two holdings: what is left is for others. */
export const RESOLVE_POINTS = 5;
/** One page of Kraken's ledger of an asset. */
export const LEDGER_POINTS = 2;
/** Pages of the ledger, then the orders behind its trades, then the balance: a holding takes in some of these calls. More would
 * mean a rest over 15 s on the lowest tier, which ends an invocation. */
export const EVIDENCE_POINTS = 4;

/** Kraken's limits of one call, which costs one point however many are asked for. */
export const ORDERS_AT_ONCE = 50;
export const TRADES_AT_ONCE = 20;
