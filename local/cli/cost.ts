/** `tide cost`: what the plans cost on AWS, beside Kraken's own recurring buys. It reads the plans file and nothing else. */
import { nearest } from "../../shared/config/corrections.ts";
import { formatWarning } from "../../shared/config/mistake.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { billOf, type Egress } from "../cost/bill.ts";
import { HOME_REGION, REGIONS } from "../cost/rates.ts";
import { costJson, costText } from "../cost/text.ts";
import { readPlans } from "../machine/read-plans.ts";
import { plansFileOf } from "./door.ts";
import { print, printJson } from "./text.ts";
import { type Given, UsageError } from "./verb.ts";

export default async function cost({ options }: Given): Promise<number> {
  const region = regionIn(options.region ?? HOME_REGION);
  const { settings, warnings } = await readPlans(plansFileOf(options));
  for (const warning of warnings) process.stderr.write(`${formatWarning(warning)}\n`);
  const bill = billOf(settings, {
    now: epochMs(Date.now()),
    region,
    egress: (options.egress as Egress | undefined) ?? settings.egress,
    natZones: Number(options.natZones ?? 1),
  });
  if (options.json) printJson(costJson(bill));
  else print(costText(bill));
  return 0;
}

function regionIn(name: string): string {
  if (REGIONS.includes(name)) return name;
  const meant = nearest(name, REGIONS);
  throw new UsageError(
    `${JSON.stringify(name)} is no region of AWS, expected one like ${HOME_REGION} or eu-west-1` +
      (meant === undefined ? "" : `; write --region ${meant}`),
  );
}
