/** The embedded AWS endpoint on a disk whose power can be cut: what was not synced before the cut is gone. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { VirtualClock } from "../../local/clock.ts";
import { type Cloud, openCloud } from "../../local/cloud/cloud.ts";
import { type Level, levelIn, type OpenLevel } from "../../local/cloud/database.ts";
import { Turns } from "../../local/cloud/turns.ts";
import { START } from "./cloud-house.ts";

/** Cut while batch `at` is under way: before it reaches the disk, or when it is there and nobody has been told. */
export type Cut = { readonly at: number; readonly when: "before" | "after" };

/**
 * Stands before LevelDB. Its shadow is the folder as it was at the end of the last write that waited for the disk; writes
 * that do not wait change no shadow. It cannot see whether LevelDB's own `sync` reaches the metal: that is LevelDB's word.
 */
export class CuttableDisk {
  readonly shadow = mkdtempSync(join(tmpdir(), "tidekeeper-shadow-"));
  readonly cut: Promise<void>;
  synced = 0;
  unsynced = 0;
  isCut = false;
  #level: Level | undefined;
  #tell: () => void = () => {};
  readonly #turns = new Turns();
  readonly #plan: Cut | undefined;

  constructor(plan?: Cut) {
    this.#plan = plan;
    this.cut = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  readonly openLevel: OpenLevel = (folder) => {
    const level = levelIn(folder);
    this.#level = level;
    return {
      open: async () => {
        await level.open();
        this.#keep(folder);
      },
      get: (key) => level.get(key),
      values: (range) => level.values(range),
      iterator: (range) => level.iterator(range),
      close: () => level.close(),
      // One at a time, so that a shadow is never taken while another batch is being written.
      batch: (changes, options) =>
        this.#turns.take(async () => {
          if (this.isCut) return never();
          const isHere = this.#plan?.at === this.synced + 1;
          if (isHere && this.#plan?.when === "before") return this.#end();
          await level.batch(changes, options);
          if (!options.sync) {
            this.unsynced++;
            return;
          }
          this.synced++;
          this.#keep(folder);
          if (isHere) return this.#end();
        }),
    };
  };

  /** The process is gone; its last batch has no answer. */
  #end(): Promise<void> {
    this.isCut = true;
    this.#tell();
    return never();
  }

  #keep(folder: string): void {
    rmSync(this.shadow, { recursive: true, force: true });
    cpSync(folder, this.shadow, { recursive: true });
  }

  /** LevelDB's lock belongs to the process, which has not really died. */
  async unlock(): Promise<void> {
    await this.#level?.close();
  }

  forget(): void {
    rmSync(this.shadow, { recursive: true, force: true });
  }
}

/** The turn is given on, so that those who wait behind hear nothing, too. */
const never = (): Promise<void> => new Promise(() => {});

export type PowerHouse = {
  readonly dir: string;
  readonly clock: VirtualClock;
  readonly cloud: Cloud;
  readonly dynamodb: DynamoDBClient;
  readonly sqs: SQSClient;
  readonly sns: SNSClient;
};

export async function openOn(disk: CuttableDisk | undefined, dir: string): Promise<PowerHouse> {
  const clock = new VirtualClock({ startAt: START, rate: 0 });
  const cloud = await openCloud({ clock, dir, ...(disk === undefined ? {} : { openLevel: disk.openLevel }) });
  const config = {
    region: "us-east-1",
    endpoint: "http://embedded",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    requestHandler: cloud.requestHandler as never,
    maxAttempts: 1,
  };
  return {
    dir,
    clock,
    cloud,
    dynamodb: new DynamoDBClient(config),
    sqs: new SQSClient(config),
    sns: new SNSClient(config),
  };
}

export const newFolder = (): string => mkdtempSync(join(tmpdir(), "tidekeeper-power-"));

/** The computer starts again: of the folder there is what had been synced. */
export async function afterTheCut(dir: string, disk: CuttableDisk): Promise<void> {
  await disk.unlock();
  rmSync(join(dir, "store"), { recursive: true });
  cpSync(disk.shadow, join(dir, "store"), { recursive: true });
}
