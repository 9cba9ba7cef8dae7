/** Which plans file a machine works with when none is named. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { keptIn, MachineError } from "./state-dir.ts";

const EXAMPLE = "tide.example.yaml";

export function defaultPlansFile(): string {
  const here = ["tide.yaml", EXAMPLE].find((name) => existsSync(name));
  return here ?? join(import.meta.dirname, "../..", EXAMPLE);
}

export type PlansToStart = { readonly plansFile: string; readonly starts: "named" | "default" };

/**
 * Of a start without --plans: the file that its owner named at an earlier start of this folder. One that was not named is
 * chosen anew, so that the first tide.yaml takes the place of the example. Without a folder: one that is to be forgotten.
 */
export function plansToStart(stateDir: string | undefined, named: string | undefined): PlansToStart {
  if (named !== undefined) return { plansFile: named, starts: "named" };
  const kept = stateDir === undefined ? undefined : keptIn(stateDir);
  if (kept?.plansFile === undefined) return { plansFile: defaultPlansFile(), starts: "default" };
  const isNamed = kept.isPlansFileNamed === true;
  if (existsSync(kept.plansFile))
    return isNamed
      ? { plansFile: kept.plansFile, starts: "named" }
      : { plansFile: defaultPlansFile(), starts: "default" };
  // The example gives way to whatever there is; an owner's own plans are never dropped without a word.
  if (!isNamed && basename(kept.plansFile) === EXAMPLE)
    return { plansFile: defaultPlansFile(), starts: "default" };
  throw new MachineError(
    `the plans file of ${stateDir} is not there any more: ${kept.plansFile}; put it back, or name one with --plans FILE`,
  );
}
