/** Runs the real `tide` in a process of its own, on a state folder of its own. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

export type CliHouse = {
  readonly dir: string;
  readonly state: string;
  tide(words: readonly string[], input?: string): Promise<Ran>;
  close(): Promise<void>;
};

export async function openCliHouse(): Promise<CliHouse> {
  const dir = await mkdtemp(join(tmpdir(), "tidekeeper-cli-"));
  const state = join(dir, "state");
  return {
    dir,
    state,
    tide: (words, input = "") => tide([...words, "--state", state], input),
    close: () => rm(dir, { recursive: true, force: true }),
  };
}

/** Standard input is a pipe: nobody can be asked. */
export function tide(words: readonly string[], input = ""): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(ROOT, "local/cli/tide.ts"), ...words],
      { cwd: ROOT, timeout: 60_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.on("error", () => {}); // It may end without reading
    child.stdin?.end(input);
  });
}
