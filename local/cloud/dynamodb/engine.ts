/** dynalite's engine, with types: its checks of a request, its actions, and what they share. */
import { createRequire } from "node:module";
import { AwsError } from "../errors.ts";
import type { Input, Output } from "../service.ts";
import type { EngineStore } from "./store.ts";

export type Item = Record<string, Record<string, unknown>>;
export type TableIndex = {
  readonly IndexName: string;
  readonly KeySchema: readonly { AttributeName: string }[];
};
export type Table = {
  readonly TableName: string;
  readonly TableStatus: string;
  readonly KeySchema: readonly { AttributeName: string }[];
  readonly GlobalSecondaryIndexes?: readonly TableIndex[];
  readonly LocalSecondaryIndexes?: readonly TableIndex[];
};
/** A request that has passed dynalite's checks, with its expressions parsed. */
export type Checked = Output & { readonly checked?: true };

type Callback<T> = (error: unknown, result?: T) => void;
type Action = (store: EngineStore, data: Checked, callback: Callback<Output>) => void;
type Rules = { types: unknown; custom?: unknown };
type IndexActions = {
  puts: { index: string; key: string; item: Item }[];
  deletes: { index: string; key: string }[];
};

const require = createRequire(import.meta.url);
const database = require("dynalite/db") as {
  createKey(item: Item, table: Table): string;
  validateKey(key: Item, table: Table): unknown;
  validateItem(item: Item, table: Table): unknown;
  checkConditional(data: Checked, existing: Item | undefined): unknown;
  getIndexActions(
    indexes: readonly TableIndex[],
    existing: Item | undefined,
    item: Item | undefined,
    table: Table,
  ): IndexActions;
};
const validations = require("dynalite/validations") as {
  checkTypes(data: unknown, types: unknown): Checked;
  checkValidations(data: Checked, types: unknown, custom: unknown, store: EngineStore): void;
};

const operations = [
  "BatchGetItem",
  "BatchWriteItem",
  "CreateTable",
  "DeleteItem",
  "DescribeTable",
  "GetItem",
  "ListTables",
  "PutItem",
  "Query",
  "Scan",
  "UpdateItem",
] as const;
export type EngineOperation = (typeof operations)[number];

const fileOf = (operation: string) => operation.charAt(0).toLowerCase() + operation.slice(1);
const actions = new Map<string, Action>();
const rules = new Map<string, Rules>();
for (const operation of operations) {
  actions.set(operation, require(`dynalite/actions/${fileOf(operation)}`) as Action);
  rules.set(operation, require(`dynalite/validations/${fileOf(operation)}`) as Rules);
}

export const isEngineOperation = (operation: string): operation is EngineOperation => actions.has(operation);

/** Throws AWS's own error when the request is malformed. */
export function check(operation: EngineOperation, input: Input, store: EngineStore): Checked {
  const { types, custom } = rules.get(operation) as Rules;
  return rethrown(() => {
    const data = validations.checkTypes(structuredClone(input), types);
    validations.checkValidations(data, types, custom, store);
    return data;
  });
}

export function run(operation: EngineOperation, store: EngineStore, data: Checked): Promise<Output> {
  const action = actions.get(operation) as Action;
  return new Promise((resolve, reject) => {
    store.onThrow = reject;
    action(store, data, (error, result) => (error ? reject(awsErrorOf(error)) : resolve(result ?? {})));
  });
}

export function tableOf(name: string, store: EngineStore): Promise<Table> {
  return new Promise((resolve, reject) => {
    store.getTable(name, (error, table) => (error ? reject(awsErrorOf(error)) : resolve(table as Table)));
  });
}

/** The item's key in the store. `from` holds the key attributes, alone or in a whole item. */
export function keyOf(from: Item, table: Table, is: "key" | "item"): string {
  const invalid = is === "key" ? database.validateKey(from, table) : database.validateItem(from, table);
  if (invalid) throw awsErrorOf(invalid);
  return database.createKey(from, table);
}

/** Throws ConditionalCheckFailedException when the condition does not hold. */
export function checkCondition(data: Checked, existing: Item | undefined): void {
  const failed = database.checkConditional(data, existing);
  if (failed) throw awsErrorOf(failed);
}

export function indexChanges(table: Table, before: Item | undefined, after: Item | undefined) {
  const of = (kind: "global" | "local", indexes: readonly TableIndex[] = []) => {
    const { puts, deletes } = database.getIndexActions(indexes, before, after, table);
    return [
      ...deletes.map((del) => ({ kind, ...del, item: undefined })),
      ...puts.map((put) => ({ kind, ...put })),
    ];
  };
  return [...of("local", table.LocalSecondaryIndexes), ...of("global", table.GlobalSecondaryIndexes)];
}

export const plainKeyOf = (item: Item, table: Table): string => database.createKey(item, table);

function rethrown<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw awsErrorOf(error);
  }
}

/** dynalite's errors carry AWS's body; anything else is a fault of ours and stays as it is. */
function awsErrorOf(error: unknown): unknown {
  const { body, statusCode } = (error ?? {}) as {
    body?: { __type: string; message?: string; Message?: string };
    statusCode?: number;
  };
  if (body === undefined) return error;
  return new AwsError(body.__type, body.message ?? body.Message ?? "", { status: statusCode ?? 400 });
}
