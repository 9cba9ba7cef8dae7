/** The owner's own way to a deployment: its table, its queue, its secrets. Never to Kraken: this address is on no allow-list. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { awsConfig, connectSweep, systemChance, systemClock } from "../../functions/wire.ts";
import type { SweepDeps } from "../../shared/app/ports.ts";
import { type Deployment, deploymentOf } from "../../shared/config/deployment.ts";
import type { Warning } from "../../shared/config/mistake.ts";
import { ENVIRONMENT } from "../../shared/config/names.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import { readPlans } from "../machine/read-plans.ts";
import { DeploymentError, type Outputs, readOutputs } from "./outputs.ts";

export type Connected = {
  readonly outputs: Outputs;
  readonly plansFile: string;
  /** Of the plans file that was read here. */
  readonly plans: Deployment;
  readonly warnings: readonly Warning[];
  readonly deps: SweepDeps;
  readonly dynamo: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly secrets: SecretsManagerClient;
  readonly sns: SNSClient;
  close(): void;
};

export type Where = { readonly outputsFile: string; readonly plansFile: string };

/** Throws MachineError for mistakes in the plans, DeploymentError when there is no deployment. Nothing is asked yet. */
export async function connectDeployment({ outputsFile, plansFile }: Where): Promise<Connected> {
  const outputs = readOutputs(outputsFile);
  const { settings, warnings } = await readPlans(plansFile);
  return { ...(await connectWith(outputs, settings)), plansFile, warnings };
}

async function connectWith(outputs: Outputs, settings: Settings) {
  const { AWS_ENDPOINT_URL } = process.env;
  // Of the environment only the endpoint: a variable of the one-machine mode must not lead elsewhere.
  const env = {
    ...(AWS_ENDPOINT_URL === undefined ? {} : { AWS_ENDPOINT_URL }),
    AWS_REGION: outputs.region,
    [ENVIRONMENT.table]: outputs.table,
    [ENVIRONMENT.topic]: outputs.topic,
    [ENVIRONMENT.dcaQueue]: outputs.dcaQueue,
  };
  const deps = await connectSweep({
    env,
    clock: systemClock,
    chance: systemChance,
    report: () => {},
    measure: () => {},
    settings,
  });
  const aws = awsConfig({ env });
  const clients = {
    dynamo: new DynamoDBClient(aws),
    sqs: new SQSClient(aws),
    secrets: new SecretsManagerClient(aws),
    sns: new SNSClient(aws),
  };
  return {
    outputs,
    plans: deploymentOf(settings),
    deps,
    ...clients,
    close() {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}

/** Whether the functions carry the very plans that were read here. */
export function plansState({ outputs, plans }: Pick<Connected, "outputs" | "plans">) {
  if (outputs.settingsHash === undefined) return "not known" as const;
  return outputs.settingsHash === plans.settingsHash ? ("deployed" as const) : ("other" as const);
}

const SIGN_IN = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
  "TokenProviderError",
  "UnrecognizedClientException",
]);
const NOT_THERE = new Set([
  "ResourceNotFoundException",
  "QueueDoesNotExist",
  "AWS.SimpleQueueService.NonExistentQueue",
]);

/** AWS's errors in the words of who must mend them; all others as they are. */
export function explainAws(error: unknown, outputs: Outputs): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message, code } = error as Error & { code?: string };
  if (name === "CredentialsProviderError") {
    return new DeploymentError(
      `no AWS credentials were found: set AWS_PROFILE, or sign in with aws sso login or aws configure (${message})`,
    );
  }
  if (SIGN_IN.has(name)) {
    return new DeploymentError(`AWS does not take your credentials: sign in again (${name}: ${message})`);
  }
  if (name === "AccessDeniedException" || name === "AccessDenied") {
    return new DeploymentError(`your AWS credentials may not do this: ${message}`);
  }
  if (NOT_THERE.has(name)) {
    return new DeploymentError(
      `AWS has no such thing in ${outputs.region} (${message}): the outputs are of another AWS account, or the stacks are gone; ` +
        "choose the account with AWS_PROFILE, or run npm run deploy",
    );
  }
  if (code !== undefined && /^E[A-Z]+$/.test(code)) {
    return new Error(`AWS cannot be reached (${code}${message === "" ? "" : `: ${message}`})`, {
      cause: error,
    });
  }
  return error;
}
