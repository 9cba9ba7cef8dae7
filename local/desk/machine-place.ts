/** The owner's verbs on a machine: it works its queue itself, and may talk to Kraken. */
import { type Cancelled, cancelOurs } from "../../shared/app/cancel-ours.ts";
import { checkKeyNow } from "../../shared/app/check-key.ts";
import type { Deps } from "../../shared/app/ports.ts";
import { Postponed } from "../../shared/app/postponed.ts";
import { resolveRun } from "../../shared/app/resolve-run.ts";
import { runIdOf } from "../../shared/domain/run.ts";
import { later, SECOND_MS } from "../../shared/domain/time.ts";
import type { Machine } from "../machine/machine.ts";
import { storeKey } from "../machine/provision.ts";
import { DeskError, DeskRefusal } from "./errors.ts";
import type { Workplace } from "./workplace.ts";

/** How long what was asked by hand is waited for, by the machine's clock. */
const HAND_WAIT_MS = 60 * SECOND_MS;

export function machinePlace(machine: Machine): Workplace {
  const { deps } = machine;
  return {
    ...ownHand(deps),
    exchange: deps.venue === "sandbox" ? `sandbox at ${machine.exchange.origin}` : "Kraken",

    arePlansEdited: () => machine.arePlansEdited(),

    async market(pair) {
      const rules = await deps.exchange.pairRules(pair);
      return { rules, quote: await deps.exchange.quote(rules) };
    },

    /** A run that only waits for Kraken's rate counter is waited for; one with an order in doubt is reported as it is. */
    async fire(firing, look) {
      const run = runIdOf(firing);
      await deps.queue.send(firing.account, firing, `${run}#${deps.chance.id()}`);
      await machine.pump();
      const until = deps.clock.now() + HAND_WAIT_MS;
      for (;;) {
        const view = await look();
        if (view === undefined)
          throw new DeskError(`there is no run ${JSON.stringify(run)}: its firing was not worked`);
        const dueAt = view.dueAt === null ? Number.POSITIVE_INFINITY : Date.parse(view.dueAt);
        if (view.closedAt !== null || view.outcome !== "waiting" || dueAt > until) return view;
        await deps.clock.sleep(Math.max(0, dueAt - deps.clock.now()) + 100);
        await machine.sweep();
      }
    },

    async setKey(account, use, key) {
      await storeKey(machine.secrets, account, use, key);
      return checkKeyNow(deps, account, use).catch((error: Error) => {
        throw new Error(
          `the key is stored, and not checked yet: ${error.message}; tide keys check asks again`,
          {
            cause: error,
          },
        );
      });
    },
  };
}

/** A key that rests is waited for: its owner waits for the answer. */
async function rested<T>(deps: Pick<Deps, "clock">, work: () => Promise<T>): Promise<T> {
  const until = later(deps.clock.now(), HAND_WAIT_MS);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Postponed) || error.at > until) throw error;
      await deps.clock.sleep(Math.max(0, error.at - deps.clock.now()) + 100);
    }
  }
}

/** What a program that may talk to Kraken does itself. */
export const ownHand = (deps: Deps) =>
  ({
    deps,

    async cancel() {
      const views: (Cancelled & { readonly account: string })[] = [];
      for (const { name } of deps.settings.accounts)
        views.push({ account: name, ...(await cancelOurs(deps, name)) });
      const notLooked = views.filter(({ foreign }) => foreign === undefined).map(({ account }) => account);
      return {
        cancelled: views.flatMap((view) => view.cancelled),
        remaining: views.flatMap((view) => view.remaining),
        foreign: views.flatMap(({ foreign }) => foreign ?? []),
        ...(notLooked.length === 0 ? {} : { notLooked }),
      };
    },

    async resolve(account, run) {
      const resolution = await rested(deps, () => resolveRun(account, run, deps));
      if (resolution.is !== "no-evidence") return;
      throw new DeskRefusal(
        `${run} stays as it is: Kraken shows neither the order nor that there is none (${resolution.why})`,
      );
    },

    checkKey: (account, use) => checkKeyNow(deps, account, use),
  }) satisfies Partial<Workplace>;
