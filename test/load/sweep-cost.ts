/** What one sweep asks for and takes: of a quiet minute, of the minute after all slots, and of the day's line. */
import { makeHandler as makeSweep } from "../../functions/sweep.ts";
import { slotText } from "../../shared/domain/schedule.ts";
import { DAY_MS, epochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../shared/domain/time.ts";
import { openTown, planOf, TOWN_START } from "./accounts-town.ts";
import { type Tally, tallied } from "./lines.ts";

export type SweepCost = Tally & {
  readonly kind: "new plans" | "quiet" | "after slots" | "the day told" | "lost slots";
  readonly accounts: number;
  readonly plans: number;
  readonly cpuMs: number;
  /** Virtual: each request takes two to six milliseconds. */
  readonly tookMs: number;
};

/** Powers of ten up to `most` accounts with a plan each, and as many plans on fewer accounts. */
export async function* costOfSweeps(most: number): AsyncGenerator<SweepCost> {
  const sizes: [number, number][] = [];
  for (let accounts = 10; accounts <= most; accounts *= 10) sizes.push([accounts, 1]);
  for (let plans = 10; plans * 10 <= most; plans *= 10) sizes.push([Math.floor(most / plans), plans]);
  for (const [accounts, plansPerAccount] of sizes) yield* costsIn(accounts, plansPerAccount);
}

/** Dearer kinds come later: who wants the first may stop there. */
export async function* costsIn(accounts: number, plansPerAccount: number): AsyncGenerator<SweepCost> {
  const town = await openTown({ accounts, plansPerAccount, seed: 1 });
  try {
    const sweeper = await town.boot();
    const handler = makeSweep(async () => sweeper.deps);
    const size = { accounts, plans: accounts * plansPerAccount };
    const sweep = async (kind: SweepCost["kind"]): Promise<SweepCost> => {
      const before = { ...sweeper.caller.tally };
      const [cpuFrom, at] = [process.cpuUsage(), town.clock.now()];
      await town.inTime(Promise.resolve(handler({}, {} as never)));
      const { user, system } = process.cpuUsage(cpuFrom);
      const tookMs = town.clock.now() - at;
      const used = tallied(sweeper.caller.tally, before);
      return { kind, ...size, ...used, cpuMs: (user + system) / 1000, tookMs };
    };
    yield { kind: "new plans", ...size, ...town.registered, cpuMs: 0, tookMs: 0 };
    await sweep("quiet"); // Connections, code and the first day's line
    yield await sweep("quiet");
    // Every slot has a run, as after a Monday's 08:00; a skipped one is as good as a bought one to the sweep.
    const slotAt = epochMs(TOWN_START + 2 * SECOND_MS);
    const { ledger } = town.owner.deps;
    town.clock.moveTo(slotAt + 2 * SECOND_MS);
    for (const account of town.names) {
      for (let plan = 0; plan < plansPerAccount; plan++) {
        const id = `${planOf(account, plan)}@${slotText(slotAt)}`;
        const at = town.clock.now();
        const reason = { code: "PAUSED" as const, detail: "the plan is paused" };
        const run = {
          id,
          account,
          plan: planOf(account, plan),
          kind: "dca" as const,
          slot: slotAt,
          trigger: "schedule" as const,
          label: "PLAY MONEY" as const,
          openedAt: at,
          closedAt: at,
          outcome: "skipped" as const,
          reason,
          steps: [],
        };
        const message = { id: `${id}#skipped`, at, run: id, subject: "skipped", text: "Nothing bought." };
        await town.inTime(ledger.conclude(run, undefined, message));
        await town.inTime(ledger.messageSent(account, message.id, at));
      }
    }
    town.clock.moveTo(slotAt + 3 * MINUTE_MS);
    yield await sweep("after slots");
    town.clock.moveTo(slotAt + DAY_MS + HOUR_MS);
    yield await sweep("the day told");
    // A week later nothing has fired: the worst minute after an outage within the time to catch up.
    town.clock.moveTo(slotAt + 7 * DAY_MS + 3 * MINUTE_MS - 60_000);
    await sweep("the day told");
    town.clock.moveTo(slotAt + 7 * DAY_MS + 3 * MINUTE_MS);
    yield await sweep("lost slots");
  } finally {
    await town.close();
  }
}
