/** The run ledger on one DynamoDB table: consistent reads, conditional writes, transactions with a token. */
import {
  BatchGetItemCommand,
  PutItemCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Claimed, Reserved, RunLedger, Settlement, Snapshot } from "../app/ports.ts";
import { CAP_SCALE, capUnits, reservedUnits } from "../domain/caps.ts";
import { toScale, unitsAt } from "../domain/decimal.ts";
import type { Cost } from "../domain/money.ts";
import type { Intent } from "../domain/run.ts";
import { b, type Dynamo, type Item, n, refusals, refusedItem, s, send } from "./dynamo.ts";
import {
  gateKey,
  gateOf,
  headKey,
  headOf,
  intentItem,
  intentKey,
  intentOf,
  keyCheckItem,
  keyCheckKey,
  keyCheckOf,
  messageItem,
  netName,
  outboxKey,
  planKey,
  planStateOf,
  runItem,
  runKey,
  runOf,
  schemaUpdate,
  schemaValue,
} from "./items.ts";

/** A run may be (re)written while it is open and has no intent. */
const RUN_IS_FREE =
  "attribute_not_exists(pk) OR (attribute_not_exists(closedAt) AND attribute_not_exists(hasIntent))";

export function runLedger(dynamo: Dynamo): RunLedger {
  const TableName = dynamo.table;
  const transact = (token: string, actions: readonly TransactWriteItem[]) =>
    send(dynamo, (client) =>
      client.send(new TransactWriteItemsCommand({ ClientRequestToken: token, TransactItems: [...actions] })),
    );
  const newToken = () => dynamo.chance.id();

  /** Runs a transaction; false when one of its conditions failed. */
  const tryTransact = async (actions: readonly TransactWriteItem[]): Promise<boolean> => {
    try {
      await transact(newToken(), actions);
      return true;
    } catch (error) {
      if (refusals(error) === undefined) throw error;
      return false;
    }
  };

  const putIntent = (account: string, before: Intent, after: Intent): TransactWriteItem => ({
    Put: { TableName, Item: intentItem(account, after), ...isStill(before) },
  });

  return {
    async read({ account, plan, run, keyHash }) {
      const keys = [
        headKey(account),
        planKey(account, plan),
        runKey(account, run),
        intentKey(account, run, 0),
        keyCheckKey(account, "trade"),
        ...(keyHash === undefined ? [] : [gateKey(keyHash)]),
      ];
      const items = await readAll(dynamo, keys);
      const at = (wanted: Item) => items.get(`${wanted.pk!.S} ${wanted.sk!.S}`);
      return {
        head: headOf(at(headKey(account))),
        plan: planStateOf(at(planKey(account, plan))),
        run: runOf(at(runKey(account, run))),
        intent: intentOf(at(intentKey(account, run, 0))),
        keyCheck: keyCheckOf(at(keyCheckKey(account, "trade"))),
        gate: keyHash === undefined ? undefined : gateOf(at(gateKey(keyHash))),
      } satisfies Snapshot;
    },

    conclude(run, carry, message) {
      return tryTransact([
        { Put: { TableName, Item: runItem(run, false), ConditionExpression: RUN_IS_FREE } },
        { Put: { TableName, Item: messageItem(run.account, message) } },
        ...(carry === undefined
          ? []
          : [
              {
                Update: {
                  TableName,
                  Key: planKey(run.account, run.plan),
                  UpdateExpression: `SET carry = :to, ${schemaUpdate}`,
                  ConditionExpression: "attribute_not_exists(carry) OR carry = :from",
                  ExpressionAttributeValues: {
                    ":from": n(carryUnits(carry.from)),
                    ":to": n(carryUnits(carry.to)),
                    ...schemaValue,
                  },
                },
              },
            ]),
      ]);
    },

    async postpone(run) {
      try {
        await send(dynamo, (client) =>
          client.send(
            new PutItemCommand({ TableName, Item: runItem(run, false), ConditionExpression: RUN_IS_FREE }),
          ),
        );
        return true;
      } catch (error) {
        if (refusedItem(error) === undefined) throw error;
        return false;
      }
    },

    async reserve(run, intent, windows, carryFrom): Promise<Reserved> {
      const { account } = run;
      const names: Record<string, string> = {};
      const values: Record<string, Item[string]> = {
        ":true": b(true),
        ":zero": n(0),
        ":cost": n(reservedUnits(intent.order.costMax)),
        ...schemaValue,
      };
      const conditions = ["(attribute_not_exists(killed) OR killed <> :true)"];
      const sets = [schemaUpdate];
      for (const [index, window] of windows.entries()) {
        names[`#w${index}`] = window.name;
        values[`:room${index}`] = n(capUnits(window.cap) - reservedUnits(intent.order.costMax));
        conditions.push(`(attribute_not_exists(#w${index}) OR #w${index} <= :room${index})`);
        sets.push(`#w${index} = if_not_exists(#w${index}, :zero) + :cost`);
      }
      if (windows.length === 0) delete values[":cost"];
      if (windows.length === 0) delete values[":zero"];
      try {
        await transact(newToken(), [
          { Put: { TableName, Item: runItem(run, true), ConditionExpression: RUN_IS_FREE } },
          {
            Put: {
              TableName,
              Item: intentItem(account, intent),
              ConditionExpression: "attribute_not_exists(pk)",
            },
          },
          {
            Update: {
              TableName,
              Key: headKey(account),
              UpdateExpression: `SET ${sets.join(", ")}`,
              ConditionExpression: conditions.join(" AND "),
              ...(windows.length === 0 ? {} : { ExpressionAttributeNames: names }),
              ExpressionAttributeValues: values,
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            },
          },
          {
            Update: {
              TableName,
              Key: planKey(account, run.plan),
              UpdateExpression: `SET carry = :none, ${schemaUpdate}`,
              ConditionExpression:
                "(attribute_not_exists(paused) OR paused <> :true) AND attribute_not_exists(blocked) AND " +
                (carryFrom.units === 0n ? "(attribute_not_exists(carry) OR carry = :none)" : "carry = :from"),
              ExpressionAttributeValues: {
                ":true": b(true),
                ":none": n(0),
                ...(carryFrom.units === 0n ? {} : { ":from": n(carryUnits(carryFrom)) }),
                ...schemaValue,
              },
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            },
          },
        ]);
        return { is: "reserved" };
      } catch (error) {
        const failed = refusals(error);
        if (failed === undefined) throw error;
        if (failed[0]?.failed || failed[1]?.failed) return { is: "exists" };
        if (failed[2]?.failed) {
          const head = headOf(failed[2].item);
          if (head.killed) return { is: "killed" };
          for (const window of windows) {
            const used = head.used.get(window.name) ?? 0n;
            if (used + reservedUnits(intent.order.costMax) > capUnits(window.cap))
              return { is: "full", window, used };
          }
        }
        if (failed[3]?.failed && planStateOf(failed[3].item)?.paused) return { is: "paused" };
        return { is: "exists" };
      }
    },

    async claim(before, after, { account, plan, keyHash, owner, armed }): Promise<Claimed> {
      const notKilled = "(attribute_not_exists(killed) OR killed <> :true)";
      const check = (Key: Item, ConditionExpression: string, ExpressionAttributeValues: Item) => ({
        ConditionCheck: {
          TableName,
          Key,
          ConditionExpression,
          ExpressionAttributeValues,
          ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
        },
      });
      try {
        await transact(newToken(), [
          putIntent(account, before, after),
          armed === undefined
            ? check(headKey(account), notKilled, { ":true": b(true) })
            : check(headKey(account), `${notKilled} AND armed = :armed`, {
                ":true": b(true),
                ":armed": s(armed),
              }),
          check(planKey(account, plan), "(attribute_not_exists(paused) OR paused <> :true)", {
            ":true": b(true),
          }),
          check(gateKey(keyHash), "holder = :owner AND fence = :fence", {
            ":owner": s(owner),
            ":fence": n(BigInt(after.fence!)),
          }),
        ]);
        return "claimed";
      } catch (error) {
        const failed = refusals(error);
        if (failed === undefined) throw error;
        if (failed[0]?.failed) return "lost";
        if (failed[1]?.failed) return headOf(failed[1].item).killed ? "killed" : "disarmed";
        if (failed[2]?.failed) return "paused";
        return "lease-lost";
      }
    },

    async change(account, before, after) {
      const Item = intentItem(account, after);
      try {
        await send(dynamo, (client) =>
          client.send(
            new PutItemCommand({
              TableName,
              Item,
              ...isStill(before),
              ReturnValuesOnConditionCheckFailure: "ALL_OLD",
            }),
          ),
        );
        return true;
      } catch (error) {
        const refused = refusedItem(error);
        if (refused === undefined) throw error;
        // Our own write, whose answer got lost: the very same text stands there.
        return refused.item?.doc?.S === Item.doc!.S;
      }
    },

    settle(settlement) {
      return tryTransact(settleActions(TableName, settlement, putIntent));
    },

    quarantine(run, before, after, message) {
      return tryTransact([
        putIntent(run.account, before, after),
        {
          Put: { TableName, Item: runItem(run, true), ConditionExpression: "attribute_not_exists(closedAt)" },
        },
        { Put: { TableName, Item: messageItem(run.account, message) } },
        {
          Update: {
            TableName,
            Key: planKey(run.account, run.plan),
            UpdateExpression: `SET blocked = :why, ${schemaUpdate}`,
            ExpressionAttributeValues: { ":why": s(after.reason?.detail ?? "in doubt"), ...schemaValue },
          },
        },
      ]);
    },

    async setKeyCheck(account, use, check) {
      await send(dynamo, (client) =>
        client.send(new PutItemCommand({ TableName, Item: keyCheckItem(account, use, check) })),
      );
    },

    async messageSent(account, id, at) {
      await send(dynamo, (client) =>
        client.send(
          new UpdateItemCommand({
            TableName,
            Key: outboxKey(account, id),
            UpdateExpression: "SET sentAt = :at REMOVE openShard, dueAt",
            ConditionExpression: "attribute_exists(pk)",
            ExpressionAttributeValues: { ":at": n(at) },
          }),
        ),
      );
    },
  };
}

