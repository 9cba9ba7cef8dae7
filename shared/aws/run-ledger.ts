/** The run ledger on one DynamoDB table: consistent reads, conditional writes, transactions with a token. */
import {
  PutItemCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { Claimed, Reserved, RunLedger, Snapshot } from "../app/ports.ts";
import { capUnits, reservedUnits } from "../domain/caps.ts";
import type { Intent } from "../domain/run.ts";
import { b, type Dynamo, type Item, n, refusals, refusedItem, s, send, ss } from "./dynamo.ts";
import {
  carryName,
  doubtOf,
  gateKey,
  gateOf,
  headKey,
  headOf,
  intentItem,
  intentKey,
  intentOf,
  keyCheckKey,
  keyCheckOf,
  messageItem,
  outboxKey,
  planKey,
  planStateOf,
  runItem,
  runKey,
  runOf,
  schemaUpdate,
  schemaValue,
} from "./items.ts";
import { putKeyCheck } from "./key-checks.ts";
import {
  carryUnits,
  headRefusal,
  isStill,
  lookAtHead,
  mayRun,
  notKilled,
  readAll,
  settleActions,
  windowsNow,
} from "./ledger-actions.ts";

/** A run may be (re)written while it is open and has no intent. */
const RUN_IS_FREE =
  "attribute_not_exists(pk) OR (attribute_not_exists(closedAt) AND attribute_not_exists(hasIntent))";

export function runLedger(dynamo: Dynamo): RunLedger {
  const TableName = dynamo.table;
  /** One token for all repetitions: what was applied already is not applied again. */
  const transact = (TransactItems: TransactWriteItem[]) => {
    const command = new TransactWriteItemsCommand({ ClientRequestToken: dynamo.chance.id(), TransactItems });
    return send(dynamo, (client) => client.send(command));
  };

  /** Runs a transaction; false when one of its conditions failed. */
  const tryTransact = async (actions: readonly TransactWriteItem[]): Promise<boolean> => {
    try {
      await transact([...actions]);
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
      const { items, isOneAnswer } = await readAll(dynamo, keys);
      const at = (wanted: Item) => items.get(`${wanted.pk!.S} ${wanted.sk!.S}`);
      return {
        head: headOf(at(headKey(account))),
        plan: planStateOf(at(planKey(account, plan))),
        run: runOf(at(runKey(account, run))),
        intent: intentOf(at(intentKey(account, run, 0))),
        keyCheck: keyCheckOf(at(keyCheckKey(account, "trade"))),
        // A gate that is newer than the head would vouch for what the head does not hold yet.
        gate: keyHash === undefined || !isOneAnswer ? undefined : gateOf(at(gateKey(keyHash))),
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
                  UpdateExpression: `SET #carry = :to, ${schemaUpdate}`,
                  ConditionExpression: "attribute_not_exists(#carry) OR #carry = :from",
                  ExpressionAttributeNames: { "#carry": carryName(carry.asset) },
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
        ":run": ss(run.id),
        ...schemaValue,
      };
      const conditions = [notKilled];
      const sets = [schemaUpdate, "bound = :true"];
      for (const [index, window] of windows.entries()) {
        names[`#w${index}`] = window.name;
        sets.push(`#w${index} = if_not_exists(#w${index}, :zero) + :cost`);
        if (window.cap === undefined) continue;
        const room = capUnits(window.cap) - reservedUnits(intent.order.costMax);
        values[`:room${index}`] = n(room);
        // Test: a cap that another run used up meanwhile refuses the reservation
        conditions.push(`(attribute_not_exists(#w${index}) OR #w${index} <= :room${index})`);
        // A window that is not there yet holds nothing, and even that is too much for a cap below the cost.
        if (room < 0n) conditions.push(`attribute_exists(#w${index})`);
      }
      if (windows.length === 0) for (const name of [":cost", ":zero"]) delete values[name];
      try {
        await transact([
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
              UpdateExpression: `SET ${sets.join(", ")} ADD unsettled :run`,
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
              // Test: are carried until they are enough, and then bought together
              UpdateExpression: `SET #carry = :none, ${schemaUpdate}`,
              ConditionExpression:
                `${mayRun} AND ` +
                (carryFrom.units === 0n
                  ? "(attribute_not_exists(#carry) OR #carry = :none)"
                  : "#carry = :from"),
              ExpressionAttributeNames: { "#carry": carryName(intent.order.pair.quote) },
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
            if (window.cap !== undefined && used + reservedUnits(intent.order.costMax) > capUnits(window.cap))
              return { is: "full", window, used };
          }
        }
        if (failed[3]?.failed && planStateOf(failed[3].item)?.paused) return { is: "paused" };
        return { is: "exists" };
      }
    },

    async claim(before, after, { account, plan, keyHash, owner, windows, armed }): Promise<Claimed> {
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
        await transact([
          putIntent(account, before, after),
          lookAtHead(TableName, account, windowsNow(before, windows), armed),
          // Test: a paused plan is stopped before the claim, too, and its slot is told
          check(planKey(account, plan), mayRun, { ":true": b(true) }),
          // Test: a worker whose lease was taken does not send
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
        if (failed[1]?.failed) return headRefusal(failed[1].item, armed);
        if (failed[2]?.failed) return planStateOf(failed[2].item)?.paused ? "paused" : "blocked";
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
            UpdateExpression: `SET ${schemaUpdate} ADD blocked :why`,
            ExpressionAttributeValues: { ":why": ss(doubtOf(run.id, after.reason?.detail)), ...schemaValue },
          },
        },
      ]);
    },

    setKeyCheck: (account, use, check, former) => putKeyCheck(dynamo, account, use, check, former),

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
