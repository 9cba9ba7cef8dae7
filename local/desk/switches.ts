/** The owner's switches: kill, arm and disarm, and the hand on an order that stayed in doubt. */
import { armingHash } from "../../shared/app/ids.ts";
import { unsettledIntents } from "../../shared/app/our-orders.ts";
import { formatShort } from "../../shared/domain/decimal.ts";
import { DeskError, DeskRefusal } from "./errors.ts";
import { type KillView, type RunView, runView } from "./views.ts";
import type { Workplace, WorkplaceDeps } from "./workplace.ts";

/** No claim succeeds from here on, in any account; then what of ours still rests at Kraken is cancelled. */
export async function kill(place: Pick<Workplace, "deps" | "cancel">): Promise<KillView> {
  const { settings, books } = place.deps;
  const failures: string[] = [];
  for (const { name } of settings.accounts) {
    // One account that cannot be reached must not keep the others buying.
    await books
      .setKilled(name, true)
      .catch((error: Error) => failures.push(`${name}: ${error.message || error.name}`));
  }
  const killed = await place.cancel();
  if (failures.length === 0) return killed;
  throw new Error(`the kill switch could not be set for ${failures.join("; ")}`);
}

/** What must be typed back to arm: the monthly caps, as they stand in the plans file. */
export const armingPhrase = ({ settings }: WorkplaceDeps): string =>
  settings.limits.perMonth.map(({ amount, asset }) => `${formatShort(amount)} ${asset}`).join(" and ");

/** Throws unless the settings may be armed and the monthly cap was typed back. */
export function checkArming(deps: WorkplaceDeps, typed: string): void {
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
}

/** Live orders may be placed from here on, for exactly these plans and caps: any other ones need a new arming. */
export async function arm(deps: WorkplaceDeps, typed: string, keyProblems: readonly string[]): Promise<void> {
  checkArming(deps, typed);
  if (keyProblems.length > 0)
    throw new DeskRefusal(`the trade key is not fit to trade: ${keyProblems.join("; ")}`);
  for (const { name } of deps.settings.accounts) await deps.books.setArmed(name, armingHash(deps));
}

export async function disarm(deps: WorkplaceDeps): Promise<void> {
  for (const { name } of deps.settings.accounts) await deps.books.setArmed(name, undefined);
}

/** Ends a quarantine with evidence from the exchange, and only with it. */
export async function resolve(place: Pick<Workplace, "deps" | "resolve">, run: string): Promise<RunView> {
  const { settings, books } = place.deps;
  const quarantined: string[] = [];
  let known: RunView | undefined;
  for (const { name: account } of settings.accounts) {
    for (const intent of await unsettledIntents(place.deps, account, await books.head(account))) {
      if (intent.state === "QUARANTINED") quarantined.push(intent.run);
    }
    if (quarantined.includes(run)) {
      await place.resolve(account, run);
      const now = await books.run(account, run);
      return runView(now!.run, now!.intent);
    }
    const found = await books.run(account, run);
    if (found !== undefined) known = runView(found.run, found.intent);
  }
  // Test: an order in doubt that is still looked for is not resolved by hand
  if (known?.reason === "IN_DOUBT") {
    throw new DeskRefusal(
      `${run} is still looked for by itself (${known.detail}); after a day without evidence it can be resolved by hand`,
    );
  }
  const others = quarantined.length === 0 ? "none is" : `these are: ${quarantined.join(", ")}`;
  throw new DeskError(
    known === undefined
      ? `there is no run ${JSON.stringify(run)} to resolve; in quarantine ${others}`
      : `${JSON.stringify(run)} is not in doubt, it is ${known.outcome}; in quarantine ${others}`,
  );
}
