/**
 * Twenty workers on one key, in virtual time, at the sandbox: all at once at each slot, or at any time. Some die with the
 * key, some freeze past their lease and thaw, clocks jump by an hour, Kraken limits, locks out and throttles.
 */
import { VirtualClock } from "../../local/clock.ts";
import { DEFAULT_ACCOUNTS } from "../../local/sandbox/accounts.ts";
import { openSandbox } from "../../local/sandbox/sandbox.ts";
import { ExchangeError } from "../../shared/app/errors.ts";
import type { ExchangeAccount } from "../../shared/app/exchange.ts";
import {
  acquireKey,
  HOLD_MS_MAX,
  KeyLease,
  LEASE_TTL_MS,
  LeaseOver,
  READING_HEADROOM,
  RESOLVING_HEADROOM,
} from "../../shared/app/key-gate.ts";
import type { GateStore } from "../../shared/app/ports.ts";
import { type Credentials, Secret } from "../../shared/app/secret.ts";
import { decimal } from "../../shared/domain/decimal.ts";
import type { Tier } from "../../shared/domain/plan.ts";
import { HEADROOM } from "../../shared/domain/rate-counter.ts";
import { type EpochMs, epochMs, HOUR_MS, SECOND_MS } from "../../shared/domain/time.ts";
import { seededChance } from "../support/chance.ts";
import { times } from "../support/cloud-house.ts";
import { MemoryGates } from "../support/ledger-gates.ts";
import { type LedgerHouse, openLedgerHouse, START } from "../support/ledger-house.ts";
import { inVirtualTime } from "../support/pump.ts";
import { distantStore, type Machine, machineOf } from "./machine.ts";
import { Watch } from "./watch.ts";

export const TIERS = {
  starter: { name: "starter", max: 15, decayPerSecond: decimal("0.33") },
  intermediate: { name: "intermediate", max: 20, decayPerSecond: decimal("0.5") },
  pro: { name: "pro", max: 20, decayPerSecond: decimal("1") },
  custom: { name: "custom", max: 100, decayPerSecond: decimal("5") },
} as const satisfies Record<string, Tier>;

type Rank = "resolve" | "buy" | "read";
const RANKS: Readonly<Record<Rank, { points: number; headroom: number }>> = {
  resolve: { points: 5, headroom: RESOLVING_HEADROOM },
  buy: { points: 6, headroom: HEADROOM },
  read: { points: 2, headroom: READING_HEADROOM },
};
const RANK_OF = (worker: number): Rank => (worker < 3 ? "resolve" : worker < 16 ? "buy" : "read");
const WORKERS = 20;
/** Points of one piece of work of each worker. */
const POINTS_OF_A_ROUND = 3 * 5 + 13 * 6 + 4 * 2;
/** How much of what the tier gives the workers ask for. */
const DEMAND = 0.75;
/** However wide the tier: twenty hold the key for a second or two each, and who dies with it blocks it for fifteen. */
const ROUND_MS_MIN = 60_000;

export type CampaignOptions = {
  readonly tier: keyof typeof TIERS;
  readonly calls: number;
  readonly seed: number;
  readonly store: "memory" | "DynamoDB";
  readonly progress?: (calls: number, virtualMs: number) => void;
};

export type Report = {
  readonly tier: string;
  readonly store: string;
  /** Private calls, as counted at the sandbox. */
  readonly calls: number;
  readonly virtualHours: number;
  readonly callsPerVirtualHour: number;
  readonly invalidNonces: number;
  readonly rateLimitErrors: number;
  readonly otherErrors: Readonly<Record<string, number>>;
  /** The sandbox's own counter, after each call. */
  readonly peakOfCounter: number;
  readonly maxOfCounter: number;
  /** From asking for the key to having it, less the pauses that Kraken ordered. */
  readonly longestWaitMs: number;
  readonly longestWaitOfMs: Readonly<Record<Rank, number>>;
  readonly roundMs: number;
  readonly served: number;
  readonly deaths: number;
  readonly freezes: number;
  readonly jumps: number;
  readonly notNow: number;
  readonly leasesLost: number;
  readonly callsAfterLease: number;
  readonly injected: Readonly<Record<string, number>>;
  readonly callsInPauses: number;
  readonly longestRecoveryMs: number;
  readonly violations: readonly string[];
};

