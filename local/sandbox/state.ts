/** Everything the sandbox knows. Plain values only: what stands here is what a snapshot keeps. */
import { add, type Decimal, decimal, toScale } from "../../shared/domain/decimal.ts";
import type { AccountSetup, KeySetup } from "./accounts.ts";
import { idOf } from "./engine/ids.ts";
import type { Fault } from "./faults.ts";
import type { Eaten } from "./market/book.ts";
import { ASSETS } from "./market/catalogue.ts";
import type { Anchor } from "./market/path.ts";
import type { Print } from "./market/tape.ts";

export type Side = "buy" | "sell";
export type OrderStatus = "pending" | "open" | "closed" | "canceled" | "expired";
export type OrderType =
  | "market"
  | "limit"
  | "iceberg"
  | "stop-loss"
  | "take-profit"
  | "stop-loss-limit"
  | "take-profit-limit"
  | "trailing-stop"
  | "trailing-stop-limit";

export type ConditionalClose = {
  readonly type: Exclude<OrderType, "market" | "iceberg">;
  readonly price: string;
  readonly price2: string | undefined;
};

export type Order = {
  readonly txid: string;
  readonly account: string;
  /** Name of the key that placed it. */
  readonly keyName: string;
  readonly pair: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly clOrdId: string | undefined;
  readonly userref: number | undefined;
  volume: Decimal;
  /** With `viqc`, volume counts the quote asset. */
  readonly inQuote: boolean;
  displayVolume: Decimal | undefined;
  /** What a resting order is filled at, at worst. */
  limit: Decimal | undefined;
  trigger: Decimal | undefined;
  /** Trailing orders: distance behind the best price so far. */
  readonly trail: Decimal | undefined;
  /** Limit of a trailing-stop-limit, as a distance from its trigger. */
  readonly limitOffset: Decimal | undefined;
  /** Best middle since a trailing order was placed, in half ticks. */
  peak: number | undefined;
  triggered: boolean;
  /** Prices as the description shows them. */
  priceShown: string;
  price2Shown: string;
  readonly tif: "GTC" | "IOC" | "GTD" | "FOK";
  readonly postOnly: boolean;
  readonly feeInBase: boolean;
  readonly flags: readonly string[];
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly close: ConditionalClose | undefined;
  /** The order whose fill made this one. */
  readonly refid: string | undefined;
  readonly takerRate: Decimal;
  readonly makerRate: Decimal;
  readonly leverageShown: string;
  status: OrderStatus;
  reason: string | undefined;
  readonly acceptedAt: number;
  changedAt: number;
  closedAt: number | undefined;
  volumeFilled: Decimal;
  cost: Decimal;
  fee: Decimal;
  /** Σ price × volume of the fills, exact: the average price is made of it. */
  turnover: Decimal;
  misc: string[];
  trades: string[];
  /** Armed by a fault: the endpoint does not show the order before that instant. */
  hiddenUntil: { OpenOrders?: number; ClosedOrders?: number };
};

export type Fill = {
  readonly id: string;
  readonly order: string;
  readonly account: string;
  readonly at: number;
  readonly price: Decimal;
  readonly volume: Decimal;
  readonly cost: Decimal;
  readonly fee: Decimal;
  readonly isMaker: boolean;
  readonly ledgers: readonly string[];
  readonly tradeId: number;
};

export type LedgerEntry = {
  readonly id: string;
  readonly account: string;
  readonly refid: string;
  readonly at: number;
  readonly type: "trade" | "deposit";
  readonly asset: string;
  readonly amount: Decimal;
  readonly fee: Decimal;
  readonly balance: Decimal;
};

/** Points that fall with time; whole millionths, so that the sum is the same on every machine. */
export type Counter = { points: number; at: number };

export type Account = {
  readonly setup: Omit<AccountSetup, "keys">;
  readonly balances: Map<string, Decimal>;
  /** By pair id: the matching engine's counter. */
  readonly engineCounters: Map<string, Counter>;
  /** 0: no cancel-all timer is set. */
  cancelAllAt: number;
  /** Fills of the last 30 days and their sum in US dollars (4 decimals): what picks the fee tier. */
  readonly recent: { head: number; fills: { at: number; usd: bigint }[]; sum: bigint };
};

export type Key = {
  readonly setup: KeySetup;
  readonly account: string;
  readonly createdAt: number;
  nonceMax: bigint;
  /** Nonces below the highest that were used, for keys with a window. */
  noncesUsed: bigint[];
  counter: Counter;
  lastUsedAt: number;
  lockedUntil: number;
};

