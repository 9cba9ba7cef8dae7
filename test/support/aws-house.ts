/**
 * A deployment in the embedded AWS, over HTTP and in real time: table, queues and secrets as the stacks make them, a worker in
 * place of Lambda, and an embedded Kraken that is treated as the real one. `tide --aws` runs in a folder of its own beside it.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { ConfirmSubscriptionCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { makeHandler as makeDca } from "../../functions/dca.ts";
import { makeHandler as makeSweep } from "../../functions/sweep.ts";
import { awsConfig, connect, systemChance, systemClock } from "../../functions/wire.ts";
import { openCloud } from "../../local/cloud/cloud.ts";
import { connectDeployment } from "../../local/deployment/connect.ts";
import { deployedPlace } from "../../local/deployment/place.ts";
import type { Patience } from "../../local/deployment/requests.ts";
import { OwnersDesk } from "../../local/desk/owners-desk.ts";
import { provision } from "../../local/machine/provision.ts";
import { Worker } from "../../local/machine/worker.ts";
import { DEFAULT_ACCOUNTS } from "../../local/sandbox/accounts.ts";
import { openSandbox } from "../../local/sandbox/sandbox.ts";
import type { Deps } from "../../shared/app/ports.ts";
import { registerPlans } from "../../shared/app/register-plans.ts";
import { deploymentOf } from "../../shared/config/deployment.ts";
import {
  DEFAULT_NAMES,
  ENVIRONMENT,
  KEY_USES,
  OUTPUTS,
  STACKS,
  secretName,
} from "../../shared/config/names.ts";
import type { Ran } from "./cli-house.ts";
import { settingsIn, unsaid } from "./house.ts";
import { sandboxTransport } from "./sandbox-transport.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The name of the sandbox's trade key is `tidekeeper-sandbox-trade`. */
const DEPLOYMENT = "sandbox";
/** Of the sandbox's keys' allow-list. */
export const ADDRESS = "127.0.0.1";

export const AWS_PLANS = `
mode: dry-run
timezone: Europe/Berlin
egress: nat-instance
limits: { perOrder: 500 EUR, perDay: 500 EUR, perMonth: 2000 EUR, maxSlippage: 0.5% }
notify: { email: [owner@example.org] }
plans:
  - id: btc-weekly
    buy: 100 EUR of BTC
    every: monday 08:00
`;

/** For tests that call the desk themselves. */
export const SHORT: Patience = { runMs: 8_000, answerMs: 8_000, lookEachMs: 50, tellEachMs: 200 };

export type AwsHouseOptions = {
  /** As deployed; the file beside it holds the same. */
  readonly plans?: string;
  /** Whether the owner has followed the link in AWS's mail. */
  readonly confirmed?: boolean;
  /** What the functions believe their own addresses are. */
  readonly addresses?: string;
  /** What the exchange counts calls against; the plans must say the same. A small one is waited for in real time. */
  readonly tier?: { readonly max: number; readonly decay: number };
};

export type AwsHouse = Awaited<ReturnType<typeof openAwsHouse>>;

