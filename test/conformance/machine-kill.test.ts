/** A machine killed while it buys, again and again, beside an exchange that goes on: one order for each buy, none unknown. */
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { seededChance } from "../support/chance.ts";
import {
  type BookedRun,
  disagreements,
  endAll,
  MachineProcess,
  newFolder,
  Program,
} from "../support/machine-process.ts";

vi.setConfig({ testTimeout: 240_000 });
afterEach(endAll);

const PLANS = `
timezone: UTC
limits: { perOrder: 50 EUR, perDay: 5000 EUR, perMonth: 20000 EUR }
plans:
  - { id: hourly, buy: 10 EUR of BTC, every: "hour at :30", ifMissed: catch-up within 3h }
  - { id: by-hand, buy: 5 EUR of ETH, every: month 28 08:00 }
`;
const KILLS = 10;
const SEED = 20_270_201;
/** Moments in which something is being written or is on its way; from one to the next it takes some milliseconds. */
const STEPS = ["fire", "size", "record", "submit", "submit", "submit", "reconcile", "reconcile"];
const DELAY_MS_MAX = 20;

async function advanceToSlot(machine: MachineProcess): Promise<void> {
  const hourMs = 3_600_000;
  const now = await machine.now();
  const slotAt = Math.ceil((now + 1 - hourMs / 2) / hourMs) * hourMs + hourMs / 2;
  await machine.advance((slotAt - now) / 1000);
}

test(`killed ${KILLS} times in the middle of its work, it has one order for each buy (seed ${SEED})`, async () => {
  const chance = seededChance(SEED);
  const sandbox = new Program("local/sandbox/main.ts", ["--port", "0"]);
  const { rest } = JSON.parse(await sandbox.line(/^\{/)) as { rest: string };
  const state = await newFolder();
  const start = () => MachineProcess.start(state, { plans: PLANS, args: ["--exchange", rest] });
  const asked: string[] = [];
  let cutOff = 0;

  let machine = await start();
  for (let kill = 0; kill < KILLS; kill++) {
    const isByHand = kill % 2 === 0;
    if (isByHand) {
      // What was cut off before comes to its end, a proof of absence and a second attempt included, and Kraken's rate
      // counter rests: nothing below may wait for minutes that nobody moves on. On the way to a slot both happen by themselves.
      await machine.advance(300);
      asked.push(`by-hand@key-${kill}`);
    }
    const told = machine.events.length;
    // It is cut off in the middle, so the request fails.
    const work = (
      isByHand ? machine.ask("buy", { plan: "by-hand", key: `key-${kill}` }) : advanceToSlot(machine)
    ).catch(() => {});
    const step = STEPS[kill % STEPS.length];
    await machine.until(
      () => machine.events.slice(told).find((event) => event.step === step),
      `the step ${step}`,
    );
    await pause(chance.fraction() * DELAY_MS_MAX);
    if (machine.events.at(-1)!.step !== "notify") cutOff++;
    await machine.kill();
    await work;
    machine = await start();
  }
  expect(cutOff).toBeGreaterThanOrEqual(KILLS / 2);
  // Long enough for proofs of absence, and past another slot.
  await machine.advance(3_700);

  const history = await machine.history();
  const orders = await machine.orders();
  expect(disagreements(history, orders)).toEqual([]);
  expect(history.filter((run) => !["bought", "skipped", "missed"].includes(run.outcome))).toEqual([]);
  // Of the hourly slots that came by none is unaccounted for.
  const hours = history
    .filter((run) => run.plan === "hourly")
    .map((run) => Date.parse(run.run.slice("hourly@".length)));
  const slots = hours.sort((a, b) => a - b);
  for (const [at, slot] of slots.entries()) if (at > 0) expect(slot - slots[at - 1]!).toBe(3_600_000);
  expect(history.filter((run) => run.plan === "hourly" && run.outcome !== "bought")).toEqual([]);

  // What was asked by hand and never reached the ledger is asked again: each key ends as one order.
  for (const run of asked) {
    const key = run.slice("by-hand@".length);
    expect(["bought", "skipped"]).toContain(
      ((await machine.ask("buy", { plan: "by-hand", key })) as BookedRun).outcome,
    );
    await machine.advance(30);
  }
  const all = await machine.history();
  const keys = all.filter((run) => run.plan === "by-hand").map(({ run }) => run);
  expect(keys).toHaveLength(asked.length);
  expect(new Set(keys)).toEqual(new Set(asked));
  expect(disagreements(all, await machine.orders())).toEqual([]);
  expect(machine.stderr).not.toMatch(/tried again/);
});