export type State = {
  readonly seed: number;
  readonly startedAt: number;
  /** No earlier instant is ever told to the exchange. */
  at: number;
  ids: number;
  readonly accounts: Map<string, Account>;
  /** By public key. */
  readonly keys: Map<string, Key>;
  /** In the order of their acceptance, by txid. */
  readonly orders: Map<string, Order>;
  /** Ids of orders that are open or pending. */
  readonly live: Set<string>;
  /** Txids by account and client order id, one spelling for both ways to write a UUID. */
  readonly byClientId: Map<string, string[]>;
  readonly fills: Map<string, Fill>;
  readonly ledger: Map<string, LedgerEntry>;
  readonly anchors: Map<string, Anchor[]>;
  readonly prints: Map<string, Print[]>;
  readonly eaten: Map<string, Eaten>;
  faults: Fault[];
  /** Consecutive unknown keys, by remote address. */
  readonly badKeys: Map<string, { count: number; lockedUntil: number }>;
  readonly settings: Settings;
};

export type Settings = {
  /** How a post-only order that would take is answered; the live exchange was seen doing both. */
  readonly postOnlyCrossing: "refused" | "cancelled";
  /** The live answer to an address off the allow-list is not known. */
  readonly ipRefusedError: string;
  /** Points for Ledgers, TradesHistory and their like: sources name 2 and 4. */
  readonly historyCost: number;
};

export const DEFAULT_SETTINGS: Settings = {
  postOnlyCrossing: "refused",
  ipRefusedError: "EGeneral:Permission denied",
  historyCost: 2,
};

export function newState(options: {
  seed: number;
  at: number;
  accounts: readonly AccountSetup[];
  settings: Settings;
}): State {
  const state: State = {
    seed: options.seed,
    startedAt: options.at,
    at: options.at,
    ids: 0,
    accounts: new Map(),
    keys: new Map(),
    orders: new Map(),
    live: new Set(),
    byClientId: new Map(),
    fills: new Map(),
    ledger: new Map(),
    anchors: new Map(),
    prints: new Map(),
    eaten: new Map(),
    faults: [],
    badKeys: new Map(),
    settings: options.settings,
  };
  for (const account of options.accounts) openAccount(state, account);
  return state;
}

/** Throws when there is one of that name, or with one of its keys. */
export function openAccount(state: State, { keys, ...setup }: AccountSetup): void {
  if (state.accounts.has(setup.name)) throw new Error(`accounts: two are named ${setup.name}`);
  state.accounts.set(setup.name, {
    setup,
    balances: new Map(),
    engineCounters: new Map(),
    cancelAllAt: 0,
    recent: { head: 0, fills: [], sum: 0n },
  });
  for (const [asset, text] of Object.entries(setup.balances)) deposit(state, setup.name, asset, text);
  for (const key of keys) addKey(state, setup.name, key);
}

/** Start balances are deposits, so that the ledger explains every balance from nothing. */
function deposit(state: State, account: string, asset: string, text: string): void {
  const known = ASSETS.get(asset);
  if (known === undefined)
    throw new Error(`accounts: ${asset} is not an asset of the sandbox, as in ZEUR or XXBT`);
  const amount = toScale(decimal(text), known.decimals, "down");
  state.accounts.get(account)!.balances.set(asset, amount);
  if (amount.units === 0n) return;
  const id = idOf(state, "L");
  state.ledger.set(id, {
    id,
    account,
    refid: idOf(state, "Q"),
    at: state.at,
    type: "deposit",
    asset,
    amount,
    fee: { units: 0n, scale: known.decimals },
    balance: amount,
  });
}

function addKey(state: State, account: string, setup: KeySetup): void {
  if (state.keys.has(setup.key)) throw new Error(`accounts: two keys are ${setup.key}`);
  state.keys.set(setup.key, {
    setup,
    account,
    createdAt: state.at,
    nonceMax: 0n,
    noncesUsed: [],
    counter: { points: 0, at: state.at },
    lastUsedAt: 0,
    lockedUntil: 0,
  });
}

export const isLive = (order: Order): boolean => order.status === "open" || order.status === "pending";

export function changeBalance(account: Account, asset: string, change: Decimal): Decimal {
  const { decimals } = ASSETS.get(asset)!;
  const before = account.balances.get(asset) ?? { units: 0n, scale: decimals };
  const after = add(before, change);
  if (after.units < 0n) throw new Error(`balance of ${asset} would be negative`);
  account.balances.set(asset, after);
  return after;
}
