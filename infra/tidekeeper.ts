/** The three stacks of a deployment, for the app and for the tests. */
import type { App } from "aws-cdk-lib";
import type { Deployment } from "../shared/config/deployment.ts";
import { STACKS } from "../shared/config/names.ts";
import { AutomationStack } from "./automation-stack.ts";
import type { FunctionName } from "./bundle.ts";
import { NetworkStack } from "./network-stack.ts";
import type { Choices } from "./settings.ts";
import { StateStack } from "./state-stack.ts";

export function tidekeeper(
  app: App,
  deployment: Deployment,
  choices: Choices,
  bundle: (name: FunctionName) => string,
) {
  const tags = { app: "tidekeeper" };
  const state = new StateStack(app, STACKS.state, {
    description: "Tidekeeper: what must survive. Addresses, ledger, keys, queues",
    terminationProtection: true,
    deployment,
    choices,
    tags,
  });
  const network = new NetworkStack(app, STACKS.network, {
    description: `Tidekeeper: the way to Kraken, egress ${deployment.egress}`,
    deployment,
    choices,
    state,
    tags,
  });
  const automation = new AutomationStack(app, STACKS.automation, {
    description: "Tidekeeper: schedules, functions, alarms",
    deployment,
    choices,
    state,
    network,
    bundle,
    tags,
  });
  return { state, network, automation };
}
