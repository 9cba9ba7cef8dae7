/** Keeps in the table how far the schedules agree with the settings: one item, compare-and-set on its version number. */
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { SyncStore } from "../app/sync-plans.ts";
import { type Dynamo, n, refusedItem, send } from "./dynamo.ts";
import { syncItem, syncKey, syncOf } from "./items.ts";

export function syncStore(dynamo: Dynamo): SyncStore {
  return {
    async read() {
      const { Item } = await send(dynamo, (client) =>
        client.send(new GetItemCommand({ TableName: dynamo.table, Key: syncKey(), ConsistentRead: true })),
      );
      return syncOf(Item);
    },

    async write(before, after) {
      try {
        await send(dynamo, (client) =>
          client.send(
            new PutItemCommand({
              TableName: dynamo.table,
              Item: syncItem(after),
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
              ...(before === undefined
                ? { ConditionExpression: "attribute_not_exists(pk)" }
                : {
                    ConditionExpression: "rvn = :rvn",
                    ExpressionAttributeValues: { ":rvn": n(before.rvn) },
                  }),
            }),
          ),
        );
        return true;
      } catch (error) {
        const refused = refusedItem(error);
        if (refused === undefined) throw error;
        // The answer to our own write got lost and the repetition met it.
        const current = syncOf(refused.item);
        return current?.rvn === after.rvn && current.by === after.by;
      }
    },
  };
}