/** The intent stands as it was read: a reply may change only the attempt that sent it. */
function isStill(before: Intent) {
  return {
    ConditionExpression: `#state = :state AND n = :n AND ${
      before.claimId === undefined ? "attribute_not_exists(claimId)" : "claimId = :claim"
    }`,
    ExpressionAttributeNames: { "#state": "state" },
    ExpressionAttributeValues: {
      ":state": s(before.state),
      ":n": n(before.n),
      ...(before.claimId === undefined ? {} : { ":claim": s(before.claimId) }),
    },
  };
}

/** Down: what is carried never grows by rounding. */
const carryUnits = (carry: Cost): bigint => unitsAt(toScale(carry, CAP_SCALE, "down"), CAP_SCALE);

function settleActions(
  TableName: string,
  settlement: Settlement,
  putIntent: (account: string, before: Intent, after: Intent) => TransactWriteItem,
): TransactWriteItem[] {
  const { run, before, after, message, lastOrder, carryBack, block } = settlement;
  const { account } = run;
  const names: Record<string, string> = {};
  const values: Record<string, Item[string]> = { ...schemaValue };
  const sets = [schemaUpdate];
  const freed = settlement.reservedUnits - settlement.usedUnits;
  for (const [index, window] of before.windows.entries()) {
    names[`#w${index}`] = window;
    values[":freed"] = n(freed);
    sets.push(`#w${index} = #w${index} - :freed`);
  }
  for (const [index, { asset, units }] of settlement.net.entries()) {
    names[`#n${index}`] = netName(asset);
    values[`:n${index}`] = n(units);
    values[":zero"] = n(0);
    sets.push(`#n${index} = if_not_exists(#n${index}, :zero) + :n${index}`);
  }
  if (lastOrder !== undefined) {
    sets.push("lastTxid = :txid", "lastClientOrderId = :client", "lastAt = :at");
    values[":txid"] = s(lastOrder.txid);
    values[":client"] = s(lastOrder.clientOrderId);
    values[":at"] = n(lastOrder.at);
  }
  const planSets = [
    schemaUpdate,
    ...(carryBack.units > 0n ? ["carry = if_not_exists(carry, :none) + :back"] : []),
    ...(block === undefined ? [] : ["blocked = :why"]),
  ];
  return [
    putIntent(account, before, after),
    { Put: { TableName, Item: runItem(run, true), ConditionExpression: "attribute_not_exists(closedAt)" } },
    {
      Update: {
        TableName,
        Key: headKey(account),
        UpdateExpression: `SET ${sets.join(", ")}`,
        ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
        ExpressionAttributeValues: values,
      },
    },
    { Put: { TableName, Item: messageItem(account, message) } },
    ...(planSets.length === 1
      ? []
      : [
          {
            Update: {
              TableName,
              Key: planKey(account, run.plan),
              UpdateExpression: `SET ${planSets.join(", ")}`,
              ExpressionAttributeValues: {
                ...schemaValue,
                ...(carryBack.units > 0n ? { ":none": n(0), ":back": n(carryUnits(carryBack)) } : {}),
                ...(block === undefined ? {} : { ":why": s(block) }),
              },
            },
          },
        ]),
  ];
}

/** A consistent read of several items; what DynamoDB left out under load is asked for again. */
async function readAll(dynamo: Dynamo, keys: readonly Item[]): Promise<ReadonlyMap<string, Item>> {
  const found = new Map<string, Item>();
  let wanted: Item[] | undefined = [...keys];
  for (let rounds = 0; wanted !== undefined && wanted.length > 0; rounds++) {
    if (rounds > 8) throw new Error("DynamoDB kept leaving items out of a read");
    const Keys: Item[] = wanted;
    const answer = await send(dynamo, (client) =>
      client.send(
        new BatchGetItemCommand({ RequestItems: { [dynamo.table]: { Keys, ConsistentRead: true } } }),
      ),
    );
    for (const item of answer.Responses?.[dynamo.table] ?? []) found.set(`${item.pk!.S} ${item.sk!.S}`, item);
    wanted = answer.UnprocessedKeys?.[dynamo.table]?.Keys;
  }
  return found;
}
