/** What the stacks are made of: tide.yaml as infra needs it, without anything that decides about money. */
import { createHash } from "node:crypto";
import { accountNameOf, type Plan, type Settings } from "../domain/plan.ts";
import { scheduleText, toAwsExpression } from "../domain/schedule.ts";
import type { EpochMs } from "../domain/time.ts";
import { formatMistake, type Warning } from "./mistake.ts";
import { settingsText } from "./settings-file.ts";
import { parseTideYaml } from "./tide-yaml.ts";

/** Above it the plans are no longer in the template (500 resources at most), and a function drives Scheduler's API. */
export const SCHEDULES_IN_TEMPLATE_MAX = 300;
/** Above it the template holds no secret for each account; `tide keys set --aws` makes them. */
export const SECRETS_IN_TEMPLATE_MAX = 50;
/**
 * Above it one pattern stands for the secrets of all accounts. Each account is four ARNs of up to 120 characters in one
 * statement, which cannot be divided, and all that a role has inline is 10,240 characters at most, a policy beside it 6,144
 * (docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
 */
export const ACCOUNTS_IN_POLICY_MAX = 12;

/** What is chosen in the context of cdk.json where it says nothing; see infra/settings.ts. */
export const CHOICES_DEFAULT = {
  natZones: 1,
  // Of no region: an image's own id is another one in each, and nobody could look it up during a synthesis offline.
  natInstanceImage: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
  budgetUsd: 60,
  table: "",
} as const;

/** How often, and for how long, Scheduler tries to put a firing into the queue; what is older is the sweep's. */
export const FIRING_RETRIES_MAX = 20;
export const FIRING_AGE_SECONDS_MAX = 900;

/** EventBridge Scheduler puts the planned time here: the same for every retry of one firing. */
const SCHEDULED_TIME = "<aws.scheduler.scheduled-time>";

/** One schedule of EventBridge Scheduler. */
export type PlanSchedule = {
  /** Of one plan for ever: letters, digits, `-` and `.` as Scheduler takes them, at most 64. */
  readonly name: string;
  readonly plan: string;
  readonly kind: Plan["kind"];
  /** The queue's message group. */
  readonly account: string;
  /** `cron(0 8 ? * MON *)`. */
  readonly expression: string;
  /** IANA name. */
  readonly zone: string;
  /** As its owner wrote it, for the console. */
  readonly description: string;
  /** The queue's message. */
  readonly message: string;
};

export type Deployment = {
  readonly mode: Settings["mode"];
  readonly zone: string;
  readonly egress: Settings["egress"];
  readonly accounts: readonly string[];
  readonly emails: readonly string[];
  /** Of all plans that fire by themselves and whose kind this version runs. */
  readonly schedules: readonly PlanSchedule[];
  /** Plans that are read and not run by this version. */
  readonly notRun: readonly string[];
  /** For the bundles. */
  readonly settingsText: string;
  /** Of the settings, whatever the spelling of tide.yaml: for noticing that another file was deployed. */
  readonly settingsHash: string;
  readonly settings: Settings;
};

export type DeploymentRead =
  | { readonly deployment: Deployment; readonly warnings: readonly Warning[] }
  /** Each with file, line, column, what was read and what was expected. */
  | { readonly mistakes: readonly string[] };

export function readDeployment(text: string, fileName: string, now?: EpochMs): DeploymentRead {
  const read = parseTideYaml(text, fileName, now);
  if ("mistakes" in read) return { mistakes: read.mistakes.map(formatMistake) };
  const { settings, warnings } = read;
  return { deployment: deploymentOf(settings), warnings };
}

export function deploymentOf(settings: Settings): Deployment {
  const text = settingsText(settings);
  return {
    mode: settings.mode,
    zone: settings.zone,
    egress: settings.egress,
    accounts: settings.accounts.map(({ name }) => name),
    emails: settings.notifyEmails,
    schedules: schedulesOf(settings),
    notRun: settings.plans.filter(({ kind }) => kind !== "dca").map(({ id }) => id),
    settingsText: text,
    settingsHash: createHash("sha256").update(text).digest("hex").slice(0, 32),
    settings,
  };
}

export function schedulesOf(settings: Settings): readonly PlanSchedule[] {
  return settings.plans.flatMap((plan) => {
    if (plan.kind !== "dca") return [];
    const account = accountNameOf(plan, settings.accounts);
    const { id, kind, schedule, zone } = plan;
    return [
      {
        name: id,
        plan: id,
        kind,
        account,
        expression: toAwsExpression(schedule),
        zone,
        description: `${id}: every ${scheduleText(schedule)}, ${zone}`,
        message: JSON.stringify({ kind, account, plan: id, slot: SCHEDULED_TIME }),
      },
    ];
  });
}
