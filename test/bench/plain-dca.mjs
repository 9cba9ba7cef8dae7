/**
 * The yardstick of the cold start: the worker's job as it is usually written, with the SDK's clients as they come and ccxt.
 * Asked to check a key it reads the same secret, makes the same DynamoDB operations and asks Kraken the same two things.
 */
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import ccxt from "ccxt";

const TableName = process.env.TIDEKEEPER_TABLE;
const dynamo = new DynamoDBClient({});
const secrets = new SecretsManagerClient({});
export const others = [new SQSClient({}), new SNSClient({})];

const get = (pk, sk) =>
  dynamo.send(new GetItemCommand({ TableName, Key: { pk: { S: pk }, sk: { S: sk } }, ConsistentRead: true }));
const put = (pk, sk, item, condition = {}) =>
  dynamo.send(
    new PutItemCommand({ TableName, Item: { pk: { S: pk }, sk: { S: sk }, ...item }, ...condition }),
  );

export async function handler({ Records: [record] }) {
  const { account, use } = JSON.parse(record.body);
  const SecretId = `tidekeeper/${account}/${use}`;
  const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId }));
  const { apiKey, privateKey } = JSON.parse(SecretString);
  const kraken = new ccxt.kraken({ apiKey, secret: privateKey, enableRateLimit: false });
  for (const api of ["public", "private"]) kraken.urls.api[api] = process.env.TIDEKEEPER_KRAKEN_URL;

  await Promise.all([get(`A#${account}`, `KEYCHECK#${use}`), get(`A#${account}`, "HEAD")]);
  await get("K#plain", "GATE");
  const rvn = { N: "1" };
  await put("K#plain", "GATE", { rvn }, { ConditionExpression: "attribute_not_exists(pk)" });
  await kraken.publicGetTime();
  const { result } = await kraken.request("GetApiKeyInfo", "private", "POST");
  const condition = { ConditionExpression: "rvn = :rvn", ExpressionAttributeValues: { ":rvn": rvn } };
  await put("K#plain", "GATE", { rvn: { N: "2" } }, condition);
  const verdict = {
    pk: { S: `A#${account}` },
    sk: { S: `KEYCHECK#${use}` },
    doc: { S: JSON.stringify(result) },
  };
  const holder = { pk: { S: "K#plain" }, sk: { S: "HOLDER" }, account: { S: account } };
  const TransactItems = [verdict, holder].map((Item) => ({ Put: { TableName, Item } }));
  await dynamo.send(new TransactWriteItemsCommand({ TransactItems }));
  return { batchItemFailures: [] };
}
