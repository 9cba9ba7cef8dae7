/** Virtual time for tests: the clock moves only when nothing else can happen. */
import type { VirtualClock } from "../../local/clock.ts";

/** Turns of the event loop without progress that count as standstill. The embedded database needs a handful. */
const QUIET_TURNS = 40;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Runs `work` to its end. Whenever it stands still, the clock is moved to its next timer. `isBusy` says that something is
 * under way that the event loop alone does not show.
 */
export async function inVirtualTime<T>(
  clock: VirtualClock,
  work: Promise<T>,
  isBusy: () => number,
): Promise<T> {
  let isDone = false;
  const watched = work.finally(() => {
    isDone = true;
  });
  watched.catch(() => {});
  let quiet = 0;
  let seen = -1;
  while (!isDone) {
    await turn();
    const changes = isBusy();
    quiet = changes === seen ? quiet + 1 : 0;
    seen = changes;
    if (quiet < QUIET_TURNS) continue;
    quiet = 0;
    const due = clock.nextDue();
    if (due !== undefined) clock.moveTo(due);
  }
  return watched;
}
