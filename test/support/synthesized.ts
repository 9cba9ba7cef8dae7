/** The three stacks of a plans file, synthesised in this process, with what the validations of the synthesis found. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { acknowledge } from "../../infra/acknowledged.ts";
import { type Choices, readChoices } from "../../infra/settings.ts";
import { tidekeeper } from "../../infra/tidekeeper.ts";
import { readDeployment } from "../../shared/config/deployment.ts";

export type Resource = {
  readonly id: string;
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: string | readonly string[];
};

export type StackTemplate = {
  readonly resources: readonly Resource[];
  readonly outputs: Record<
    string,
    { readonly Value: unknown; readonly Description?: string; readonly Export?: { readonly Name: unknown } }
  >;
  ofType(type: string): readonly Resource[];
};

export type Synthesized = {
  readonly state: StackTemplate;
  readonly network: StackTemplate;
  readonly automation: StackTemplate;
  /** Rule and construct of everything that is not acknowledged. */
  readonly findings: readonly string[];
};

export type SynthesisOptions = {
  readonly choices?: Partial<Choices>;
  /** Leaves everything as it is found, to see whether an acknowledgement is still needed. */
  readonly acknowledgeNothing?: boolean;
  /** Changes the constructs before they become templates. */
  readonly spoil?: (stacks: ReturnType<typeof tidekeeper>) => void;
};

// Where each construct was made is told by its path, and costs most of the time.
process.env.CDK_DISABLE_STACK_TRACE = "1";

const CDK = JSON.parse(readFileSync(join(import.meta.dirname, "../../cdk.json"), "utf8")) as {
  context: Record<string, unknown>;
};

/** Stands in for the bundles, whose contents are another test's matter. */
const emptyBundle = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "tidekeeper-bundle-"));
  writeFileSync(join(folder, "index.js"), "exports.handler = async () => {};\n");
  return folder;
};

export function synthesized(plans: string, options: SynthesisOptions = {}): Synthesized {
  const read = readDeployment(plans, "tide.yaml");
  if ("mistakes" in read) throw new Error(read.mistakes.join("\n"));
  const outdir = mkdtempSync(join(tmpdir(), "tidekeeper-synth-"));
  const app = new App({ outdir, context: CDK.context });
  const bundle = emptyBundle();
  const choices = { ...readChoices(app.node), ...options.choices };
  const stacks = tidekeeper(app, read.deployment, choices, () => bundle);
  if (!options.acknowledgeNothing) acknowledge(Object.values(stacks));
  options.spoil?.(stacks);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
  try {
    quietly(() => app.synth());
  } catch (error) {
    // The templates and the report are written all the same.
    if ((error as Error).name !== "ValidationFailed") throw error;
  }
  const templateOf = (name: string) => readTemplate(join(outdir, `${name}.template.json`));
  const found = {
    state: templateOf(stacks.state.stackName),
    network: templateOf(stacks.network.stackName),
    automation: templateOf(stacks.automation.stackName),
    findings: findingsIn(join(outdir, "validation-report.json")),
  };
  for (const folder of [outdir, bundle]) rmSync(folder, { recursive: true, force: true });
  return found;
}

/** CDK prints its report; what it holds is read from the file. */
function quietly(work: () => void): void {
  const write = process.stderr.write;
  process.stderr.write = () => true;
  try {
    work();
  } finally {
    process.stderr.write = write;
  }
}

function readTemplate(file: string): StackTemplate {
  const { Resources, Outputs } = JSON.parse(readFileSync(file, "utf8")) as {
    Resources: Record<string, Omit<Resource, "id">>;
    Outputs: StackTemplate["outputs"];
  };
  const resources = Object.entries(Resources).map(([id, resource]) => ({
    ...resource,
    id,
    Properties: resource.Properties ?? {},
  }));
  return {
    resources,
    outputs: Outputs ?? {},
    ofType: (type) => resources.filter((one) => one.Type === type),
  };
}

/** About as long as the longest of what only AWS knows: an ARN of one of our resources. */
const ARN_LENGTH = 140;
const KNOWN: Readonly<Record<string, string>> = {
  "AWS::Partition": "aws",
  "AWS::Region": "ap-southeast-1",
  "AWS::AccountId": "123456789012",
};

/** Of a policy as AWS counts it: without white space, and with every reference in place. */
export const policyLength = (document: unknown): number => JSON.stringify(inPlace(document)).length;

function inPlace(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inPlace);
  if (typeof value !== "object" || value === null) return value;
  const [[name, given] = []] = Object.entries(value);
  if (name === "Ref") return KNOWN[given as string] ?? "x".repeat(ARN_LENGTH);
  if (name === "Fn::Join") {
    const [by, parts] = given as [string, unknown[]];
    return parts.map(inPlace).join(by);
  }
  if (name?.startsWith("Fn::")) return "x".repeat(ARN_LENGTH);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inPlace(each)]));
}

type Report = {
  readonly pluginReports?: readonly {
    readonly violations: readonly {
      readonly ruleName: string;
      readonly description: string;
      readonly violatingConstructs?: readonly { readonly constructPath?: string }[];
    }[];
  }[];
};

function findingsIn(file: string): readonly string[] {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return (report.pluginReports ?? []).flatMap(({ violations }) =>
    violations.flatMap(({ ruleName, description, violatingConstructs }) =>
      (violatingConstructs ?? []).map(
        ({ constructPath }) => `${ruleName} at ${constructPath ?? "?"}: ${description}`,
      ),
    ),
  );
}
