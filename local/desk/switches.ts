/** The owner's switches: kill, arm and disarm, and the hand on an order that stayed in doubt. */
import { cancelOurs } from "../../shared/app/cancel-ours.ts";
import { armingHash } from "../../shared/app/ids.ts";
import type { Deps } from "../../shared/app/ports.ts";
import { resolveRun } from "../../shared/app/resolve-run.ts";
import { formatShort } from "../../shared/domain/decimal.ts";
import { DeskError, DeskRefusal } from "./errors.ts";
import { type KillView, type RunView, runView } from "./views.ts";

/** No claim succeeds from here on, and what of ours still rests at Kraken is cancelled. */
export async function kill(deps: Deps): Promise<KillView> {
  const views: KillView[] = [];
  for (const { name: account } of deps.settings.accounts) {
    await deps.books.setKilled(account, true);
    views.push(await cancelOurs(deps, account));
  }
  return {
    cancelled: views.flatMap((view) => view.cancelled),
    remaining: views.flatMap((view) => view.remaining),
    foreign: views.flatMap((view) => view.foreign),
  };
}

/** What must be typed back to arm: the monthly caps, as they stand in the plans file. */
export const armingPhrase = (deps: Deps): string =>
  deps.settings.limits.perMonth.map(({ amount, asset }) => `${formatShort(amount)} ${asset}`).join(" and ");

/** Live orders may be placed from here on, for exactly these plans and caps: any other ones need a new arming. */
export async function arm(deps: Deps, typed: string, keyProblems: readonly string[]): Promise<void> {
  if (deps.settings.mode !== "live") {
    throw new DeskRefusal("tide.yaml says mode: dry-run; write mode: live first, then arm");
  }
  const expected = armingPhrase(deps);
  if (expected === "")
    throw new DeskRefusal("limits name no perMonth cap; arming needs one to be typed back");
  if (typed.trim().replace(/\s+/g, " ").toLowerCase() !== expected.toLowerCase()) {
    throw new DeskRefusal(
      `the monthly cap was typed as ${JSON.stringify(typed)}, expected ${expected}; not armed`,
    );
  }
  if (keyProblems.length > 0)
    throw new DeskRefusal(`the trade key is not fit to trade: ${keyProblems.join("; ")}`);
  for (const { name } of deps.settings.accounts) await deps.books.setArmed(name, armingHash(deps));
}

export async function disarm(deps: Deps): Promise<void> {
  for (const { name } of deps.settings.accounts) await deps.books.setArmed(name, undefined);
}

/** Ends a quarantine with evidence from the exchange, and only with it. */
export async function resolve(deps: Deps, run: string): Promise<RunView> {
  const quarantined: string[] = [];
  for (const { name: account } of deps.settings.accounts) {
    for (const found of await deps.books.runs(account)) {
      if (found.intent?.state === "QUARANTINED") quarantined.push(found.run.id);
    }
    if (!quarantined.includes(run)) continue;
    const resolution = await resolveRun(account, run, deps);
    if (resolution.is === "no-evidence") {
      throw new DeskRefusal(
        `${run} stays as it is: Kraken shows neither the order nor that there is none (${resolution.why})`,
      );
    }
    const now = await deps.books.run(account, run);
    return runView(now!.run, now!.intent);
  }
  const known = quarantined.length === 0 ? "none is" : `these are: ${quarantined.join(", ")}`;
  throw new DeskError(`${JSON.stringify(run)} is not in quarantine; ${known}`);
}
