/** An embedded AWS endpoint with unmodified SDK clients, reached over its socket or in the same process. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { VirtualClock } from "../../local/clock.ts";
import { type Cloud, openCloud } from "../../local/cloud/cloud.ts";

export type Way = { readonly reach: "socket" | "in-process"; readonly store: "memory" | "disk" };

export const ways: readonly Way[] = [
  { reach: "socket", store: "memory" },
  { reach: "in-process", store: "memory" },
  { reach: "socket", store: "disk" },
];
export const wayName = ({ reach, store }: Way): string => `${reach}, ${store}`;

export const START = Date.UTC(2026, 10, 23, 7);

export type House = {
  readonly clock: VirtualClock;
  readonly cloud: Cloud;
  readonly endpoint: string;
  readonly dir: string | undefined;
  readonly dynamodb: DynamoDBClient;
  readonly scheduler: SchedulerClient;
  readonly secrets: SecretsManagerClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  /** Clients that never try again, to hear of the first failure at once. */
  readonly once: { readonly dynamodb: DynamoDBClient; readonly sns: SNSClient; readonly sqs: SQSClient };
  arm(...faults: object[]): Promise<unknown>;
  /** Closes the endpoint and opens it again on the same state, with the clock where it was. */
  reopened(): Promise<House>;
  close(): Promise<void>;
};

export async function openHouse(way: Way, from?: { dir: string; clock: VirtualClock }): Promise<House> {
  const clock = from?.clock ?? new VirtualClock({ startAt: START, rate: 0 });
  const dir = from?.dir ?? (way.store === "disk" ? await mkdtemp(join(tmpdir(), "tide-cloud-")) : undefined);
  const cloud = await openCloud({ clock, ...(dir === undefined ? {} : { dir }) });
  const endpoint = await cloud.listen(0);
  const config = {
    region: "us-east-1",
    endpoint,
    credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "example" },
    ...(way.reach === "in-process" ? { requestHandler: cloud.requestHandler } : {}),
  };
  const clients = {
    dynamodb: new DynamoDBClient(config),
    scheduler: new SchedulerClient(config),
    secrets: new SecretsManagerClient(config),
    sns: new SNSClient(config),
    sqs: new SQSClient(config),
  };
  const single = { ...config, maxAttempts: 1 };
  const once = {
    dynamodb: new DynamoDBClient(single),
    sns: new SNSClient(single),
    sqs: new SQSClient(single),
  };
  const closeCloud = async () => {
    for (const client of [...Object.values(clients), ...Object.values(once)]) client.destroy();
    await cloud.close();
  };
  return {
    clock,
    cloud,
    endpoint,
    dir,
    ...clients,
    once,
    arm: async (...faults) => {
      const body = JSON.stringify(faults);
      return (await fetch(`${endpoint}/_control/faults`, { method: "POST", body })).json();
    },
    reopened: async () => {
      await closeCloud();
      return openHouse(way, { dir: dir as string, clock });
    },
    close: async () => {
      await closeCloud();
      if (dir !== undefined) await rm(dir, { recursive: true, force: true });
    },
  };
}

export const TABLE = "State";

/** Keys `pk` and `sk`, and the sparse index `open` over `openShard` and `dueAt`. */
export const createTable = (dynamodb: DynamoDBClient) =>
  dynamodb.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
        { AttributeName: "openShard", AttributeType: "S" },
        { AttributeName: "dueAt", AttributeType: "N" },
      ],
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: "open",
          KeySchema: [
            { AttributeName: "openShard", KeyType: "HASH" },
            { AttributeName: "dueAt", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "ALL" },
        },
      ],
    }),
  );

export const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

/** The error that `work` ends with; a work that succeeds is a failure of the test. */
export async function failure(work: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await work;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error("it succeeded");
}
