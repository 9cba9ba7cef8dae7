/** `tide deploy`: says what it will do, does it with the project's own CDK, and says what comes next. */
import { cdkChoices, deployArgs, egressOffArgs, type RunCdk, runCdk } from "../deployment/cdk.ts";
import { connectDeployment, explainAws } from "../deployment/connect.ts";
import { deployedText, deployText } from "../deployment/deploy-text.ts";
import { askDeployed, type DeployView, deployView, nowMs } from "../deployment/deploy-view.ts";
import { findOutputs, type Outputs } from "../deployment/outputs.ts";
import { deployedPlace, keyVersion } from "../deployment/place.ts";
import { DeskRefusal } from "../desk/errors.ts";
import { OwnersDesk } from "../desk/owners-desk.ts";
import type { KeyView } from "../desk/views.ts";
import { readPlans } from "../machine/read-plans.ts";
import { typedBack } from "./ask.ts";
import { outputsFileOf, plansFileOf, progress } from "./door.ts";
import { keyExitCode, keyText } from "./keys-check.ts";
import { print, printJson } from "./text.ts";
import type { Given, Options } from "./verb.ts";

export default async function deploy({ options }: Given, run: RunCdk = runCdk): Promise<number> {
  const view = await viewOf(options);
  if (options.explain) {
    if (options.json) printJson(view);
    else print(deployText(view));
    return 0;
  }
  (options.json ? progress : print)(deployText(view));
  if (!options.yes) {
    const typed = await typedBack("Type deploy to do this: ");
    if (typed.trim() !== "deploy")
      throw new DeskRefusal(`${JSON.stringify(typed)} was typed, expected deploy; nothing was deployed`);
  }
  const how = { onlyErrors: options.json === true };
  const isOff = view.egressFrom === null ? 0 : await run(egressOffArgs(view.plansFile), how);
  const code = isOff === 0 ? await run(deployArgs(view.plansFile, outputsFileOf(options)), how) : isOff;
  if (code !== 0) {
    progress(
      `the CDK ended with ${code}: what it had made stays, nothing was bought, and npm run deploy goes on from there`,
    );
    return 1;
  }
  return tellNext(view, options);
}

async function viewOf(options: Options): Promise<DeployView> {
  const plansFile = plansFileOf(options);
  const outputsFile = outputsFileOf(options);
  const now = nowMs();
  const { settings, warnings } = await readPlans(plansFile, now);
  const { outputs, notKnown } = outputsIn(outputsFile);
  const choices = cdkChoices();
  if (outputs !== undefined && outputs.addresses.length > choices.natZones) {
    throw new DeskRefusal(
      `cdk.json says ${choices.natZones} zone with an address of its own, and ${outputs.addresses.join(", ")} are known to Kraken: an address is never given up; leave "tidekeeper:natZones" at ${outputs.addresses.length}`,
    );
  }
  const view = deployView({
    plansFile,
    settings,
    warnings,
    outputs,
    notKnown,
    env: process.env,
    choices,
    now,
  });
  if (outputs === undefined) return view;
  const at = await connectDeployment({ outputsFile, plansFile });
  const asked = await askDeployed(at).finally(() => at.close());
  return { ...view, ...asked, warnings: [...view.warnings, ...asked.warnings] };
}

/** The deploy writes the file anew: one that is broken keeps nothing from being deployed. */
function outputsIn(file: string): { outputs: Outputs | undefined; notKnown: string | undefined } {
  try {
    const outputs = findOutputs(file);
    const notKnown =
      outputs === undefined
        ? `nothing: no ${file} here. If Tidekeeper is deployed already, bring that file or name it with --outputs FILE: without it what is there is not looked at`
        : undefined;
    return { outputs, notKnown };
  } catch (error) {
    return { outputs: undefined, notKnown: `nothing: ${(error as Error).message}` };
  }
}

async function tellNext(view: DeployView, options: Options): Promise<number> {
  const at = await connectDeployment({ outputsFile: outputsFileOf(options), plansFile: view.plansFile });
  try {
    const { outputs, plans } = at;
    const withoutKey: string[] = [];
    for (const account of plans.accounts)
      if ((await keyVersion(at, account, "trade")) === undefined) withoutKey.push(account);
    const deployed = {
      name: outputs.deployment,
      region: outputs.region,
      dashboard: outputs.dashboard,
      keyName: outputs.keyName,
      addresses: plans.egress === "none" ? [] : outputs.addresses,
      emails: plans.emails,
      withoutKey,
      plan: plans.schedules[0]?.plan,
      isLive: plans.mode === "live",
    };
    if (!options.json) print(deployedText(deployed));
    const keys: KeyView[] = [];
    const desk = new OwnersDesk(deployedPlace(at, progress));
    for (const account of plans.accounts)
      if (!withoutKey.includes(account)) keys.push(await desk.checkKey(account, "trade"));
    if (options.json) printJson({ ...deployed, dashboard: outputs.dashboard ?? null, keys });
    else print(keys.map((key) => keyText(key, view.label)).join(""));
    return keyExitCode(keys);
  } catch (error) {
    progress("the stacks are deployed; what follows is about what came after");
    throw explainAws(error, at.outputs);
  } finally {
    at.close();
  }
}
