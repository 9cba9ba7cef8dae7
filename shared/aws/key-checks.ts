/** The last verdict on each key, and whose each Kraken account is. */
import { PutItemCommand, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import type { KeyCheck } from "../app/ports.ts";
import type { KeyUseKind } from "../domain/key-check.ts";
import { type Dynamo, type Item, n, refusals, refusedItem, s, send } from "./dynamo.ts";
import { checked, holderItem, keyCheckItem } from "./items.ts";

/**
 * An older verdict than the one that is there is dropped: another worker's answer may be newer, and worse. Answers the account
 * that has the Kraken account; then nothing is written.
 */
export async function putKeyCheck(
  dynamo: Dynamo,
  account: string,
  use: KeyUseKind,
  check: KeyCheck,
  former: string | undefined,
): Promise<string | undefined> {
  const { table: TableName } = dynamo;
  const verdict = {
    TableName,
    Item: keyCheckItem(account, use, check),
    ConditionExpression: "attribute_not_exists(checkedAt) OR checkedAt <= :at",
    ExpressionAttributeValues: { ":at": n(check.checkedAt) },
  };
  const holder = {
    TableName,
    Item: holderItem(check.krakenAccount ?? "", account),
    ConditionExpression: "attribute_not_exists(pk) OR account IN (:account, :former)",
    ExpressionAttributeValues: { ":account": s(account), ":former": s(former ?? account) },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  } as const;
  const command = new TransactWriteItemsCommand({
    ClientRequestToken: dynamo.chance.id(),
    TransactItems: [{ Put: verdict }, ...(check.krakenAccount === undefined ? [] : [{ Put: holder }])],
  });
  try {
    await send(dynamo, (client) => client.send(command));
    return undefined;
  } catch (error) {
    const refused = refusals(error);
    if (refused === undefined) throw error;
    const [, held] = refused;
    if (held?.failed === true) return accountOf(held.item);
    // Test: a newer verdict that is there already does not leave the Kraken account to whoever comes
    if (check.krakenAccount === undefined) return undefined;
  }
  try {
    await send(dynamo, (client) => client.send(new PutItemCommand(holder)));
    return undefined;
  } catch (error) {
    const refused = refusedItem(error);
    if (refused === undefined) throw error;
    return accountOf(refused.item);
  }
}

const accountOf = (item: Item | undefined): string => checked(item)!.account!.S!;
