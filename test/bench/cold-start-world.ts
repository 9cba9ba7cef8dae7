/** The embedded AWS and Kraken in a process of their own, for processes that start cold; made as new before each of them. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateScheduleGroupCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { awsConfig } from "../../functions/wire.ts";
import { VirtualClock } from "../../local/clock.ts";
import { openCloud } from "../../local/cloud/cloud.ts";
import { clearTable, provision, storeDefaultKeys } from "../../local/machine/provision.ts";
import { openSandbox } from "../../local/sandbox/sandbox.ts";
import { DEFAULT_NAMES, ENVIRONMENT } from "../../shared/config/names.ts";

export type World = {
  readonly env: Readonly<Record<string, string>>;
  /** Names of DynamoDB operations, and `Kraken`, with how often each was called since this was last asked. */
  readonly counts: Readonly<Record<string, number>>;
};

const clock = new VirtualClock({ startAt: Date.now(), rate: 1 });
const cloud = await openCloud({ clock });
const sandbox = await openSandbox({ clock, seed: 1 });
const endpoint = await cloud.listen(0);
const { rest, control } = await sandbox.listen(0);
const config = awsConfig({
  env: { AWS_ENDPOINT_URL: endpoint },
  requestHandler: cloud.requestHandler as never,
});
const dynamo = new DynamoDBClient(config);
const made = await provision({ dynamo, sqs: new SQSClient(config), sns: new SNSClient(config) });
await storeDefaultKeys(new SecretsManagerClient(config), [{ name: "main" }], sandbox.keys);
await new SchedulerClient(config).send(new CreateScheduleGroupCommand({ Name: DEFAULT_NAMES.scheduleGroup }));

const env = {
  AWS_ENDPOINT_URL: endpoint,
  [ENVIRONMENT.krakenUrl]: rest,
  [ENVIRONMENT.table]: DEFAULT_NAMES.table,
  [ENVIRONMENT.topic]: made.topicArn,
  [ENVIRONMENT.dcaQueue]: made.queueUrl,
  [ENVIRONMENT.dcaDeadLetters]: made.deadUrl,
  [ENVIRONMENT.scheduleGroup]: DEFAULT_NAMES.scheduleGroup,
  [ENVIRONMENT.scheduleTarget]: "arn:aws:sqs:us-east-1:123456789012:dca.fifo",
  [ENVIRONMENT.scheduleRole]: "arn:aws:iam::123456789012:role/fires",
  [ENVIRONMENT.scheduleDeadLetters]: "arn:aws:sqs:us-east-1:123456789012:lost",
};

/** A request begins and ends: two changes. */
const krakenCalls = () => sandbox.activity.changes / 2;
let krakenBefore = krakenCalls();

process.on("message", async (message) => {
  const counts = { ...cloud.takeCounts(), Kraken: krakenCalls() - krakenBefore };
  if (message === "again") {
    await clearTable(dynamo);
    // Kraken's rate counter and nonces begin anew, too.
    await fetch(`${control}/reset`, { method: "POST" });
    cloud.takeCounts();
  }
  krakenBefore = krakenCalls();
  process.send?.({ env, counts } satisfies World);
});
process.on("disconnect", () => process.exit(0));
process.send?.({ env, counts: {} } satisfies World);
