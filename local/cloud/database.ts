/**
 * The one store under all services: LevelDB in the state folder, or its twin in memory.
 *
 * Promise: a `batch` is all there or not at all, also after the process or the machine dies, and when it has resolved
 * it is on the disk. LevelDB writes a batch as one record of its log and `sync` waits for the disk.
 */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { syncFolder } from "./whole-file.ts";

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

/** What of LevelDB is used. */
export type Level = {
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

/** LevelDB in a folder. */
export type OpenLevel = (folder: string) => Level;
export const levelIn: OpenLevel = (folder) => new Level(folder, { valueEncoding: "json" });

/** `openLevel` stands in for the disk where a test cuts its power. */
export async function openDatabase(
  folder: string | undefined,
  openLevel: OpenLevel = levelIn,
): Promise<Database> {
  const level = folder === undefined ? new MemoryLevel({ valueEncoding: "json" }) : openLevel(folder);
  await level.open();
  let logs = folder === undefined ? "" : logsIn(folder);
  /** LevelDB syncs what it writes into a new log, and the log's name only later, with its manifest. */
  const syncNames = () => {
    if (folder === undefined) return;
    const now = logsIn(folder);
    if (now === logs) return;
    syncFolder(folder);
    logs = now;
  };
  return {
    get: (key) => level.get(key),
    async batch(changes) {
      if (changes.length === 0) return;
      await level.batch(changes, { sync: true });
      syncNames();
    },
    values: (range) => level.values(range),
    entries: (range) => level.iterator(range),
    close: () => level.close(),
  };
}

const logsIn = (folder: string): string =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".log"))
    .join();

/** All keys that start with `prefix`; keys are ASCII after their prefix. */
export const under = (prefix: string): Range => ({ gte: prefix, lt: `${prefix}\xff` });
