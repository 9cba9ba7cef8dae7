/** A firing, the run it starts, and the intents that the run is made of: the words of the ledger. */
import type { KeyUseKind } from "./key-check.ts";
import type { Pair } from "./market.ts";
import type { Cost, Fee, Price, Rate, Volume } from "./money.ts";
import type { EpochMs } from "./time.ts";

/**
 * What sets a run going. The same firing is the same run: `slot` is the planned minute, never the minute of delivery, and
 * `key` is the owner's own name for a buy made by hand.
 */
export type Firing = {
  readonly kind: "dca" | "rebalance";
  readonly account: string;
  readonly plan: string;
} & ({ readonly slot: string } | { readonly key: string });

/** Goes on with a run that is already in the ledger. */
export type Resume = { readonly kind: "resume"; readonly account: string; readonly run: string };

/** What the owner asks of the functions that may talk to Kraken; see shared/app/owner-requests.ts. */
export type OwnerRequest =
  | { readonly kind: "check-key"; readonly account: string; readonly use: KeyUseKind }
  | { readonly kind: "cancel"; readonly account: string }
  | { readonly kind: "resolve"; readonly account: string; readonly run: string };

export type Trigger = "schedule" | "manual";

/** Whose money moves. Every line, message and page shows it. */
export type Label = "PLAY MONEY" | "DRY RUN" | "LIVE";

/** How a slot ends. Each slot ends in exactly one of these. */
export type Outcome =
  | "bought"
  | "traded"
  | "rehearsed"
  | "skipped"
  | "carried"
  | "refused"
  | "waiting"
  | "abandoned"
  | "uncertain"
  | "missed";

export type ReasonCode =
  | "FILLED"
  | "FILLED_PARTLY"
  | "REHEARSED"
  | "NOT_FILLED"
  | "PAUSED"
  | "KILLED"
  | "LATE"
  | "NOT_A_SLOT"
  | "PLAN_UNKNOWN"
  | "NOT_ARMED"
  | "KEY_MISSING"
  | "KEY_UNREADABLE"
  | "KEY_REFUSED"
  | "KEY_STOPPED"
  | "EXCHANGE_STATUS"
  | "PAIR_STATUS"
  | "PAIR_UNKNOWN"
  | "QUOTE_STALE"
  | "SPREAD_TOO_WIDE"
  | "PRICE_ABOVE_CEILING"
  | "PRICE_ABOVE_COLLAR"
  | "VOLUME_BELOW_MINIMUM"
  | "COST_BELOW_MINIMUM"
  | "FUNDS_INSUFFICIENT"
  | "CAP_ORDER"
  | "CAP_DAY"
  | "CAP_MONTH"
  | "CAP_NONE"
  | "PLAN_BLOCKED"
  | "PLAN_CHANGED"
  | "FOREIGN_ORDERS"
  | "STYLE_UNSUPPORTED"
  | "KRAKEN_REFUSED"
  | "ATTEMPTS_EXHAUSTED"
  | "UNPROVEN"
  /** Of a run that is not over: whether its order exists is being found out. */
  | "IN_DOUBT"
  /** Of a run that is not over, and goes on at a later time. */
  | "WAITING"
  | "SCHEMA_UNKNOWN"
  | "EXCHANGE_UNREACHABLE"
  | "MISSED";

/** Why, as a code for programs and a sentence with its numbers for people. */
export type Reason = { readonly code: ReasonCode; readonly detail: string };

export type StepName = "fire" | "plan" | "quote" | "size" | "record" | "submit" | "reconcile" | "notify";

export type Step = { readonly step: StepName; readonly at: EpochMs; readonly detail: string };

export type IntentState = "PLANNED" | "SUBMITTING" | "ACKED" | "DONE" | "SKIPPED" | "REFUSED" | "QUARANTINED";

