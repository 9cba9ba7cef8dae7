/** Parts of the ledger's reads and transactions: their conditions, and the sums that a settlement writes. */
import { BatchGetItemCommand, type TransactWriteItem } from "@aws-sdk/client-dynamodb";
import type { Settlement } from "../app/ports.ts";
import { CAP_SCALE, type CapWindow, capUnits, reservedUnits } from "../domain/caps.ts";
import { toScale, unitsAt } from "../domain/decimal.ts";
import type { Cost } from "../domain/money.ts";
import type { Intent } from "../domain/run.ts";
import { b, type Dynamo, type Item, n, s, send, ss } from "./dynamo.ts";
import {
  carryName,
  headKey,
  headOf,
  messageItem,
  netName,
  planKey,
  runItem,
  schemaUpdate,
  schemaValue,
} from "./items.ts";

/** The intent stands as it was read: a reply may change only the attempt that sent it. */
export function isStill(before: Intent) {
  return {
    // Test: an answer that comes after another worker has settled the order changes nothing
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
export const carryUnits = (carry: Cost): bigint => unitsAt(toScale(carry, CAP_SCALE, "down"), CAP_SCALE);

/** What takes a reservation to the windows of now, and what must hold for it in each of them. */
export function windowsNow(before: Intent, windows: readonly CapWindow[]) {
  const left = before.windows.filter((name) => windows.every((window) => window.name !== name));
  const cost = reservedUnits(before.order.costMax);
  const names: Record<string, string> = {};
  const values: Record<string, Item[string]> = {};
  const sets: string[] = [];
  const conditions: string[] = [];
  for (const [index, name] of left.entries()) {
    names[`#left${index}`] = name;
    values[":cost"] = n(cost);
    sets.push(`#left${index} = if_not_exists(#left${index}, :cost) - :cost`);
  }
  for (const [index, { name, cap }] of windows.entries()) {
    const isHeld = before.windows.includes(name);
    if (!isHeld) {
      names[`#w${index}`] = name;
      values[":cost"] = n(cost);
      values[":zero"] = n(0);
      sets.push(`#w${index} = if_not_exists(#w${index}, :zero) + :cost`);
    }
    if (cap === undefined) continue;
    names[`#w${index}`] = name;
    // Where the order's cost is held already, the cap itself must hold: it may have been lowered since.
    const room = capUnits(cap) - (isHeld ? 0n : cost);
    values[`:room${index}`] = n(room);
    // An order that alone is more than the cap finds no room in an empty window either.
    const isEmpty = room < 0n ? "" : `attribute_not_exists(#w${index}) OR `;
    // Test: is refused where that day has no room left, and its amount is free again on both
    conditions.push(`(${isEmpty}#w${index} <= :room${index})`);
  }
  return { names, values, sets, conditions };
}

/** Neither paused by its owner nor on hold for a doubt. */
export const mayRun = "(attribute_not_exists(paused) OR paused <> :true) AND attribute_not_exists(blocked)";

export const notKilled = "(attribute_not_exists(killed) OR killed <> :true)";

/** The claim's look at the head: the kill switch, the arming, and room in the caps of now. */
export function lookAtHead(
  TableName: string,
  account: string,
  { names, values, sets, conditions }: ReturnType<typeof windowsNow>,
  armed: string | undefined,
): TransactWriteItem {
  const isArmed = armed === undefined ? [] : ["armed = :armed"];
  const look = {
    TableName,
    Key: headKey(account),
    // Test: stops a run in its middle, before claim
    ConditionExpression: [notKilled, ...isArmed, ...conditions].join(" AND "),
    ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
    ExpressionAttributeValues: {
      ...values,
      ":true": b(true),
      ...(armed === undefined ? {} : { ":armed": s(armed) }),
    },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  } as const;
  return sets.length === 0
    ? { ConditionCheck: look }
    : { Update: { ...look, UpdateExpression: `SET ${sets.join(", ")}` } };
}

/** Which part of the claim's look at the head refused. */
export function headRefusal(item: Item | undefined, armed: string | undefined) {
  const head = headOf(item);
  if (head.killed) return "killed";
  return armed !== undefined && head.armed !== armed ? "disarmed" : "full";
}

export function settleActions(
  TableName: string,
  settlement: Settlement,
  putIntent: (account: string, before: Intent, after: Intent) => TransactWriteItem,
): TransactWriteItem[] {
  const { run, before, after, message, lastOrder, carryBack, block } = settlement;
  const { account } = run;
  const names: Record<string, string> = {};
  const values: Record<string, Item[string]> = { ":run": ss(run.id), ...schemaValue };
  const sets = [schemaUpdate];
  // Test: what a buy did not need of its reservation is free for the next one
  const freed = settlement.reservedUnits - settlement.usedUnits;
  for (const [index, window] of before.windows.entries()) {
    names[`#w${index}`] = window;
    values[":freed"] = n(freed);
    // A window that was over long ago may have been forgotten: it comes back with what this order used of it.
    values[":reserved"] = n(settlement.reservedUnits);
    sets.push(`#w${index} = if_not_exists(#w${index}, :reserved) - :freed`);
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
    ...(carryBack.units > 0n ? ["#carry = if_not_exists(#carry, :none) + :back"] : []),
  ];
  const planAdds = block === undefined ? "" : " ADD blocked :why";
  return [
    putIntent(account, before, after),
    { Put: { TableName, Item: runItem(run, true), ConditionExpression: "attribute_not_exists(closedAt)" } },
    {
      Update: {
        TableName,
        Key: headKey(account),
        UpdateExpression: `SET ${sets.join(", ")} DELETE unsettled :run`,
        ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
        ExpressionAttributeValues: values,
      },
    },
    { Put: { TableName, Item: messageItem(account, message) } },
    ...(planSets.length === 1 && planAdds === ""
      ? []
      : [
          {
            Update: {
              TableName,
              Key: planKey(account, run.plan),
              UpdateExpression: `SET ${planSets.join(", ")}${planAdds}`,
              ...(carryBack.units > 0n
                ? { ExpressionAttributeNames: { "#carry": carryName(before.order.pair.quote) } }
                : {}),
              ExpressionAttributeValues: {
                ...schemaValue,
                ...(carryBack.units > 0n ? { ":none": n(0), ":back": n(carryUnits(carryBack)) } : {}),
                ...(block === undefined ? {} : { ":why": ss(block) }),
              },
            },
          },
        ]),
  ];
}

export type ReadTogether = {
  readonly items: ReadonlyMap<string, Item>;
  /** All came in one answer. Else some of them are seconds older than others. */
  readonly isOneAnswer: boolean;
};

/** A consistent read of several items; what DynamoDB left out under load is asked for again. */
export async function readAll(dynamo: Dynamo, keys: readonly Item[]): Promise<ReadTogether> {
  const found = new Map<string, Item>();
  let wanted: Item[] | undefined = [...keys];
  let rounds = 0;
  for (; wanted !== undefined && wanted.length > 0; rounds++) {
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
  return { items: found, isOneAnswer: rounds === 1 };
}
