/** The lines that a run and its intent keep of what was done. */
import type { Step } from "../domain/run.ts";

/** A run that waits for weeks must not outgrow its item: its beginning is kept, and what happened last. */
const STEPS_FIRST = 10;
const STEPS_LAST = 50;

export const stepsWith = (steps: readonly Step[], noted: Step): readonly Step[] =>
  steps.length < STEPS_FIRST + STEPS_LAST
    ? [...steps, noted]
    : [...steps.slice(0, STEPS_FIRST), ...steps.slice(steps.length - STEPS_LAST + 1), noted];

/** Begins the line that says what a run waits for. */
const WAITS = "goes on later: ";
export const waitingFor = (why: string): string => `${WAITS}${why}`;

/** Without the line of the wait before: there is one, however often a run waits. */
export function withoutWait<T>(lines: readonly T[], textOf: (line: T) => string): readonly T[] {
  const last = lines.at(-1);
  return last !== undefined && textOf(last).startsWith(WAITS) ? lines.slice(0, -1) : lines;
}