export async function openAwsHouse({
  plans = AWS_PLANS,
  addresses = ADDRESS,
  confirmed = true,
  tier,
}: AwsHouseOptions = {}) {
  const dir = await mkdtemp(join(tmpdir(), "tidekeeper-aws-"));
  const cloud = await openCloud({ clock: systemClock });
  const endpoint = await cloud.listen(0);
  const accounts = DEFAULT_ACCOUNTS.map((account) => (tier === undefined ? account : { ...account, tier }));
  const sandbox = await openSandbox({ clock: systemClock, seed: 1, accounts });
  const settings = settingsIn(plans);
  const aws = awsConfig({ env: { AWS_ENDPOINT_URL: endpoint } });
  const clients = {
    dynamo: new DynamoDBClient(aws),
    sqs: new SQSClient(aws),
    sns: new SNSClient(aws),
    secrets: new SecretsManagerClient(aws),
  };
  const made = await provision(clients);
  /** As its owner does with the link in AWS's mail. */
  const confirm = (Token: string) =>
    clients.sns.send(new ConfirmSubscriptionCommand({ TopicArn: made.topicArn, Token }));
  for (const Endpoint of settings.notifyEmails) {
    await clients.sns.send(new SubscribeCommand({ TopicArn: made.topicArn, Protocol: "email", Endpoint }));
    if (confirmed) await confirm(Endpoint);
  }
  if (settings.accounts.length <= 50)
    for (const { name } of settings.accounts)
      for (const use of KEY_USES)
        await clients.secrets.send(new CreateSecretCommand({ Name: secretName(name, use) }));

  const deps: Deps = await connect({
    env: {
      AWS_ENDPOINT_URL: endpoint,
      [ENVIRONMENT.topic]: made.topicArn,
      [ENVIRONMENT.dcaQueue]: made.queueUrl,
      [ENVIRONMENT.dcaDeadLetters]: made.deadUrl,
      [ENVIRONMENT.deployment]: DEPLOYMENT,
      [ENVIRONMENT.addresses]: addresses,
    },
    clock: systemClock,
    chance: systemChance,
    report: () => {},
    measure: () => {},
    settings,
    transport: sandboxTransport(sandbox),
  });
  await registerPlans(deps);

  const failures: unknown[] = [];
  const worker = new Worker({
    sqs: clients.sqs,
    queueUrl: made.queueUrl,
    handler: makeDca(async () => deps, unsaid) as never,
    onFailure: (error) => failures.push(error),
  });
  let works = true;
  let isClosed = false;
  const poll = async () => {
    while (!isClosed) {
      if (works) await worker.pump();
      await pause(30);
    }
  };
  const polling = poll();

  const outputs = {
    [STACKS.state]: {
      [OUTPUTS.table]: DEFAULT_NAMES.table,
      [OUTPUTS.dcaQueue]: made.queueUrl,
      [OUTPUTS.dcaDeadLetters]: made.deadUrl,
      [OUTPUTS.topic]: made.topicArn,
      [OUTPUTS.region]: "eu-central-1",
      [OUTPUTS.deployment]: DEPLOYMENT,
      [OUTPUTS.keyName]: `tidekeeper-${DEPLOYMENT}-trade`,
      [OUTPUTS.addresses]: addresses,
    } as Record<string, string>,
    [STACKS.automation]: {
      [OUTPUTS.dashboard]: "https://console.aws.example/dashboard",
      [OUTPUTS.settingsHash]: deploymentOf(settings).settingsHash,
    } as Record<string, string>,
  };
  const outputsFile = join(dir, "cdk.outputs.json");
  const plansFile = join(dir, "tide.yaml");
  await writeFile(outputsFile, JSON.stringify(outputs));
  await writeFile(plansFile, plans);

  const tide = (words: readonly string[], input = ""): Promise<Ran> =>
    new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [join(ROOT, "local/cli/tide.ts"), ...words],
        { cwd: dir, timeout: 30_000, env: { ...process.env, AWS_ENDPOINT_URL: endpoint, NO_COLOR: "1" } },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
          resolve({ code, stdout, stderr });
        },
      );
      child.stdin?.on("error", () => {});
      child.stdin?.end(input);
    });

  return {
    dir,
    endpoint,
    outputs,
    outputsFile,
    plansFile,
    deps,
    sandbox,
    secrets: clients.secrets,
    failures,
    tide,
    /** As Lambda's mapping switched off, and on again. */
    letWork(does: boolean) {
      works = does;
    },
    sweep: () => makeSweep(async () => deps, unsaid)({}, {} as never),
    key(name: "trade" | "read" | "withdraw") {
      const { key, secret } = sandbox.keys.find((known) => known.name === `tidekeeper-sandbox-${name}`)!;
      return { apiKey: key, privateKey: secret };
    },
    async control(path: string, body: unknown) {
      const reply = await sandbox.handle({
        method: "POST",
        path: `/_control${path}`,
        headers: { "content-type": "application/json" },
        body: Buffer.from(JSON.stringify(body)),
        remoteAddress: "127.0.0.1",
      });
      if (reply.is !== "reply" || reply.status !== 200) throw new Error(`control ${path} failed`);
    },
    /** The owner's desk in this process, less patient than the command line. */
    async desk(patience: Patience = SHORT) {
      process.env.AWS_ENDPOINT_URL = endpoint;
      const at = await connectDeployment({ outputsFile, plansFile });
      const told: string[] = [];
      return { at, told, desk: new OwnersDesk(deployedPlace(at, (text) => told.push(text), patience)) };
    },
    async close() {
      isClosed = true;
      await polling;
      for (const client of Object.values(clients)) client.destroy();
      await sandbox.close();
      await cloud.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
