/** What a destroy would take away, what stays, what that costs, and how each of the rest is deleted by hand. */
import { SECRETS_IN_TEMPLATE_MAX } from "../../shared/config/deployment.ts";
import { KEY_USES, STACKS, secretName } from "../../shared/config/names.ts";
import { add, type Decimal, decimal, format } from "../../shared/domain/decimal.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import type { EpochMs } from "../../shared/domain/time.ts";
import { billOf } from "../cost/bill.ts";
import { HOME_REGION } from "../cost/rates.ts";
import { type Connected, explainAws } from "./connect.ts";
import type { Outputs } from "./outputs.ts";

export type DestroyView = {
  readonly withState: boolean;
  readonly destroyed: readonly string[];
  /** What stays, each with the commands that delete it; without outputs their names are not known. */
  readonly kept: readonly { readonly what: string; readonly commands: readonly string[] }[];
  /** At most, while nothing runs. */
  readonly usdPerMonth: string;
  readonly warnings: readonly string[];
};

export type DestroyOf = {
  readonly withState: boolean;
  readonly settings: Settings;
  readonly outputs: Outputs | undefined;
  readonly natZones: number;
  readonly now: EpochMs;
};

export function destroyView({ withState, settings, outputs, natZones, now }: DestroyOf): DestroyView {
  const region = outputs?.region;
  const bill = billOf(settings, { now, region: region ?? HOME_REGION, egress: settings.egress, natZones });
  const kept = bill.lines
    .filter(({ stack }) => stack === STACKS.state)
    .reduce<Decimal>((sum, { usd }) => add(sum, usd), decimal("0.00"));
  return {
    withState,
    destroyed: [STACKS.automation, STACKS.network, ...(withState ? [STACKS.state] : [])],
    kept: keptOf(settings, outputs),
    usdPerMonth: format(kept),
    warnings: [],
  };
}

/** Of stacks that are gone: AWS leaves the tags on what it retained. */
const LIST_LEFT =
  "aws resourcegroupstaggingapi get-resources --tag-filters Key=aws:cloudformation:stack-name,Values=" +
  `${STACKS.state},${STACKS.automation} --query 'ResourceTagMappingList[].ResourceARN' --output text`;

function keptOf(settings: Settings, outputs: Outputs | undefined): DestroyView["kept"] {
  const region = outputs === undefined ? "" : ` --region ${outputs.region}`;
  const table = outputs?.table ?? "TABLE";
  const accounts = settings.accounts.map(({ name }) => name);
  const secrets = accounts.flatMap((account) => KEY_USES.map((use) => secretName(account, use)));
  const shown = accounts.length > SECRETS_IN_TEMPLATE_MAX ? secrets.slice(0, 2) : secrets;
  return [
    {
      what: "the ledger, with every run and the month's spending; the table is protected from deletion",
      commands: [
        `aws dynamodb update-table --table-name ${table} --no-deletion-protection-enabled${region}`,
        `aws dynamodb delete-table --table-name ${table}${region}`,
      ],
    },
    {
      what: "the addresses that your API keys are bound to; once released, they may be given to anybody",
      commands: (outputs?.addresses ?? ["ADDRESS"]).map(
        (address) =>
          "aws ec2 release-address --allocation-id $(aws ec2 describe-addresses --public-ips " +
          `${address} --query 'Addresses[0].AllocationId' --output text${region})${region}`,
      ),
    },
    {
      what: `the API keys in Secrets Manager${shown.length < secrets.length ? `, two for each of ${accounts.length} accounts` : ""}`,
      commands: shown.map(
        (name) => `aws secretsmanager delete-secret --secret-id ${name} --recovery-window-in-days 7${region}`,
      ),
    },
    {
      what: "the queues, with what is still in them",
      commands: [outputs?.dcaQueue ?? "QUEUE_URL", outputs?.dcaDeadLetters ?? "DEAD_LETTERS_URL"].map(
        (url) => `aws sqs delete-queue --queue-url ${url}${region}`,
      ),
    },
    {
      what: "the encryption key of the alarms, the queue of lost firings, the logs",
      commands: [
        `${LIST_LEFT}${region}`,
        `aws kms schedule-key-deletion --key-id KEY_ARN --pending-window-in-days 30${region}`,
        `aws sqs delete-queue --queue-url LOST_FIRINGS_URL${region}`,
        `aws logs delete-log-group --log-group-name LOG_GROUP${region}`,
      ],
    },
  ];
}

/** Nobody looks for an order any more once the functions are gone. */
export async function openWorkOf(at: Connected): Promise<readonly string[]> {
  try {
    const { intents: open } = await at.deps.books.openWork(at.deps.clock.now());
    if (open.length === 0) return [];
    const runs = open.map(({ intent }) => `${intent.run} (${intent.state})`).join(", ");
    return [
      `orders are not settled, and nobody looks for them afterwards: ${runs}; wait until tide status --aws shows none`,
    ];
  } catch (error) {
    const { message } = explainAws(error, at.outputs) as Error;
    return [`whether orders are still open could not be asked: ${message}`];
  }
}

export function destroyText({ withState, destroyed, kept, usdPerMonth, warnings }: DestroyView): string {
  return [
    `This destroys ${destroyed.join(", ")}: nothing fires any more, and no order in doubt is looked for.\n`,
    withState
      ? "\nThe State stack is protected. This must be run first, or it stays:\n  " +
        `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name ${STACKS.state}\n` +
        "\nEven then these stay, until you delete them one by one:\n"
      : `\n${STACKS.state} stays, for up to ${usdPerMonth} USD a month. A new npm run deploy goes on with it. It holds:\n`,
    ...kept.map(
      ({ what, commands }) =>
        `  ${what}\n${withState ? commands.map((command) => `    ${command}\n`).join("") : ""}`,
    ),
    withState
      ? "\nOf the last four commands the first lists what the others name in capitals.\nA ledger that is deleted cannot tell any more what was bought this month: caps begin anew.\n"
      : "\nWith --with-state that stack goes, too, and each thing it leaves is named with its command.\n",
    "Your API keys live on at Kraken: disable or delete them there (Settings, API) when nothing uses them any more.\n",
    warnings.length === 0 ? "" : `\nWarnings\n${warnings.map((text) => `  ${text}\n`).join("")}`,
  ].join("");
}
