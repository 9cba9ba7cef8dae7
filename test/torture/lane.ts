/** One machine that is killed and frozen again and again, beside an exchange that survives it all. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { VirtualClock } from "../../local/clock.ts";
import { DEFAULT_ACCOUNTS, readAccounts } from "../../local/sandbox/accounts.ts";
import { openSandbox } from "../../local/sandbox/sandbox.ts";
import { seededChance } from "../support/chance.ts";
import { controlOf, MachineProcess, newFolder, programsNow } from "../support/machine-process.ts";
import { auditLane, type Verdict } from "./audit.ts";

const PLANS = `
timezone: UTC
limits: { perOrder: 20 EUR, perDay: 5000 EUR, perMonth: 100000 EUR }
plans:
${[0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]
  .map(
    (minute) =>
      `  - { id: at-${minute}, buy: 10 EUR of BTC, every: "hour at :${String(minute).padStart(2, "0")}", ifMissed: catch-up within 3h }`,
  )
  .join("\n")}
`;

/** What may happen to an order while its machine is killed. Most of the time: nothing. */
const FAULTS = [
  "drop-reply-after-accept",
  "html-520-after-accept",
  "internal-error-before-accept",
  "drop-request",
  "delay-past-deadline",
] as const;

const STEP_MS = 5 * 60_000;
/** A run takes about half of this, so that some blows fall before it, most in it, and some after it. */
const BLOW_MS_MAX = 200;
/** Past the order's deadline: what thaws then must not be taken any more. */
const FREEZE_MS = 11_000;

export type LaneOptions = {
  readonly seed: number;
  readonly kills: number;
  readonly freezes: number;
  readonly onDone: (what: "kill" | "freeze") => void;
};

export async function runLane({ seed, kills, freezes, onDone }: LaneOptions): Promise<Verdict> {
  const chance = seededChance(seed);
  const clock = new VirtualClock({ startAt: programsNow(), rate: 1 });
  const [account] = readAccounts(DEFAULT_ACCOUNTS);
  const accounts = [{ ...account!, balances: { ZEUR: "10000000", XXBT: "1" } }];
  const sandbox = await openSandbox({ clock, seed, accounts: readAccounts(accounts) });
  const { rest, control } = await sandbox.listen(0);
  const state = join(await newFolder(), "state");
  const start = () => MachineProcess.start(state, { plans: PLANS, args: ["--exchange", rest] });
  const startedAt = clock.now();

  const acts = [...Array<"kill">(kills).fill("kill"), ...Array<"freeze">(freezes).fill("freeze")];
  for (let index = acts.length - 1; index > 0; index--) {
    const other = Math.floor(chance.fraction() * (index + 1));
    [acts[index], acts[other]] = [acts[other]!, acts[index]!];
  }
  let machine = await start();
  try {
    for (const act of acts) {
      if (chance.fraction() < 0.3) {
        const fault = FAULTS[Math.floor(chance.fraction() * FAULTS.length)]!;
        await controlOf(control, "POST", "/faults", [{ endpoint: "AddOrder", fault, times: 1 }]);
      }
      const toSlotMs = STEP_MS - (clock.now() % STEP_MS);
      if (toSlotMs > 2_000) await machine.advance((toSlotMs - 1_000) / 1000);
      // Over the slot; the blow falls somewhere in its run.
      const moved = machine.advance(5).catch(() => {});
      await pause(chance.fraction() * BLOW_MS_MAX);
      if (act === "kill") {
        await machine.kill();
        await moved;
        machine = await start();
      } else {
        machine.signal("SIGSTOP");
        await pause(FREEZE_MS);
        machine.signal("SIGCONT");
        await moved;
      }
      onDone(act);
    }
    await controlOf(control, "POST", "/faults", []);
    for (let minute = 0; minute < 3; minute++) await machine.advance(15 * 60);
    return await auditLane(machine, startedAt);
  } finally {
    await machine.kill();
    await sandbox.close();
    clock.stop();
  }
}
