/** When may the clock be moved? When nothing is being worked on, other than what waits for the clock itself. */
import { setTimeout as pause } from "node:timers/promises";

export type Activity = { readonly inFlight: number; readonly changes: number };

export type Bustle = {
  /** Requests at the endpoints. */
  readonly activities: () => readonly Activity[];
  /** Runs and sweeps that have begun and have not ended. */
  readonly working: () => number;
  /** How many wait for the clock. */
  readonly sleepers: () => number;
};

/**
 * Looks, each after a round of the event loop, that must find nothing. Counted and not timed: on a busy computer, time
 * passes in which nobody could work. Work that has begun and sleeps is looked at for longer, as another may be computing.
 */
const LOOKS = { idle: 2, asleep: 6 };
const GIVE_UP_MS = 5_000;

/** Resolves when there is nothing left to do without the clock, or when nothing has changed for five seconds. */
export async function quiet({ activities, working, sleepers }: Bustle): Promise<void> {
  let changedAt = performance.now();
  let seen = -1;
  let looks = 0;
  while (performance.now() - changedAt < GIVE_UP_MS) {
    const all = activities();
    const changes = all.reduce((sum, activity) => sum + activity.changes, 0);
    if (changes !== seen) changedAt = performance.now();
    const isCalm =
      changes === seen &&
      all.every((activity) => activity.inFlight === 0) &&
      (working() === 0 || sleepers() > 0);
    seen = changes;
    looks = isCalm ? looks + 1 : 0;
    if (looks >= (working() === 0 ? LOOKS.idle : LOOKS.asleep)) return;
    await pause(1);
  }
}
