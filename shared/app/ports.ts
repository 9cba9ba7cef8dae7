/** What the program needs of the world besides the exchange: a ledger, a gate for each key, a voice, a log. */
import type { CapWindow } from "../domain/caps.ts";
import type { KeyExpectation, KeyUseKind } from "../domain/key-check.ts";
import type { MetricName } from "../domain/metrics.ts";
import type { Cost } from "../domain/money.ts";
import type { Settings } from "../domain/plan.ts";
import type { Intent, Label, Outcome, Run, StepName } from "../domain/run.ts";
import type { Schedule } from "../domain/schedule.ts";
import type { EpochMs } from "../domain/time.ts";
import type { Chance, Clock } from "./clock.ts";
import type { Exchange } from "./exchange.ts";
import type { Credentials } from "./secret.ts";

/** State of an account that every claim depends on. */
export type Head = {
  readonly killed: boolean;
  /** Hash of the plans and caps that `tide arm` was given. */
  readonly armed: string | undefined;
  /** Units of 10^-10 used of each cap window, by the window's name. */
  readonly used: ReadonlyMap<string, bigint>;
  /** An order was written down once: from then on the account at Kraken is known, and may not change. */
  readonly isBound: boolean;
  /** Runs whose intent is not settled yet, the ones in quarantine, too: what they did is not in `net`. */
  readonly unsettled: ReadonlySet<string>;
  /** What our own settled orders changed of each asset, in units of 10^-10, by Kraken's asset id. */
  readonly net: ReadonlyMap<string, bigint>;
  /** The newest order of ours that Kraken is known to have, placed at `at`: the positive control of proofs of absence. */
  readonly lastOrder:
    | { readonly txid: string; readonly clientOrderId: string; readonly at: EpochMs }
    | undefined;
  /** The last day that the daily line was told of. */
  readonly dailyTo: string | undefined;
};

/** When a plan's slots are. */
export type PlanSchedule = { readonly schedule: Schedule; readonly zone: string };

export type PlanState = {
  readonly id: string;
  /** What its slots are accounted for by; undefined when the plan is no longer in tide.yaml, or not registered yet. */
  readonly schedule: PlanSchedule | undefined;
  readonly activeFrom: EpochMs;
  /** Every slot up to here has a run. */
  readonly accountedTo: EpochMs;
  readonly paused: boolean;
  /** Set when something was found that a person must look at, each thing once; no further run starts. */
  readonly blocked: string | undefined;
  /** What slots that were too small left, by the asset it is paid in: a plan that pays in another one now begins at nothing. */
  readonly carry: ReadonlyMap<string, Cost>;
};

export type KeyCheck = {
  readonly secretVersion: string;
  readonly keyName: string;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly checkedAt: EpochMs;
  /** Of the Kraken account that the first key belonged to: the ledger is of that one. */
  readonly iban?: string;
  /** Names that Kraken account without telling it; where Kraken told nothing of the account, the key. */
  readonly krakenAccount?: string;
  /** The key belongs to another Kraken account than the ledger. */
  readonly isOtherAccount?: boolean;
  /** When a check first met this version of the secret: the age of the key. */
  readonly since?: EpochMs;
};

export type Snapshot = {
  readonly head: Head;
  readonly plan: PlanState | undefined;
  readonly run: Run | undefined;
  readonly intent: Intent | undefined;
  readonly keyCheck: KeyCheck | undefined;
  /** Of the same moment as the head; undefined, too, when they could not be read together. */
  readonly gate: Gate | undefined;
};

/** A message to the owner. Its id is derived from what it tells of, so that telling twice can be seen. */
export type Message = {
  readonly id: string;
  readonly at: EpochMs;
  readonly subject: string;
  readonly text: string;
  readonly run?: string;
  readonly outcome?: Outcome;
};

export type Reserved =
  | { readonly is: "reserved" }
  /** The run or its intent is there already: read again and go on from it. */
  | { readonly is: "exists" }
  | { readonly is: "killed" }
  | { readonly is: "paused" }
  | { readonly is: "full"; readonly window: CapWindow; readonly used: bigint };

export type Claimed =
  | "claimed"
  | "lost"
  | "killed"
  | "disarmed"
  | "full"
  | "paused"
  | "blocked"
  | "lease-lost";

/** What is kept for the next slot of a plan: it was `from`, and it is `to`. */
export type Carried = { readonly asset: string; readonly from: Cost; readonly to: Cost };

