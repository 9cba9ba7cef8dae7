/** `tide cost`: what the plans cost on AWS, beside Kraken's own recurring buys. Nobody is asked. */
import { nearest } from "../../shared/config/corrections.ts";
import { formatWarning } from "../../shared/config/mistake.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { billOf, type Egress } from "../cost/bill.ts";
import { HOME_REGION, REGIONS } from "../cost/rates.ts";
import { costJson, costText } from "../cost/text.ts";
import { type CdkChoices, cdkChoices } from "../deployment/cdk.ts";
import { findOutputs, type Outputs, regionOf } from "../deployment/outputs.ts";
import { readPlans } from "../machine/read-plans.ts";
import { outputsFileOf, plansFileOf, progress } from "./door.ts";
import { print, printJson } from "./text.ts";
import { type Given, UsageError } from "./verb.ts";

export default async function cost(
  { options }: Given,
  { env, choices }: Around = { env: process.env, choices: cdkChoices },
): Promise<number> {
  const region =
    options.region === undefined
      ? (regionOf(outputsIn(outputsFileOf(options)), env) ?? HOME_REGION)
      : regionIn(options.region);
  const { settings, warnings } = await readPlans(plansFileOf(options));
  for (const warning of warnings) process.stderr.write(`${formatWarning(warning)}\n`);
  const bill = billOf(settings, {
    now: epochMs(Date.now()),
    region,
    egress: (options.egress as Egress | undefined) ?? settings.egress,
    natZones: Number(options.natZones ?? choices().natZones),
  });
  if (options.json) printJson(costJson(bill));
  else print(costText(bill));
  return 0;
}

/** Where this very deployment is told of, but for its plans. */
export type Around = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly choices: () => CdkChoices;
};

/** A broken file keeps nobody from knowing the price. */
function outputsIn(file: string): Outputs | undefined {
  try {
    return findOutputs(file);
  } catch (error) {
    progress((error as Error).message);
    return undefined;
  }
}

function regionIn(name: string): string {
  if (REGIONS.includes(name)) return name;
  const meant = nearest(name, REGIONS);
  throw new UsageError(
    `${JSON.stringify(name)} is no region of AWS, expected one like ${HOME_REGION} or eu-west-1` +
      (meant === undefined ? "" : `; write --region ${meant}`),
  );
}
