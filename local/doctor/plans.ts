/** Of the plans file alone. */
import { readFile } from "node:fs/promises";
import { type Deployment, readDeployment } from "../../shared/config/deployment.ts";
import { formatWarning } from "../../shared/config/mistake.ts";
import { capOf } from "../../shared/domain/caps.ts";
import { compare, formatShort } from "../../shared/domain/decimal.ts";
import type { DcaPlan, Settings } from "../../shared/domain/plan.ts";
import { nextSlot } from "../../shared/domain/schedule.ts";
import { DAY_MS, type EpochMs, later } from "../../shared/domain/time.ts";
import { localText } from "../../shared/domain/zone.ts";
import { bad, type Check, good, note } from "./check.ts";

const YEAR_MS = 366 * DAY_MS;

export type PlansChecked = {
  readonly checks: readonly Check[];
  /** Undefined: with a mistake in the file nothing else can be looked at. */
  readonly plans: Deployment | undefined;
};

export async function checkPlans(file: string, now: EpochMs): Promise<PlansChecked> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return {
      checks: [bad("plans file", `${file} cannot be read (${code}); name one with --plans FILE`)],
      plans: undefined,
    };
  }
  const read = readDeployment(text, file);
  if ("mistakes" in read)
    return { checks: read.mistakes.map((mistake) => bad("plans file", mistake)), plans: undefined };
  const { settings, notRun } = read.deployment;
  const checks = [
    good("plans file", `${file}: ${settings.plans.length} plans`),
    ...read.warnings.map((warning) => note("plans file", formatWarning(warning))),
    ...notRun.map((id) => note("plan", `${id} is read and not run by this version`)),
    ...dcaPlans(settings).flatMap((plan) => planChecks(plan, settings, now)),
  ];
  return { checks, plans: read.deployment };
}

export const dcaPlans = ({ plans }: Settings): readonly DcaPlan[] =>
  plans.filter((plan) => plan.kind === "dca");

function planChecks(plan: DcaPlan, { limits }: Settings, now: EpochMs): readonly Check[] {
  const { quote } = plan.pair;
  const spend = `${formatShort(plan.spend)} ${quote}`;
  const caps = (["perOrder", "perDay", "perMonth"] as const).map((period) => ({
    period,
    cap: capOf(limits[period], quote),
  }));
  const missing = caps.filter(({ cap }) => cap === undefined).map(({ period }) => period);
  const tooLow = caps.filter(({ cap }) => cap !== undefined && compare(plan.spend, cap) > 0);
  const next = nextSlot(plan.schedule, plan.zone, now);
  return [
    ...(missing.includes("perOrder")
      ? [bad("caps", `limits name no perOrder cap for ${quote}, so ${plan.id} would be refused; write one`)]
      : missing.map((period) => note("caps", `limits name no ${period} cap for ${quote}`))),
    ...tooLow.map(({ period, cap }) =>
      bad(
        "caps",
        `${plan.id} buys for ${spend}, above ${period} ${formatShort(cap!)} ${quote}; raise the cap or buy less`,
      ),
    ),
    ...(missing.length + tooLow.length === 0
      ? [good("caps", `${plan.id}: ${spend} is under every cap`)]
      : []),
    next === undefined || next > later(now, YEAR_MS)
      ? bad("firings", `${plan.id} does not fire in the coming year; change its every`)
      : good("firings", `${plan.id} fires next ${localText(next, plan.zone, now)}`),
  ];
}
