/** What a deploy would do, before anything is done. */
import { armingHash } from "../../shared/app/ids.ts";
import { type Deployment, deploymentOf } from "../../shared/config/deployment.ts";
import { formatWarning, type Warning } from "../../shared/config/mistake.ts";
import { STACKS } from "../../shared/config/names.ts";
import { compare, type Decimal, decimal, format, formatShort, toScale } from "../../shared/domain/decimal.ts";
import { accountNameOf, type Plan, type Settings } from "../../shared/domain/plan.ts";
import type { Label } from "../../shared/domain/run.ts";
import { nextSlot, scheduleText } from "../../shared/domain/schedule.ts";
import { type EpochMs, epochMs } from "../../shared/domain/time.ts";
import { localText } from "../../shared/domain/zone.ts";
import { everyText } from "../cli/text.ts";
import { billOf } from "../cost/bill.ts";
import { HOME_REGION, RATES_OF } from "../cost/rates.ts";
import type { CdkChoices } from "./cdk.ts";
import { type Connected, explainAws } from "./connect.ts";
import { type Outputs, regionOf } from "./outputs.ts";
import { keyVersion } from "./place.ts";

export type DeployView = {
  readonly label: Label;
  readonly plansFile: string;
  readonly mode: Settings["mode"];
  readonly egress: Settings["egress"];
  /** What must let go of the address first; null where nothing does. */
  readonly egressFrom: string | null;
  /** Null: that of the AWS profile. */
  readonly region: string | null;
  /** Null: none is known here. */
  readonly deployment: string | null;
  /** Why none is known here; null where one is. */
  readonly notKnown: string | null;
  readonly plans: readonly {
    readonly id: string;
    readonly account: string;
    readonly does: string;
    readonly every: string;
    readonly zone: string;
    readonly next: string | null;
    /** False: this version reads it and does not run it. */
    readonly runs: boolean;
  }[];
  readonly caps: readonly string[];
  /** Accounts whose trade key has no value; null while nothing is deployed. */
  readonly withoutKey: readonly string[] | null;
  /** Accounts whose trade key the functions refused when they last looked; the warnings say why. */
  readonly withRefusedKey: readonly string[];
  readonly told: readonly string[];
  readonly warnings: readonly string[];
  readonly usdPerMonth: string;
  readonly pricesOf: string;
};

export type Found = {
  readonly plansFile: string;
  readonly settings: Settings;
  readonly warnings: readonly Warning[];
  readonly outputs: Outputs | undefined;
  /** Where there are none. */
  readonly notKnown: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly choices: CdkChoices;
  readonly now: EpochMs;
};

export function deployView(found: Found): DeployView {
  const { plansFile, settings, outputs, choices, now } = found;
  const { natZones, budgetUsd } = choices;
  const region = regionOf(outputs, found.env) ?? null;
  const bill = billOf(settings, { now, region: region ?? HOME_REGION, egress: settings.egress, natZones });
  const { notRun } = deploymentOf(settings);
  return {
    label: settings.mode === "live" ? "LIVE" : "DRY RUN",
    plansFile,
    mode: settings.mode,
    egress: settings.egress,
    egressFrom: holderOf(outputs?.egress, settings.egress),
    region,
    deployment: outputs?.deployment ?? null,
    notKnown: found.notKnown ?? null,
    plans: settings.plans.map((plan) => planView(plan, settings, now)),
    caps: (["perOrder", "perDay", "perMonth"] as const).flatMap((period) =>
      settings.limits[period].map(({ amount, asset }) => `${period} ${formatShort(amount)} ${asset}`),
    ),
    withoutKey: null,
    withRefusedKey: [],
    told: settings.notifyEmails,
    warnings: [
      ...found.warnings.map(formatWarning),
      ...(bill.warning === undefined ? [] : [bill.warning]),
      ...overBudget(bill.totalUsd, budgetUsd),
      ...otherLedger(outputs?.table, choices.table),
      ...(settings.egress === "nat-instance" ? notPinned(choices.natInstanceImage, region) : []),
      ...(notRun.length === 0 ? [] : [`this version reads and does not run: ${notRun.join(", ")}`]),
      ...(settings.alerts.length === 0 ? [] : ["this version reads alerts and does not watch them"]),
      ...(settings.notifyEmails.length === 0
        ? ["notify names nobody: messages and alarms go to topics that nobody reads"]
        : []),
    ],
    usdPerMonth: format(bill.totalUsd),
    pricesOf: RATES_OF,
  };
}

