/** The exchange as the program sees it. One adapter answers it: shared/kraken, against Kraken or the sandbox. */

import type { Decimal } from "../domain/decimal.ts";
import type { KeyInfo } from "../domain/key-check.ts";
import type { FeeRates, Pair, PairRules, Quote, SystemStatus } from "../domain/market.ts";
import type { Cost, Fee, Price, Volume } from "../domain/money.ts";
import type { EpochMs } from "../domain/time.ts";
import type { Credentials } from "./secret.ts";

export type { KeyInfo } from "../domain/key-check.ts";

/**
 * The right to make private calls with one key, for as long as its lease lasts. Every private call takes one nonce from
 * it, just before it is sent, and awaits its answer before the next: nonces must arrive in order.
 */
export interface KeyUse {
  readonly credentials: Credentials;
  /** Charges `cost` points to the mirrored rate counter. Throws when the lease is over: then nothing may be sent. */
  nextNonce(endpoint: string, cost: number): string;
}

export interface Exchange {
  /** Kraken's clock, from its Time endpoint; asked again when the last answer is older than ten minutes. */
  now(): Promise<EpochMs>;
  systemStatus(): Promise<SystemStatus>;
  /** Cached for an hour at most. Throws PAIR_UNKNOWN. */
  pairRules(pair: Pair): Promise<PairRules>;
  quote(rules: PairRules): Promise<Quote>;
  as(key: KeyUse): ExchangeAccount;
}

export interface ExchangeAccount {
  keyInfo(): Promise<KeyInfo>;
  /** What is there, and what open orders hold of it. Keyed by Kraken's asset id. */
  balances(): Promise<ReadonlyMap<string, Balance>>;
  /** The account's own tier, from TradeVolume. Cached for a minute per key. */
  feeRates(rules: PairRules): Promise<FeeRates>;
  /** Sends AddOrder once. Throws ExchangeError; `retry: "lookUpFirst"` means that the order may exist. */
  submit(order: OrderRequest): Promise<{ readonly txid: string; readonly description: string }>;
  /** AddOrder with `validate`: Kraken checks everything and places nothing. */
  rehearse(order: OrderRequest): Promise<{ readonly description: string }>;
  /**
   * Every order of ours with this client order id: open ones, and closed ones with `closetime=both` back to `since`, all
   * pages. Throws when any part of the answer is missing, so that an empty list is a complete one.
   */
  findOrders(clientOrderId: string, since: EpochMs): Promise<readonly OrderReport[]>;
  /** Every open order of the account, the owner's own among them. */
  openOrders(): Promise<readonly OrderReport[]>;
  /** By Kraken's ids. Ids that Kraken does not know are missing from the answer. */
  orders(txids: readonly string[]): Promise<readonly OrderReport[]>;
  cancel(clientOrderId: string): Promise<{ readonly cancelled: number }>;
  /**
   * What changed the balance of an asset after `since`: one page of at most 50 from `offset` on, newest first; `count` is of all
   * pages. Throws PERMISSION_DENIED for a key without "Query ledger entries".
   */
  balanceChanges(
    assetId: string,
    since: EpochMs,
    offset: number,
  ): Promise<{ readonly changes: readonly BalanceChange[]; readonly count: number }>;
  /** Txid of the order that each trade belongs to, by the trade's id; at most 20. Trades that Kraken does not know are missing. */
  ordersOfTrades(tradeIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

export type BalanceChange = {
  readonly id: string;
  /** Of a trade: its id. */
  readonly refid: string;
  readonly isTrade: boolean;
  readonly at: EpochMs;
  /** Below zero for what left; fees taken off. */
  readonly change: Decimal;
};

export type Balance = { readonly total: Cost; readonly held: Cost };

export type OrderRequest = {
  readonly rules: PairRules;
  readonly side: "buy" | "sell";
  readonly clientOrderId: string;
  readonly volume: Volume;
  readonly limitPrice: Price;
  readonly timeInForce: "IOC" | "GTD";
  /** Only with GTD. */
  readonly expiresAt?: EpochMs;
  readonly postOnly: boolean;
  /** The matching engine refuses the order after this instant of Kraken's clock. */
  readonly deadline: EpochMs;
  readonly tradingAgreement?: "agree";
};

export type OrderReport = {
  readonly txid: string;
  readonly clientOrderId: string | undefined;
  readonly status: "pending" | "open" | "closed" | "canceled" | "expired";
  readonly side: "buy" | "sell";
  readonly volume: Volume;
  readonly filled: Volume;
  /** Of what was filled, in the quote asset. */
  readonly cost: Cost;
  readonly fee: Fee;
  /** Average price of what was filled. */
  readonly price: Price;
  readonly openedAt: EpochMs;
  readonly closedAt: EpochMs | undefined;
  readonly reason: string | undefined;
};
