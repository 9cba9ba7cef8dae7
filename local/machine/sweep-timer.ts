/** When the sweep looks: each minute, and seldom while time is moved far, or flies, and nothing is going on. */
import type { Clock } from "../../shared/app/clock.ts";
import { HOUR_MS, MINUTE_MS } from "../../shared/domain/time.ts";

const FAR_MS = 6 * HOUR_MS;

export class SweepTimer {
  readonly #clock: Clock;
  readonly #sweep: () => void;
  readonly #hasOpenRuns: () => boolean;
  readonly #idleMs: () => number;
  #timer: { cancel(): void } | undefined;
  #dueAt = 0;
  /** Something began or failed since the last look. */
  #isAttentive = false;

  constructor(options: {
    clock: Clock;
    sweep: () => void;
    hasOpenRuns: () => boolean;
    /** How far the next look may be away while nothing is going on. */
    idleMs: () => number;
  }) {
    this.#clock = options.clock;
    this.#sweep = options.sweep;
    this.#hasOpenRuns = options.hasOpenRuns;
    this.#idleMs = options.idleMs;
  }

  start(): void {
    this.#arm(0);
  }

  /** The next look is a minute away at most. */
  attend(): void {
    this.#isAttentive = true;
    if (this.#timer !== undefined && this.#dueAt > this.#clock.now() + MINUTE_MS) this.#arm(MINUTE_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(inMs: number): void {
    this.#timer?.cancel();
    this.#dueAt = this.#clock.now() + inMs;
    this.#timer = this.#clock.after(inMs, () => {
      const isBusy = this.#isAttentive || this.#hasOpenRuns();
      this.#isAttentive = false;
      this.#arm(isBusy ? MINUTE_MS : Math.max(MINUTE_MS, Math.min(FAR_MS, this.#idleMs())));
      this.#sweep();
    });
  }
}
