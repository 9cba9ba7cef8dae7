/** What a holder of an API key may do with it, and for how long. Only `acquireKey` (key-gate.ts) makes leases. */
import { nonceOf } from "../domain/nonce.ts";
import type { Tier } from "../domain/plan.ts";
import { charged, coolDownMs, decayed, type RateCounter } from "../domain/rate-counter.ts";
import { type EpochMs, later, MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import type { Chance, Clock } from "./clock.ts";
import type { KeyUse } from "./exchange.ts";
import { keyHashOf } from "./ids.ts";
import type { Gate, GateStore } from "./ports.ts";
import type { Credentials } from "./secret.ts";

/** How long one holding may last; AddOrder's 8 s time-out fits. */
export const HOLD_MS_MAX = 10 * SECOND_MS;

const LOCKOUT_MS = 15 * MINUTE_MS;

/** The lease is over or was never had; nothing was sent. */
export class LeaseOver extends Error {
  constructor(message: string) {
    super(message);
    this.name = "LeaseOver";
  }
}

export type GateDeps = {
  readonly store: GateStore;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Kraken's clock, for what all holders must agree on: counter and cool-down. Without it, the machine's own. */
  readonly exchangeNow?: () => Promise<EpochMs>;
};

export type GateTime = () => EpochMs;

/** Goes on from one answer with the monotonic clock: setting the machine's clock does not move it. */
export async function gateTimeOf({ clock, exchangeNow }: GateDeps): Promise<GateTime> {
  const at = exchangeNow === undefined ? clock.now() : await exchangeNow().catch(() => clock.now());
  const monotonicAt = clock.monotonicMs();
  return () => later(at, Math.floor(clock.monotonicMs() - monotonicAt));
}

/** The moment before the store was asked: a lease may be older than its holder knows, never younger. */
export type AskedAt = { readonly monotonicMs: number; readonly at: EpochMs };

/** The right to call with one key. `points` is what the holder was admitted with. */
export class KeyLease implements KeyUse {
  readonly credentials: Credentials;
  readonly keyHash: string;
  readonly owner: string;
  readonly fence: bigint;
  /** Version of the gate that the taking made. */
  readonly takenAt: number;
  readonly #deps: GateDeps;
  readonly #now: GateTime;
  readonly #tier: Tier;
  readonly #askedAt: AskedAt;
  #gate: Gate;
  #counter: RateCounter;
  #pointsLeft: number;
  /** Points of the last call: Kraken counts it when it arrives, which is surely before the next one leaves. */
  #underWay = 0;
  #sequence = 0;
  #released = false;

  constructor(
    deps: GateDeps,
    now: GateTime,
    credentials: Credentials,
    tier: Tier,
    gate: Gate,
    counter: RateCounter,
    points: number,
    askedAt: AskedAt,
  ) {
    this.#deps = deps;
    this.#now = now;
    this.#tier = tier;
    this.#gate = gate;
    this.#counter = counter;
    this.#pointsLeft = points;
    this.#askedAt = askedAt;
    this.credentials = credentials;
    this.keyHash = keyHashOf(credentials.apiKey);
    this.owner = gate.owner ?? "";
    this.fence = gate.fence;
    this.takenAt = gate.rvn;
  }

  get heldMs(): number {
    const { clock } = this.#deps;
    // The longer of both: where a machine is frozen whole, its monotonic clock may have stood still.
    return Math.max(clock.monotonicMs() - this.#askedAt.monotonicMs, clock.now() - this.#askedAt.at);
  }

  /** Of what the holder was admitted with. A call beyond it is counted, but only when the key is given back. */
  get pointsLeft(): number {
    return this.#pointsLeft;
  }

  get isOver(): boolean {
    return this.#released || this.heldMs >= HOLD_MS_MAX;
  }

  /** What `nextNonce` would answer: for writing it into the ledger before it is used. */
  peekNonce(): string {
    return nonceOf(this.fence, this.#sequence);
  }

  nextNonce(endpoint: string, cost: number): string {
    if (this.isOver) throw new LeaseOver(`the key's lease ended before ${endpoint} was sent`);
    this.#settleCounter();
    this.#underWay = cost;
    this.#pointsLeft -= cost;
    return nonceOf(this.fence, this.#sequence++);
  }

  #settleCounter(): void {
    this.#counter = charged(decayed(this.#counter, this.#tier, this.#now()), this.#underWay);
    this.#underWay = 0;
  }

  /** Gives the key back, with what was really used of the points. May be called twice; a lost lease is left alone. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.#settleCounter();
    await this.#write({
      owner: undefined,
      counterMilli: this.#counter.milli,
      counterAt: this.#counter.at,
    });
  }

  /**
   * After a real rate-limit error: the mirror goes over the maximum, and everybody keeps away for a while. Answers, as the
   * other two do, when to come back, by the caller's clock.
   */
  async coolDown(): Promise<EpochMs> {
    const now = this.#now();
    const waitMs = coolDownMs(this.#tier, this.#gate.cooldownRepeats);
    this.#released = true;
    await this.#insist({
      counterMilli: (this.#tier.max + 1) * 1000,
      counterAt: now,
      cooldownUntil: later(now, waitMs),
      cooldownRepeats: this.#gate.cooldownRepeats + 1,
    });
    return later(this.#deps.clock.now(), waitMs);
  }

  /** Kraken has locked the account out, or named the instant until which it throttles. */
  async keepAway(until?: EpochMs): Promise<EpochMs> {
    const now = this.#now();
    const at = until ?? later(now, LOCKOUT_MS);
    this.#released = true;
    await this.#insist({ cooldownUntil: at });
    return later(this.#deps.clock.now(), at - now);
  }

  /** Nobody may use the key again until a person has looked. */
  async stop(why: string): Promise<void> {
    this.#released = true;
    await this.#insist({ stopped: why });
  }

  async #write(change: Partial<Gate>): ReturnType<GateStore["write"]> {
    const after = { ...this.#gate, ...change, rvn: this.#gate.rvn + 1 };
    const answer = await this.#deps.store.write(this.keyHash, this.#gate, after);
    if (answer.written) this.#gate = after;
    return answer;
  }

  /** What Kraken said of the key holds for everybody, also when this lease was lost meanwhile: then without releasing. */
  async #insist(change: Partial<Gate>): Promise<void> {
    let answer = await this.#write({ owner: undefined, ...change });
    while (!answer.written && answer.current !== undefined) {
      this.#gate = answer.current;
      answer = await this.#write(change);
    }
  }
}
