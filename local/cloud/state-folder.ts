/**
 * The state folder: `version.json`, `secrets.json` and LevelDB under `store/`. Everything in it is its owner's alone.
 *
 * LevelDB holds the lock. Nothing is changed in a folder of another version, or in one that is not ours.
 */
import { chmod, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Database, type OpenLevel, openDatabase } from "./database.ts";
import { CloudError } from "./errors.ts";
import { makeFolder, writeWhole } from "./whole-file.ts";

const VERSION = 1;
const VERSION_FILE = "version.json";

export async function openStateFolder(
  dir: string,
  openLevel?: OpenLevel,
): Promise<{ database: Database; secretsFile: string }> {
  try {
    makeFolder(dir);
    const isNew = await checkVersion(dir);
    await chmod(dir, 0o700);
    narrowNewFiles();
    if (isNew) writeWhole(join(dir, VERSION_FILE), JSON.stringify({ cloud: VERSION }));
    const store = join(dir, "store");
    makeFolder(store);
    const database = await openDatabase(store, openLevel);
    for (const name of await readdir(store)) await closeToOthers(join(store, name));
    return { database, secretsFile: join(dir, "secrets.json") };
  } catch (error) {
    throw error instanceof CloudError ? error : new CloudError(sentenceOf(dir, error), { cause: error });
  }
}

/** LevelDB takes old files away in the background; one that has just gone needs nothing. */
async function closeToOthers(path: string): Promise<void> {
  try {
    await chmod(path, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** Says whether the folder is empty; throws when it belongs to something else. */
async function checkVersion(dir: string): Promise<boolean> {
  const names = (await readdir(dir)).filter((name) => !name.endsWith(".new"));
  if (names.length === 0) return true;
  if (!names.includes(VERSION_FILE)) {
    throw new CloudError(
      `${dir} holds other files and no state of the embedded AWS endpoint; name another folder`,
    );
  }
  const text = await readFile(join(dir, VERSION_FILE), "utf8");
  const version = versionIn(text);
  if (version === VERSION) return false;
  throw new CloudError(
    `${dir} holds state of version ${version}, this program reads version ${VERSION}; nothing was changed`,
  );
}

function versionIn(text: string): unknown {
  try {
    return (JSON.parse(text) as { cloud?: unknown }).cloud;
  } catch {
    return JSON.stringify(text.slice(0, 40));
  }
}

/** LevelDB makes new files as it goes; only the process's own mask decides their mode. */
function narrowNewFiles(): void {
  try {
    process.umask(0o077);
  } catch {
    // A worker thread may not set it; the folder itself is closed to others all the same.
  }
}

function sentenceOf(dir: string, error: unknown): string {
  const { code, message } = rootOf(error);
  switch (code) {
    case "LEVEL_LOCKED":
      return `${dir} is in use by another process; stop that one first`;
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return `${dir} cannot be written: ${code === "EROFS" ? "the disk is read-only" : "permission denied"}`;
    case "ENOSPC":
    case "EDQUOT":
      return `${dir} cannot be written: the disk is full`;
    case "ENOENT":
      return `${dir} cannot be made: there is no place for it, or the disk is read-only`;
    case "ENOTDIR":
    case "EEXIST":
      return `${dir} is not a folder`;
    default:
      return `${dir} cannot be opened: ${message}`;
  }
}

/** LevelDB's own errors hide the disk's behind them, as text. */
function rootOf(error: unknown): { code: string | undefined; message: string } {
  const { code, message, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  if (cause !== undefined) return rootOf(cause);
  if (/read-only file system/i.test(message)) return { code: "EROFS", message };
  if (/permission denied/i.test(message)) return { code: "EACCES", message };
  if (/no space left/i.test(message)) return { code: "ENOSPC", message };
  return { code, message };
}
