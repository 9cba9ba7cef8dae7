/** The clock of one-machine mode: it follows the real one at a rate, and it can be moved forward by hand. */
import type { Clock } from "../shared/app/clock.ts";
import { type EpochMs, epochMs } from "../shared/domain/time.ts";

type Timer = { dueAt: number; readonly order: number; readonly action: () => void };

/**
 * Timers fire in the order of their due times, whether time passes or is moved. With rate 0 time stands still until it
 * is moved, which is what tests want.
 */
export class VirtualClock implements Clock {
  #virtualAt: number;
  #realAt: number;
  #rate: number;
  /** What the clock has moved since it was made. A reset to an earlier instant does not take it back. */
  #elapsed = 0;
  #timers: Timer[] = [];
  #count = 0;
  #sleepers = 0;
  #isFiring = false;
  #wake: NodeJS.Timeout | undefined;
  readonly #realNow: () => number;

  constructor(options: { startAt: number; rate: number; realNow?: () => number }) {
    this.#realNow = options.realNow ?? Date.now;
    this.#virtualAt = options.startAt;
    this.#realAt = this.#realNow();
    this.#rate = options.rate;
  }

  now(): EpochMs {
    this.#follow();
    return epochMs(Math.floor(this.#virtualAt));
  }

  monotonicMs(): number {
    this.#follow();
    return this.#elapsed;
  }

  get rate(): number {
    return this.#rate;
  }

  set rate(value: number) {
    this.#follow();
    this.#rate = value;
    this.#arm();
  }

  /** How many wait for this clock. What waits for a timer of its own, such as a time-out, does not count. */
  get sleepers(): number {
    return this.#sleepers;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      this.#sleepers++;
      const wake = () => {
        this.#sleepers--;
        resolve();
      };
      const onAbort = () => {
        timer.cancel();
        wake();
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        wake();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  after(ms: number, action: () => void): { cancel(): void } {
    this.#follow();
    const timer: Timer = { dueAt: this.#virtualAt + Math.max(0, ms), order: this.#count++, action };
    this.#timers.push(timer);
    this.#timers.sort((a, b) => a.dueAt - b.dueAt || a.order - b.order);
    this.#arm();
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        this.#arm();
      },
    };
  }

  /** Forgets all timers, so that a process can end. */
  stop(): void {
    this.#timers = [];
    this.#sleepers = 0;
    clearTimeout(this.#wake);
  }

  /** When the next timer is due, if there is one. */
  nextDue(): EpochMs | undefined {
    const first = this.#timers[0];
    return first === undefined ? undefined : epochMs(Math.ceil(first.dueAt));
  }

  /** Moves to `at`, never back, and fires what is due on the way, each with the clock at its own due time. */
  moveTo(at: number): void {
    this.#follow();
    this.#isFiring = true;
    try {
      for (let first = this.#timers[0]; first !== undefined && first.dueAt <= at; first = this.#timers[0]) {
        this.#set(first.dueAt);
        this.#timers.shift();
        first.action();
      }
    } finally {
      this.#isFiring = false;
    }
    this.#set(at);
    this.#arm();
  }

  /** Sets the clock to an instant, also an earlier one. Waiting timers keep their distance. */
  resetTo(at: number): void {
    this.#follow();
    const distance = at - this.#virtualAt;
    for (const timer of this.#timers) timer.dueAt += distance;
    this.#virtualAt = at;
    this.#arm();
  }

  #set(at: number): void {
    if (at <= this.#virtualAt) return;
    this.#elapsed += at - this.#virtualAt;
    this.#virtualAt = at;
    this.#realAt = this.#realNow();
  }

  /** Faster than real time, the clock waits for its timers: to a clock that flies, a moment is minutes. */
  #follow(): void {
    const real = this.#realNow();
    const due = this.#timers[0]?.dueAt ?? Number.POSITIVE_INFINITY;
    const most =
      this.#rate > 1 ? (this.#isFiring ? 0 : Math.max(0, due - this.#virtualAt)) : Number.POSITIVE_INFINITY;
    const passed = Math.min(Math.max(0, real - this.#realAt) * this.#rate, most);
    this.#realAt = real;
    this.#virtualAt += passed;
    this.#elapsed += passed;
  }

  #arm(): void {
    clearTimeout(this.#wake);
    const first = this.#timers[0];
    if (first === undefined || this.#rate === 0) return;
    // One real day at most: setTimeout cannot wait longer than 2^31 ms.
    const waitMs = Math.min(86_400_000, Math.max(0, (first.dueAt - this.#virtualAt) / this.#rate));
    this.#wake = setTimeout(() => {
      this.#follow();
      this.moveTo(this.#virtualAt);
    }, waitMs);
  }
}
