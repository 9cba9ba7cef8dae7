/** The AWS SDK's clients on the embedded AWS, in this process or over loopback. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateScheduleGroupCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { awsConfig } from "../../functions/wire.ts";
import { VirtualClock } from "../../local/clock.ts";
import { openCloud } from "../../local/cloud/cloud.ts";
import { provision } from "../../local/machine/provision.ts";
import { openSandbox } from "../../local/sandbox/sandbox.ts";
import { DEFAULT_NAMES, ENVIRONMENT } from "../../shared/config/names.ts";

/** For clients in this process: nothing listens at the endpoint, the handler answers. */
export const embeddedConfig = (
  { requestHandler }: { readonly requestHandler: unknown },
  endpoint = "http://embedded",
) => awsConfig({ env: { AWS_ENDPOINT_URL: endpoint }, requestHandler: requestHandler as never });

/** AWS and Kraken in real time on ports of their own, with all that the State stack makes; for processes that start cold. */
export async function openEndpoints() {
  const clock = new VirtualClock({ startAt: Date.now(), rate: 1 });
  const cloud = await openCloud({ clock });
  const sandbox = await openSandbox({ clock, seed: 1 });
  const endpoint = await cloud.listen(0);
  const { rest, control } = await sandbox.listen(0);
  const config = embeddedConfig(cloud, endpoint);
  const dynamo = new DynamoDBClient(config);
  const sqs = new SQSClient(config);
  const scheduler = new SchedulerClient(config);
  const made = await provision({ dynamo, sqs, sns: new SNSClient(config) });
  await scheduler.send(new CreateScheduleGroupCommand({ Name: DEFAULT_NAMES.scheduleGroup }));
  /** In place of what CloudFormation puts where the template has references. */
  const values = {
    [ENVIRONMENT.table]: DEFAULT_NAMES.table,
    [ENVIRONMENT.topic]: made.topicArn,
    [ENVIRONMENT.dcaQueue]: made.queueUrl,
    [ENVIRONMENT.dcaDeadLetters]: made.deadUrl,
    [ENVIRONMENT.scheduleGroup]: DEFAULT_NAMES.scheduleGroup,
    [ENVIRONMENT.scheduleTarget]: "arn:aws:sqs:us-east-1:123456789012:dca.fifo",
    [ENVIRONMENT.scheduleRole]: "arn:aws:iam::123456789012:role/fires",
    [ENVIRONMENT.scheduleDeadLetters]: "arn:aws:sqs:us-east-1:123456789012:lost",
  };
  return {
    cloud,
    sandbox,
    control,
    made,
    dynamo,
    sqs,
    scheduler,
    secrets: new SecretsManagerClient(config),
    values,
    /** Where a process finds the two. */
    places: { AWS_ENDPOINT_URL: endpoint, [ENVIRONMENT.krakenUrl]: rest },
    async close() {
      await sandbox.close();
      await cloud.close();
      clock.stop();
    },
  };
}
