/**
 * The gate of an API key: one holder at a time, nonces that rise from holder to holder, and a mirror of Kraken's counter.
 *
 * Promises: nonces handed out strictly increase whatever any clock says, each is used once; a holder whose lease is over
 * hands out none; two holders never overlap while both can reach the store. Safety of orders does not rest on the lease
 * (see run-plan.ts): it keeps calls in order, so that Kraken refuses none of them.
 */
import { nextFence, nonceOf } from "../domain/nonce.ts";
import type { Tier } from "../domain/plan.ts";
import {
  charged,
  coolDownMs,
  decayed,
  HEADROOM,
  type RateCounter,
  waitMsFor,
} from "../domain/rate-counter.ts";
import { type EpochMs, later, MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import type { Chance, Clock } from "./clock.ts";
import type { KeyUse } from "./exchange.ts";
import { keyHashOf } from "./ids.ts";
import type { Gate, GateStore } from "./ports.ts";
import type { Credentials } from "./secret.ts";

/** How long one holding may last; AddOrder's 8 s time-out fits. */
export const HOLD_MS_MAX = 10 * SECOND_MS;
/** A holder that shows no sign of life for this long, on the contender's own monotonic clock, has lost the lease. */
export const LEASE_TTL_MS = 15 * SECOND_MS;
/** Longer waits belong into `dueAt`. */
export const WAIT_INLINE_MS_MAX = 15 * SECOND_MS;

const POLL_MS = 250;
const CONTEND_MS_MAX = LEASE_TTL_MS + 5 * SECOND_MS;
const LOCKOUT_MS = 15 * MINUTE_MS;

/** The lease is over or was never had; nothing was sent. */
export class LeaseOver extends Error {
  constructor(message: string) {
    super(message);
    this.name = "LeaseOver";
  }
}

export type NotNow = { readonly is: "not-now"; readonly retryAt: EpochMs; readonly why: string };
export type Stopped = { readonly is: "stopped"; readonly why: string };

export type GateDeps = { readonly store: GateStore; readonly clock: Clock; readonly chance: Chance };

/** The right to call with one key. `points` is what the holder was admitted with. */
export class KeyLease implements KeyUse {
  readonly credentials: Credentials;
  readonly keyHash: string;
  readonly owner: string;
  readonly fence: bigint;
  readonly #deps: GateDeps;
  readonly #tier: Tier;
  readonly #acquiredAtMonotonic: number;
  #gate: Gate;
  #counter: RateCounter;
  #sequence = 0;
  #released = false;

  constructor(
    deps: GateDeps,
    credentials: Credentials,
    tier: Tier,
    gate: Gate,
    counter: RateCounter,
    acquiredAtMonotonic: number,
  ) {
    this.#deps = deps;
    this.#tier = tier;
    this.#gate = gate;
    this.#counter = counter;
    // The moment before the store was asked: the lease may be older than we know, never younger.
    this.#acquiredAtMonotonic = acquiredAtMonotonic;
    this.credentials = credentials;
    this.keyHash = keyHashOf(credentials.apiKey);
    this.owner = gate.owner ?? "";
    this.fence = gate.fence;
  }

  get heldMs(): number {
    return this.#deps.clock.monotonicMs() - this.#acquiredAtMonotonic;
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
    this.#counter = charged(decayed(this.#counter, this.#tier, this.#deps.clock.now()), cost);
    return nonceOf(this.fence, this.#sequence++);
  }

  /** Gives the key back, with what was really used of the points. May be called twice; a lost lease is left alone. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    const counter = decayed(this.#counter, this.#tier, this.#deps.clock.now());
    await this.#write({ owner: undefined, counterMilli: counter.milli, counterAt: counter.at });
  }

  /** After a real rate-limit error: the mirror goes over the maximum, and everybody keeps away for a while. */
  async coolDown(): Promise<EpochMs> {
    const now = this.#deps.clock.now();
    const until = later(now, coolDownMs(this.#tier, this.#gate.cooldownRepeats));
    this.#released = true;
    await this.#insist({
      counterMilli: (this.#tier.max + 1) * 1000,
      counterAt: now,
      cooldownUntil: until,
      cooldownRepeats: this.#gate.cooldownRepeats + 1,
    });
    return until;
  }

  /** Kraken has locked the account out, or named the instant until which it throttles. */
  async keepAway(until?: EpochMs): Promise<EpochMs> {
    const at = until ?? later(this.#deps.clock.now(), LOCKOUT_MS);
    this.#released = true;
    await this.#insist({ cooldownUntil: at });
    return at;
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

/**
 * Waits for the key, at most a little longer than a dead holder's lease, and takes it with `points` charged. `known` is the
 * gate as just read with the run, which saves a read. A wait that would be longer is answered with the time to come back.
 */
export async function acquireKey(
  deps: GateDeps,
  credentials: Credentials,
  tier: Tier,
  points: number,
  headroom: number = HEADROOM,
  known?: Gate,
): Promise<KeyLease | NotNow | Stopped> {
  const { store, clock, chance } = deps;
  const keyHash = keyHashOf(credentials.apiKey);
  const owner = chance.id();
  const startedAt = clock.monotonicMs();
  let current = known ?? (await store.read(keyHash));
  let seen = { rvn: current?.rvn, since: startedAt };
  /** Waits add up: the counter's after a holder's, and again when others were faster. */
  const isTooLong = (waitMs: number): boolean =>
    waitMs > 0 && (waitMs > WAIT_INLINE_MS_MAX || clock.monotonicMs() - startedAt + waitMs > CONTEND_MS_MAX);

  for (;;) {
    const now = clock.now();
    if (current?.stopped !== undefined) return { is: "stopped", why: current.stopped };
    if (current?.cooldownUntil !== undefined && current.cooldownUntil > now) {
      const waitMs = current.cooldownUntil - now;
      if (isTooLong(waitMs)) {
        return { is: "not-now", retryAt: current.cooldownUntil, why: "the key is cooling down" };
      }
      await clock.sleep(waitMs);
      current = await store.read(keyHash);
      continue;
    }
    const counter: RateCounter = decayed(
      { milli: current?.counterMilli ?? 0, at: current?.counterAt ?? now },
      tier,
      now,
    );
    const isFree =
      current?.owner === undefined ||
      // Seen unchanged for the whole lifetime of a lease on our own clock: no clocks are compared.
      (seen.rvn === current.rvn && clock.monotonicMs() - seen.since >= LEASE_TTL_MS);
    if (isFree) {
      const waitMs = waitMsFor(counter, tier, points, headroom, now);
      if (isTooLong(waitMs)) {
        return {
          is: "not-now",
          retryAt: later(now, waitMs),
          why: `${points} more calls need ${Math.ceil(waitMs / 1000)} s of rest for Kraken's rate counter`,
        };
      }
      if (waitMs > 0) {
        await clock.sleep(waitMs);
        current = await store.read(keyHash);
        if (current?.rvn !== seen.rvn) seen = { rvn: current?.rvn, since: clock.monotonicMs() };
        continue;
      }
      const askedAt = clock.monotonicMs();
      const stored = charged(counter, points);
      const after: Gate = {
        rvn: (current?.rvn ?? 0) + 1,
        fence: nextFence(current?.fence, now),
        owner,
        counterMilli: stored.milli,
        counterAt: stored.at,
        ...cooldownKept(current, tier, now),
        stopped: undefined,
      };
      const answer = await store.write(keyHash, current, after);
      if (answer.written) return new KeyLease(deps, credentials, tier, after, counter, askedAt);
      current = answer.current;
    }
    if (current?.rvn !== seen.rvn) seen = { rvn: current?.rvn, since: clock.monotonicMs() };
    if (clock.monotonicMs() - startedAt > CONTEND_MS_MAX) {
      return {
        is: "not-now",
        retryAt: later(clock.now(), 5 * SECOND_MS),
        why: "another worker holds the key",
      };
    }
    if (current?.owner !== undefined) {
      await clock.sleep(POLL_MS * (0.5 + chance.fraction()));
      current = await store.read(keyHash);
    }
  }
}

/** A cool-down is remembered until it has been over for twice its own length: by then Kraken has forgotten, too. */
function cooldownKept(
  gate: Gate | undefined,
  tier: Tier,
  now: EpochMs,
): Pick<Gate, "cooldownUntil" | "cooldownRepeats"> {
  const { cooldownUntil, cooldownRepeats } = gate ?? { cooldownUntil: undefined, cooldownRepeats: 0 };
  const isForgotten = cooldownUntil === undefined || now - cooldownUntil > coolDownMs(tier, cooldownRepeats);
  return isForgotten ? { cooldownUntil: undefined, cooldownRepeats: 0 } : { cooldownUntil, cooldownRepeats };
}