export async function runCampaign({
  tier: name,
  calls,
  seed,
  store: kind,
  progress,
}: CampaignOptions): Promise<Report> {
  const tier: Tier = TIERS[name];
  const house: LedgerHouse | undefined = kind === "DynamoDB" ? await openLedgerHouse(seed) : undefined;
  const clock = house?.clock ?? new VirtualClock({ startAt: START, rate: 0 });
  const chance = seededChance(seed);
  const decay = Number(tier.decayPerSecond.units) / 10 ** tier.decayPerSecond.scale;
  const sandbox = await openSandbox({
    clock,
    seed,
    accounts: [{ ...DEFAULT_ACCOUNTS[0]!, tier: name === "custom" ? { max: tier.max, decay } : name }],
  });
  const { key, secret } = sandbox.keys[0]!;
  const credentials: Credentials = { apiKey: key, privateKey: new Secret(secret), version: "1" };
  const watch = new Watch(sandbox, key, clock);
  const store: GateStore = distantStore(house?.gates ?? new MemoryGates(), clock, chance);
  const transport = watch.transport(chance);

  const roundMs = Math.max(ROUND_MS_MIN, Math.ceil((POINTS_OF_A_ROUND * 1000) / (DEMAND * decay)));
  const waits: Record<Rank, number[]> = { resolve: [], buy: [], read: [] };
  const seen = { deaths: 0, freezes: 0, jumps: 0, notNow: 0, leasesLost: 0, callsAfterLease: 0 };
  const faults = [
    { at: 0.15, fault: "rate-limit" },
    { at: 0.3, fault: "throttled", seconds: 20 },
    { at: 0.45, fault: "lockout", seconds: 600 },
    { at: 0.6, fault: "rate-limit" },
    { at: 0.62, fault: "rate-limit" },
    { at: 0.8, fault: "throttled", seconds: 90 },
  ];

  const arm = async (): Promise<void> => {
    if (faults[0] === undefined || watch.calls < faults[0].at * calls) return;
    const { at: _, ...fault } = faults.shift()!;
    // A read's own retry compares the instant that Kraken names with the machine's clock: not the gate's doing.
    if (fault.fault === "throttled") for (const { clock: own } of machines) own.wrongByMs = 0;
    await sandbox.handle({
      method: "POST",
      path: "/_control/faults",
      headers: { "content-type": "application/json" },
      body: Buffer.from(JSON.stringify([{ endpoint: "BalanceEx", ...fault }])),
      remoteAddress: "127.0.0.1",
    });
  };

  const isThrottleArmed = () => sandbox.state.faults.some(({ fault }) => fault === "throttled");

  /** The next slot, at which everybody comes, or in the second half of the load any time. */
  const restMs = (): number =>
    watch.calls < calls / 2 ? roundMs - (clock.monotonicMs() % roundMs) : chance.fraction() * 2 * roundMs;

  const work = async (rank: Rank, account: ExchangeAccount, machine: Machine): Promise<void> => {
    await account.balances();
    if (rank === "read") return void (await account.balances());
    // Queries for orders that are not there: one point each here and at the sandbox, so that the mirror has no slack.
    for (let look = 0; look < 4; look++) await account.orders(["OQCLML-BW3P3-BUCMWZ"]);
    if (rank === "resolve") return;
    const rules = await machine.exchange.pairRules({ base: "BTC", quote: "EUR" });
    const { bid } = await machine.exchange.quote(rules);
    await account.rehearse({
      rules,
      side: "buy",
      clientOrderId: "6d1b345e-2821-50e2-ad83-4ecb18a06876",
      volume: rules.volumeMin,
      limitPrice: bid,
      timeInForce: "IOC",
      postOnly: false,
      deadline: epochMs((await machine.exchange.now()) + 10_000),
    });
    await account.balances();
  };

  /** What the program does after an error of Kraken's (run-context.ts). True: the key was given away for a pause. */
  const pauseFor = async (error: unknown, lease: KeyLease, machine: Machine): Promise<boolean> => {
    if (!(error instanceof ExchangeError)) return false;
    const { wrongByMs } = machine.clock;
    const last = watch.pauses.at(-1);
    if (error.code === "RATE_LIMITED") {
      const until = await lease.coolDown();
      if (last?.fault === "rate-limit") last.until = Math.max(last.until, until - wrongByMs);
    } else if (error.code === "LOCKED_OUT") await lease.keepAway();
    else if (error.code === "THROTTLED")
      await lease.keepAway(((error.waitUntil ?? 0) + SECOND_MS) as EpochMs);
    else return false;
    return true;
  };

  /** One piece of work: waits for the key as often as it must, then makes its calls. */
  const serve = async (rank: Rank, machine: Machine): Promise<void> => {
    const askedAt = clock.now();
    const { points, headroom } = RANKS[rank];
    for (;;) {
      const lease = await acquireKey(machine.gate, credentials, tier, points, headroom);
      if (!(lease instanceof KeyLease)) {
        if (lease.is === "stopped") throw new Error("nobody stopped the key");
        seen.notNow += 1;
        await machine.clock.sleep(Math.max(1, lease.retryAt - machine.clock.now()));
        continue;
      }
      waits[rank].push(clock.now() - askedAt - watch.pausedMs(askedAt, clock.now()));
      const fate = chance.fraction();
      const account = machine.exchange.as(lease);
      try {
        if (fate < 0.02) {
          // Dies after its first call: the key is never given back.
          seen.deaths += 1;
          await account.balances();
          return;
        }
        if (fate < 0.04) {
          seen.freezes += 1;
          await account.balances();
          await clock.sleep(11_000 + chance.fraction() * 40_000);
          const before = watch.calls;
          await account.balances();
          seen.callsAfterLease += watch.calls - before;
        }
        await work(rank, account, machine);
      } catch (error) {
        if (await pauseFor(error, lease, machine)) continue;
        if (error instanceof LeaseOver) seen.leasesLost += 1;
        // Counted by the watch.
        else if (!(error instanceof ExchangeError && error.code === "NONCE_TOO_LOW")) throw error;
      }
      await lease.release();
      return;
    }
  };

  const machines = times(WORKERS, () => machineOf({ clock, chance, store, transport }));
  const worker = async (number: number): Promise<void> => {
    const machine = machines[number]!;
    while (watch.calls < calls) {
      if (chance.fraction() < 0.02 && !isThrottleArmed()) {
        seen.jumps += 1;
        const isRight = machine.clock.wrongByMs === 0;
        machine.clock.wrongByMs = isRight ? HOUR_MS * (chance.fraction() < 0.5 ? 1 : -1) : 0;
      }
      await arm();
      await serve(RANK_OF(number), machine);
      progress?.(watch.calls, clock.now() - START);
      if (watch.calls < calls) await clock.sleep(restMs());
    }
  };

  const changes = () => sandbox.activity.changes + (house?.cloud.activity.changes ?? 0);
  try {
    await inVirtualTime(clock, Promise.all(times(WORKERS, worker)), changes);
  } finally {
    clock.stop();
    await sandbox.close();
    await house?.close();
  }

  const hours = (clock.now() - START) / HOUR_MS;
  const longest = (list: readonly number[]): number => Math.max(0, ...list);
  const report = {
    tier: name,
    store: kind,
    calls: watch.calls,
    virtualHours: Number(hours.toFixed(2)),
    callsPerVirtualHour: Math.round(watch.calls / hours),
    invalidNonces: watch.invalidNonces,
    rateLimitErrors: watch.rateLimitErrors,
    otherErrors: Object.fromEntries(watch.otherErrors),
    peakOfCounter: Number(watch.peak.toFixed(2)),
    maxOfCounter: tier.max,
    longestWaitMs: longest(Object.values(waits).flat()),
    longestWaitOfMs: { resolve: longest(waits.resolve), buy: longest(waits.buy), read: longest(waits.read) },
    roundMs,
    served: waits.resolve.length + waits.buy.length + waits.read.length,
    ...seen,
    injected: Object.fromEntries(watch.injected),
    callsInPauses: watch.callsInPauses,
    longestRecoveryMs: longest(watch.pauses.map(({ until, nextCallAt }) => (nextCallAt ?? Infinity) - until)),
  };
  return { ...report, violations: violationsOf(report, tier.max / decay) };
}

