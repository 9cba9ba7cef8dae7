/**
 * The sweep only finds: runs whose time has come are put into the queue, slots without a run are fired or written down as
 * missed, messages that were not told are told. It decides nothing about money.
 *
 * Promises: every slot of every plan since it was first seen ends up with a run; doing it twice is doing it once.
 */
import type { EpochMs } from "../domain/time.ts";
import { accountSlots } from "./account-slots.ts";
import { tellDay } from "./daily-line.ts";
import { inParallel } from "./in-parallel.ts";
import type { OpenWork, SweepDeps } from "./ports.ts";
import {
  ACCOUNTS_AT_ONCE,
  type Attempt,
  attempts,
  closeGone,
  plansByAccount,
  registerAccount,
} from "./register-plans.ts";
import { type AccountHealth, measureAccounts, measureOpenWork } from "./sweep-health.ts";

export type SweepReport = {
  readonly resumed: readonly string[];
  readonly fired: readonly string[];
  readonly missed: readonly string[];
  readonly told: number;
};

/** What fails is left for the next sweep, and keeps nothing else from being done. Throws at the end if something did. */
export async function sweepRuns(deps: SweepDeps): Promise<SweepReport> {
  const { attempt, orThrow } = attempts();
  const report = await sweepAll(deps, attempt);
  orThrow();
  return report;
}

type Untold = Awaited<ReturnType<SweepDeps["books"]["unsentMessages"]>>;

const NO_WORK: OpenWork = { due: [], intents: [], unreadable: [] };

async function sweepAll(deps: SweepDeps, attempt: Attempt): Promise<SweepReport> {
  const now = deps.clock.now();
  const resumed: string[] = [];
  let work: OpenWork = NO_WORK;
  await attempt(async () => {
    work = await deps.books.openWork(now);
  });
  for (const error of work.unreadable) await attempt(() => Promise.reject(error));
  // Test: drop-request: absence is proven before the second attempt, which buys once
  for (const { account, run, dueAt } of work.due) {
    await attempt(async () => {
      await deps.queue.send(account, { kind: "resume", account, run }, `${run}#${dueAt}`);
      resumed.push(run);
    });
  }
  const fired: string[] = [];
  const missed: string[] = [];
  const health: AccountHealth[] = [];
  const planned = plansByAccount(deps);
  let isTimeRight = false;
  await attempt(async () => {
    await deps.needRightTime?.();
    isTimeRight = true;
  });
  if (isTimeRight) await closeGone(deps, now, attempt);
  await inParallel(deps.settings.accounts, ACCOUNTS_AT_ONCE, (account) =>
    attempt(async () => {
      const plans = await deps.books.plans(account.name);
      const [head, key] = await Promise.all([
        deps.books.head(account.name),
        deps.books.keyCheck(account.name, "trade"),
      ]);
      health.push({ head, plans, key });
      // Orders and messages go on; which slots have passed cannot be told.
      if (!isTimeRight) return;
      const ofFile = planned.get(account.name) ?? [];
      const states = await registerAccount(
        deps,
        account.name,
        { states: plans, plans: ofFile },
        now,
        attempt,
      );
      // Test: many missed slots are no slots without a run
      let isCaughtUp = plans.every(({ id, schedule }) => schedule === undefined || states.has(id));
      const open: EpochMs[] = [];
      for (const plan of ofFile) {
        const state = states.get(plan.id);
        if (plan.kind !== "dca" || state === undefined) continue;
        let areAll = false;
        await attempt(async () => {
          const found = await accountSlots(deps, account.name, plan, state, now);
          fired.push(...found.fired);
          missed.push(...found.missed);
          open.push(...found.open);
          areAll = found.areAll;
        });
        isCaughtUp &&= areAll;
      }
      if (!isCaughtUp) return;
      await attempt(async () => void (await tellDay(deps, account.name, { head, plans, open }, now)));
    }),
  );
  measureAccounts(deps, health, now);
  let untold: Untold = [];
  await attempt(async () => {
    untold = await deps.books.unsentMessages(now);
  });
  measureOpenWork(deps, work, untold, now);
  // Test: tells what could not be told when it happened
  return { resumed, fired, missed, told: await flushOutbox(deps, untold, attempt) };
}

async function flushOutbox(deps: SweepDeps, untold: Untold, attempt: Attempt): Promise<number> {
  let told = 0;
  for (const { account, message } of untold) {
    await attempt(async () => {
      await deps.notifier.publish(account, message);
      await deps.ledger.messageSent(account, message.id, deps.clock.now());
      told++;
    });
  }
  return told;
}