/** An alarm that rings each month is one that nobody hears. */
function overBudget(totalUsd: Decimal, budgetUsd: number): readonly string[] {
  if (budgetUsd === 0 || compare(totalUsd, decimal(`${budgetUsd}`)) <= 0) return [];
  return [
    `that is more than the budget of ${budgetUsd} USD a month, whose alarm would ring each month: write "tidekeeper:budgetUsd" with at least ${format(toScale(totalUsd, 0, "up"))} into the context of cdk.json`,
  ];
}

/** Whoever answers Kraken's address should not be another system from one night to the next, unless that is wanted. */
function notPinned(image: string, region: string | null): readonly string[] {
  if (image.startsWith("ami-")) return [];
  return [
    `the NAT instance, and each that takes its place by itself, starts from whatever ${image} names on that day. To decide that yourself, write the id that this answers as "tidekeeper:natInstanceImage" into the context of cdk.json: aws ssm get-parameter --name ${image} --query Parameter.Value --output text${region === null ? "" : ` --region ${region}`}`,
  ];
}

/** What CloudFormation calls the stack's own table begins with the stack's name. */
function otherLedger(now: string | undefined, restored: string): readonly string[] {
  const isSame = restored === "" ? now?.startsWith(STACKS.state) : now === restored;
  if (now === undefined || isSame) return [];
  return [
    `the ledger is the table ${now} and becomes ${restored === "" ? "the stack's own" : restored}, with what that one knows of runs, caps and the kill switch: see "Restoring the table" in docs/runbook.md`,
  ];
}

/** Gateway and instance cannot hold the same address at once. */
const holderOf = (deployed: string | undefined, wanted: Settings["egress"]): string | null =>
  deployed === undefined || deployed === wanted || deployed === "none" || wanted === "none" ? null : deployed;

function planView(plan: Plan, settings: Settings, now: EpochMs): DeployView["plans"][number] {
  const next = plan.schedule && nextSlot(plan.schedule, plan.zone, now);
  return {
    id: plan.id,
    account: accountNameOf(plan, settings.accounts),
    does:
      plan.kind === "dca" ? `${formatShort(plan.spend)} ${plan.pair.quote} of ${plan.pair.base}` : plan.kind,
    every: plan.schedule === undefined ? "by hand only" : `every ${everyText(scheduleText(plan.schedule))}`,
    zone: plan.zone,
    next: next === undefined ? null : localText(next, plan.zone, now),
    runs: plan.kind === "dca",
  };
}

/** What only the deployment that is there can tell. What cannot be asked is said, and keeps nothing from being deployed. */
export async function askDeployed(
  at: Connected,
): Promise<Pick<DeployView, "withoutKey" | "withRefusedKey" | "warnings">> {
  try {
    const withoutKey: string[] = [];
    const refused: { readonly account: string; readonly why: string }[] = [];
    for (const account of at.plans.accounts) {
      const version = await keyVersion(at, account, "trade");
      if (version === undefined) {
        withoutKey.push(account);
        continue;
      }
      const check = await at.deps.books.keyCheck(account, "trade");
      // What was said of a key before this one says nothing of it.
      if (check?.secretVersion === version && check.problems.length > 0)
        refused.push({ account, why: check.problems.join("; ") });
    }
    const warnings = refused.map(
      ({ account, why }) => `the trade key of ${account} is refused, and nothing is bought with it: ${why}`,
    );
    return {
      withoutKey,
      withRefusedKey: refused.map(({ account }) => account),
      warnings: [...warnings, ...(await disarmedBy(at, at.plans))],
    };
  } catch (error) {
    const { message } = explainAws(error, at.outputs) as Error;
    return {
      withoutKey: null,
      withRefusedKey: [],
      warnings: [`the deployment that is there could not be asked: ${message}`],
    };
  }
}

async function disarmedBy({ deps }: Connected, { settings }: Deployment): Promise<readonly string[]> {
  const armed: string[] = [];
  for (const { name } of settings.accounts) {
    const { armed: hash } = await deps.books.head(name);
    if (hash !== undefined && hash !== armingHash({ settings })) armed.push(name);
  }
  if (armed.length === 0) return [];
  return [
    `${armed.join(", ")} ${armed.length === 1 ? "is" : "are"} armed for other plans or caps: no live order is placed until tide arm --aws`,
  ];
}

export const nowMs = (): EpochMs => epochMs(Date.now());
