/** The ledger as the sweep and the owner's tools read it, off the money path. */
import {
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { LedgerBooks } from "../app/ports.ts";
import { toDoc } from "../domain/doc.ts";
import { type Intent, isTerminal } from "../domain/run.ts";
import { type EpochMs, epochMs } from "../domain/time.ts";
import { b, type Dynamo, type Item, n, refusals, refusedItem, s, send, ss } from "./dynamo.ts";
import {
  accountKey,
  accountsKey,
  carryName,
  checked,
  doubtOf,
  headKey,
  headOf,
  intentKey,
  intentOf,
  keyCheckKey,
  keyCheckOf,
  messageItem,
  messageOf,
  OPEN_SHARDS,
  planKey,
  planStateOf,
  RETIRED,
  runItem,
  runKey,
  runOf,
  schemaUpdate,
  schemaValue,
} from "./items.ts";

/** The sparse index on open work: partition `openShard`, sorted by `dueAt`. Named like this in the template, too. */
export const OPEN_INDEX = "open";

/** JavaScript's last instant: everything is due by then. */
const END_OF_TIME = epochMs(8.64e15);

export function ledgerBooks(dynamo: Dynamo): LedgerBooks {
  const TableName = dynamo.table;

  const get = async (Key: Item): Promise<Item | undefined> => {
    const { Item } = await send(dynamo, (client) =>
      client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true })),
    );
    return Item;
  };

  const allPages = async (query: Omit<QueryCommandInput, "TableName">): Promise<readonly Item[]> => {
    const items: Item[] = [];
    let from: Item | undefined;
    do {
      const page = await send(dynamo, (client) =>
        client.send(
          new QueryCommand({
            TableName,
            ...query,
            ...(from === undefined ? {} : { ExclusiveStartKey: from }),
          }),
        ),
      );
      items.push(...(page.Items ?? []));
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
    return items;
  };

  const all = (account: string, prefix: string): Promise<readonly Item[]> =>
    allPages({
      KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
      ExpressionAttributeValues: { ":pk": s(accountKey(account)), ":prefix": s(prefix) },
      ConsistentRead: true,
    });

  /** Keys of open items that are due by then, all pages. The index may lag and may name what is done by now. */
  const openUntil = async (until: EpochMs): Promise<readonly Item[]> => {
    const shards = Array.from({ length: OPEN_SHARDS }, (_, shard) => `OPEN#${shard}`);
    return (await Promise.all(shards.map((shard) => openIn(shard, until)))).flat();
  };

  const openIn = (shard: string, until: EpochMs): Promise<readonly Item[]> =>
    allPages({
      IndexName: OPEN_INDEX,
      KeyConditionExpression: "openShard = :shard AND dueAt <= :until",
      ExpressionAttributeValues: { ":shard": s(shard), ":until": n(until) },
    });

  const update = (input: Omit<UpdateItemCommandInput, "TableName">) =>
    send(dynamo, (client) => client.send(new UpdateItemCommand({ TableName, ...input })));

  /** True when the condition held. Repeating such a write after a lost answer must be harmless. */
  const tryUpdate = async (input: Omit<UpdateItemCommandInput, "TableName">): Promise<boolean> => {
    try {
      await update(input);
      return true;
    } catch (error) {
      if (refusedItem(error) === undefined) throw error;
      return false;
    }
  };

  /** True when there was no such item. */
  const tryPut = async (Item: Item): Promise<boolean> => {
    try {
      await send(dynamo, (client) =>
        client.send(
          new PutItemCommand({
            TableName,
            Item,
            ConditionExpression: "attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure: "ALL_OLD",
          }),
        ),
      );
      return true;
    } catch (error) {
      const refused = refusedItem(error);
      if (refused === undefined) throw error;
      return refused.item?.doc?.S === Item.doc?.S; // Our own write, whose answer got lost
    }
  };

  return {
    head: async (account) => headOf(await get(headKey(account))),
    plans: async (account) => (await all(account, "PLAN#")).map((item) => planStateOf(item)!),

    async runs(account) {
      const [runs, intents] = await Promise.all([all(account, "RUN#"), all(account, "INTENT#")]);
      const byRun = new Map(intents.map((item) => [intentOf(item)!.run, intentOf(item)!]));
      return runs
        .map((item) => runOf(item)!)
        .map((run) => ({ run, intent: byRun.get(run.id) as Intent | undefined }))
        .sort((a, b) => a.run.openedAt - b.run.openedAt || (a.run.id < b.run.id ? -1 : 1));
    },

    async run(account, id) {
      const [run, intent] = await Promise.all([get(runKey(account, id)), get(intentKey(account, id, 0))]);
      return run === undefined ? undefined : { run: runOf(run)!, intent: intentOf(intent) };
    },

    async openWork(now) {
      const keys = await openUntil(END_OF_TIME);
      const due = keys.flatMap((item) => {
        const [, run] =
          /^(?:RUN#(.+)|INTENT#(.+)#\d+)$/.exec(item.sk!.S!)?.filter((part) => part !== undefined) ?? [];
        const dueAt = epochMs(Number(item.dueAt!.N));
        return run === undefined || dueAt > now ? [] : [{ account: item.pk!.S!.slice(2), run, dueAt }];
      });
      const intentKeys = keys.filter((item) => item.sk!.S!.startsWith("INTENT#"));
      const read = await Promise.allSettled(
        intentKeys.map(async ({ pk, sk }) => {
          const item = await get({ pk: pk!, sk: sk! });
          return { item, intent: intentOf(item) };
        }),
      );
      const unreadable = read.flatMap((one) => (one.status === "rejected" ? [one.reason as Error] : []));
      const intents = read.flatMap((one) => {
        if (one.status === "rejected") return [];
        const { item, intent } = one.value;
        // The index may lag.
        const isOpen = intent !== undefined && !isTerminal(intent.state) && intent.state !== "QUARANTINED";
        return isOpen ? [{ account: item!.pk!.S!.slice(2), intent }] : [];
      });
      return { due, intents, unreadable };
    },

    async unsentMessages(now) {
      const keys = (await openUntil(now)).filter((item) => item.sk!.S!.startsWith("OUTBOX#"));
      const items = await Promise.all(keys.map(({ pk, sk }) => get({ pk: pk!, sk: sk! })));
      return items
        .filter((item) => item !== undefined && item.sentAt === undefined)
        .map((item) => ({ account: item!.pk!.S!.slice(2), message: messageOf(item!) }));
    },

    async messages(account) {
      return (await all(account, "OUTBOX#")).map(messageOf).sort((a, b) => a.at - b.at);
    },

    accounts: async () => new Set(checked(await get(accountsKey()))?.names?.SS),

    async addAccounts([first, ...more]) {
      if (first === undefined) return;
      await update({
        Key: accountsKey(),
        UpdateExpression: `SET ${schemaUpdate} ADD #names :names`,
        ExpressionAttributeNames: { "#names": "names" },
        ExpressionAttributeValues: { ":names": ss(first, ...more), ...schemaValue },
      });
    },

    async forgetAccount(name) {
      await update({
        Key: accountsKey(),
        UpdateExpression: "DELETE #names :names",
        ExpressionAttributeNames: { "#names": "names" },
        ExpressionAttributeValues: { ":names": ss(name) },
      });
    },

    async registerPlan(account, id, schedule, now) {
      const Key = planKey(account, id);
      // What a plan carried goes with it.
      const carried = schedule === undefined ? [...(planStateOf(await get(Key))?.carry.keys() ?? [])] : [];
      const names = Object.fromEntries(carried.map((asset, nth) => [`#c${nth}`, carryName(asset)]));
      const forget = carried.length === 0 ? "" : ` REMOVE ${Object.keys(names).join(", ")}`;
      await tryUpdate({
        Key,
        // Another schedule starts the accounts anew: its earlier slots were never promised, the old one's were closed.
        UpdateExpression: `SET #schedule = :schedule, activeFrom = :now, accountedTo = :now, ${schemaUpdate}${forget}`,
        // Test: a plan that is registered again is not moved, one with another schedule starts anew
        ConditionExpression: "attribute_not_exists(#schedule) OR #schedule <> :schedule",
        ExpressionAttributeNames: { "#schedule": "schedule", ...names },
        ExpressionAttributeValues: {
          ":schedule": s(schedule === undefined ? RETIRED : toDoc(schedule)),
          ":now": n(now),
          ...schemaValue,
        },
      });
    },

    setAccountedTo: (account, plan, before, to) =>
      tryUpdate({
        Key: planKey(account, plan),
        UpdateExpression: "SET accountedTo = :to",
        // `:to` already: our own write, whose answer got lost.
        ConditionExpression: "accountedTo = :before OR accountedTo = :to",
        ExpressionAttributeValues: { ":to": n(to), ":before": n(before) },
      }),

    setPaused: (account, plan, paused) =>
      tryUpdate({
        Key: planKey(account, plan),
        UpdateExpression: paused ? "SET paused = :true" : "REMOVE paused",
        ConditionExpression: "attribute_exists(pk)",
        ...(paused ? { ExpressionAttributeValues: { ":true": b(true) } } : {}),
      }),

    async setKilled(account, killed) {
      await update({
        Key: headKey(account),
        UpdateExpression: `SET killed = :killed, ${schemaUpdate}`,
        ExpressionAttributeValues: { ":killed": b(killed), ...schemaValue },
      });
    },

    async setArmed(account, hash) {
      await update({
        Key: headKey(account),
        UpdateExpression: hash === undefined ? "REMOVE armed" : `SET armed = :hash, ${schemaUpdate}`,
        ...(hash === undefined ? {} : { ExpressionAttributeValues: { ":hash": s(hash), ...schemaValue } }),
      });
    },

    async setDaily(account, day, windowsOver) {
      const names = Object.fromEntries(windowsOver.map((name, index) => [`#w${index}`, name]));
      const forget = windowsOver.length === 0 ? "" : ` REMOVE ${Object.keys(names).join(", ")}`;
      await update({
        Key: headKey(account),
        UpdateExpression: `SET dailyTo = :day, ${schemaUpdate}${forget}`,
        ...(windowsOver.length === 0 ? {} : { ExpressionAttributeNames: names }),
        ExpressionAttributeValues: { ":day": s(day), ...schemaValue },
      });
    },

    async unblock(account, plan, run) {
      const Key = planKey(account, plan);
      if (run === undefined) {
        await tryUpdate({
          Key,
          UpdateExpression: "REMOVE blocked",
          ConditionExpression: "attribute_exists(pk)",
        });
        return;
      }
      const on = (await get(Key))?.blocked?.SS ?? [];
      const [first, ...more] = on.filter((why) => why.startsWith(doubtOf(run)));
      if (first === undefined) return;
      await update({
        Key,
        UpdateExpression: "DELETE blocked :why",
        ExpressionAttributeValues: { ":why": ss(first, ...more) },
      });
    },

    keyCheck: async (account, use) => keyCheckOf(await get(keyCheckKey(account, use))),

    async addMissed(runs, message) {
      const isNew = { TableName, ConditionExpression: "attribute_not_exists(pk)" };
      const token = dynamo.chance.id();
      try {
        await send(dynamo, (client) =>
          client.send(
            new TransactWriteItemsCommand({
              ClientRequestToken: token,
              TransactItems: [
                ...runs.map((run) => ({ Put: { Item: runItem(run, false), ...isNew } })),
                { Put: { TableName, Item: messageItem(runs[0]!.account, message) } },
              ],
            }),
          ),
        );
        return true;
      } catch (error) {
        if (refusals(error) === undefined) throw error;
        return false;
      }
    },
    addMessage: (account, message) => tryPut(messageItem(account, message)),
  };
}
