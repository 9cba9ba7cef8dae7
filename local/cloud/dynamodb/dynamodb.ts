/**
 * DynamoDB. dynalite's engine decides what each request means; this front orders the writes, so that each of them,
 * transactions included, is alone while it reads, decides and commits. Reads need no turn: a commit is one batch.
 */
import type { Clock } from "../../../shared/app/clock.ts";
import type { Database } from "../database.ts";
import { AwsError, unknownOperation } from "../errors.ts";
import type { Input, Output, Service } from "../service.ts";
import { Turns } from "../turns.ts";
import {
  type Checked,
  check,
  type Item,
  isEngineOperation,
  keyOf,
  run,
  type Table,
  tableOf,
} from "./engine.ts";
import { Expiry } from "./expiry.ts";
import { Store } from "./store.ts";
import { Tokens, transactGet, transactWrite } from "./transactions.ts";

type WriteOperation = "PutItem" | "UpdateItem" | "DeleteItem";

const operations = [
  "BatchGetItem",
  "BatchWriteItem",
  "CreateTable",
  "DeleteItem",
  "DescribeTable",
  "DescribeTimeToLive",
  "GetItem",
  "ListTables",
  "PutItem",
  "Query",
  "Scan",
  "TransactGetItems",
  "TransactWriteItems",
  "UpdateItem",
  "UpdateTimeToLive",
] as const;

export class DynamoDb implements Service {
  readonly operations = operations;
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #region: string;
  readonly #turns = new Turns();
  readonly #expiry: Expiry;
  readonly #tokens: Tokens;

  private constructor(database: Database, clock: Clock, region: string, expiry: Expiry) {
    this.#database = database;
    this.#clock = clock;
    this.#region = region;
    this.#expiry = expiry;
    this.#tokens = new Tokens(database, clock);
  }

  static async open(database: Database, clock: Clock, region: string): Promise<DynamoDb> {
    return new DynamoDb(database, clock, region, await Expiry.open(database, clock));
  }

  async call(operation: string, input: Input): Promise<Output> {
    if (this.#expiry.isDue()) await this.#turns.take(() => this.#expire());
    switch (operation) {
      case "PutItem":
      case "UpdateItem":
      case "DeleteItem":
        return this.#write((store) => writeItem(operation, input, store));
      case "BatchWriteItem":
        return this.#write((store) => run(operation, store, check(operation, input, store)));
      case "CreateTable":
        return this.#turns.take(() => this.#createTable(input));
      case "TransactWriteItems":
        return this.#turns.take(() => this.#transact(input));
      case "TransactGetItems":
        return this.#turns.take(() => transactGet(input, this.#store()));
      case "UpdateTimeToLive":
        return this.#turns.take(() => this.#expiry.update(input, this.#store()));
      case "DescribeTimeToLive":
        return this.#expiry.describe(input, this.#store());
      default:
        if (!isEngineOperation(operation)) throw unknownOperation();
        return this.#read(operation, input);
    }
  }

  #store(): Store {
    return new Store(this.#database, this.#region);
  }

  #read(operation: Parameters<typeof check>[0], input: Input): Promise<Output> {
    const store = this.#store();
    return run(operation, store, check(operation, input, store));
  }

  #write(work: (store: Store) => Promise<Output>): Promise<Output> {
    return this.#turns.take(async () => {
      const store = this.#store();
      const output = await work(store);
      await store.commit();
      this.#expiry.follow(store.changedItems());
      return output;
    });
  }

  async #transact(input: Input): Promise<Output> {
    const token = await this.#tokens.find(input);
    if (token.isRepeat) return {};
    const store = this.#store();
    await transactWrite(input, store);
    // The token is in the batch of what it stands for: a repeat after a crash finds both or neither.
    await store.commit(token.changes);
    this.#expiry.follow(store.changedItems());
    return {};
  }

  async #createTable(input: Input): Promise<Output> {
    const store = this.#store();
    const output = await run("CreateTable", store, check("CreateTable", input, store));
    // The answer says CREATING, as AWS's does. dynalite would say ACTIVE in a later write, which a crash could lose.
    const table = structuredClone(output.TableDescription) as Output & {
      GlobalSecondaryIndexes?: Output[];
    };
    table.CreationDateTime = this.#clock.now() / 1000;
    const active = {
      ...table,
      TableStatus: "ACTIVE",
      ...(table.GlobalSecondaryIndexes === undefined
        ? {}
        : {
            GlobalSecondaryIndexes: table.GlobalSecondaryIndexes.map((index) => ({
              ...index,
              IndexStatus: "ACTIVE",
            })),
          }),
    };
    await this.#database.batch([{ type: "put", key: `table~${table.TableName}`, value: active }]);
    return { TableDescription: table };
  }

  async #expire(): Promise<void> {
    const store = this.#store();
    for (const { table, key } of this.#expiry.due()) {
      const definition = await tableOf(table, store);
      const item = await store.item(definition, key);
      if (item === undefined || !this.#expiry.isExpired(table, item)) continue;
      const Key = Object.fromEntries(
        definition.KeySchema.map(({ AttributeName: name }) => [name, item[name]]),
      );
      await run("DeleteItem", store, { TableName: table, Key });
    }
    await store.commit();
    this.#expiry.follow(store.changedItems());
  }
}

/** dynalite does not know ReturnValuesOnConditionCheckFailure. */
async function writeItem(operation: WriteOperation, input: Input, store: Store): Promise<Output> {
  const { ReturnValuesOnConditionCheckFailure: onFailure, ...request } = input;
  const data = check(operation, request, store);
  try {
    return await run(operation, store, data);
  } catch (error) {
    if (!(error instanceof AwsError && error.type.endsWith("#ConditionalCheckFailedException"))) throw error;
    if (onFailure !== "ALL_OLD") throw error;
    const item = await existingItem(data, await tableOf(data.TableName as string, store), store);
    throw item === undefined ? error : new AwsError(error.type, error.message, { members: { Item: item } });
  }
}

export function existingItem(data: Checked, table: Table, store: Store): Promise<Item | undefined> {
  const [from, is] = data.Item === undefined ? (["Key", "key"] as const) : (["Item", "item"] as const);
  return store.item(table, keyOf(data[from] as Item, table, is));
}
