/** Moves the clock of machine and exchange forward, from one thing that falls due to the next, letting each be done. */
import type { VirtualClock } from "../clock.ts";
import { type Bustle, quiet } from "./quiet.ts";

export class Mover {
  readonly #clock: VirtualClock;
  readonly #moveExchange: (seconds: number) => Promise<void>;
  readonly #bustle: Bustle;
  /** One move after the other. */
  #moving: Promise<void> = Promise.resolve();
  #target: number | undefined;

  constructor(options: {
    clock: VirtualClock;
    moveExchange: (seconds: number) => Promise<void>;
    bustle: Bustle;
  }) {
    this.#clock = options.clock;
    this.#moveExchange = options.moveExchange;
    this.#bustle = options.bustle;
  }

  /** How much further the clock is being moved; 0 when it is not. */
  get remainingMs(): number {
    return this.#target === undefined ? 0 : Math.max(0, this.#target - this.#clock.now());
  }

  /** Resolves when what fell due on the way has been done. */
  move(ms: number): Promise<void> {
    const moved = this.#moving.then(() => this.#move(ms));
    this.#moving = moved.catch(() => {});
    return moved;
  }

  /** Resolves when nothing is being worked on any more; the clock moves over what sleeps on it. */
  settle(): Promise<void> {
    const settled = this.#moving.then(async () => {
      for (;;) {
        await quiet(this.#bustle);
        const due = this.#bustle.working() === 0 ? undefined : this.#clock.nextDue();
        if (due === undefined) return;
        await this.#moveTo(due);
      }
    });
    this.#moving = settled.catch(() => {});
    return settled;
  }

  async #move(ms: number): Promise<void> {
    const target = this.#clock.now() + ms;
    this.#target = target;
    try {
      for (;;) {
        await quiet(this.#bustle);
        const due = this.#clock.nextDue();
        if (due === undefined || due > target) break;
        await this.#moveTo(due);
      }
      await this.#moveTo(target);
      await quiet(this.#bustle);
    } finally {
      this.#target = undefined;
    }
  }

  /** Both by the same length: while the exchange is told, time goes on for both. */
  async #moveTo(at: number): Promise<void> {
    const ms = at - this.#clock.now();
    if (ms > 0) await this.#moveExchange(ms / 1000);
    this.#clock.moveTo(this.#clock.now() + Math.max(0, ms));
  }
}
