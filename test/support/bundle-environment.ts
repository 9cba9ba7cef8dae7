/** What the template gives each function as its environment: the names, and the values that are no reference. */
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import type { FunctionName } from "../../infra/bundle.ts";
import { tidekeeper } from "../../infra/tidekeeper.ts";
import { deploymentOf, SCHEDULES_IN_TEMPLATE_MAX } from "../../shared/config/deployment.ts";
import { settingsIn } from "./house.ts";

/** A reference to what is made at deployment has no value yet. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Enough plans that every function is part of it, plan-sync too. */
const PLANS = `
limits: { perOrder: 500 EUR, perDay: 500 EUR, perMonth: 2000 EUR }
plans:
${Array.from({ length: SCHEDULES_IN_TEMPLATE_MAX + 1 }, (_, i) => `  - { id: p${i}, buy: 10 EUR of BTC, every: day 08:00 }`).join("\n")}
`;

const CHOICES = {
  natZones: 1,
  egressOff: false,
  natInstanceImage: "ami-12345678",
  budgetUsd: 0,
  table: "",
  runbook: "docs/runbook.md",
} as const;

type Lambda = { readonly Properties: { readonly Environment: { readonly Variables: object } } };

/** `folder` is any folder with files; `outdir` is where the stacks are put. */
export function templateEnvironments(
  folder: string,
  outdir: string,
): (name: FunctionName) => Variables | undefined {
  const app = new App({ outdir });
  const { automation } = tidekeeper(app, deploymentOf(settingsIn(PLANS)), CHOICES, () => folder);
  const lambdas = Template.fromStack(automation).findResources("AWS::Lambda::Function");
  return (name) => {
    const id = Object.keys(lambdas).find((each) =>
      each.toLowerCase().startsWith(`${name.replaceAll("-", "")}`),
    );
    if (id === undefined) return undefined;
    const { Variables } = (lambdas[id] as Lambda).Properties.Environment;
    return Object.fromEntries(
      Object.entries(Variables).map(([key, value]) => [key, typeof value === "string" ? value : undefined]),
    );
  };
}
