/** What the deploy wrote down of the stacks it made: the only thing that leads the owner's tools to them. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import * as z from "zod";
import { OUTPUTS, STACKS } from "../../shared/config/names.ts";

/** The deployment cannot be found or reached as it was asked for; the text says what to run. */
export class DeploymentError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DeploymentError";
  }
}

export type Outputs = {
  readonly table: string;
  readonly dcaQueue: string;
  readonly dcaDeadLetters: string;
  /** Undefined with an older deployment. */
  readonly lostFirings: string | undefined;
  readonly topic: string;
  readonly region: string;
  readonly deployment: string;
  readonly keyName: string;
  readonly addresses: readonly string[];
  /** Undefined until the Automation stack is there. */
  readonly dashboard: string | undefined;
  readonly settingsHash: string | undefined;
  /** Undefined until the Network stack is there. */
  readonly egress: string | undefined;
  /** The messages topic, and those of alarms where they are known. */
  readonly topics: readonly string[];
};

const text = z.string().min(1);

const shape = z.object({
  [STACKS.state]: z.object({
    [OUTPUTS.table]: text,
    [OUTPUTS.dcaQueue]: text,
    [OUTPUTS.dcaDeadLetters]: text,
    [OUTPUTS.lostFirings]: text.optional(),
    [OUTPUTS.topic]: text,
    [OUTPUTS.region]: text,
    [OUTPUTS.deployment]: text,
    [OUTPUTS.keyName]: text,
    [OUTPUTS.addresses]: z.string(),
    [OUTPUTS.pageTopic]: text.optional(),
    [OUTPUTS.ticketTopic]: text.optional(),
  }),
  [STACKS.network]: z.object({ [OUTPUTS.egress]: text.optional() }).optional(),
  [STACKS.automation]: z
    .object({ [OUTPUTS.dashboard]: text.optional(), [OUTPUTS.settingsHash]: text.optional() })
    .optional(),
});

const RUN_DEPLOY = "run npm run deploy there, or name another file with --outputs FILE";

/** Undefined when there is no such file. Throws DeploymentError when it is not whole. */
export function findOutputs(file: string): Outputs | undefined {
  let written: string;
  try {
    written = readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new DeploymentError(`${file} cannot be read (${code}); ${RUN_DEPLOY}`);
  }
  const read = shape.safeParse(jsonIn(written, file));
  if (!read.success) {
    const missing = read.error.issues.map(({ path }) => path.join(".")).join(", ");
    throw new DeploymentError(`${file} lacks ${missing || "everything"}; ${RUN_DEPLOY}`);
  }
  const { [STACKS.state]: state, [STACKS.network]: network, [STACKS.automation]: automation } = read.data;
  return {
    table: state[OUTPUTS.table],
    dcaQueue: state[OUTPUTS.dcaQueue],
    dcaDeadLetters: state[OUTPUTS.dcaDeadLetters],
    lostFirings: state[OUTPUTS.lostFirings],
    topic: state[OUTPUTS.topic],
    region: state[OUTPUTS.region],
    deployment: state[OUTPUTS.deployment],
    keyName: state[OUTPUTS.keyName],
    addresses: state[OUTPUTS.addresses].split(",").filter((address) => address !== ""),
    dashboard: automation?.[OUTPUTS.dashboard],
    settingsHash: automation?.[OUTPUTS.settingsHash],
    egress: network?.[OUTPUTS.egress],
    topics: [OUTPUTS.topic, OUTPUTS.pageTopic, OUTPUTS.ticketTopic].flatMap((name) => state[name] ?? []),
  };
}

/** Where a deployment is, or would be made; undefined where the AWS profile alone says it. */
export const regionOf = (
  outputs: Outputs | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined => outputs?.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;

/** Throws DeploymentError, also when there is no such file. */
export function readOutputs(file: string): Outputs {
  const found = findOutputs(file);
  if (found === undefined) {
    throw new DeploymentError(
      `${file} is not there: no deployment was made from this folder; run npm run deploy, or name the file with --outputs FILE`,
    );
  }
  return found;
}

/** Of stacks that are gone nothing may be believed any more. */
export function forgetStacks(file: string, stacks: readonly string[]): void {
  const written = jsonIn(readFileSync(file, "utf8"), file) as Record<string, unknown>;
  const left = Object.entries(written).filter(([stack]) => !stacks.includes(stack));
  if (left.length === 0) rmSync(file);
  else writeFileSync(file, `${JSON.stringify(Object.fromEntries(left), null, 2)}\n`);
}

function jsonIn(written: string, file: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    throw new DeploymentError(`${file} is not JSON; ${RUN_DEPLOY}`);
  }
}
