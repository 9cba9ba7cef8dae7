/** The ledger on the embedded AWS endpoint, in this process and in memory, with its faults and its raw items at hand. */
import {
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { VirtualClock } from "../../local/clock.ts";
import { type Cloud, openCloud } from "../../local/cloud/cloud.ts";
import type { GateStore, LedgerBooks, RunLedger } from "../../shared/app/ports.ts";
import type { Dynamo, Item } from "../../shared/aws/dynamo.ts";
import { gateStore } from "../../shared/aws/gate-store.ts";
import { ledgerBooks } from "../../shared/aws/ledger-books.ts";
import { runLedger } from "../../shared/aws/run-ledger.ts";
import { seededChance } from "./chance.ts";
import { createTable, START, TABLE } from "./cloud-house.ts";
import { inVirtualTime } from "./pump.ts";

export { START };

export type LedgerHouse = {
  readonly clock: VirtualClock;
  readonly cloud: Cloud;
  readonly dynamo: Dynamo;
  readonly ledger: RunLedger;
  readonly books: LedgerBooks;
  readonly gates: GateStore;
  arm(...faults: readonly object[]): Promise<void>;
  /** Waits for `work`, and lets the pauses of its retries pass in virtual time. */
  run<T>(work: Promise<T>): Promise<T>;
  item(pk: string, sk: string): Promise<Item | undefined>;
  /** The whole table, in one order, for comparing two of them. */
  items(): Promise<readonly Item[]>;
  put(item: Item): Promise<void>;
  /** Makes an item look as if a later version of the program had written it. */
  fromTheFuture(pk: string, sk: string): Promise<void>;
  close(): Promise<void>;
};

export async function openLedgerHouse(seed = 1): Promise<LedgerHouse> {
  const clock = new VirtualClock({ startAt: START, rate: 0 });
  const cloud = await openCloud({ clock });
  const client = new DynamoDBClient({
    region: "us-east-1",
    endpoint: "http://127.0.0.1:1",
    credentials: { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "example" },
    requestHandler: cloud.requestHandler,
    maxAttempts: 1, // The program repeats by itself
  });
  await createTable(client);
  const dynamo: Dynamo = { client, table: TABLE, clock, chance: seededChance(seed) };
  const keyOf = (pk: string, sk: string): Item => ({ pk: { S: pk }, sk: { S: sk } });
  return {
    clock,
    cloud,
    dynamo,
    ledger: runLedger(dynamo),
    books: ledgerBooks(dynamo),
    gates: gateStore(dynamo),
    async arm(...faults) {
      const { response } = await cloud.requestHandler.handle({
        method: "POST",
        path: "/_control/faults",
        hostname: "127.0.0.1",
        headers: {},
        body: JSON.stringify(faults),
      });
      if (response.statusCode !== 200) throw new Error(Buffer.from(response.body).toString());
    },
    run: (work) => inVirtualTime(clock, work, () => cloud.activity.changes),
    async item(pk, sk) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: TABLE, Key: keyOf(pk, sk), ConsistentRead: true }),
      );
      return Item;
    },
    async items() {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: TABLE, ConsistentRead: true }));
      return Items.map((item) =>
        Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))),
      ).sort((a, b) => (`${a.pk?.S} ${a.sk?.S}` < `${b.pk?.S} ${b.sk?.S}` ? -1 : 1));
    },
    async put(item) {
      await client.send(new PutItemCommand({ TableName: TABLE, Item: item }));
    },
    async fromTheFuture(pk, sk) {
      await client.send(
        new UpdateItemCommand({
          TableName: TABLE,
          Key: keyOf(pk, sk),
          UpdateExpression: "SET schemaVersion = :later",
          ExpressionAttributeValues: { ":later": { N: "3" } },
        }),
      );
    },
    async close() {
      client.destroy();
      clock.stop();
      await cloud.close();
    },
  };
}
