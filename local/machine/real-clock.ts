/** The clock of the real exchange: the computer's own. Nobody can move it, speed it up or set it back. */
import { performance } from "node:perf_hooks";
import { type EpochMs, epochMs, MINUTE_MS, SECOND_MS } from "../../shared/domain/time.ts";
import { VirtualClock } from "../clock.ts";
import { MachineError } from "./state-dir.ts";

/** A longer wait looks at the clock again, because that may be set and the computer may sleep. */
const LOOK_EACH_MS = 20 * SECOND_MS;

export class RealClock extends VirtualClock {
  readonly #realNow: () => number;
  readonly #cancels = new Set<() => void>();

  constructor(realNow: () => number) {
    super({ startAt: realNow(), rate: 0, realNow });
    this.#realNow = realNow;
  }

  override now(): EpochMs {
    return epochMs(Math.floor(this.#realNow()));
  }

  override monotonicMs(): number {
    return performance.now();
  }

  override get rate(): number {
    return 1;
  }

  override set rate(value: number) {
    if (value !== 1) throw refusal();
  }

  /** What is due within a minute is a length of time; what is due later is a time of day. */
  override after(ms: number, action: () => void): { cancel(): void } {
    const dueAt = this.#realNow() + Math.max(0, ms);
    let timer: NodeJS.Timeout;
    const cancel = () => {
      clearTimeout(timer);
      this.#cancels.delete(cancel);
    };
    const wait = (restMs: number): void => {
      timer = setTimeout(
        () => {
          const left = dueAt - this.#realNow();
          if (ms > MINUTE_MS && left > 0) return wait(left);
          cancel();
          action();
        },
        ms > MINUTE_MS ? Math.min(restMs, LOOK_EACH_MS) : restMs,
      );
    };
    this.#cancels.add(cancel);
    wait(Math.max(0, ms));
    return { cancel };
  }

  override stop(): void {
    for (const cancel of [...this.#cancels]) cancel();
    super.stop();
  }

  override nextDue(): EpochMs | undefined {
    return undefined;
  }

  override moveTo(_at: number): void {
    throw refusal();
  }

  override resetTo(_at: number): void {
    throw refusal();
  }
}

const refusal = () => new MachineError("the clock of the real exchange cannot be moved, sped up or reset");
