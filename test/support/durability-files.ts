/** Watches files being written, and tells what a power cut could leave of them at any moment. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { dirname, resolve } from "node:path";

type Inode = { text: string; synced: string | undefined };

/**
 * The worst that POSIX allows: what was written is there only from its file's fsync on, a name only from its folder's; yet
 * either may have reached the disk sooner. Made for programs that write with node:fs's synchronous calls.
 */
export class WatchedFiles {
  /** Names as the program sees them, and as a computer would find them that starts again. */
  readonly #seen = new Map<string, Inode>();
  readonly #sure = new Map<string, Inode>();
  readonly #open = new Map<number, string>();
  readonly #original: Pick<
    typeof fs,
    "openSync" | "writeSync" | "fsyncSync" | "renameSync" | "closeSync" | "rmSync"
  >;
  /** Called after each step. */
  onStep: () => void = () => {};
  readonly foldersSynced: string[] = [];

  constructor() {
    const { openSync, writeSync, fsyncSync, renameSync, closeSync, rmSync } = fs;
    this.#original = { openSync, writeSync, fsyncSync, renameSync, closeSync, rmSync };
    const patch = (name: string, made: unknown) => Object.assign(fs, { [name]: made });
    patch("openSync", (path: string, flags: string, mode?: number) => {
      const fd = openSync(path, flags, mode);
      this.#open.set(fd, resolve(path));
      if (String(flags).startsWith("w")) this.#seen.set(resolve(path), { text: "", synced: undefined });
      return fd;
    });
    patch("writeSync", (fd: number, bytes: Buffer, offset = 0) => {
      // In two steps: a cut may come in the middle.
      const half = Math.ceil((bytes.length - offset) / 2);
      const inode = this.#seen.get(this.#open.get(fd) ?? "");
      const written = writeSync(fd, bytes, offset, half);
      if (inode !== undefined) inode.text += bytes.subarray(offset, offset + written).toString("latin1");
      this.onStep();
      return written;
    });
    patch("fsyncSync", (fd: number) => {
      fsyncSync(fd);
      const path = this.#open.get(fd) ?? "";
      const inode = this.#seen.get(path);
      if (inode !== undefined) inode.synced = inode.text;
      else this.#syncFolder(path);
      this.onStep();
    });
    patch("renameSync", (from: string, to: string) => {
      renameSync(from, to);
      this.#seen.set(resolve(to), this.#seen.get(resolve(from))!);
      this.#seen.delete(resolve(from));
      this.onStep();
    });
    patch("rmSync", (path: string, options: object) => {
      rmSync(path, options);
      this.#seen.delete(resolve(path));
      this.onStep();
    });
    patch("closeSync", (fd: number) => {
      closeSync(fd);
      this.#open.delete(fd);
    });
    syncBuiltinESMExports();
  }

  stop(): void {
    Object.assign(fs, this.#original);
    syncBuiltinESMExports();
  }

  #syncFolder(folder: string): void {
    this.foldersSynced.push(folder);
    for (const path of new Set([...this.#seen.keys(), ...this.#sure.keys()])) {
      if (dirname(path) !== folder) continue;
      const inode = this.#seen.get(path);
      if (inode === undefined) this.#sure.delete(path);
      else this.#sure.set(path, inode);
    }
  }

  /** What a computer surely finds; undefined: perhaps nothing. */
  sure(path: string): string | undefined {
    return this.#sure.get(resolve(path))?.synced;
  }

  /** All that it may find: under the sure name or the newer one, with what was synced or with any part more. */
  possible(path: string): readonly (string | undefined)[] {
    const inodes = [this.#sure.get(resolve(path)), this.#seen.get(resolve(path))];
    return inodes.flatMap((inode) => (inode === undefined ? [undefined] : [inode.synced ?? "", inode.text]));
  }
}
