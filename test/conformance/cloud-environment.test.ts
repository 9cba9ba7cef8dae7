/** Code that knows nothing of this endpoint finds it by the variables every SDK reads. */
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { ListTopicsCommand, SNSClient } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createTable, failure, type House, openHouse, TABLE } from "../support/cloud-house.ts";

let house: House;
beforeEach(async () => {
  house = await openHouse({ reach: "socket", store: "memory" });
  vi.stubEnv("AWS_ENDPOINT_URL", house.endpoint);
  vi.stubEnv("AWS_REGION", "eu-central-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "example");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await house.close();
});

test("clients made without a word about it reach every service through AWS_ENDPOINT_URL", async () => {
  await createTable(house.dynamodb);
  expect((await new DynamoDBClient().send(new ListTablesCommand())).TableNames).toEqual([TABLE]);
  expect((await new SNSClient().send(new ListTopicsCommand())).Topics).toEqual([]);
  const secret = new SecretsManagerClient().send(new GetSecretValueCommand({ SecretId: "none" }));
  expect((await failure(secret)).name).toBe("ResourceNotFoundException");
  const sqs = new SQSClient(); // It calls the queue's own URL, not the endpoint
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "q" }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "hello" }));
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages?.[0]?.Body).toBe("hello");
});
