/**
 * Writes into a new ledger what Kraken already has. A ledger on a live key that has not been compared with Kraken holds its
 * plans: `wanted`, then `counted` when all runs are in and the owner's message with them, then `done`.
 *
 * Every write may be repeated, also after a crash between any two of them: a run is imported and counted in one transaction.
 */
import {
  GetItemCommand,
  PutItemCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Message } from "../app/ports.ts";
import { type Intent, isTerminal, type Run } from "../domain/run.ts";
import { b, type Dynamo, type Item, n, refusals, refusedItem, s, send, ss } from "./dynamo.ts";
import {
  accountKey,
  checked,
  headKey,
  intentItem,
  messageItem,
  netName,
  planKey,
  runItem,
  schemaUpdate,
  schemaValue,
} from "./items.ts";

export type ImportState =
  | { readonly is: "wanted" | "done" }
  /** `found`: Kraken had orders, so the plans stay paused until their owner has looked. */
  | { readonly is: "counted"; readonly found: boolean };

export type ImportedRun = {
  readonly run: Run;
  readonly intent: Intent;
  /** Units of 10^-10 that stay used of each of the intent's windows. */
  readonly usedUnits: bigint;
  /** Units of 10^-10 by which the fills changed each asset. */
  readonly net: readonly { readonly asset: string; readonly units: bigint }[];
  /** Set to stop the plan until a person has looked. */
  readonly block?: string;
};

export type RunImport = ReturnType<typeof runImport>;

export function runImport(dynamo: Dynamo) {
  const TableName = dynamo.table;
  const markKey = (account: string): Item => ({ pk: s(accountKey(account)), sk: s("IMPORT") });
  const mark = (account: string, is: ImportState["is"], more: Item = {}): Item => ({
    ...markKey(account),
    ...more,
    state: s(is),
    schemaVersion: schemaValue[":schema"],
  });

  /** False when a condition failed. A repetition after a lost answer carries the same token. */
  const transact = async (TransactItems: TransactWriteItem[]): Promise<boolean> => {
    const ClientRequestToken = dynamo.chance.id();
    try {
      await send(dynamo, (client) =>
        client.send(new TransactWriteItemsCommand({ ClientRequestToken, TransactItems })),
      );
      return true;
    } catch (error) {
      if (refusals(error) === undefined) throw error;
      return false;
    }
  };

  return {
    /** A ledger without the mark has not been compared with Kraken. */
    async state(account: string): Promise<ImportState> {
      const { Item } = await send(dynamo, (client) =>
        client.send(new GetItemCommand({ TableName, Key: markKey(account), ConsistentRead: true })),
      );
      const is = checked(Item)?.state?.S as ImportState["is"] | undefined;
      if (is === "counted") return { is, found: Item!.found?.BOOL === true };
      return { is: is ?? "wanted" };
    },

    /** From now on the plan starts no run. What it is held for besides stays. */
    async hold(account: string, plan: string, why: string): Promise<void> {
      await when(dynamo, {
        TableName,
        Key: planKey(account, plan),
        UpdateExpression: `SET ${schemaUpdate} ADD blocked :why`,
        ExpressionAttributeValues: { ":why": ss(why), ...schemaValue },
      });
    },

    /** False when the run's order is in the ledger already. */
    importRun({ run, intent, usedUnits, net, block }: ImportedRun): Promise<boolean> {
      const names: Record<string, string> = {};
      const values: Item = {
        ...schemaValue,
        ":true": b(true),
        ":zero": n(0),
        ":used": n(usedUnits),
        ":txid": s(intent.txids[0]!),
        ":client": s(intent.clientOrderId),
        ":at": n(run.openedAt),
      };
      const sets = [
        schemaUpdate,
        "bound = :true",
        "lastTxid = :txid",
        "lastClientOrderId = :client",
        "lastAt = :at",
      ];
      for (const [index, window] of intent.windows.entries()) {
        names[`#w${index}`] = window;
        sets.push(`#w${index} = if_not_exists(#w${index}, :zero) + :used`);
      }
      for (const [index, { asset, units }] of net.entries()) {
        names[`#n${index}`] = netName(asset);
        values[`:n${index}`] = n(units);
        sets.push(`#n${index} = if_not_exists(#n${index}, :zero) + :n${index}`);
      }
      if (!isTerminal(intent.state)) values[":run"] = ss(run.id);
      if (intent.windows.length === 0) delete values[":used"];
      if (Object.keys(names).length === 0) delete values[":zero"];
      return transact([
        {
          Put: {
            TableName,
            Item: runItem(run, true),
            // A run that ended without an order gives way: Kraken has one.
            ConditionExpression: "attribute_not_exists(hasIntent)",
          },
        },
        {
          Put: {
            TableName,
            Item: intentItem(run.account, intent),
            ConditionExpression: "attribute_not_exists(pk)",
          },
        },
        {
          Update: {
            TableName,
            Key: headKey(run.account),
            UpdateExpression: `SET ${sets.join(", ")}${isTerminal(intent.state) ? "" : " ADD unsettled :run"}`,
            ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
            ExpressionAttributeValues: values,
          },
        },
        ...(block === undefined
          ? []
          : [
              {
                Update: {
                  TableName,
                  Key: planKey(run.account, run.plan),
                  UpdateExpression: `SET ${schemaUpdate} ADD blocked :why`,
                  ExpressionAttributeValues: { ":why": ss(block), ...schemaValue },
                },
              },
            ]),
      ]);
    },

    /** All runs are in; the message that tells it is in the same transaction. */
    counted(account: string, found: boolean, message: Message): Promise<boolean> {
      const isWanted = "attribute_not_exists(pk) OR #state = :wanted";
      return transact([
        {
          Put: {
            TableName,
            Item: mark(account, "counted", { found: b(found) }),
            ConditionExpression: isWanted,
            ExpressionAttributeNames: { "#state": "state" },
            ExpressionAttributeValues: { ":wanted": s("wanted") },
          },
        },
        { Put: { TableName, Item: messageItem(account, message) } },
      ]);
    },

    /** Takes the hold `why` away, once; a plan that is held for another reason stays so. */
    async release(account: string, plan: string, why: string, staysPaused: boolean): Promise<void> {
      await when(dynamo, {
        TableName,
        Key: planKey(account, plan),
        UpdateExpression: `${staysPaused ? "SET paused = :true " : ""}DELETE blocked :why`,
        ConditionExpression: "contains(blocked, :held)",
        ExpressionAttributeValues: {
          ":why": ss(why),
          ":held": s(why),
          ...(staysPaused ? { ":true": b(true) } : {}),
        },
      });
    },

    async done(account: string): Promise<void> {
      const Item = mark(account, "done");
      await send(dynamo, (client) => client.send(new PutItemCommand({ TableName, Item })));
    },
  };
}

/** Nothing is done where the condition does not hold. */
async function when(
  dynamo: Dynamo,
  input: ConstructorParameters<typeof UpdateItemCommand>[0],
): Promise<void> {
  try {
    await send(dynamo, (client) => client.send(new UpdateItemCommand(input)));
  } catch (error) {
    if (refusedItem(error) === undefined) throw error;
  }
}
