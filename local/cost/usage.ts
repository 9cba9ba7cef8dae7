/** What the plans of one file do in a year: firings and buys, counted slot by slot. */
import { add, type Decimal, decimal, multiply } from "../../shared/domain/decimal.ts";
import { accountNameOf, type Plan, type Settings } from "../../shared/domain/plan.ts";
import { type Schedule, slotsBetween, toAwsExpression } from "../../shared/domain/schedule.ts";
import { DAY_MS, type EpochMs, later } from "../../shared/domain/time.ts";

export const DAYS_A_YEAR = 365;

export type Usage = {
  /** Plans of each account; the sweep reads them all each minute. */
  readonly plansOf: readonly number[];
  /** Plans that this version runs: each has a schedule. */
  readonly firedPlans: number;
  readonly emails: number;
  /** Slots of all plans, and those of rebalance plans among them. */
  readonly slots: number;
  readonly rebalanceSlots: number;
  /** What EventBridge Scheduler sends: never fewer than the slots. */
  readonly firings: number;
  readonly rebalancePlans: number;
  readonly alerts: number;
  /** All that is spent, exact, in each currency by its own. */
  readonly buys: readonly { readonly asset: string; readonly perYear: Decimal }[];
};

/** The 365 days after `now`. */
export function usageOf(settings: Settings, now: EpochMs): Usage {
  const buys = new Map<string, Decimal>();
  let slots = 0;
  let rebalanceSlots = 0;
  let firings = 0;
  for (const plan of settings.plans) {
    if (plan.schedule === undefined) continue; // Fired over HTTP alone: how often is not known
    const count = countOf(plan.schedule, plan.zone, now);
    slots += count;
    firings += countOf({ is: "cron", expression: toAwsExpression(plan.schedule) }, plan.zone, now);
    if (plan.kind === "rebalance") rebalanceSlots += count;
    else {
      const spent = multiply(plan.spend, decimal(`${count}`));
      buys.set(plan.pair.quote, add(buys.get(plan.pair.quote) ?? decimal("0"), spent));
    }
  }
  const isOf = (name: string) => (plan: Plan) => accountNameOf(plan, settings.accounts) === name;
  return {
    plansOf: settings.accounts.map(({ name }) => settings.plans.filter(isOf(name)).length),
    firedPlans: settings.plans.filter(({ kind }) => kind === "dca").length,
    emails: settings.notifyEmails.length,
    slots,
    rebalanceSlots,
    firings,
    rebalancePlans: settings.plans.filter(({ kind }) => kind === "rebalance").length,
    alerts: settings.alerts.length,
    buys: [...buys]
      .map(([asset, perYear]) => ({ asset, perYear }))
      .sort((a, b) => (a.asset < b.asset ? -1 : 1)),
  };
}

const countOf = (schedule: Schedule, zone: string, now: EpochMs): number =>
  slotsBetween(schedule, zone, now, later(now, DAYS_A_YEAR * DAY_MS)).length;
