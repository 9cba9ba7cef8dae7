/** Makes the plans of tide.yaml known to the ledger, and closes the books of what they replace. */
import { toDoc } from "../domain/doc.ts";
import { accountNameOf, type DcaPlan, type Plan } from "../domain/plan.ts";
import { closeAccounts } from "./account-slots.ts";
import { inParallel } from "./in-parallel.ts";
import type { SweepDeps } from "./ports.ts";

/** Most of a sweep is waiting for the table. One after the other, 5,000 accounts would not fit into its minute. */
export const ACCOUNTS_AT_ONCE = 16;

export function plansByAccount({
  settings,
}: Pick<SweepDeps, "settings">): ReadonlyMap<string, readonly Plan[]> {
  return Map.groupBy(settings.plans, (plan) => accountNameOf(plan, settings.accounts));
}

/**
 * Slots of a plan count from when its schedule was first seen, so that deploying never fires. Those of the schedule before
 * it, or of a plan that has left tide.yaml, are accounted for first. May be interrupted anywhere and called again.
 */
export async function registerPlans(deps: SweepDeps): Promise<void> {
  const now = deps.clock.now();
  const planned = plansByAccount(deps);
  const changes: (() => Promise<void>)[] = [];
  await inParallel(deps.settings.accounts, ACCOUNTS_AT_ONCE, async ({ name }) => {
    const states = new Map((await deps.books.plans(name)).map((state) => [state.id, state]));
    const plans = (planned.get(name) ?? []).filter((plan): plan is DcaPlan => plan.kind === "dca");
    for (const plan of plans) {
      const { id, schedule, zone } = plan;
      const state = states.get(id);
      states.delete(id);
      if (state !== undefined && toDoc(state.schedule) === toDoc({ schedule, zone })) continue;
      changes.push(async () => {
        // Test: a slot that nothing ran for is written down as missed, and told once
        if (state !== undefined) await closeAccounts(deps, name, state, plan, now);
        await deps.books.registerPlan(name, id, { schedule, zone }, now);
      });
    }
    for (const state of states.values()) {
      // Already; a state that only the owner's switch has made has no slots either.
      if (state.schedule === undefined) continue;
      changes.push(async () => {
        await closeAccounts(deps, name, state, undefined, now);
        // Test: fires nothing when it comes back: its slots count from then on
        await deps.books.registerPlan(name, state.id, undefined, now);
      });
    }
  });
  await inParallel(changes, ACCOUNTS_AT_ONCE, (change) => change());
}
