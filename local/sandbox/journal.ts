/**
 * The sandbox's memory on disk: a snapshot, and every command since. A command is written before it runs, so an order
 * that was answered is there after any crash; a command whose line is torn was never answered, and is dropped.
 *
 * The lines go to the operating system, not through to the disk: they survive the end of the process, not of the machine.
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { decode, encode } from "./codec.ts";
import type { Command } from "./exchange.ts";
import type { State } from "./state.ts";

/** Rises when a snapshot or command of before can no longer be read. */
export const STATE_VERSION = 1;
/** Commands after which a new snapshot is made. */
const COMMANDS_MAX = 5_000;

export type Line = { readonly seq: number; readonly at: number; readonly command: Command };
export type WriteAt = (fd: number, bytes: Buffer, position: number) => void;

const writeWhole: WriteAt = (fd, bytes, position) => {
  for (let done = 0; done < bytes.length; ) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
};

export type Opened = {
  readonly journal: Journal;
  readonly state: State | undefined;
  readonly lines: readonly Line[];
};

export class Journal {
  readonly #dir: string;
  readonly #write: WriteAt;
  #fd: number;
  #length: number;
  #seq: number;
  #sinceSnapshot = 0;

  private constructor(dir: string, fd: number, length: number, seq: number, write: WriteAt) {
    this.#dir = dir;
    this.#fd = fd;
    this.#length = length;
    this.#seq = seq;
    this.#write = write;
  }

  /** Throws one sentence when the folder cannot be used; nothing in it is changed then. */
  static open(dir: string, write: WriteAt = writeWhole): Opened {
    try {
      fs.mkdirSync(dir, { recursive: true });
      const snapshot = readSnapshot(join(dir, "snapshot.json"));
      const path = join(dir, "journal.ndjson");
      const text = fs.existsSync(path) ? fs.readFileSync(path, "utf8") : "";
      if (snapshot === undefined && text !== "") {
        throw new Error("it holds a journal without a snapshot");
      }
      const { lines, length } = readLines(text);
      const fresh = lines.filter((line) => line.seq > (snapshot?.seq ?? 0));
      const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
      fs.ftruncateSync(fd, length);
      const seq = Math.max(snapshot?.seq ?? 0, lines.at(-1)?.seq ?? 0);
      return { journal: new Journal(dir, fd, length, seq, write), state: snapshot?.state, lines: fresh };
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`The sandbox state in ${dir} cannot be used: ${why}.`, { cause });
    }
  }

  /** Throws when it could not be written; the command must not run then. */
  append(at: number, command: Command): void {
    const bytes = Buffer.from(`${encode({ seq: this.#seq + 1, at, command })}\n`);
    try {
      this.#write(this.#fd, bytes, this.#length);
    } catch (cause) {
      // Half a line may be there: cut it off, or the next one overwrites it.
      try {
        fs.ftruncateSync(this.#fd, this.#length);
      } catch {}
      throw cause;
    }
    this.#length += bytes.length;
    this.#seq++;
    this.#sinceSnapshot++;
  }

  get isLong(): boolean {
    return this.#sinceSnapshot >= COMMANDS_MAX;
  }

  /** Replaces snapshot and journal. A crash at any point leaves the old ones, or the new snapshot and lines it covers. */
  save(state: State): void {
    const path = join(this.#dir, "snapshot.json");
    const fd = fs.openSync(`${path}.new`, "w", 0o600);
    try {
      this.#write(fd, Buffer.from(encode({ version: STATE_VERSION, seq: this.#seq, state })), 0);
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(`${path}.new`, path);
    fs.ftruncateSync(this.#fd, 0);
    this.#length = 0;
    this.#sinceSnapshot = 0;
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}

function readSnapshot(path: string): { seq: number; state: State } | undefined {
  if (!fs.existsSync(path)) return undefined;
  let read: { version?: number; seq: number; state: State };
  try {
    read = decode(fs.readFileSync(path, "utf8")) as typeof read;
  } catch {
    throw new Error("its snapshot is not readable");
  }
  if (read.version !== STATE_VERSION) {
    throw new Error(`it is of version ${read.version}, this sandbox reads version ${STATE_VERSION}`);
  }
  return read;
}

/** Whole lines only. A torn last line is left out; damage before it is not passed over. */
function readLines(text: string): { lines: Line[]; length: number } {
  const lines: Line[] = [];
  let length = 0;
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf("\n", start);
    if (end === -1) break;
    let line: Line;
    try {
      line = decode(text.slice(start, end)) as Line;
    } catch {
      if (text.indexOf("\n", end + 1) !== -1)
        throw new Error(`line ${lines.length + 1} of its journal is damaged`);
      break;
    }
    lines.push(line);
    length += Buffer.byteLength(text.slice(start, end + 1));
    start = end + 1;
  }
  return { lines, length };
}