/** An order as it was decided, before anything left. Later attempts send exactly this again. */
export type FrozenOrder = {
  readonly pair: Pair;
  readonly baseId: string;
  readonly quoteId: string;
  readonly side: "buy" | "sell";
  readonly volume: Volume;
  readonly limitPrice: Price;
  readonly feeRate: Rate;
  /** volume × limit price + fee, rounded up: what is reserved. */
  readonly costMax: Cost;
  readonly ask: Price;
  /** Balance of the base asset, and our own net change of it, when the order was planned: the control of resolve. */
  readonly baseBefore: Volume;
  readonly baseNetBefore: Volume;
  /** Kraken's time, soon after that balance was read. */
  readonly balanceAt: EpochMs;
  /** The holding of the key that it was read under: what was claimed under a later one cannot be in it. */
  readonly balanceFence?: string;
  readonly balanceKeyHash?: string;
  /** What could be spent of the quote asset when the order was sized: for telling what is left. */
  readonly freeBefore?: Cost;
  /** Runs whose orders may be in that balance without being in that net change. */
  readonly unsettledBefore: readonly string[];
  /** Hash of what the plan said of money when the order was decided. */
  readonly terms: string;
};

export type Fills = { readonly volume: Volume; readonly cost: Cost; readonly fee: Fee };

/** One order that a run wants. `SUBMITTING` means: it may have been placed. */
export type Intent = {
  readonly run: string;
  readonly leg: number;
  readonly clientOrderId: string;
  readonly state: IntentState;
  /** Attempts claimed so far. A reply may change only the attempt that sent it. */
  readonly n: number;
  readonly order: FrozenOrder;
  /** Cap windows that hold `costMax` of this intent. */
  readonly windows: readonly string[];
  /** What this run took over from earlier slots that were too small. */
  readonly carryUsed: Cost;
  readonly createdAt: EpochMs;
  /** No attempt starts after this. */
  readonly lateAfter: EpochMs;
  readonly claimId?: string;
  readonly fence?: string;
  readonly nonce?: string;
  /** The key that the attempt was sent with, by its hash: only a later call of the same key is a barrier. */
  readonly keyHash?: string;
  readonly deadline?: EpochMs;
  /** Kraken's time when a private call with a larger nonce than the attempt's was accepted. */
  readonly barrierAt?: EpochMs;
  /** Kraken's time of the first complete negative sweep after the grace. */
  readonly absentAt?: EpochMs;
  /** Attempts that provably never left, or that Kraken refused as a whole: they do not count against the most of them. */
  readonly unsent?: number;
  /** Refused nonces so far. */
  readonly nonceRefusals: number;
  readonly dueAt?: EpochMs;
  /** Of one in doubt: since when it could not be looked for, tries that follow each other. */
  readonly failingSince?: EpochMs | undefined;
  readonly txids: readonly string[];
  /** Kraken's time at which it took the order, the first of several; once it is booked. */
  readonly placedAt?: EpochMs;
  readonly fills?: Fills;
  readonly reason?: Reason;
  /** At most 20, oldest first. */
  readonly history: readonly { readonly at: EpochMs; readonly what: string }[];
};

/** All that one firing did, as kept in the ledger. */
export type Run = {
  readonly id: string;
  readonly account: string;
  readonly plan: string;
  readonly kind: "dca" | "rebalance";
  readonly slot: EpochMs | undefined;
  readonly trigger: Trigger;
  readonly label: Label;
  readonly openedAt: EpochMs;
  readonly closedAt?: EpochMs;
  readonly outcome?: Outcome;
  readonly reason?: Reason;
  readonly steps: readonly Step[];
  /** For runs that wait before they have an intent. */
  readonly dueAt?: EpochMs;
};

export const HISTORY_MAX = 20;

/** Attempts that may have placed an order: all but those that never left or that Kraken refused as a whole. */
export const perhapsPlaced = ({
  n,
  unsent = 0,
  nonceRefusals,
}: Pick<Intent, "n" | "unsent" | "nonceRefusals">): number => n - unsent - nonceRefusals;

export const isTerminal = (state: IntentState): boolean =>
  state === "DONE" || state === "SKIPPED" || state === "REFUSED";

/** `plan@2026-11-23T07:00Z` of a slot, `plan@key` of a buy by hand. */
export const runIdOf = (firing: Firing): string =>
  `${firing.plan}@${"slot" in firing ? firing.slot : firing.key}`;
