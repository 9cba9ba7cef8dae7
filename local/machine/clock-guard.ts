/**
 * With real money on one machine: whether its clock may be believed. A computer that starts with a wrong clock would write
 * slots that have not come yet down as missed, and nothing would be bought at their time.
 */
import type { Clock } from "../../shared/app/clock.ts";
import type { Exchange } from "../../shared/app/exchange.ts";
import { SECOND_MS } from "../../shared/domain/time.ts";

/** Sizing and deadlines follow Kraken's clock; slots are found by ours. */
const OFF_MS_MAX = 30 * SECOND_MS;

export class ClockGuard {
  readonly #clock: Clock;
  readonly #exchange: Pick<Exchange, "now">;
  /** Both our clocks, when Kraken last agreed. */
  #agreed: { readonly wall: number; readonly monotonic: number } | undefined;

  constructor(clock: Clock, exchange: Pick<Exchange, "now">) {
    this.#clock = clock;
    this.#exchange = exchange;
  }

  /** Throws, in one sentence, when slots must not be looked at now. */
  async needRightClock(): Promise<void> {
    const at = await this.#exchange.now().catch(() => undefined);
    const wall = this.#clock.now();
    const monotonic = this.#clock.monotonicMs();
    if (at === undefined) {
      // Kraken does not answer. A clock that has run on evenly since it was right is still right.
      const drift = this.#agreed && wall - this.#agreed.wall - (monotonic - this.#agreed.monotonic);
      if (drift !== undefined && Math.abs(drift) <= OFF_MS_MAX) return;
      throw new Error(
        "Kraken's clock could not be asked, and this machine's own has not been compared with it",
      );
    }
    const offMs = wall - at;
    if (Math.abs(offMs) > OFF_MS_MAX) {
      throw new Error(
        `this machine's clock is ${Math.round(Math.abs(offMs) / 1000)} s ${offMs > 0 ? "ahead of" : "behind"} Kraken's: set it; until then no slot is looked at`,
      );
    }
    this.#agreed = { wall, monotonic };
  }
}
