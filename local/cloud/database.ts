/**
 * The one store under all services: LevelDB in the state folder, or its twin in memory.
 *
 * Promise: a `batch` is all there or not at all, also after the process or the machine dies, and when it has resolved
 * it is on the disk. LevelDB writes a batch as one record of its log and `sync` waits for the disk.
 */
import { createRequire } from "node:module";

export type Change =
  | { readonly type: "put"; readonly key: string; readonly value: unknown }
  | { readonly type: "del"; readonly key: string };

export type Range = {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly reverse?: boolean;
  readonly limit?: number;
};

export interface Database {
  get(key: string): Promise<unknown>;
  batch(changes: readonly Change[]): Promise<void>;
  values(range: Range): AsyncIterable<unknown>;
  entries(range: Range): AsyncIterable<[string, unknown]>;
  close(): Promise<void>;
}

type Level = {
  open(): Promise<void>;
  get(key: string): Promise<unknown>;
  batch(changes: readonly Change[], options: { sync: boolean }): Promise<void>;
  values(range: Range): AsyncIterable<unknown>;
  iterator(range: Range): AsyncIterable<[string, unknown]>;
  close(): Promise<void>;
};
type LevelClass<Args extends unknown[]> = new (...args: Args) => Level;

// dynalite brings LevelDB; its own copies are used, so that there is one of each.
const require = createRequire(import.meta.url);
const ofDynalite = createRequire(require.resolve("dynalite"));
const { Level } = ofDynalite("level") as { Level: LevelClass<[string, { valueEncoding: "json" }]> };
const { MemoryLevel } = ofDynalite("memory-level") as {
  MemoryLevel: LevelClass<[{ valueEncoding: "json" }]>;
};

export async function openDatabase(folder: string | undefined): Promise<Database> {
  const level =
    folder === undefined
      ? new MemoryLevel({ valueEncoding: "json" })
      : new Level(folder, { valueEncoding: "json" });
  await level.open();
  return {
    get: (key) => level.get(key),
    batch: (changes) => (changes.length === 0 ? Promise.resolve() : level.batch(changes, { sync: true })),
    values: (range) => level.values(range),
    entries: (range) => level.iterator(range),
    close: () => level.close(),
  };
}

/** All keys that start with `prefix`; keys are ASCII after their prefix. */
export const under = (prefix: string): Range => ({ gte: prefix, lt: `${prefix}\xff` });
