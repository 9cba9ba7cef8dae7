/**
 * Many accounts at once, in virtual time: each has a secret, a queue group, a lease and a partition of its own, and all fire
 * in the same minute. Half of them get a firing delivered twice at the same moment, or two plans worked on at the same
 * moment, past the queue; each is also asked by hand for more than its day's cap lets through.
 */
import type { SQSEvent } from "aws-lambda";
import { makeHandler as makeDca } from "../../functions/dca.ts";
import { makeHandler as makeSweep } from "../../functions/sweep.ts";
import { type QueueHandler, Worker } from "../../local/machine/worker.ts";
import { slotText } from "../../shared/domain/schedule.ts";
import { DAY_MS, epochMs, MINUTE_MS, SECOND_MS } from "../../shared/domain/time.ts";
import { times } from "../support/cloud-house.ts";
import { auditTown, type TownAudit } from "./accounts-audit.ts";
import { type Container, openTown, planOf, TOWN_START, type Town } from "./accounts-town.ts";
import { type Tally, tallied } from "./lines.ts";
import { type Rush, rush } from "./rush.ts";

const PLANS_PER_ACCOUNT = 2;
/** Plans may be caught up within two hours: what is open after three is lost. */
const WEEK_MS_MAX = 180 * MINUTE_MS;

export type AccountsOptions = {
  readonly accounts: number;
  readonly runs: number;
  readonly workers: number;
  readonly seed: number;
  readonly publicPerSecond?: number;
  readonly progress?: (over: number, of: number, virtualMs: number) => void;
};

/** One delivery that was a whole buy, with nobody else at the account. */
type Buy = Tally & { readonly isFirst: boolean; readonly tookMs: number };

export type Sweep = Tally & { readonly cpuMs: number; readonly tookMs: number };

export type AccountsReport = TownAudit & {
  readonly accounts: number;
  readonly runs: number;
  readonly workers: number;
  readonly deliveries: number;
  readonly buys: number;
  /** Those bought in the first ten minutes of their slot. */
  readonly buysIn10Min: number;
  readonly weekMs: readonly number[];
  readonly invalidNonces: number;
  readonly rateLimitErrors: number;
  readonly otherErrors: Readonly<Record<string, number>>;
  readonly publicRefused: number;
  readonly failures: readonly string[];
  readonly strayWrites: readonly string[];
  readonly conflictsRetried: number;
  readonly conditionsRefused: number;
  readonly firstBuy: Typical | undefined;
  readonly laterBuy: Typical | undefined;
  readonly rush: Rush;
  readonly sweeps: number;
  readonly sweepMost: Sweep | undefined;
  readonly resentBySweep: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly cpuMsPerBuy: number;
  readonly rssMb: number;
  readonly heapMb: number;
  readonly violations: readonly string[];
};

/** Median of each figure. */
type Typical = Tally & { readonly count: number; readonly tripsMost: number; readonly tookMs: number };

