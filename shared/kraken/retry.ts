/** When a failed read is asked again, and how long that waits. Writes never come here. */
import type { Chance, Clock } from "../app/clock.ts";
import type { ExchangeError, ExchangeErrorCode } from "../app/errors.ts";

export const RETRIES_MAX = 6;
export const BACKOFF_BASE_MS = 250;
export const BACKOFF_CAP_MS = 20_000;
/** Longer than this, whoever holds the key should give it back and come again. */
export const THROTTLE_WAIT_MS_MAX = 15_000;

const BUDGET_SHARE = 0.1;
const BUDGET_WINDOW_MS = 600_000;
const BUDGET_BUCKETS = 10;
/** A client that asks little may still retry two calls to their end. */
const BUDGET_FLOOR = 2 * RETRIES_MAX;

/**
 * What another try can cure. Not here: what the key's gate decides about (counter, lockout, key, nonce), what stays
 * wrong however often it is asked, and what we do not understand.
 */
const CURABLE: ReadonlySet<ExchangeErrorCode> = new Set([
  "NO_CONNECTION",
  "NO_ANSWER",
  "HTTP_STATUS",
  "ANSWER_NOT_JSON",
  "ANSWER_TOO_LARGE",
  "ANSWER_SHAPE",
  "KRAKEN_INTERNAL",
  "KRAKEN_BUSY",
  "KRAKEN_UNAVAILABLE",
  "TOO_MANY_REQUESTS",
  "THROTTLED",
]);

/** How long to wait before try `retries + 1`; `undefined`: give up. */
export function waitBeforeRetry(
  error: ExchangeError,
  retries: number,
  clock: Clock,
  chance: Chance,
): number | undefined {
  if (!CURABLE.has(error.code) || retries >= RETRIES_MAX) return undefined;
  const jittered = chance.fraction() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** retries);
  // Kraken asks for a second between public calls from one address.
  if (error.code === "TOO_MANY_REQUESTS") return 1000 + jittered;
  if (error.waitUntil === undefined) return jittered;
  const namedMs = error.waitUntil - clock.now();
  // An instant that is past by our clock is no leave to ask at once: then our clock is wrong, and the key's gate waits.
  return namedMs <= 0 || namedMs > THROTTLE_WAIT_MS_MAX ? undefined : namedMs + jittered;
}

/** Extra calls may be a tenth of all calls of the last ten minutes, so that an outage is not made worse by us. */
export class RetryBudget {
  readonly #clock: Clock;
  #buckets: { slot: number; calls: number; retries: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  countCall(): void {
    this.#bucket().calls += 1;
  }

  /** Whether one more retry is within the budget; then it is taken. */
  takeRetry(): boolean {
    const bucket = this.#bucket();
    const calls = this.#buckets.reduce((sum, each) => sum + each.calls, 0);
    const retries = this.#buckets.reduce((sum, each) => sum + each.retries, 0);
    if (retries >= Math.max(BUDGET_FLOOR, BUDGET_SHARE * calls)) return false;
    bucket.retries += 1;
    return true;
  }

  #bucket() {
    const slot = Math.floor(this.#clock.monotonicMs() / (BUDGET_WINDOW_MS / BUDGET_BUCKETS));
    this.#buckets = this.#buckets.filter((each) => each.slot > slot - BUDGET_BUCKETS);
    const last = this.#buckets.at(-1);
    if (last?.slot === slot) return last;
    const made = { slot, calls: 0, retries: 0 };
    this.#buckets.push(made);
    return made;
  }
}
