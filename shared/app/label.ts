/** Whose money moves where this program runs. */
import type { Label } from "../domain/run.ts";
import type { Deps } from "./ports.ts";

/** Play money in the sandbox; at Kraken what tide.yaml asks for. Being armed is a question of its own. */
export function venueLabel({ venue, settings }: Pick<Deps, "venue" | "settings">): Label {
  if (venue === "sandbox") return "PLAY MONEY";
  return settings.mode === "live" ? "LIVE" : "DRY RUN";
}
