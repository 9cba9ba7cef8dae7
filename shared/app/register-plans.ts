/** Makes the plans of tide.yaml known to the ledger, and closes the books of what they replace. */
import { toDoc } from "../domain/doc.ts";
import { accountNameOf, type DcaPlan, type Plan } from "../domain/plan.ts";
import type { EpochMs } from "../domain/time.ts";
import { closeAccounts } from "./account-slots.ts";
import { inParallel } from "./in-parallel.ts";
import type { PlanState, SweepDeps } from "./ports.ts";

/** Most of a sweep is waiting for the table. One after the other, 5,000 accounts would not fit into its minute. */
export const ACCOUNTS_AT_ONCE = 16;

/** Does what it can, and keeps what fails for the end. */
export type Attempt = (work: () => Promise<void>) => Promise<void>;

/** What fails keeps nothing else from being done. `orThrow` throws at the end if something did. */
export function attempts(): { readonly attempt: Attempt; readonly orThrow: () => void } {
  const failures: Error[] = [];
  return {
    async attempt(work) {
      try {
        await work();
      } catch (error) {
        failures.push(error as Error);
      }
    },
    orThrow() {
      if (failures.length > 0)
        throw new AggregateError(failures, failures.map(({ message }) => message).join("; "));
    },
  };
}

export function plansByAccount({
  settings,
}: Pick<SweepDeps, "settings">): ReadonlyMap<string, readonly Plan[]> {
  return Map.groupBy(settings.plans, (plan) => accountNameOf(plan, settings.accounts));
}

/** All accounts at once, as a machine does when it starts; a sweep does each with the rest of its work. */
export async function registerPlans(deps: SweepDeps): Promise<void> {
  const now = deps.clock.now();
  const { attempt, orThrow } = attempts();
  const planned = plansByAccount(deps);
  await closeGone(deps, now, attempt);
  await inParallel(deps.settings.accounts, ACCOUNTS_AT_ONCE, ({ name }) =>
    attempt(async () => {
      const states = await deps.books.plans(name);
      await registerAccount(deps, name, { states, plans: planned.get(name) ?? [] }, now, attempt);
    }),
  );
  orThrow();
}

/**
 * Slots of a plan count from when its schedule was first seen, so that deploying never fires. Those of the schedule before
 * it, or of a plan that has left tide.yaml, are accounted for first. May be interrupted anywhere and called again. Answers
 * the states that agree with tide.yaml; a plan that was just registered is not among them.
 */
export async function registerAccount(
  deps: SweepDeps,
  account: string,
  { states, plans }: { readonly states: readonly PlanState[]; readonly plans: readonly Plan[] },
  now: EpochMs,
  attempt: Attempt,
): Promise<ReadonlyMap<string, PlanState>> {
  const agreeing = new Map<string, PlanState>();
  const left = new Map(states.map((state) => [state.id, state]));
  const changes: (() => Promise<void>)[] = [];
  // Test: a sweep of the settings before does not put an old schedule back
  const isNewer = (state: PlanState | undefined): boolean =>
    deps.startedAt !== undefined && state !== undefined && state.activeFrom > deps.startedAt;
  for (const plan of plans) {
    if (plan.kind !== "dca") continue;
    const { id, schedule, zone } = plan;
    const state = left.get(id);
    left.delete(id);
    if (state !== undefined && toDoc(state.schedule) === toDoc({ schedule, zone })) {
      agreeing.set(id, state);
      continue;
    }
    if (isNewer(state)) continue;
    // Test: a slot that nothing ran for is written down as missed, and told once
    changes.push(() => replace(deps, account, id, state, plan, now));
  }
  // Test: fires nothing when it comes back: its slots count from then on
  for (const state of left.values()) {
    // Retired already; or a state that only a run has made, which has no slots.
    if (state.schedule !== undefined && !isNewer(state))
      changes.push(() => replace(deps, account, state.id, state, undefined, now));
  }
  await inParallel(changes, ACCOUNTS_AT_ONCE, attempt);
  return agreeing;
}

async function replace(
  deps: SweepDeps,
  account: string,
  id: string,
  state: PlanState | undefined,
  plan: DcaPlan | undefined,
  now: EpochMs,
): Promise<void> {
  const isClosed = state === undefined || (await closeAccounts(deps, account, state, plan, now));
  // Very many slots are closed in several goes; the next sweep goes on.
  if (!isClosed) return;
  const schedule = plan && { schedule: plan.schedule, zone: plan.zone };
  await deps.books.registerPlan(account, id, schedule, now);
}

/** An account that has left tide.yaml has no plans any more; the ledger knows that it was there. */
export async function closeGone(deps: SweepDeps, now: EpochMs, attempt: Attempt): Promise<void> {
  await attempt(async () => {
    const here = new Set(deps.settings.accounts.map(({ name }) => name));
    const known = await deps.books.accounts();
    const fresh = [...here].filter((name) => !known.has(name));
    if (fresh.length > 0) await deps.books.addAccounts(fresh);
    const gone = [...known].filter((name) => !here.has(name));
    await inParallel(gone, ACCOUNTS_AT_ONCE, (name) =>
      attempt(async () => {
        const own = attempts();
        const states = await deps.books.plans(name);
        await registerAccount(deps, name, { states, plans: [] }, now, own.attempt);
        own.orThrow();
        // Test: fires nothing when its account comes back
        const left = await deps.books.plans(name);
        if (left.every(({ schedule }) => schedule === undefined)) await deps.books.forgetAccount(name);
      }),
    );
  });
}
