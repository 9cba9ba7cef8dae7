/** So many calls a second for so long, a few at once, and none any more when the other side asks for rest. */
import { SECOND_MS } from "../domain/time.ts";
import type { Clock } from "./clock.ts";
import { inParallel } from "./in-parallel.ts";

/** Several at once, because one after the other waits for the network. */
const LANES = 8;

export class CallBudget {
  /** Of `each`: what one piece of work ended with. The others go on. */
  readonly failures: Error[] = [];
  readonly #clock: Clock;
  readonly #pauseMs: number;
  readonly #until: number;
  #nextAt: number;
  #isSpent = false;

  constructor(clock: Clock, limits: { readonly ms: number; readonly callsPerSecond: number }) {
    this.#clock = clock;
    this.#pauseMs = SECOND_MS / limits.callsPerSecond;
    this.#nextAt = clock.monotonicMs();
    this.#until = this.#nextAt + limits.ms;
  }

  /** Waits for its turn. `later` when the call was not made, or was answered so: then no further one is made, either. */
  async call<T>(make: () => Promise<T | "later">): Promise<T | "later"> {
    const now = this.#clock.monotonicMs();
    const at = Math.max(now, this.#nextAt);
    if (at >= this.#until) this.#isSpent = true;
    if (this.#isSpent) return "later";
    this.#nextAt = at + this.#pauseMs;
    if (at > now) await this.#clock.sleep(at - now);
    if (this.#isSpent) return "later";
    const answer = await make();
    if (answer === "later") this.#isSpent = true;
    return answer;
  }

  async each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    await inParallel(items, LANES, async (item) => {
      if (this.#isSpent) return;
      try {
        await work(item);
      } catch (error) {
        this.failures.push(error as Error);
      }
    });
  }
}
