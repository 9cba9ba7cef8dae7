/** What one invocation knows of its run, and the key it may be holding. Thrown away at the end; the ledger stays. */

import type { Account, DcaPlan } from "../domain/plan.ts";
import type { Intent, Label, Outcome, Run, Step, StepName } from "../domain/run.ts";
import { HISTORY_MAX } from "../domain/run.ts";
import { type EpochMs, later, MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { ExchangeError } from "./errors.ts";
import type { ExchangeAccount } from "./exchange.ts";
import { acquireKey, HOLD_MS_MAX, type KeyLease, LeaseOver } from "./key-gate.ts";
import type { Deps, Message, Snapshot } from "./ports.ts";
import { failed, Postponed } from "./postponed.ts";
import { restKey } from "./rest-key.ts";
import { stepsWith, waitingFor, withoutWait } from "./run-steps.ts";
import type { Credentials } from "./secret.ts";

const STOPPED =
  "Kraken refused nonces of two leases in a row: something else uses this API key. Make a dedicated key.";

/** A worker runs at most 60 s (design: queue visibility 120 s); no wait and no call to Kraken starts after this. */
export const WORK_MS_MAX = 45 * SECOND_MS;

export class RunContext {
  readonly deps: Deps;
  readonly plan: DcaPlan;
  /** tide.yaml has the plan no longer: its runs are accounted for, nothing is ordered. */
  readonly isRetired: boolean;
  readonly account: Account;
  readonly label: Label;
  /** What a run that begins now would be; undefined where it would be live and is not armed. */
  readonly labelNow: Label | undefined;
  readonly credentials: Credentials;
  readonly keyHash: string;
  /** Why the credentials could not be read; then they are none. */
  readonly keyProblem: Error | undefined;
  readonly startedAtMonotonic: number;
  snapshot: Snapshot;
  run: Run;
  intent: Intent | undefined;
  /** Set between a sending without a certain answer and the looks that follow it. */
  sentInDoubt = false;
  #lease: KeyLease | undefined;
  #knownGate: Snapshot["gate"];
  /** Nobody held the key since the head was read. */
  #isHeadOfLease = false;

  constructor(fields: {
    deps: Deps;
    plan: DcaPlan;
    isRetired: boolean;
    account: Account;
    label: Label;
    labelNow: Label | undefined;
    credentials: Credentials;
    keyHash: string;
    keyProblem: Error | undefined;
    snapshot: Snapshot;
    run: Run;
  }) {
    this.deps = fields.deps;
    this.plan = fields.plan;
    this.isRetired = fields.isRetired;
    this.account = fields.account;
    this.label = fields.label;
    this.labelNow = fields.labelNow;
    this.credentials = fields.credentials;
    this.keyHash = fields.keyHash;
    this.keyProblem = fields.keyProblem;
    this.snapshot = fields.snapshot;
    this.run = fields.run;
    this.intent = fields.snapshot.intent;
    this.#knownGate = fields.snapshot.gate;
    this.startedAtMonotonic = fields.deps.clock.monotonicMs();
  }

  /** Notes a step in the run and tells everybody who listens. */
  step(step: StepName, detail: string, outcome?: Outcome): void {
    const at = this.deps.clock.now();
    const noted: Step = { step, at, detail };
    this.run = { ...this.run, steps: stepsWith(this.run.steps, noted) };
    this.deps.report({
      run: this.run.id,
      plan: this.run.plan,
      step,
      label: this.label,
      at,
      detail,
      ...(outcome === undefined ? {} : { outcome }),
    });
  }

  /** The intent with one more line of history, never more than the last twenty. */
  noted(intent: Intent, what: string): Intent {
    const line = { at: this.deps.clock.now(), what };
    return { ...intent, history: [...intent.history, line].slice(-HISTORY_MAX) };
  }

  /** What the run waits for, as the last line of its steps. */
  waits(why: string): void {
    const noted: Step = { step: "plan", at: this.deps.clock.now(), detail: waitingFor(why) };
    const steps = withoutWait(this.run.steps, ({ detail }) => detail);
    this.run = { ...this.run, steps: stepsWith(steps, noted) };
  }

  /** The same of an intent, whose run is not written while it waits. */
  waiting(intent: Intent, why: string): Intent {
    const history = withoutWait(intent.history, ({ what }) => what);
    return this.noted({ ...intent, history }, waitingFor(why));
  }

  hasTimeFor(ms: number): boolean {
    return this.deps.clock.monotonicMs() - this.startedAtMonotonic + ms <= WORK_MS_MAX;
  }

  /**
   * The key, taken now if this run does not hold it, or if what is left of the holding is short: of its time, or of its
   * points for calls that cost `need`. A new holding is admitted with `points`.
   */
  async key(points: number, need: number, leftMs = 2 * SECOND_MS): Promise<KeyLease> {
    const held = this.#lease;
    // Test: a holder never calls for more points than it was admitted with
    const isEnough =
      held !== undefined && !held.isOver && held.heldMs + leftMs <= HOLD_MS_MAX && held.pointsLeft >= need;
    if (isEnough) return held;
    await this.releaseKey();
    this.#needTime();
    // Resolving goes before new buys: it may use the head-room that buys must leave.
    const isResolving = this.intent !== undefined && this.intent.state !== "PLANNED";
    const headroom = isResolving ? 0 : undefined;
    const answer = await acquireKey(
      {
        store: this.deps.gates,
        clock: this.deps.clock,
        chance: this.deps.chance,
        exchangeNow: () => this.deps.exchange.now(),
      },
      this.credentials,
      this.account.tier,
      points,
      headroom,
      this.#knownGate,
    );
    const known = this.#knownGate;
    this.#knownGate = undefined;
    if ("is" in answer) {
      const at = answer.is === "not-now" ? answer.retryAt : later(this.deps.clock.now(), 15 * MINUTE_MS);
      throw answer.is === "stopped" ? failed(at, answer.why, "KEY_STOPPED") : new Postponed(at, answer.why);
    }
    this.#lease = answer;
    // Others may have been waited for.
    this.#needTime();
    // Free when the head was read, and taken in the very next write: nobody has claimed an order in between.
    this.#isHeadOfLease =
      known !== undefined && known.owner === undefined && answer.takenAt === known.rvn + 1;
    return answer;
  }

  /** One that outlives its function is cut off without a word: it goes on in another. */
  #needTime(): void {
    if (this.hasTimeFor(0)) return;
    const soon = later(this.deps.clock.now(), SECOND_MS);
    throw new Postponed(soon, "it took too long to go on at once", { code: "LATE" });
  }

  /** A public read. What Kraken cannot answer just now becomes a later turn of the run. */
  async publicly<T>(read: () => Promise<T>): Promise<T> {
    this.#needTime();
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ExchangeError) || error.retry === "never") throw error;
      const soon = later(this.deps.clock.now(), this.#pauseMsFor(error));
      // Test: a public call that is throttled comes back when Kraken said, not before
      const named = later((error.waitUntil ?? soon) as EpochMs, SECOND_MS);
      throw failed(named > soon ? named : soon, error.message);
    }
  }

  /** Public calls are limited by address: runs that were all turned away must not all come back in the same second. */
  #pauseMsFor({ code }: ExchangeError): number {
    const isCrowded = code === "RATE_LIMITED" || code === "TOO_MANY_REQUESTS" || code === "THROTTLED";
    return Math.floor(MINUTE_MS * (isCrowded ? 1 + 2 * this.deps.chance.fraction() : 1));
  }

  /** What the ledger says now, when another worker has gone on with the run or a write was not taken. */
  async reread(): Promise<void> {
    this.snapshot = await this.deps.ledger.read({
      account: this.account.name,
      plan: this.plan.id,
      run: this.run.id,
      keyHash: this.keyHash,
    });
    this.#isHeadOfLease = false;
    this.intent = this.snapshot.intent;
    if (this.snapshot.run !== undefined) this.run = this.snapshot.run;
  }

  /** The account's head as it is now, for sums that other runs change. */
  async rereadHead(): Promise<void> {
    const { head } = await this.deps.ledger.read({
      account: this.account.name,
      plan: this.plan.id,
      run: this.run.id,
    });
    this.snapshot = { ...this.snapshot, head };
    this.#isHeadOfLease = this.#lease?.isOver === false;
  }

  /** Of the holding that is going on. */
  get fence(): string | undefined {
    return this.#lease?.fence.toString();
  }

  /**
   * The account's head, not older than the key's lease: what this lease's calls see at Kraken was claimed before the lease,
   * and so is in `net` or `unsettled`. Only where others held the key since the run was read, the head is read again.
   */
  async headOfLease(): Promise<Snapshot["head"]> {
    if (!this.#isHeadOfLease) await this.rereadHead();
    return this.snapshot.head;
  }

  /** Compare-and-set of the intent. False when another worker was faster; then this one reads again. */
  async write(before: Intent, after: Intent): Promise<boolean> {
    if (await this.deps.ledger.change(this.account.name, before, after)) {
      this.intent = after;
      return true;
    }
    await this.reread();
    return false;
  }

  /** The intent stays in doubt for good: a person must look, and the plan is on hold until then. */
  async quarantine(before: Intent, after: Intent, message: Message): Promise<boolean> {
    const closed: Run = {
      ...this.run,
      outcome: "uncertain",
      ...(after.reason ? { reason: after.reason } : {}),
    };
    if (await this.deps.ledger.quarantine(closed, before, after, message)) {
      this.intent = after;
      this.run = closed;
      return true;
    }
    await this.reread();
    return false;
  }

  async releaseKey(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    await lease?.release();
  }

  /**
   * Private reads under the key, which cost `need` points. A lost lease or a refused nonce takes the key anew, once; what
   * Kraken limits becomes a pause of the key and a later turn of the run.
   */
  async withAccount<T>(
    points: number,
    need: number,
    reads: (account: ExchangeAccount) => Promise<T>,
  ): Promise<T> {
    let leasesOver = 0;
    let nonceRefusals = 0;
    for (;;) {
      this.#needTime();
      const lease = await this.key(points, need);
      try {
        return await reads(this.deps.exchange.as(lease));
      } catch (error) {
        if (error instanceof LeaseOver && leasesOver++ < 2) continue;
        // Test: one refused nonce after a read that outlasted its lease does not stop the key
        if (error instanceof ExchangeError && error.code === "NONCE_TOO_LOW" && nonceRefusals++ < 1) {
          this.deps.measure("NoncesRefused", 1);
          await this.releaseKey();
          continue;
        }
        throw await this.#pauseFor(error, lease);
      }
    }
  }

  /** A key that Kraken no longer takes may have been replaced: then the run goes on with the new one in a moment. */
  async tryNewKey(why: string): Promise<void> {
    const fresh = await this.deps.secrets.credentials(this.account.name, "trade", true);
    if (fresh !== undefined && fresh.version !== this.credentials.version) {
      throw new Postponed(later(this.deps.clock.now(), SECOND_MS), `the key was replaced: ${why}`);
    }
  }

  /** What a failed private call means for the key and for this run. */
  async #pauseFor(error: unknown, lease: KeyLease): Promise<unknown> {
    if (error instanceof LeaseOver) {
      return new Postponed(later(this.deps.clock.now(), 5 * SECOND_MS), error.message);
    }
    if (!(error instanceof ExchangeError)) return error;
    const pausedUntil = await this.pauseKey(error, lease);
    if (pausedUntil !== undefined)
      return error.code === "NONCE_TOO_LOW"
        ? failed(pausedUntil, STOPPED, "KEY_STOPPED")
        : failed(pausedUntil, error.message);
    if (error.retry === "never") return error;
    // Everything else on a read: Kraken cannot answer just now.
    return failed(later(this.deps.clock.now(), MINUTE_MS), error.message);
  }

  /** Rests or stops the key when Kraken's answer asks for it; the instant to come back at. */
  async pauseKey(error: ExchangeError, lease: KeyLease): Promise<EpochMs | undefined> {
    if (error.code === "NONCE_TOO_LOW") {
      this.deps.measure("NoncesRefused", 1);
      this.#lease = undefined;
      await lease.stop(STOPPED);
      return later(this.deps.clock.now(), 15 * MINUTE_MS);
    }
    const restUntil = await restKey(this.deps, lease, error);
    if (restUntil !== undefined) this.#lease = undefined;
    return restUntil;
  }
}