export async function runAccounts(options: AccountsOptions): Promise<AccountsReport> {
  const { accounts, runs, workers, seed, publicPerSecond, progress } = options;
  const town = await openTown({
    accounts,
    plansPerAccount: PLANS_PER_ACCOUNT,
    seed,
    ...(publicPerSecond === undefined ? {} : { publicPerSecond }),
  });
  const buys: Buy[] = [];
  const sweeps: Sweep[] = [];
  const failures: string[] = [];
  const over = new Set<string>();
  const atWork = new Map<string, number>();
  const disturbed = new Set<string>();
  const bought = new Set<string>();
  const seen = { deliveries: 0, in10Min: 0, resent: 0 };
  let slotAt = TOWN_START + 2 * SECOND_MS;

  /** A container with the door of the real function, which notes what each delivery cost. */
  const openContainer = async (): Promise<{ container: Container; handler: QueueHandler }> => {
    let steps: string[] = [];
    const container = await town.boot(({ step, run, outcome }) => {
      steps.push(step);
      if (outcome === undefined || outcome === "waiting" || outcome === "uncertain") return;
      over.add(run);
      if (outcome !== "bought" || bought.has(run)) return;
      bought.add(run);
      if (town.clock.now() - slotAt <= 10 * MINUTE_MS) seen.in10Min += 1;
      steps.push("bought");
    });
    const { caller } = container;
    const dca = makeDca(async () => container.deps) as unknown as QueueHandler;
    const handler: QueueHandler = async (event, context) => {
      const account = event.Records[0]!.attributes.MessageGroupId!;
      const others = atWork.get(account) ?? 0;
      if (others > 0) disturbed.add(account);
      else disturbed.delete(account);
      atWork.set(account, others + 1);
      caller.account = account;
      steps = [];
      seen.deliveries += 1;
      const before = { ...caller.tally };
      const at = town.clock.now();
      try {
        return await dca(event, context);
      } finally {
        atWork.set(account, atWork.get(account)! - 1);
        const isWhole = steps.includes("fire") && steps.includes("bought") && !disturbed.has(account);
        if (isWhole) {
          const used = tallied(caller.tally, before);
          // The key is checked hourly: by the first run of an hour.
          buys.push({ ...used, isFirst: used.trips > 8, tookMs: town.clock.now() - at });
        }
      }
    };
    return { container, handler };
  };

  const makeWorker = async (): Promise<{ worker: Worker; containers: Container[] }> => {
    const [own, twin, other] = [await openContainer(), await openContainer(), await openContainer()];
    const onFailure = (error: unknown) => failures.push(String(error));
    const handler: QueueHandler = async (event, context) => {
      const deliveries = [own.handler(event, context)];
      const strays = straysOf(town, event);
      for (const [at, stray] of strays.entries()) {
        const { handler: past } = [twin, other][at]!;
        deliveries.push(past(stray, context).catch(onFailure));
      }
      return (await Promise.all(deliveries))[0];
    };
    const worker = new Worker({ sqs: town.sqs, queueUrl: town.queueUrl, handler, onFailure });
    return { worker, containers: [own, twin, other].map(({ container }) => container) };
  };

  try {
    const crew = await Promise.all(times(workers, makeWorker));
    const sweeper = await town.boot(({ outcome, run }) => {
      if (outcome === "missed") over.add(run);
    });
    const sweepHandler = makeSweep(async () => sweeper.deps);
    const sweep = async (): Promise<void> => {
      const before = { ...sweeper.caller.tally };
      const [cpuFrom, at] = [process.cpuUsage(), town.clock.now()];
      const report = await sweepHandler({}, {} as never);
      const { user, system } = process.cpuUsage(cpuFrom);
      const tookMs = town.clock.now() - at;
      sweeps.push({ ...tallied(sweeper.caller.tally, before), cpuMs: (user + system) / 1000, tookMs });
      seen.resent += report.fired.length + report.resumed.length;
    };

    const [startedAt, cpuFrom] = [performance.now(), process.cpuUsage()];
    const weekMs: number[] = [];
    for (let week = 0; week < runs; week++) {
      slotAt = TOWN_START + 2 * SECOND_MS + week * 7 * DAY_MS;
      const until = over.size + accounts * (PLANS_PER_ACCOUNT + 1);
      if (week > 0) {
        // Straight to the next Monday: slots in between there are none, and the days are told on the way.
        town.clock.moveTo(slotAt - 2 * SECOND_MS);
        await town.inTime(sweep());
      }
      town.clock.moveTo(slotAt);
      const isOver = (): boolean => over.size >= until || town.clock.now() - slotAt > WEEK_MS_MAX;
      const working = async ({ worker }: { worker: Worker }): Promise<void> => {
        while (!isOver()) {
          await worker.pump();
          if (!isOver()) await town.clock.sleep(3 * SECOND_MS);
        }
      };
      const sweeping = async (): Promise<void> => {
        while (!isOver()) {
          await town.clock.sleep(MINUTE_MS - ((town.clock.now() - TOWN_START) % MINUTE_MS));
          await sweep();
          progress?.(over.size, until, town.clock.now() - slotAt);
        }
      };
      await town.inTime(Promise.all([fireAll(town, slotAt, week), ...crew.map(working), sweeping()]));
      weekMs.push(town.clock.now() - slotAt);
      // Copies that are still in the queue, and messages that are still to be told.
      town.clock.moveTo(town.clock.now() + 3 * MINUTE_MS);
      await town.inTime(Promise.all(crew.map(({ worker }) => worker.pump())));
      await town.inTime(sweep());
    }
    const wallMs = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpuFrom);
    const cpuMs = (user + system) / 1000;
    const memory = process.memoryUsage();
    const audit = await town.inTime(auditTown(town));
    const rushed = await rush(town, town.names.slice(0, Math.ceil(accounts / 10)));
    const tallies = [...crew.flatMap(({ containers }) => containers), sweeper].map(
      ({ caller }) => caller.tally,
    );
    const sum = (of: (tally: Tally) => number) => tallies.reduce((total, tally) => total + of(tally), 0);
    const report = {
      accounts,
      runs,
      workers,
      ...audit,
      deliveries: seen.deliveries,
      buys: bought.size,
      buysIn10Min: seen.in10Min,
      weekMs,
      invalidNonces: town.door.invalidNonces,
      rateLimitErrors: town.door.rateLimitErrors,
      otherErrors: Object.fromEntries(town.door.otherErrors),
      publicRefused: town.door.publicRefused,
      failures,
      strayWrites: town.lines.strayWrites,
      conflictsRetried: sum(({ conflicts }) => conflicts),
      conditionsRefused: sum(({ refused }) => refused),
      firstBuy: typical(buys.filter(({ isFirst }) => isFirst)),
      laterBuy: typical(buys.filter(({ isFirst }) => !isFirst)),
      rush: rushed,
      sweeps: sweeps.length,
      sweepMost: sweeps.toSorted((a, b) => b.requests - a.requests)[0],
      resentBySweep: seen.resent,
      wallMs: Math.round(wallMs),
      cpuMs: Math.round(cpuMs),
      cpuMsPerBuy: Number((cpuMs / Math.max(1, bought.size)).toFixed(1)),
      rssMb: Math.round(memory.rss / 2 ** 20),
      heapMb: Math.round(memory.heapUsed / 2 ** 20),
    };
    return { ...report, violations: violationsOf(report, publicPerSecond !== undefined) };
  } finally {
    await town.close();
  }
}

