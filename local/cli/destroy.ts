/** `tide destroy`: takes the functions and the network away, and says what stays and what that costs. Never silently. */
import { existsSync } from "node:fs";
import { STACKS } from "../../shared/config/names.ts";
import { cdkChoices, destroyArgs, MADE_AGAIN, type RunCdk, runCdk } from "../deployment/cdk.ts";
import { connectDeployment } from "../deployment/connect.ts";
import { nowMs } from "../deployment/deploy-view.ts";
import { type DestroyView, destroyText, destroyView, openWorkOf } from "../deployment/destroy-view.ts";
import { findOutputs, forgetStacks } from "../deployment/outputs.ts";
import { DeskRefusal } from "../desk/errors.ts";
import { readPlans } from "../machine/read-plans.ts";
import { typedBack } from "./ask.ts";
import { outputsFileOf, plansFileOf, progress } from "./door.ts";
import { print, printJson } from "./text.ts";
import type { Given, Options } from "./verb.ts";

export default async function destroy({ options }: Given, run: RunCdk = runCdk): Promise<number> {
  const view = await viewOf(options);
  (options.json ? progress : print)(destroyText(view));
  if (!options.yes) {
    const typed = await typedBack("Type destroy to do this: ");
    if (typed.trim() !== "destroy")
      throw new DeskRefusal(`${JSON.stringify(typed)} was typed, expected destroy; nothing was destroyed`);
  }
  const plansFile = plansFileOf(options);
  const outputsFile = outputsFileOf(options);
  const steps: readonly (readonly string[])[] = [MADE_AGAIN, ...(view.withState ? [[STACKS.state]] : [])];
  for (const stacks of steps) {
    const code = await run(destroyArgs(stacks, plansFile), { onlyErrors: options.json === true });
    if (code === 0) {
      if (existsSync(outputsFile)) forgetStacks(outputsFile, stacks);
      continue;
    }
    progress(
      stacks === MADE_AGAIN
        ? `the CDK ended with ${code}: look at CloudFormation for what is left of ${stacks.join(" and ")}, and run it again`
        : `the CDK ended with ${code}: ${STACKS.state} is still there. Turn its protection off with the command above, and run it again`,
    );
    return 1;
  }
  if (options.json) printJson(view);
  else print(`\nGone: ${view.destroyed.join(", ")}. What stays is listed above.\n`);
  return 0;
}

async function viewOf(options: Options): Promise<DestroyView> {
  const plansFile = plansFileOf(options);
  const outputsFile = outputsFileOf(options);
  const { settings } = await readPlans(plansFile);
  const outputs = findOutputs(outputsFile);
  const view = destroyView({
    withState: options.withState === true,
    settings,
    outputs,
    natZones: cdkChoices().natZones,
    now: nowMs(),
  });
  if (outputs === undefined) {
    return {
      ...view,
      warnings: [`${outputsFile} is not there: names of tables, queues and addresses are not known here`],
    };
  }
  const at = await connectDeployment({ outputsFile, plansFile });
  return { ...view, warnings: await openWorkOf(at).finally(() => at.close()) };
}