/**
 * The run ledger. Every write is conditional on what was read; a write whose answer got lost is told apart from one that was
 * refused. Nothing is ever deleted.
 */
export interface RunLedger {
  /** One consistent read of all that a run depends on. */
  read(at: {
    readonly account: string;
    readonly plan: string;
    readonly run: string;
    readonly keyHash?: string;
  }): Promise<Snapshot>;

  /** Ends a run that has no intent, with its message. False when the run has been written by another worker. */
  conclude(run: Run, carry: Carried | undefined, message: Message): Promise<boolean>;

  /** Keeps a run that has no intent open until `run.dueAt`. False when another worker has gone on with it. */
  postpone(run: Run): Promise<boolean>;

  /** Writes run and intent and takes `costMax` from every window, in one transaction that the kill switch is part of. */
  reserve(run: Run, intent: Intent, windows: readonly CapWindow[], carryFrom: Cost): Promise<Reserved>;

  /**
   * PLANNED(n) → SUBMITTING(n+1), in one transaction with the kill switch, the pause and the lease's fence. The reservation
   * moves to `windows`, those of the instant, where they are others than the intent's. `full` when one of them has no room, or
   * holds more than its cap says now.
   */
  claim(
    before: Intent,
    after: Intent,
    at: {
      readonly account: string;
      readonly plan: string;
      readonly keyHash: string;
      readonly owner: string;
      readonly windows: readonly CapWindow[];
      /** With real money: the arming that must still hold. */
      readonly armed?: string;
    },
  ): Promise<Claimed>;

  /** Compare-and-set on state, attempt and claim. False when the intent is no longer `before`. */
  change(account: string, before: Intent, after: Intent): Promise<boolean>;

  /** Ends intent and run, gives back what was not spent, and leaves the message in the outbox: one transaction. */
  settle(settlement: Settlement): Promise<boolean>;

  /** The intent is in doubt for good: its reservation stays, its plan is blocked, and the owner is told. */
  quarantine(run: Run, before: Intent, after: Intent, message: Message): Promise<boolean>;

  /**
   * Keeps the verdict, and that `check.krakenAccount` is this account's: both or neither. Undefined when that is done, or a
   * newer verdict is there; else the name of the account that has that Kraken account. It is taken over from `former`.
   */
  setKeyCheck(
    account: string,
    use: KeyUseKind,
    check: KeyCheck,
    former?: string,
  ): Promise<string | undefined>;
  messageSent(account: string, id: string, at: EpochMs): Promise<void>;
}

export type Settlement = {
  readonly run: Run;
  readonly before: Intent;
  readonly after: Intent;
  /** Units of 10^-10 that stay used of each window; the rest of the reservation is given back. */
  readonly usedUnits: bigint;
  readonly reservedUnits: bigint;
  /** Units of 10^-10 by which our fills changed each asset. */
  readonly net: readonly { readonly asset: string; readonly units: bigint }[];
  readonly lastOrder?: { readonly txid: string; readonly clientOrderId: string; readonly at: EpochMs };
  readonly carryBack: Cost;
  /** Set to stop the plan until a person has looked. */
  readonly block?: string;
  readonly message: Message;
};

export type OpenWork = {
  /** Runs whose time has come. */
  readonly due: readonly { readonly account: string; readonly run: string; readonly dueAt: EpochMs }[];
  /** Those that still hold a reservation, due or not, but for the ones in quarantine. */
  readonly intents: readonly { readonly account: string; readonly intent: Intent }[];
  /** Why some of them could not be read. */
  readonly unreadable: readonly Error[];
};

