/** The state folder of one-machine mode: its version, who works in it, and where the clock stood. */
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { makeFolder, writeWhole } from "../cloud/whole-file.ts";

/** A folder of another version is not touched. */
const VERSION = 2;

/** Told to the owner as it is; nothing was started and nothing was lost. */
export class MachineError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MachineError";
  }
}

const kept = z.object({
  version: z.number(),
  seed: z.number(),
  /** Virtual time, to go on from. */
  clockAt: z.number(),
  /** Where it began. */
  clockStart: z.number(),
  exchange: z.string(),
  /** What its machine was last started with, and whether its owner named it. Nothing else accounts for its slots. */
  plansFile: z.string().optional(),
  isPlansFileNamed: z.boolean().optional(),
});
export type KeptState = z.infer<typeof kept>;

const running = z.object({
  pid: z.number(),
  /** When that process began: numbers of processes are given again. */
  born: z.string().optional(),
  page: z.string(),
  token: z.string(),
});
/** How other processes of the owner reach a machine that is running. */
export type RunningMachine = z.infer<typeof running>;

export class StateDir {
  readonly path: string;
  readonly isNew: boolean;
  kept: KeptState;

  private constructor(path: string, isNew: boolean, state: KeptState) {
    this.path = path;
    this.isNew = isNew;
    this.kept = state;
  }

  /** Opens or makes the folder and takes it for this process. */
  static open(path: string, fresh: Omit<KeptState, "version">): StateDir {
    const file = join(path, "machine.json");
    try {
      const isNew = !existsSync(file);
      makeFolder(path);
      const other = readRunning(path);
      if (other !== undefined && other.pid !== process.pid) {
        throw new MachineError(
          `${path} is in use by process ${other.pid}; stop it, or choose another folder with --state DIR`,
        );
      }
      const state = isNew ? { version: VERSION, ...fresh } : readKept(file);
      const dir = new StateDir(path, isNew, state);
      dir.#write("machine.json", state);
      return dir;
    } catch (error) {
      throw explain(error, path);
    }
  }

  /** Takes back what `open` made, when nothing came of it. Whatever else is in the folder stays. */
  unmake(): void {
    if (!this.isNew) return;
    rmSync(join(this.path, "machine.json"), { force: true });
    if (readdirSync(this.path).length === 0) rmdirSync(this.path);
  }

  keep(change: Partial<KeptState>): void {
    this.kept = { ...this.kept, ...change };
    try {
      this.#write("machine.json", this.kept);
    } catch (error) {
      throw explain(error, this.path);
    }
  }

  announce(machine: RunningMachine): void {
    this.#write("running.json", { ...machine, born: bornAt(machine.pid) });
  }

  /** Another process may have taken the folder while this one failed to. */
  leave(): void {
    const other = readRunning(this.path);
    if (other === undefined || other.pid === process.pid)
      rmSync(join(this.path, "running.json"), { force: true });
  }

  #write(name: string, value: unknown): void {
    const path = join(this.path, name);
    writeWhole(path, `${JSON.stringify(value)}\n`);
  }
}

/** Only a folder that Tidekeeper made is forgotten, and none that is in use. */
export function forget(path: string): void {
  if (!existsSync(path)) return;
  if (!existsSync(join(path, "machine.json"))) {
    throw new MachineError(`--reset would remove ${path}, which is not a state folder of Tidekeeper`);
  }
  const other = readRunning(path);
  if (other !== undefined) throw new MachineError(`${path} is in use by process ${other.pid}; stop it first`);
  // Of whatever version: a folder that this program cannot read is the one that is started over.
  if (/"exchange":\s*"kraken"/.test(readFileSync(join(path, "machine.json"), "utf8"))) {
    throw new MachineError(
      `--reset would remove the ledger and the keys of real money in ${path}; choose another folder with --state DIR`,
    );
  }
  rmSync(path, { recursive: true });
}

/** What the folder was made with, and is worked with; undefined of a new one. */
export function keptIn(path: string): KeptState | undefined {
  const file = join(path, "machine.json");
  return existsSync(file) ? readKept(file) : undefined;
}

export const exchangeOf = (path: string): string | undefined => keptIn(path)?.exchange;

function readKept(file: string): KeptState {
  const read = kept.safeParse(parse(readFileSync(file, "utf8")));
  if (!read.success)
    throw new MachineError(
      `${file} is not a state file of Tidekeeper; choose another folder with --state DIR`,
    );
  if (read.data.version !== VERSION) {
    throw new MachineError(
      `${file} is of version ${read.data.version}, this program reads version ${VERSION}; choose another folder with --state DIR, or start over with --reset`,
    );
  }
  return read.data;
}

/** The machine that works in the folder now, if its process is alive. */
export function readRunning(path: string): RunningMachine | undefined {
  const file = join(path, "running.json");
  if (!existsSync(file)) return undefined;
  const read = running.safeParse(parse(readFileSync(file, "utf8")));
  return read.success && isAlive(read.data) ? read.data : undefined;
}

function isAlive({ pid, born }: RunningMachine): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const bornNow = bornAt(pid);
  return born === undefined || bornNow === undefined || born === bornNow;
}

/** In ticks since the computer started, and which start that was; undefined where the system does not tell. */
function bornAt(pid: number): string | undefined {
  try {
    const ticks = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")[19];
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${ticks}`;
  } catch {
    return undefined;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function explain(error: unknown, path: string): Error {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOSPC":
      return new MachineError(
        `the disk is full: nothing more can be written to ${path}; make room and start again`,
      );
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return new MachineError(`${path} cannot be written (${code}); choose another folder with --state DIR`);
    case "ENOTDIR":
    case "EEXIST":
      return new MachineError(`${path} is not a folder; choose another one with --state DIR`);
    default:
      return error as Error;
  }
}
