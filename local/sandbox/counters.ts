/** Kraken's two rate counters: points rise with each call and fall with time. They are told the time. */
import type { AccountSetup } from "./accounts.ts";
import type { Counter } from "./state.ts";

/** Points are counted in millionths: a decay of 0.33 a second is then a whole number per millisecond. */
const POINT = 1_000_000;

type Limits = { readonly max: number; readonly decayPerSecond: number };

// docs.kraken.com, spot rate limits.
const REST: Readonly<Record<"starter" | "intermediate" | "pro", Limits>> = {
  starter: { max: 15, decayPerSecond: 0.33 },
  intermediate: { max: 20, decayPerSecond: 0.5 },
  pro: { max: 20, decayPerSecond: 1 },
};

const ENGINE: Readonly<Record<"starter" | "intermediate" | "pro", Limits & { readonly openOrders: number }>> =
  {
    starter: { max: 60, decayPerSecond: 1, openOrders: 60 },
    intermediate: { max: 125, decayPerSecond: 2.34, openOrders: 80 },
    pro: { max: 180, decayPerSecond: 3.75, openOrders: 225 },
  };

type Tier = AccountSetup["tier"];

export const restLimits = (tier: Tier): Limits =>
  typeof tier === "string" ? REST[tier] : { max: tier.max, decayPerSecond: tier.decay };

/** Institutional accounts have more REST points; their engine is that of Pro. */
export const engineLimits = (tier: Tier) => (typeof tier === "string" ? ENGINE[tier] : ENGINE.pro);

function fall(counter: Counter, limits: Limits, at: number): void {
  const perMs = Math.round((limits.decayPerSecond * POINT) / 1000);
  counter.points = Math.max(0, counter.points - perMs * Math.max(0, at - counter.at));
  counter.at = at;
}

/**
 * Adds the cost, also when the answer is no: calling on while limited prolongs it. `false`: over the maximum.
 * Refused calls cannot push it beyond twice the maximum, so that waiting always helps within a minute or two.
 */
export function charge(counter: Counter, limits: Limits, cost: number, at: number): boolean {
  fall(counter, limits, at);
  const after = counter.points + cost * POINT;
  counter.points = Math.min(after, Math.max(counter.points, limits.max * 2 * POINT));
  return after <= limits.max * POINT;
}

const AGES_S = [5, 10, 15, 45, 90, 300] as const;
const CANCEL = [8, 6, 5, 4, 2, 1] as const;
const AMEND = [3, 2, 1, 0, 0, 0] as const;
const EDIT = [6, 5, 4, 2, 1, 0] as const;

/** What the engine charges on top for touching a young order; age counts from creation or the last change. */
export function ageCost(what: "cancel" | "amend" | "edit", ageMs: number): number {
  const row = what === "cancel" ? CANCEL : what === "amend" ? AMEND : EDIT;
  const place = AGES_S.findIndex((limit) => ageMs < limit * 1000);
  return place === -1 ? 0 : row[place]!;
}
