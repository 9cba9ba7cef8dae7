/** The plans file of a machine: read before anything is made. */
import { readFile } from "node:fs/promises";
import { formatMistake, type Warning } from "../../shared/config/mistake.ts";
import { parseTideYaml } from "../../shared/config/tide-yaml.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import type { EpochMs } from "../../shared/domain/time.ts";
import { MachineError } from "./state-dir.ts";

/** Throws MachineError: why the file cannot be read, or every mistake in it; with `now` also plans that fire no more. */
export async function readPlans(
  file: string,
  now?: EpochMs,
): Promise<{ settings: Settings; warnings: readonly Warning[]; text: string }> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new MachineError(`${file} cannot be read (${error.code}); name a plans file with --plans FILE`);
  });
  const read = parseTideYaml(text, file, now);
  if ("mistakes" in read) throw new MachineError(read.mistakes.map(formatMistake).join("\n"));
  return { ...read, text };
}
