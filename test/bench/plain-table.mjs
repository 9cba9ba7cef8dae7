/** As many DynamoDB operations of each kind as `PLAIN_COUNTS` says, those of ours; queries side by side, as ours are. */
import { GetItemCommand, PutItemCommand, QueryCommand, UpdateItemCommand } from "@aws-sdk/client-dynamodb";

const TableName = process.env.TIDEKEEPER_TABLE;
const Key = { pk: { S: "A#plain" }, sk: { S: "HEAD" } };
const now = { N: String(Date.now()) };

const COMMANDS = {
  GetItem: () => new GetItemCommand({ TableName, Key, ConsistentRead: true }),
  PutItem: () => new PutItemCommand({ TableName, Item: { ...Key, seen: now } }),
  UpdateItem: () =>
    new UpdateItemCommand({
      TableName,
      Key,
      UpdateExpression: "SET seen = :now",
      ExpressionAttributeValues: { ":now": now },
    }),
  Query: () =>
    new QueryCommand({
      TableName,
      IndexName: "open",
      KeyConditionExpression: "openShard = :shard AND dueAt <= :now",
      ExpressionAttributeValues: { ":shard": { S: "plain" }, ":now": now },
    }),
};

export async function workOn(dynamo) {
  const { Query = 0, ...others } = JSON.parse(process.env.PLAIN_COUNTS);
  for (const [name, count] of Object.entries(others))
    for (let i = 0; i < count; i++) await dynamo.send(COMMANDS[name]());
  await Promise.all(Array.from({ length: Query }, () => dynamo.send(COMMANDS.Query())));
}
