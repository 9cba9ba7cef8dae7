/**
 * The gate of an API key: one holder at a time, nonces that rise from holder to holder, and a mirror of Kraken's counter.
 *
 * Promises: nonces handed out strictly increase whatever any clock says, each is used once; a holder whose lease is over
 * hands out none; two holders never overlap while both can reach the store; the mirror never stands below Kraken's counter
 * as long as clocks agree; who resolves an order never waits for buys that are waiting, too. Safety of orders does not rest
 * on the lease (see run-plan.ts): it keeps calls in order, so that Kraken refuses none of them.
 */
import { nextFence } from "../domain/nonce.ts";
import type { Tier } from "../domain/plan.ts";
import {
  charged,
  coolDownMs,
  decayed,
  HEADROOM,
  type RateCounter,
  waitMsFor,
} from "../domain/rate-counter.ts";
import { type EpochMs, later, SECOND_MS } from "../domain/time.ts";
import { keyHashOf } from "./ids.ts";
import { type GateDeps, gateTimeOf, HOLD_MS_MAX, KeyLease } from "./key-lease.ts";
import type { Gate } from "./ports.ts";
import type { Credentials } from "./secret.ts";

export { type GateDeps, HOLD_MS_MAX, KeyLease, LeaseOver } from "./key-lease.ts";

/** A holder that shows no sign of life for this long, on the contender's own monotonic clock, has lost the lease. */
export const LEASE_TTL_MS = 15 * SECOND_MS;
/** Longer waits belong into `dueAt`. */
export const WAIT_INLINE_MS_MAX = 15 * SECOND_MS;

/** Resolving an order may use what is there of Kraken's counter; new buys leave it `HEADROOM`. */
export const RESOLVING_HEADROOM = 0;
/** Portfolio reads come last: they leave room for a whole buy (6) above what that must leave. */
export const READING_HEADROOM = HEADROOM + 6;

const POLL_MS = 250;
/**
 * Ranks share the key as stations share a radio channel: the lower one's is the shortest silence after which a waiting worker
 * takes a key that became free. A resolver takes it when it sees it, and looks more often than the shortest silence is long.
 */
const RESOLVER_POLL_MS = 120;
const SILENCE_MS = 250;
/** A dead holder's lease, and the rest that its points may need after it. */
const CONTEND_MS_MAX = LEASE_TTL_MS + HOLD_MS_MAX;

export type NotNow = { readonly is: "not-now"; readonly retryAt: EpochMs; readonly why: string };
export type Stopped = { readonly is: "stopped"; readonly why: string };

/**
 * Waits for the key, at most a little longer than a dead holder's lease, and takes it with `points` charged. `headroom` is
 * also the rank of the one who asks: the less it leaves, the sooner it is served. `known` is the gate as just read with the
 * run, which saves a read. A wait that would be longer is answered with the time to come back, by the caller's clock.
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
  const gateNow = await gateTimeOf(deps);
  const startedAt = clock.monotonicMs();
  const waitedMs = (): number => clock.monotonicMs() - startedAt;
  let current = known ?? (await store.read(keyHash));
  let seen = { rvn: current?.rvn, since: startedAt };
  const look = async (): Promise<void> => {
    current = await store.read(keyHash);
    if (current?.rvn !== seen.rvn) seen = { rvn: current?.rvn, since: clock.monotonicMs() };
  };
  /** Waits add up: the counter's after a holder's, and again when others were faster. */
  const isTooLong = (waitMs: number): boolean =>
    waitMs > 0 && (waitMs > WAIT_INLINE_MS_MAX || waitedMs() + waitMs > CONTEND_MS_MAX);
  const notNow = (waitMs: number, why: string): NotNow => ({
    is: "not-now",
    retryAt: later(clock.now(), waitMs),
    why,
  });

  for (;;) {
    const now = gateNow();
    if (current?.stopped !== undefined) return { is: "stopped", why: current.stopped };
    if (current?.cooldownUntil !== undefined && current.cooldownUntil > now) {
      const waitMs = current.cooldownUntil - now;
      if (isTooLong(waitMs)) return notNow(waitMs, "the key is cooling down");
      await clock.sleep(waitMs);
      await look();
      continue;
    }
    const isFree =
      current?.owner === undefined ||
      // Seen unchanged for the whole lifetime of a lease on our own clock: no clocks are compared.
      (seen.rvn === current.rvn && clock.monotonicMs() - seen.since >= LEASE_TTL_MS);
    if (isFree) {
      const counter = counterOf(current, tier, now);
      const waitMs = roomWaitMs(counter, tier, points, headroom);
      if (isTooLong(waitMs)) {
        const rest = `${points} more calls need ${Math.ceil(waitMs / 1000)} s of rest for Kraken's rate counter`;
        return notNow(waitMs, rest);
      }
      // Not read again after a rest: should somebody have taken the key meanwhile, our write is refused.
      if (waitMs > 0) {
        await clock.sleep(waitMs);
        continue;
      }
      // Clocks are compared for courtesy only: a wrong one makes this wait once, or not at all.
      const freeMs = Math.max(clock.monotonicMs() - seen.since, now - (current?.counterAt ?? 0));
      const silenceMs = silenceMsOf(headroom, waitedMs()) - freeMs;
      if (silenceMs > 0) {
        await clock.sleep(silenceMs);
        continue;
      }
      const askedAt = { monotonicMs: clock.monotonicMs(), at: clock.now() };
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
      if (answer.written)
        return new KeyLease(deps, gateNow, credentials, tier, after, counter, points, askedAt);
      current = answer.current;
      seen = { rvn: current?.rvn, since: clock.monotonicMs() };
    }
    if (waitedMs() > CONTEND_MS_MAX) return notNow(5 * SECOND_MS, "another worker holds the key");
    if (current?.owner !== undefined) {
      await clock.sleep((headroom > 0 ? POLL_MS : RESOLVER_POLL_MS) * (0.5 + chance.fraction()));
      await look();
    }
  }
}

/** The mirror at `now`. A holder that died may have made its calls as late as at the end of its lease. */
function counterOf(gate: Gate | undefined, tier: Tier, now: EpochMs): RateCounter {
  if (gate === undefined) return { milli: 0, at: now };
  const at = gate.owner === undefined ? gate.counterAt : later(gate.counterAt, HOLD_MS_MAX);
  return decayed({ milli: gate.counterMilli, at }, tier, now);
}

/**
 * Kraken lowers its counter in steps "every couple of seconds", and clocks differ by parts of a second: whoever asks leaves
 * the points of two seconds. A tier too small for all of that gives what it has: nobody waits for room that never comes.
 */
function roomWaitMs(counter: RateCounter, tier: Tier, points: number, headroom: number): number {
  const asked = Math.min(points, tier.max);
  const { units, scale } = tier.decayPerSecond;
  const margin = Math.ceil((2 * Number(units)) / 10 ** scale);
  return waitMsFor(counter, tier, asked, Math.min(Math.max(headroom, margin), tier.max - asked), counter.at);
}

/** The longer one has waited, the shorter: the oldest of a rank goes first, more often than not. */
function silenceMsOf(headroom: number, waitedMs: number): number {
  if (headroom <= RESOLVING_HEADROOM) return 0;
  const patience = Math.max(0, 1 - waitedMs / CONTEND_MS_MAX);
  return SILENCE_MS * ((headroom > HEADROOM ? 2 : 1) + patience);
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
