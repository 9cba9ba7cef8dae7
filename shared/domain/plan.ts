/** What the owner wants, as read from tide.yaml. Values are checked; nothing here decides. */
import type { Decimal } from "./decimal.ts";
import type { Pair } from "./market.ts";
import type { Cost, Price, Rate, Volume } from "./money.ts";
import type { Schedule } from "./schedule.ts";

/** An amount with its asset, `100 EUR`. */
export type Money = { readonly amount: Decimal; readonly asset: string };

export type Mode = "dry-run" | "live";
export type OrderStyle = "taker" | "maker" | "maker-then-taker";
export type IfMissed = { readonly is: "skip" } | { readonly is: "catch-up"; readonly withinMs: number };

export type Guards = {
  /** The ceiling of the limit price. */
  readonly maxPrice?: Price;
  /** What must stay untouched of the quote asset. */
  readonly keepFree?: Cost;
  /** (ask − bid) ÷ mid. */
  readonly maxSpread: Rate;
};

export type DcaPlan = {
  readonly kind: "dca";
  readonly id: string;
  /** Not there when there is only one account. */
  readonly account?: string;
  readonly pair: Pair;
  /** All that is spent at a slot, fee included. */
  readonly spend: Cost;
  readonly schedule: Schedule;
  readonly zone: string;
  readonly order: { readonly style: OrderStyle };
  readonly guards: Guards;
  readonly ifTooSmall: "carry" | "skip";
  readonly ifMissed: IfMissed;
};

export type Band =
  | { readonly is: "5/25" }
  | { readonly is: "auto" }
  | { readonly is: "absolute"; readonly rate: Rate }
  | { readonly is: "relative"; readonly rate: Rate };

export type RebalancePlan = {
  readonly kind: "rebalance";
  readonly id: string;
  /** Not there when there is only one account. */
  readonly account?: string;
  /** Shares that sum to 1. Assets by public name. */
  readonly targets: readonly { readonly asset: string; readonly weight: Rate }[];
  readonly schedule?: Schedule;
  readonly zone: string;
  readonly band: Band;
  readonly trade: {
    readonly to: "edge" | "centre";
    readonly minimum?: Money;
    readonly maxTurnover?: Money;
    readonly sells: "allowed" | "never";
    readonly approval: { readonly is: "never" | "always" } | { readonly is: "above"; readonly money: Money };
  };
  readonly ifMissed: IfMissed;
};

export type Plan = DcaPlan | RebalancePlan;

export type AlertCondition =
  | {
      readonly is: "level";
      readonly pair: Pair;
      readonly crosses: boolean;
      readonly direction: "above" | "below";
      readonly price: Price;
    }
  | { readonly is: "crosses-either"; readonly pair: Pair; readonly price: Price }
  | {
      readonly is: "moves";
      readonly pair: Pair;
      readonly by: Rate;
      readonly withinMs: number;
      readonly direction: "up" | "down" | "either";
    }
  | { readonly is: "balance-below"; readonly asset: string; readonly amount: Volume };

export type AlertRepeat =
  | { readonly is: "once" }
  | { readonly is: "every-time" }
  | { readonly is: "after-back"; readonly rate: Rate }
  | { readonly is: "cooldown"; readonly ms: number };

export type Alert = {
  readonly id: string;
  readonly when: AlertCondition;
  readonly repeat: AlertRepeat;
  readonly note?: string;
};

/** The most that may be spent. Each cap binds its own currency; there is no conversion. */
export type Limits = {
  readonly perOrder: readonly Money[];
  readonly perDay: readonly Money[];
  readonly perMonth: readonly Money[];
  readonly maxSlippage: Rate;
};

export type Tier = { readonly max: number; readonly decayPerSecond: Decimal; readonly name: string };

export type Account = {
  readonly name: string;
  readonly tier: Tier;
  /** German accounts must send `trading_agreement=agree`. */
  readonly tradingAgreement?: "agree";
};

export type Settings = {
  readonly mode: Mode;
  readonly zone: string;
  readonly egress: "nat-gateway" | "nat-instance" | "none";
  readonly acceptOpenAllowList: boolean;
  readonly accounts: readonly Account[];
  readonly limits: Limits;
  readonly manualOrders: "expect" | "warn" | "stop";
  readonly notifyEmails: readonly string[];
  readonly plans: readonly Plan[];
  readonly alerts: readonly Alert[];
};

/** The account that a plan trades on: its own word, or the only one there is. */
export const accountNameOf = (plan: Plan, accounts: readonly Account[]): string =>
  plan.account ?? accounts[0]!.name;