type Measured = Omit<Report, "violations">;

/** What must not be. `refillS`: how long a full counter takes to empty. */
function violationsOf(report: Measured, refillS: number): readonly string[] {
  const { longestWaitOfMs: waited, roundMs } = report;
  // There are three resolvers: the last waits while the two before it die with the key, and whoever held it first.
  const resolverMs = 3 * LEASE_TTL_MS + HOLD_MS_MAX + refillS * 1000;
  const checks: readonly (readonly [boolean, string])[] = [
    [report.invalidNonces === 0, `${report.invalidNonces} invalid nonces`],
    [report.rateLimitErrors === 0, `${report.rateLimitErrors} rate-limit errors that nobody injected`],
    [Object.keys(report.otherErrors).length === 0, `other errors: ${Object.keys(report.otherErrors)}`],
    [report.peakOfCounter <= report.maxOfCounter, `Kraken's counter stood at ${report.peakOfCounter}`],
    [report.callsInPauses === 0, `${report.callsInPauses} calls while Kraken wanted none`],
    [report.callsAfterLease === 0, `${report.callsAfterLease} calls by holders whose lease was over`],
    [waited.resolve <= resolverMs, `a resolver waited ${waited.resolve} ms, at most ${resolverMs} expected`],
    // The demand of a round fits into a round: who waits for three was passed over.
    [report.longestWaitMs <= 3 * roundMs, `one waited ${report.longestWaitMs} ms, a round is ${roundMs}`],
    [report.longestRecoveryMs <= roundMs, `${report.longestRecoveryMs} ms from a pause to the next call`],
  ];
  return checks.filter(([isKept]) => !isKept).map(([, what]) => what);
}
