/** The sections of tide.yaml that are not plans or alerts: accounts, limits, notify. */
import { format, tryDecimal } from "../domain/decimal.ts";
import { rateOfPercent } from "../domain/money.ts";
import type { Account, Limits, Money, Tier } from "../domain/plan.ts";
import { TIERS } from "../domain/rate-counter.ts";
import {
  entries,
  fields,
  type Grammar,
  ifPresent,
  oneOrList,
  optional,
  type Reader,
  required,
  scalar,
} from "./reader.ts";
import { email, id, money, percent, word } from "./values.ts";
import { type Report, textOf, type Value } from "./yaml-source.ts";

export const ACCOUNTS_DEFAULT: readonly Account[] = [{ name: "main", tier: TIERS.starter }];

export const accountsReader: Reader<readonly Account[]> = (value, report) => {
  const named = entries(value, report, "a map of accounts like { main: { tier: starter } }");
  if (named === undefined) return undefined;
  if (named.size === 0) return report.mistake(value, "at least one account");
  const before = report.count();
  const accounts: Account[] = [];
  for (const [name, accountAt] of named) {
    const read = id("the name of an account")(name);
    if (!("value" in read)) {
      const { suggestion } = read;
      report.mistake({ ...accountAt, offset: accountAt.keyOffset }, read.expected, {
        read: name,
        suggestion,
      });
    }
    const account = fields(["tier", "tradingAgreement"], "a map like { tier: starter }")(accountAt, report);
    if (account === undefined) continue;
    const tier = optional(account, "tier", tierReader, report, TIERS.starter);
    const agreed = ifPresent(account, "tradingAgreement", scalar(word("agree")), report);
    if (tier !== undefined) accounts.push({ name, tier, ...agreed });
  }
  return report.count() === before ? accounts : undefined;
};

const tierReader: Reader<Tier> = (value, report) => {
  if (textOf(value) !== undefined) {
    const name = scalar(word("starter", "intermediate", "pro"))(value, report);
    return name === undefined ? undefined : TIERS[name];
  }
  const tier = fields(["max", "decay"], "a tier like starter or { max: 100, decay: 5 }")(value, report);
  if (tier === undefined) return undefined;
  const max = required(tier, "max", scalar(points), report, "the ceiling of the rate counter, like 100");
  const decay = required(tier, "decay", scalar(decayGrammar), report, "points per second, like 5");
  return max === undefined || decay === undefined
    ? undefined
    : { name: "custom", max, decayPerSecond: decay };
};

const POINTS_MAX = 100_000;

const points: Grammar<number> = (text) => {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  return value >= 1 && value <= POINTS_MAX
    ? { value }
    : { expected: `a whole number from 1 to ${POINTS_MAX}, like 100` };
};

const decayGrammar: Grammar<Tier["decayPerSecond"]> = (text) => {
  const value = /^\d{1,5}(\.\d{1,4})?$/.test(text) ? tryDecimal(text) : undefined;
  return value !== undefined && value.units > 0n
    ? { value }
    : { expected: "points per second above zero, like 5 or 0.33" };
};

/** The limits, and where each stands, for mistakes that show only when they are compared. */
export type LimitsRead = { readonly limits: Limits; readonly at: ReadonlyMap<string, Value> };

const MAX_SLIPPAGE = rateOfPercent("0.5");

export const LIMITS_DEFAULT: LimitsRead = {
  limits: { perOrder: [], perDay: [], perMonth: [], maxSlippage: MAX_SLIPPAGE },
  at: new Map(),
};

export const limitsReader: Reader<LimitsRead> = (value, report) => {
  const limits = fields(
    ["perOrder", "perDay", "perMonth", "maxSlippage"],
    "a map like { perOrder: 100 EUR, perDay: 100 EUR, perMonth: 500 EUR }",
  )(value, report);
  if (limits === undefined) return undefined;
  const before = report.count();
  const cap = (key: string) => optional(limits, key, capReader, report, []);
  const read = {
    perOrder: cap("perOrder") ?? [],
    perDay: cap("perDay") ?? [],
    perMonth: cap("perMonth") ?? [],
    maxSlippage:
      optional(limits, "maxSlippage", scalar(percent("0.5%")), report, MAX_SLIPPAGE) ?? MAX_SLIPPAGE,
  };
  return report.count() === before ? { limits: read, at: limits.values } : undefined;
};

const capReader: Reader<readonly Money[]> = (value, report) => {
  const caps = oneOrList(scalar(money()), "an amount like 100 EUR, or a list of them")(value, report);
  const twice = caps?.find(({ asset }, index) => caps.findIndex((cap) => cap.asset === asset) < index);
  if (twice !== undefined)
    return report.mistake(value, "each currency once", {
      read: caps!.map(({ amount, asset }) => `${format(amount)} ${asset}`).join(", "),
    });
  return caps;
};

export const notifyReader: Reader<readonly string[]> = (value, report: Report) => {
  const notify = fields(["email"], "a map like { email: [owner@example.org] }")(value, report);
  if (notify === undefined) return undefined;
  return optional(notify, "email", oneOrList(scalar(email), "a list of addresses"), report, []);
};
