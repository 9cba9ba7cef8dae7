/** Makes in the embedded AWS what the stacks make on AWS: the table, the queues, the topic, the secrets. */
import { setTimeout as pause } from "node:timers/promises";
import {
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceNotFoundException,
  ScanCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { CreateTopicCommand, type SNSClient } from "@aws-sdk/client-sns";
import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { secretText } from "../../shared/aws/secrets.ts";
import {
  DEFAULT_NAMES,
  DELIVERIES_MAX,
  secretName,
  TABLE,
  VISIBILITY_SECONDS,
} from "../../shared/config/names.ts";
import type { KeyUseKind } from "../../shared/domain/key-check.ts";
import { sandboxKeyName } from "../sandbox/accounts.ts";

export type Provisioned = { readonly queueUrl: string; readonly deadUrl: string; readonly topicArn: string };

/** Doing it again changes nothing. */
export async function provision(clients: {
  readonly dynamo: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly sns: SNSClient;
}): Promise<Provisioned> {
  await createTable(clients.dynamo);
  const { sqs } = clients;
  const deadUrl = await createQueue(sqs, DEFAULT_NAMES.dcaDeadLetters, {});
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadUrl, AttributeNames: ["QueueArn"] }),
  );
  const queueUrl = await createQueue(sqs, DEFAULT_NAMES.dcaQueue, {
    ContentBasedDeduplication: "true",
    VisibilityTimeout: String(VISIBILITY_SECONDS),
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: Attributes!.QueueArn,
      maxReceiveCount: DELIVERIES_MAX,
    }),
  });
  const { TopicArn } = await clients.sns.send(new CreateTopicCommand({ Name: DEFAULT_NAMES.topic }));
  return { queueUrl, deadUrl, topicArn: TopicArn! };
}

async function createTable(dynamo: DynamoDBClient): Promise<void> {
  const TableName = DEFAULT_NAMES.table;
  try {
    await dynamo.send(new DescribeTableCommand({ TableName }));
    return;
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  await dynamo.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [
        { AttributeName: TABLE.partitionKey, AttributeType: "S" },
        { AttributeName: TABLE.sortKey, AttributeType: "S" },
        { AttributeName: TABLE.indexPartitionKey, AttributeType: "S" },
        { AttributeName: TABLE.indexSortKey, AttributeType: "N" },
      ],
      KeySchema: [
        { AttributeName: TABLE.partitionKey, KeyType: "HASH" },
        { AttributeName: TABLE.sortKey, KeyType: "RANGE" },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: TABLE.index,
          KeySchema: [
            { AttributeName: TABLE.indexPartitionKey, KeyType: "HASH" },
            { AttributeName: TABLE.indexSortKey, KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
      ],
    }),
  );
  // As on AWS, a new table can be used only once it is active.
  for (let tries = 0; tries < 400; tries++) {
    const { Table } = await dynamo.send(new DescribeTableCommand({ TableName }));
    if (Table?.TableStatus === "ACTIVE") break;
    await pause(5);
  }
  await dynamo.send(
    new UpdateTimeToLiveCommand({
      TableName,
      TimeToLiveSpecification: { AttributeName: TABLE.timeToLive, Enabled: true },
    }),
  );
}

async function createQueue(
  sqs: SQSClient,
  name: string,
  attributes: Record<string, string>,
): Promise<string> {
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({ QueueName: name, Attributes: { FifoQueue: "true", ...attributes } }),
  );
  return QueueUrl!;
}

/** Stores an API key. With `onlyIfMissing` a key that is there stays. */
export async function storeKey(
  secrets: SecretsManagerClient,
  account: string,
  use: KeyUseKind,
  key: { readonly apiKey: string; readonly privateKey: string },
  onlyIfMissing = false,
): Promise<void> {
  const Name = secretName(account, use);
  const SecretString = secretText(key.apiKey, key.privateKey);
  try {
    await secrets.send(new CreateSecretCommand({ Name, SecretString }));
  } catch (error) {
    if (!(error instanceof ResourceExistsException)) throw error;
    if (!onlyIfMissing) await secrets.send(new PutSecretValueCommand({ SecretId: Name, SecretString }));
  }
}

/** Play money needs no key of the owner: the sandbox's own are put where the owner's would be. */
export async function storeDefaultKeys(
  secrets: SecretsManagerClient,
  accounts: readonly { readonly name: string }[],
  keys: readonly { readonly name: string; readonly key: string; readonly secret: string }[],
): Promise<void> {
  for (const account of accounts) {
    for (const use of ["trade", "read"] as const) {
      const key = keys.find(({ name }) => name === sandboxKeyName(use, account, accounts));
      if (key === undefined) continue;
      await storeKey(secrets, account.name, use, { apiKey: key.key, privateKey: key.secret }, true);
    }
  }
}

/** The ledger of a world that begins anew. Only play money is ever forgotten. */
export async function clearTable(dynamo: DynamoDBClient): Promise<void> {
  const TableName = DEFAULT_NAMES.table;
  const { Items } = await dynamo.send(new ScanCommand({ TableName, ConsistentRead: true }));
  for (const { pk, sk } of Items ?? []) {
    await dynamo.send(new DeleteItemCommand({ TableName, Key: { pk: pk!, sk: sk! } }));
  }
}
