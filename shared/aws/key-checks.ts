/** The last verdict on each key. */
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { KeyCheck } from "../app/ports.ts";
import type { KeyUseKind } from "../domain/key-check.ts";
import { type Dynamo, n, refusedItem, send } from "./dynamo.ts";
import { keyCheckItem } from "./items.ts";

/** An older verdict than the one that is there is dropped: another worker's answer may be newer, and worse. */
export async function putKeyCheck(
  dynamo: Dynamo,
  account: string,
  use: KeyUseKind,
  check: KeyCheck,
): Promise<void> {
  const command = new PutItemCommand({
    TableName: dynamo.table,
    Item: keyCheckItem(account, use, check),
    ConditionExpression: "attribute_not_exists(checkedAt) OR checkedAt <= :at",
    ExpressionAttributeValues: { ":at": n(check.checkedAt) },
  });
  try {
    await send(dynamo, (client) => client.send(command));
  } catch (error) {
    if (refusedItem(error) === undefined) throw error;
  }
}
