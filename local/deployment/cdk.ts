/** The project's own CDK, started as npm's scripts would start it. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join, relative, resolve } from "node:path";
import { CHOICES_DEFAULT } from "../../shared/config/deployment.ts";
import { STACKS } from "../../shared/config/names.ts";
import { DeploymentError } from "./outputs.ts";

const ROOT = join(import.meta.dirname, "../..");

/** Answers its exit code. What it says goes where this process speaks; with `onlyErrors` to standard error alone. */
export type RunCdk = (args: readonly string[], options: { readonly onlyErrors: boolean }) => Promise<number>;

export const runCdk: RunCdk = (args, { onlyErrors }) => {
  const cdk = join(ROOT, "node_modules/aws-cdk/bin/cdk");
  if (!existsSync(cdk)) throw new DeploymentError("the CDK is not installed here; run npm ci in the project");
  // Ctrl-C reaches it, too; it ends by itself, and then this process does.
  const stay = () => {};
  process.on("SIGINT", stay);
  return new Promise<number>((done, failed) => {
    const child = spawn(process.execPath, [cdk, ...args], {
      cwd: ROOT,
      stdio: ["inherit", onlyErrors ? 2 : "inherit", "inherit"],
      // Its app is started as `node`: by the project's own.
      env: {
        ...process.env,
        PATH: `${join(ROOT, "node_modules/.bin")}${delimiter}${process.env.PATH ?? ""}`,
      },
    });
    child.once("error", failed);
    child.once("close", (code) => done(code ?? 1));
  }).finally(() => process.removeListener("SIGINT", stay));
};

/** The CDK runs in the project's folder, wherever the owner stands. */
const fromRoot = (file: string): string => relative(ROOT, resolve(file));

export const deployArgs = (plansFile: string, outputsFile: string): readonly string[] => [
  "deploy",
  "--all",
  "--require-approval",
  "never",
  "--outputs-file",
  fromRoot(outputsFile),
  "-c",
  `plans=${fromRoot(plansFile)}`,
];

/** The first of two steps when the egress changes between gateway and instance; see infra/settings.ts. */
export const egressOffArgs = (plansFile: string): readonly string[] => [
  "deploy",
  STACKS.network,
  "--exclusively",
  "--require-approval",
  "never",
  "-c",
  `plans=${fromRoot(plansFile)}`,
  "-c",
  "tidekeeper:egressOff=true",
];

export const destroyArgs = (stacks: readonly string[], plansFile: string): readonly string[] => [
  "destroy",
  ...stacks,
  "--force",
  "-c",
  `plans=${fromRoot(plansFile)}`,
  // A plan whose firings are over keeps nothing from being made, and must not keep it from being taken away.
  "-c",
  "tidekeeper:takenAway=true",
];

/** Of nothing that cannot be made again. */
export const MADE_AGAIN = [STACKS.automation, STACKS.network] as const;

/** What the stacks are made with besides the plans; see infra/settings.ts. */
export type CdkChoices = {
  readonly natZones: number;
  readonly natInstanceImage: string;
  readonly budgetUsd: number;
  /** Name of a restored table; empty for the stack's own. */
  readonly table: string;
};

export function cdkChoices(): CdkChoices {
  const { context = {} } = JSON.parse(readFileSync(join(ROOT, "cdk.json"), "utf8")) as {
    context?: Record<string, unknown>;
  };
  const of = (name: keyof CdkChoices) => String(context[`tidekeeper:${name}`] ?? CHOICES_DEFAULT[name]);
  return {
    natZones: Number(of("natZones")),
    natInstanceImage: of("natInstanceImage"),
    budgetUsd: Number(of("budgetUsd")),
    table: of("table"),
  };
}
