/** Keeps the gate of each API key in the table: one item, changed only by compare-and-set on its version number. */
import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { Gate, GateStore } from "../app/ports.ts";
import { type Dynamo, n, refusedItem, send } from "./dynamo.ts";
import { gateItem, gateKey, gateOf } from "./items.ts";

export function gateStore(dynamo: Dynamo): GateStore {
  return {
    async read(keyHash) {
      const { Item } = await send(dynamo, (client) =>
        client.send(
          new GetItemCommand({ TableName: dynamo.table, Key: gateKey(keyHash), ConsistentRead: true }),
        ),
      );
      return gateOf(Item);
    },

    async write(keyHash, before, after) {
      try {
        await send(dynamo, (client) =>
          client.send(
            new PutItemCommand({
              TableName: dynamo.table,
              Item: gateItem(keyHash, after),
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
        return { written: true };
      } catch (error) {
        const refused = refusedItem(error);
        if (refused === undefined) throw error;
        const current = gateOf(refused.item);
        // The answer to our own write got lost and the repetition met it: then all is what we wrote.
        return isSame(current, after) ? { written: true } : { written: false, current };
      }
    },
  };
}

const isSame = (a: Gate | undefined, b: Gate): boolean =>
  a !== undefined && (Object.keys(b) as (keyof Gate)[]).every((name) => a[name] === b[name]);
