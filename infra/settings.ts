/** What a synthesis is made from: the plans file, and the few choices of the context (cdk.json, or `-c name=value`). */
import { existsSync, readFileSync } from "node:fs";
import type { Node } from "constructs";
import { CHOICES_DEFAULT, type Deployment, readDeployment } from "../shared/config/deployment.ts";
import type { EpochMs } from "../shared/domain/time.ts";

/** One sentence for whoever started the synthesis; nothing was made. */
export class SettingsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SettingsError";
  }
}

export type Choices = {
  /** Zones with an address and a NAT gateway of their own: 1 or 2. A NAT instance always stands in one. */
  readonly natZones: 1 | 2;
  /** `ami-…`, or the name of an SSM parameter, which EC2 looks up when it starts an instance, never the synthesis. */
  readonly natInstanceImage: string;
  /**
   * For the first of two steps when the egress changes between gateway and instance: only one at a time can hold the address,
   * and CloudFormation makes what is new before it takes away what is old.
   */
  readonly egressOff: boolean;
  /** Name of a table that was restored, which is the ledger from then on; empty for the one that the State stack makes. */
  readonly table: string;
  /** In USD a month, for the whole AWS account; 0 for none. */
  readonly budgetUsd: number;
  /** What the links of the alarms begin with. */
  readonly runbook: string;
};

const PREFIX = "tidekeeper:";

const DEFAULTS: Choices = {
  ...CHOICES_DEFAULT,
  egressOff: false,
  runbook: "docs/runbook.md",
};

/** With `now`, a plan whose firings are all over is a mistake; not where `tide destroy` takes the stacks away. */
export function readPlans(node: Node, now?: EpochMs): Deployment {
  const asked = node.tryGetContext("plans") as unknown;
  const file = asked === undefined ? defaultFile() : String(asked);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new SettingsError(`the plans file ${file} cannot be read: ${(error as Error).message}`);
  }
  const isTakenAway = String(node.tryGetContext(`${PREFIX}takenAway`)) === "true";
  const read = readDeployment(text, file, isTakenAway ? undefined : now);
  if ("mistakes" in read) throw new SettingsError(read.mistakes.join("\n"));
  for (const { file: where, line, column, text: what } of read.warnings)
    process.stderr.write(`${where}:${line}:${column}: ${what}\n`);
  return read.deployment;
}

const defaultFile = (): string => (existsSync("tide.yaml") ? "tide.yaml" : "tide.example.yaml");

export function readChoices(node: Node): Choices {
  const read = <T>(name: keyof Choices, check: (value: unknown) => T | undefined, expected: string): T => {
    const value = (node.tryGetContext(`${PREFIX}${name}`) as unknown) ?? DEFAULTS[name];
    const choice = check(value);
    if (choice === undefined)
      throw new SettingsError(
        `the context ${PREFIX}${name} was ${JSON.stringify(value)}, expected ${expected}`,
      );
    return choice;
  };
  return {
    natZones: read(
      "natZones",
      (value) => ([1, 2] as const).find((zones) => String(value) === String(zones)),
      "1 or 2",
    ),
    natInstanceImage: read(
      "natInstanceImage",
      (value) =>
        typeof value === "string" && /^(ami-[0-9a-f]{8,17}|\/[\w./-]+)$/.test(value) ? value : undefined,
      "an ami-… of your region, or the name of an SSM parameter",
    ),
    egressOff: read(
      "egressOff",
      (value) => [true, false].find((isOff) => String(value) === String(isOff)),
      "true or false",
    ),
    table: read(
      "table",
      // As DynamoDB takes them.
      (value) => (typeof value === "string" && /^([\w.-]{3,255})?$/.test(value) ? value : undefined),
      "the name of a table in this AWS account and region, or nothing for the stack's own",
    ),
    budgetUsd: read(
      "budgetUsd",
      (value) => (/^\d{1,6}$/.test(String(value)) ? Number(value) : undefined),
      "whole dollars a month, 0 for no budget",
    ),
    runbook: read(
      "runbook",
      (value) => (typeof value === "string" && value !== "" ? value : undefined),
      "the address of your copy of docs/runbook.md",
    ),
  };
}
