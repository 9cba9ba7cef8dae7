/** When may the clock be moved? When nothing is being worked on, other than what waits for the clock itself. */
import { setTimeout as pause } from "node:timers/promises";

export type Activity = { readonly inFlight: number; readonly changes: number };

/** Real time without any request: longer than a worker computes between two of them. */
const QUIET_MS = 12;
const GIVE_UP_MS = 5_000;

/** Resolves when no request has been under way for a moment, or after five seconds: being early is slow, never wrong. */
export async function quiet(activities: () => readonly Activity[]): Promise<void> {
  const startedAt = performance.now();
  let since = startedAt;
  let seen = -1;
  while (performance.now() - startedAt < GIVE_UP_MS) {
    const all = activities();
    const changes = all.reduce((sum, activity) => sum + activity.changes, 0);
    const isBusy = all.some((activity) => activity.inFlight > 0);
    if (isBusy || changes !== seen) {
      seen = changes;
      since = performance.now();
    } else if (performance.now() - since >= QUIET_MS) return;
    await pause(2);
  }
}
