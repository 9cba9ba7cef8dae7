/** Which plans file a machine works with when none is named. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { keptIn, MachineError } from "./state-dir.ts";

export function defaultPlansFile(): string {
  const here = ["tide.yaml", "tide.example.yaml"].find((name) => existsSync(name));
  return here ?? join(import.meta.dirname, "../../tide.example.yaml");
}

export type PlansToStart = { readonly plansFile: string; readonly starts: "named" | "default" };

/**
 * Of a start without --plans: the file that its owner named at an earlier start of this folder. One that was not named is
 * chosen anew, so that the first tide.yaml takes the place of the example. Without a folder: one that is to be forgotten.
 */
export function plansToStart(stateDir: string | undefined, named: string | undefined): PlansToStart {
  if (named !== undefined) return { plansFile: named, starts: "named" };
  const kept = stateDir === undefined ? undefined : keptIn(stateDir);
  if (kept?.plansFile === undefined || kept.isPlansFileNamed !== true)
    return { plansFile: defaultPlansFile(), starts: "default" };
  if (existsSync(kept.plansFile)) return { plansFile: kept.plansFile, starts: "named" };
  throw new MachineError(
    `the plans file of ${stateDir} is not there any more: ${kept.plansFile}; put it back, or name one with --plans FILE`,
  );
}