/** All plans at 08:00, each twice, and a buy by hand with each: accounts interleaved, as a schedule would send them. */
async function fireAll(town: Town, slotAt: number, week: number): Promise<void> {
  const slot = slotText(epochMs(slotAt));
  const { queue } = town.owner.deps;
  for (const copy of [1, 2]) {
    for (let plan = 0; plan < PLANS_PER_ACCOUNT; plan++) {
      for (const account of town.names) {
        const body = { kind: "dca", account, plan: planOf(account, plan), slot };
        await queue.send(account, body, `${planOf(account, plan)}@${slot}#${copy}`);
      }
    }
  }
  for (const account of town.names) {
    const body = { kind: "dca", account, plan: planOf(account, 0), key: `by-hand-${week}` };
    await queue.send(account, body, `${account}-by-hand-${week}`);
  }
}

/** What comes at the same moment as a first delivery, past the queue: its twin, the account's other plan, or both. */
function straysOf(town: Town, event: SQSEvent): SQSEvent[] {
  const record = event.Records[0]!;
  const firing = JSON.parse(record.body) as { account: string; plan?: string; slot?: string };
  const { account, plan, slot } = firing;
  if (slot === undefined || plan !== planOf(account, 0)) return [];
  const way = town.names.indexOf(account) % 4;
  const otherPlan = JSON.stringify({ ...firing, plan: planOf(account, 1) });
  return [
    ...(way === 1 || way === 3 ? [event] : []),
    ...(way === 2 || way === 3 ? [{ Records: [{ ...record, body: otherPlan }] }] : []),
  ];
}

function typical(buys: readonly Buy[]): Typical | undefined {
  if (buys.length === 0) return undefined;
  const median = (of: (buy: Buy) => number): number => {
    const sorted = buys.map(of).toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)]!;
  };
  return {
    count: buys.length,
    requests: median(({ requests }) => requests),
    trips: median(({ trips }) => trips),
    tripsMost: Math.max(...buys.map(({ trips }) => trips)),
    readUnits: median((buy) => buy.readUnits),
    writeUnits: median((buy) => buy.writeUnits),
    indexUnits: median((buy) => buy.indexUnits),
    conflicts: median(({ conflicts }) => conflicts),
    refused: median(({ refused }) => refused),
    publicCalls: median(({ publicCalls }) => publicCalls),
    privateCalls: median(({ privateCalls }) => privateCalls),
    tookMs: median(({ tookMs }) => tookMs),
  };
}

/** What must not be. Behind a limited address some plans are too late, and then say so; all else holds there as well. */
function violationsOf(report: Omit<AccountsReport, "violations">, isLimited: boolean): readonly string[] {
  const expected = report.accounts * PLANS_PER_ACCOUNT * report.runs;
  const checks: readonly (readonly [boolean, string])[] = [
    [report.doubleOrders === 0, `${report.doubleOrders} double orders`],
    [report.capBreaches === 0, `${report.capBreaches} cap breaches`],
    [report.rush.capBreaches === 0, `${report.rush.capBreaches} cap breaches past the gate`],
    [report.rush.reserved === report.rush.room, `${report.rush.reserved} of ${report.rush.room} reserved`],
    [report.invalidNonces === 0, `${report.invalidNonces} invalid nonces`],
    [report.rateLimitErrors === 0, `${report.rateLimitErrors} rate-limit errors`],
    [Object.keys(report.otherErrors).length === 0, `other errors: ${Object.keys(report.otherErrors)}`],
    [report.strayWrites.length === 0, `writes across accounts: ${report.strayWrites.slice(0, 3)}`],
    [report.failures.length === 0, `failed deliveries: ${report.failures.slice(0, 3)}`],
    [report.wrong.length === 0, `${report.wrong.length} disagreements: ${report.wrong.slice(0, 3)}`],
    [isLimited || report.orders === expected, `${report.orders} orders, ${expected} expected`],
  ];
  return checks.filter(([isKept]) => !isKept).map(([, what]) => what);
}
