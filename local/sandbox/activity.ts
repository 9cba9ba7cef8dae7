/** How much is being handled, so that a program with the sandbox inside can see when it is quiet. */
import type { Clock } from "../../shared/app/clock.ts";

export class Activity {
  /** Requests being handled that do not sleep on the clock. */
  inFlight = 0;
  /** Rises at each start and each end of that. */
  changes = 0;

  begin(): void {
    this.inFlight++;
    this.changes++;
  }

  end(): void {
    this.inFlight--;
    this.changes++;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.begin();
    try {
      return await work();
    } finally {
      this.end();
    }
  }

  /** A request that waits for virtual time is not active: only the clock can wake it. */
  asleep(clock: Clock, ms: number): Promise<void> {
    return this.outside(() => clock.sleep(ms));
  }

  /** Does not count as active for as long as `work` lasts. */
  async outside(work: () => Promise<void>): Promise<void> {
    this.end();
    try {
      await work();
    } finally {
      this.begin();
    }
  }
}