/** What the sweep and the owner's tools ask of the ledger, off the money path. */
export interface LedgerBooks {
  head(account: string): Promise<Head>;
  plans(account: string): Promise<readonly PlanState[]>;
  runs(account: string): Promise<readonly { readonly run: Run; readonly intent: Intent | undefined }[]>;
  run(
    account: string,
    run: string,
  ): Promise<{ readonly run: Run; readonly intent: Intent | undefined } | undefined>;
  /** What is open in all accounts, as the index shows it: a hint where to look, never a decision. */
  openWork(now: EpochMs): Promise<OpenWork>;
  unsentMessages(now: EpochMs): Promise<readonly { readonly account: string; readonly message: Message }[]>;
  messages(account: string): Promise<readonly (Message & { readonly sentAt: EpochMs | undefined })[]>;
  /** Names of the accounts that plans were registered for, and that were not forgotten. */
  accounts(): Promise<ReadonlySet<string>>;
  addAccounts(names: readonly string[]): Promise<void>;
  forgetAccount(name: string): Promise<void>;
  /** Writes the plan when it is new or has another schedule; from then on its slots count, never earlier ones. */
  registerPlan(account: string, id: string, schedule: PlanSchedule | undefined, now: EpochMs): Promise<void>;
  setAccountedTo(account: string, plan: string, before: EpochMs, to: EpochMs): Promise<boolean>;
  setPaused(account: string, plan: string, paused: boolean): Promise<boolean>;
  setKilled(account: string, killed: boolean): Promise<void>;
  /** Undefined takes the arming away. */
  setArmed(account: string, hash: string | undefined): Promise<void>;
  /** Remembers that the day was told, and forgets the named cap windows, which are over. */
  setDaily(account: string, day: string, windowsOver: readonly string[]): Promise<void>;
  /** A person has looked: the plan may run again. With `run`, only what it is on hold for because of that run's doubt. */
  unblock(account: string, plan: string, run?: string): Promise<void>;
  keyCheck(account: string, use: KeyUseKind): Promise<KeyCheck | undefined>;
  /** Writes that slots left no run, with the message that tells it: all or nothing. False when one has a run after all. */
  addMissed(runs: readonly Run[], message: Message): Promise<boolean>;
  /** Puts a message into the outbox that belongs to no run. False when it is there already. */
  addMessage(account: string, message: Message): Promise<boolean>;
}

/** The shared state of one API key: who may call, with which fence, and how many points are used. */
export type Gate = {
  /** Changes at every write. */
  readonly rvn: number;
  readonly fence: bigint;
  readonly owner: string | undefined;
  readonly counterMilli: number;
  readonly counterAt: EpochMs;
  readonly cooldownUntil: EpochMs | undefined;
  readonly cooldownRepeats: number;
  /** Set when the key must not be used until a person has looked. */
  readonly stopped: string | undefined;
};

export interface GateStore {
  read(keyHash: string): Promise<Gate | undefined>;
  /** Compare-and-set on `rvn` (undefined: there is none yet). Answers what is there when it was not `before`. */
  write(
    keyHash: string,
    before: Gate | undefined,
    after: Gate,
  ): Promise<{ readonly written: true } | { readonly written: false; readonly current: Gate | undefined }>;
}

export interface Notifier {
  publish(account: string, message: Message): Promise<void>;
}

export interface Secrets {
  /** Undefined when the secret has no value yet. `fresh` asks past the cache, once after a refused key. */
  credentials(account: string, use: KeyUseKind, fresh?: boolean): Promise<Credentials | undefined>;
}

/** Sends a firing to the queue that its worker reads. `dedupe` makes the same sending within five minutes one. */
export interface FiringQueue {
  send(account: string, body: unknown, dedupe: string): Promise<void>;
}

/** One line per step; also what the page and the console show while a run happens. */
export type Event = {
  readonly run: string;
  readonly plan: string;
  readonly step: StepName;
  readonly label: Label;
  readonly at: EpochMs;
  readonly detail: string;
  readonly outcome?: Outcome;
};

export type Deps = {
  readonly settings: Settings;
  /** Where orders go. Only `sandbox` may place without being armed: its money is play money. */
  readonly venue: "sandbox" | "kraken";
  readonly keyExpectation: (use: KeyUseKind) => KeyExpectation;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly exchange: Exchange;
  readonly secrets: Secrets;
  readonly gates: GateStore;
  readonly ledger: RunLedger;
  readonly books: LedgerBooks;
  readonly notifier: Notifier;
  readonly queue: FiringQueue;
  /** Firings that must not start a run; an alarm watches it. */
  readonly deadLetters: FiringQueue;
  readonly report: (event: Event) => void;
  /** For the alarms; nobody listens on one machine. */
  readonly measure: (metric: MetricName, value: number) => void;
};

/** What the sweep works with: it has no key, and no way to the exchange. */
export type SweepDeps = Omit<Deps, "keyExpectation" | "exchange" | "secrets" | "gates" | "deadLetters"> & {
  /**
   * When this container was started with its tide.yaml, where several may be at work: what was registered after that is of
   * a newer one, and not replaced by it.
   */
  readonly startedAt?: EpochMs;
  /** Throws, in one sentence, when this machine's clock cannot be believed: then no slot is looked at. */
  readonly needRightTime?: () => Promise<void>;
};
