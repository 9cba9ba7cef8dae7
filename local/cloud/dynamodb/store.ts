/**
 * What dynalite's actions read and write, laid over the database.
 *
 * Reads see what has been committed. A write sees its own changes as well, and nobody else sees them until `commit`
 * writes all of them, items and index entries together, as one batch.
 */
import { Readable } from "node:stream";
import type { Change, Database, Range } from "../database.ts";
import { ACCOUNT } from "../service.ts";
import { type Item, indexChanges, plainKeyOf, type Table } from "./engine.ts";

type Callback = (error: unknown, value?: unknown) => void;
type Release = (callback: Callback) => Callback;

/** The parts of dynalite's store that its actions use. */
export interface EngineStore {
  readonly options: {
    readonly maxItemSize: number;
    readonly createTableMs: number;
  };
  readonly tableDb: SubStore & { readonly awsAccountId: string; readonly awsRegion: string };
  onThrow(error: unknown): void;
  getTable(name: string, checkStatus: boolean | Callback, callback?: Callback): void;
  getItemDb(table: string): SubStore;
  getIndexDb(kind: string, table: string, index: string): SubStore;
}
interface SubStore {
  lock(key: string, work: (release: Release) => void): void;
  get(key: string, callback: Callback): void;
  put(key: string, value: unknown, callback: Callback): void;
  del(key: string, callback: Callback): void;
  createValueStream(range: Range): Readable;
  createKeyStream(range: Range): Readable;
}

const TABLES = "table~";
const itemsOf = (table: string) => `item-${table}~`;
const indexOf = (kind: string, table: string, index: string) => `index-${kind}~${table}~${index}~`;

export class Store implements EngineStore {
  readonly options = { maxItemSize: 400 * 1024, createTableMs: 0 };
  readonly tableDb: EngineStore["tableDb"];
  readonly #database: Database;
  readonly #known = new Map<string, unknown>();
  readonly #changes = new Map<string, unknown>();
  /** Where an error goes that dynalite throws while it is called back, where nobody would catch it. */
  onThrow: (error: unknown) => void = () => undefined;
  readonly #items = new Map<string, { table: Table; before: Item | undefined; after: Item | undefined }>();

  constructor(database: Database, region: string) {
    this.#database = database;
    this.tableDb = { ...this.#sub(TABLES), awsAccountId: ACCOUNT, awsRegion: region };
  }

  getTable(name: string, checkStatus: boolean | Callback, callback?: Callback): void {
    const answer = typeof checkStatus === "function" ? checkStatus : (callback as Callback);
    this.tableDb.get(name, (error, table) => {
      if (error || table !== undefined) return answer(error, table);
      const where = checkStatus ? "" : `: Table: ${name} not found`;
      answer({ statusCode: 400, body: notFound(`Requested resource not found${where}`) });
    });
  }

  getItemDb(table: string): SubStore {
    return this.#sub(itemsOf(table), table);
  }

  /** Index entries are written by `commit`, from the items; what dynalite would write is left out. */
  getIndexDb(kind: string, table: string, index: string): SubStore {
    const ignore = (callback: Callback) => callback(null);
    return {
      ...this.#sub(indexOf(kind.toLowerCase(), table, index)),
      put: (_key, _value, callback) => ignore(callback),
      del: (_key, callback) => ignore(callback),
    };
  }

  async item(table: Table, key: string): Promise<Item | undefined> {
    return (await this.#read(itemsOf(table.TableName) + key)) as Item | undefined;
  }

  /** Writes everything at once; afterwards this store must not be used again. */
  async commit(more: readonly Change[] = []): Promise<void> {
    const all = [...this.#changes].map(([key, value]) => changeOf(key, value));
    for (const { table, before, after } of this.#items.values()) {
      // dynalite's index keys end in 24 bits of a digest of the item's key, so that two items with equal index
      // attributes can meet and hide each other. The whole key behind it keeps them apart.
      const item = plainKeyOf((after ?? before) as Item, table);
      for (const change of indexChanges(table, before, after)) {
        all.push(
          changeOf(
            `${indexOf(change.kind, table.TableName, change.index)}${change.key}/${item}`,
            change.item,
          ),
        );
      }
    }
    await this.#database.batch([...all, ...more]);
  }

  /** One store serves one request, and a write is alone: what was read once cannot have changed. */
  async #read(key: string): Promise<unknown> {
    if (this.#changes.has(key)) return this.#changes.get(key);
    if (!this.#known.has(key)) this.#known.set(key, await this.#database.get(key));
    return this.#known.get(key);
  }

  #sub(prefix: string, tableName?: string): SubStore {
    const get = async (key: string) => this.#read(prefix + key);
    const set = async (key: string, value: unknown) => {
      if (tableName !== undefined) await this.#noteItem(tableName, prefix + key, value as Item | undefined);
      this.#changes.set(prefix + key, value);
    };
    return {
      // Writes come one at a time (see dynamodb.ts), so there is nobody to be locked out.
      lock: (_key, work) => work((callback) => callback),
      get: (key, callback) => this.#settle(get(key), callback),
      put: (key, value, callback) => this.#settle(set(key, value), callback),
      del: (key, callback) => this.#settle(set(key, undefined), callback),
      createValueStream: (range) => Readable.from(this.#database.values(within(prefix, range))),
      createKeyStream: (range) => Readable.from(keysOf(this.#database, prefix, range)),
    };
  }

  #settle(work: Promise<unknown>, callback: Callback): void {
    work.then((value) => callback(null, value), callback).catch((error: unknown) => this.onThrow(error));
  }

  async #noteItem(tableName: string, key: string, after: Item | undefined): Promise<void> {
    const known = this.#items.get(key);
    if (known !== undefined) {
      known.after = after;
      return;
    }
    const table = (await this.#read(TABLES + tableName)) as Table;
    const before = (await this.#read(key)) as Item | undefined;
    if (before !== undefined || after !== undefined) this.#items.set(key, { table, before, after });
  }

  /** The items this write has changed, for those who follow them. */
  changedItems(): { table: Table; key: string; after: Item | undefined }[] {
    return [...this.#items].map(([key, { table, after }]) => ({
      table,
      key: key.slice(itemsOf(table.TableName).length),
      after,
    }));
  }
}

const changeOf = (key: string, value: unknown): Change =>
  value === undefined ? { type: "del", key } : { type: "put", key, value };

const notFound = (message: string) => ({
  __type: "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
  message,
});

function within(prefix: string, range: Range = {}): Range {
  const { gt, gte, lt, lte } = range;
  // A query that goes on after an index entry names it without the item's key that `commit` puts behind it.
  const after = gt !== undefined && prefix.startsWith("index-") && !gt.endsWith("~") ? `${gt}/~` : gt;
  return {
    ...(after !== undefined ? { gt: prefix + after } : { gte: prefix + (gte ?? "") }),
    ...(lte !== undefined ? { lte: prefix + lte } : { lt: prefix + (lt ?? "\xff") }),
    ...(range.reverse ? { reverse: true } : {}),
    ...(range.limit !== undefined ? { limit: range.limit } : {}),
  };
}

async function* keysOf(database: Database, prefix: string, range: Range): AsyncGenerator<string> {
  for await (const [key] of database.entries(within(prefix, range))) yield key.slice(prefix.length);
}
