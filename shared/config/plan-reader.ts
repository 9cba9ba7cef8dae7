/** One entry of `plans`: a recurring buy or a rebalance. */
import { type Cost, type Price, rateOfPercent } from "../domain/money.ts";
import type { DcaPlan, Guards, IfMissed, OrderStyle, Plan } from "../domain/plan.ts";
import { every } from "./every.ts";
import {
  entries,
  type Fields,
  fields,
  type Grammar,
  ifPresent,
  optional,
  type Reader,
  refuseUnknown,
  required,
  scalar,
} from "./reader.ts";
import { rebalancePlan } from "./rebalance-reader.ts";
import { buy, durationMs, id, moneyIn, percent, word } from "./values.ts";
import type { Report } from "./yaml-source.ts";

const DCA_KEYS = ["id", "account", "buy", "every", "order", "guards", "ifTooSmall", "ifMissed"];
const REBALANCE_KEYS = ["id", "account", "rebalance", "every", "band", "trade", "ifMissed"];

const MAX_SPREAD = rateOfPercent("1");

export const planIn =
  (zone: string): Reader<Plan> =>
  (self, report) => {
    const known = [...DCA_KEYS, ...REBALANCE_KEYS];
    const values = entries(self, report, "a plan: a map with id, buy and every", known);
    if (values === undefined) return undefined;
    const rebalance = values.get("rebalance");
    if (rebalance !== undefined && values.has("buy"))
      return report.mistake(rebalance, "either buy or rebalance: two plans", { read: "rebalance" });
    refuseUnknown(values, rebalance === undefined ? DCA_KEYS : REBALANCE_KEYS, report);
    const plan: Fields = { self, values };
    const before = report.count();
    const common = {
      id: required(plan, "id", scalar(id("a plan id like btc-weekly")), report, "a plan id like btc-weekly")!,
      ...ifPresent(plan, "account", scalar(id("the name of an account")), report),
      zone,
      ifMissed: optional(plan, "ifMissed", scalar(missed), report, { is: "skip" } as const)!,
    };
    const read =
      rebalance === undefined ? dcaPlan(plan, common, report) : rebalancePlan(plan, common, report);
    return report.count() === before ? read : undefined;
  };

/** What both kinds of plan have. Its fields are only complete when nothing was reported. */
export type CommonFields = Pick<Plan, "id" | "account" | "zone" | "ifMissed">;

function dcaPlan(plan: Fields, common: CommonFields, report: Report): DcaPlan | undefined {
  const bought = required(plan, "buy", scalar(buy), report, "what to buy, like 100 EUR of BTC");
  const schedule = required(plan, "every", scalar(every), report, "when to buy, like monday 08:00");
  const order = optional(plan, "order", orderReader, report, { style: "taker" } as const);
  const guards = optional(plan, "guards", guardsIn(bought?.spend.asset), report, { maxSpread: MAX_SPREAD });
  const ifTooSmall = optional(plan, "ifTooSmall", scalar(word("carry", "skip")), report, "carry");
  if (!bought || !schedule || !order || !guards || !ifTooSmall) return undefined;
  return {
    kind: "dca",
    ...common,
    pair: { base: bought.base, quote: bought.spend.asset },
    spend: bought.spend.amount as Cost,
    schedule,
    order,
    guards,
    ifTooSmall,
  };
}

const orderReader: Reader<{ readonly style: OrderStyle }> = (value, report) => {
  const order = fields(["style"], "a map like { style: taker }")(value, report);
  if (order === undefined) return undefined;
  const style = optional(
    order,
    "style",
    scalar(word("taker", "maker", "maker-then-taker")),
    report,
    "taker" as const,
  );
  return style === undefined ? undefined : { style };
};

/** `quote` is undefined when the plan's buy could not be read; amounts are then read in any asset. */
const guardsIn =
  (quote: string | undefined): Reader<Guards> =>
  (value, report) => {
    const guards = fields(["maxPrice", "keepFree", "maxSpread"], "a map like { maxPrice: 120000 EUR }")(
      value,
      report,
    );
    if (guards === undefined) return undefined;
    const amount = scalar(moneyIn(quote));
    const { maxPrice } = ifPresent(guards, "maxPrice", amount, report);
    const { keepFree } = ifPresent(guards, "keepFree", amount, report);
    const maxSpread = optional(guards, "maxSpread", scalar(percent("1%")), report, MAX_SPREAD);
    if (maxSpread === undefined) return undefined;
    return {
      ...(maxPrice === undefined ? {} : { maxPrice: maxPrice.amount as Price }),
      ...(keepFree === undefined ? {} : { keepFree: keepFree.amount as Cost }),
      maxSpread,
    };
  };

export const missed: Grammar<IfMissed> = (text) => {
  if (text.toLowerCase() === "skip") return { value: { is: "skip" } };
  const expected = "skip, or catch-up within 2h";
  const match = /^catch-up within (.+)$/i.exec(text);
  if (match !== null) {
    const within = durationMs(match[1]!);
    if ("value" in within) return { value: { is: "catch-up", withinMs: within.value } };
    const meant = within.suggestion === undefined ? undefined : `catch-up within ${within.suggestion}`;
    return { expected, suggestion: meant };
  }
  const loose = /^(?:catch[- ]?up|run[- ]late)?(?:[- ]?within)? ?(\d.*)?$/i.exec(text);
  const length = durationMs(loose?.[1] ?? "2h");
  const meant = "value" in length ? (loose?.[1] ?? "2h") : length.suggestion;
  return {
    expected,
    suggestion: loose === null || meant === undefined ? "skip" : `catch-up within ${meant}`,
  };
};
