/** The first minute of a new state folder: a buy, then a buy whose answer is lost on purpose and which is not made twice. */
import { setTimeout as pause } from "node:timers/promises";
import { slotText } from "../shared/domain/schedule.ts";
import { later, SECOND_MS } from "../shared/domain/time.ts";
import { localText } from "../shared/domain/zone.ts";
import { timeOf } from "./cli/text.ts";
import type { Desk } from "./desk/desk.ts";
import type { RunView } from "./desk/views.ts";
import type { Machine } from "./machine/machine.ts";

const BEFORE_FIRST_MS = 5 * SECOND_MS;
const BEFORE_NEXT_MS = 3 * SECOND_MS;
/** Real time. A run that takes longer is left to itself; the story goes on without it. */
const PATIENCE_MS = 40_000;

/** Sets the clock of a new world five seconds before its first slot. Called before the machine is started. */
export async function setTheScene(machine: Machine, say: (text: string) => void): Promise<boolean> {
  const first = machine.scheduler.next(machine.now);
  if (first === undefined) return false;
  await machine.advance((later(first.slot, -BEFORE_FIRST_MS) - machine.now) / 1000);
  say(
    `The demo clock starts 5 s before the first slot, ${localText(first.slot, first.plan.zone)} (${first.plan.id}).`,
  );
  return true;
}

/** Told once the machine runs. */
export async function tellStory(machine: Machine, desk: Desk, say: (text: string) => void): Promise<void> {
  const first = machine.scheduler.next(machine.now);
  if (first === undefined) return;
  const bought = await waitFor(desk, `${first.plan.id}@${slotText(first.slot)}`);
  if (bought === undefined) return;

  const second = machine.scheduler.next(machine.now);
  if (second === undefined) return;
  const lost = [{ endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1 }];
  await machine.control("POST", "/faults", JSON.stringify(lost));
  say("");
  say(
    "Next, the worst moment: Kraken accepts an order, and its reply gets lost on the way (on purpose, once).",
  );
  say(`The clock is moved to 3 s before ${localText(second.slot, second.plan.zone)} (${second.plan.id}).`);
  await machine.advance((later(second.slot, -BEFORE_NEXT_MS) - machine.now) / 1000);
  const id = `${second.plan.id}@${slotText(second.slot)}`;
  const found = await waitFor(desk, id);
  if (found === undefined) return;

  const audit = await desk.audit();
  const each =
    audit.doubles.length === 0 && audit.orders === 2 ? "1 order each" : `${audit.orders} orders in 2 runs`;
  say("");
  say(`Checked at the exchange: 2 runs, ${each}, ${audit.unexplained.length} unexplained.`);
  say("");
  say(`Why ${id} ended as it did (npm run tide -- why ${id}):`);
  const why = await desk.why(id);
  const lines = [...why.steps, ...why.history.map(({ at, what }) => ({ at, step: "ledger", detail: what }))];
  for (const { at, step, detail } of lines)
    say(`  ${timeOf(at, second.plan.zone)}  ${step.padEnd(9)}  ${detail}`);
  say("");
  say(
    "What this demo does not show: the real Kraken and real AWS. Nothing here has been proven against either;",
  );
  say(
    "the README's table says what was shown where. It goes on at the plans' own times; Ctrl-C stops it clean.",
  );
}

/** The run once it is over, or undefined when it takes too long or the machine is stopped. */
async function waitFor(desk: Desk, run: string): Promise<RunView | undefined> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < PATIENCE_MS) {
    const found = (await desk.history()).find((other) => other.run === run);
    if (found !== undefined && found.closedAt !== null) return found;
    await pause(100);
  }
  return undefined;
}
