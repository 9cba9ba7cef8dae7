/** A plan that keeps a portfolio at its weights. */
import { add, compare, type Decimal, decimal, formatShort } from "../domain/decimal.ts";
import type { Rate } from "../domain/money.ts";
import type { Band, RebalancePlan } from "../domain/plan.ts";
import { percentMeant, plainNumber, shareMeant } from "./corrections.ts";
import { every } from "./every.ts";
import type { CommonFields } from "./plan-reader.ts";
import {
  entries,
  type Fields,
  fields,
  type Grammar,
  ifPresent,
  optional,
  type Reader,
  scalar,
} from "./reader.ts";
import { asset, assetNamed, money, percent, word } from "./values.ts";
import type { Report } from "./yaml-source.ts";

type Target = RebalancePlan["targets"][number];
type Trade = RebalancePlan["trade"];

const ONE_HUNDRED_PERCENT = decimal("1");
const TRADE_DEFAULT = { to: "edge", sells: "allowed", approval: { is: "never" } } as const satisfies Trade;

export function rebalancePlan(plan: Fields, common: CommonFields, report: Report): RebalancePlan | undefined {
  const targets = targetsReader(plan.values.get("rebalance")!, report);
  const { every: schedule } = ifPresent(plan, "every", scalar(every), report);
  const band = optional(plan, "band", scalar(bandGrammar), report, { is: "5/25" } as const);
  const trade = optional(plan, "trade", tradeReader, report, TRADE_DEFAULT);
  if (!targets || !band || !trade) return undefined;
  return {
    kind: "rebalance",
    ...common,
    targets,
    ...(schedule === undefined ? {} : { schedule }),
    band,
    trade,
  };
}

const targetsReader: Reader<readonly Target[]> = (value, report) => {
  const weights = entries(value, report, "a map of weights like { BTC: 50%, EUR: 50% }");
  if (weights === undefined) return undefined;
  const before = report.count();
  const targets: Target[] = [];
  let sum: Decimal = decimal("0");
  for (const [key, weightAt] of weights) {
    const name = asset(key);
    if (!("value" in name)) {
      const { suggestion } = name;
      report.mistake({ ...weightAt, offset: weightAt.keyOffset }, name.expected, { read: key, suggestion });
      continue;
    }
    if (targets.some((target) => target.asset === assetNamed(key)))
      report.mistake({ ...weightAt, offset: weightAt.keyOffset }, "each asset once", { read: key });
    const weight = scalar(weightGrammar)(weightAt, report);
    if (weight === undefined) continue;
    targets.push({ asset: name.value, weight });
    sum = add(sum, weight);
  }
  if (report.count() > before) return undefined;
  if (targets.length < 2)
    return report.mistake(value, "at least two assets", { read: Object.keys(targets).join() });
  if (compare(sum, ONE_HUNDRED_PERCENT) !== 0) {
    const percentSum = formatShort({ units: sum.units * 100n, scale: sum.scale });
    return report.mistake(value, "weights that sum to 100%", { read: `${percentSum}%` });
  }
  return targets;
};

const weightGrammar: Grammar<Rate> = (text) => {
  const reading = percent("50%")(text);
  return "value" in reading ? reading : { ...reading, suggestion: shareMeant(text) };
};

const bandGrammar: Grammar<Band> = (text) => {
  const band = text.toLowerCase();
  if (band === "5/25" || band === "auto") return { value: { is: band } };
  const [, bare = "", kind] = /^(.+%) (absolute|relative)$/.exec(band) ?? [];
  const rate = percent("5%")(bare);
  if ("value" in rate) return { value: { is: kind as "absolute" | "relative", rate: rate.value } };
  return { expected: "5/25, auto, 5% absolute or 20% relative", suggestion: bandMeant(band) };
};

function bandMeant(text: string): string | undefined {
  const bare = text.replace(/\s*(absolute|relative|abs|rel|points?|pp)\.?$/, "");
  if (/^5 ?(\/|-) ?25 ?%?$/.test(text) || (bare === text && plainNumber(text) === "5")) return "5/25";
  const rate = percentMeant(bare);
  return rate === undefined ? undefined : `${rate} ${/rel/.test(text) ? "relative" : "absolute"}`;
}

const tradeReader: Reader<Trade> = (value, report) => {
  const known = ["to", "minimum", "maxTurnover", "sells", "approval"];
  const trade = fields(known, "a map like { to: edge, minimum: 20 EUR }")(value, report);
  if (trade === undefined) return undefined;
  const to = optional(trade, "to", scalar(word("edge", "centre")), report, TRADE_DEFAULT.to);
  const sells = optional(trade, "sells", scalar(word("allowed", "never")), report, TRADE_DEFAULT.sells);
  const approval = optional(trade, "approval", scalar(approvalGrammar), report, TRADE_DEFAULT.approval);
  const minimum = ifPresent(trade, "minimum", scalar(money()), report);
  const maxTurnover = ifPresent(trade, "maxTurnover", scalar(money()), report);
  if (!to || !sells || !approval) return undefined;
  return { to, ...minimum, ...maxTurnover, sells, approval };
};

const approvalGrammar: Grammar<Trade["approval"]> = (text) => {
  const plain = word("never", "always")(text);
  if ("value" in plain) return { value: { is: plain.value } };
  const amount = money()(text.replace(/^above /i, ""));
  if (/^above /i.test(text) && "value" in amount)
    return { ...amount, value: { is: "above", money: amount.value } };
  const meant = "value" in amount ? text : amount.suggestion;
  const suggestion = meant === undefined ? plain.suggestion : `above ${meant.replace(/^above /i, "")}`;
  return { expected: "never, always, or above 500 EUR", suggestion };
};
