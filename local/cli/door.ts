/**
 * How the command line reaches what it works on: a machine, over HTTP while one runs in the state folder or else by opening
 * it here; or with --aws a deployment.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Event } from "../../shared/app/ports.ts";
import { DeskRefusal } from "../desk/errors.ts";
import { defaultPlansFile } from "../machine/plans-file.ts";
import { keptIn, MachineError, type RunningMachine, readRunning } from "../machine/state-dir.ts";
import { type Options, UsageError } from "./verb.ts";

export type Answered<T> = { readonly label: string; readonly zone: string; readonly result: T };

export interface Door {
  /** For a person, beside what is going to happen: empty, or why it will not. */
  readonly note: string;
  ask<T>(verb: string, args?: Record<string, unknown>): Promise<Answered<T>>;
  /** Accounts for missed slots and goes on with what is due. A machine that runs does so by itself. */
  sweep(): Promise<void>;
  /** Before anything that may spend. Throws DeskRefusal when what works there has other plans than those read here. */
  needSamePlans(): void;
  close(): Promise<void>;
}

/** Another `tide` in the same folder is waited for this long. */
const PATIENCE_MS = 60_000;
const LOOK_AGAIN_MS = 100;

export async function withDoor<T>(options: Options, work: (door: Door) => Promise<T>): Promise<T> {
  const door = await openDoor(options);
  // The second Ctrl-C ends at once; the ledger makes that safe, too.
  const onSignal = () => void door.close().finally(() => process.exit(130));
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  try {
    return await work(door);
  } finally {
    process.removeListener("SIGINT", onSignal);
    process.removeListener("SIGTERM", onSignal);
    await door.close();
  }
}

async function openDoor(options: Options): Promise<Door> {
  if (options.aws) return overAws(options);
  const startedAt = performance.now();
  for (;;) {
    const running = readRunning(options.state);
    if (running !== undefined) return overHttp(running, options);
    try {
      return await ownMachine(options);
    } catch (error) {
      if (!isTaken(error) || performance.now() - startedAt > PATIENCE_MS) throw error;
      await pause(LOOK_AGAIN_MS);
    }
  }
}

/** Only one process at a time holds the folder; the database's own lock decides which. */
function isTaken(error: unknown): boolean {
  const { name, message } = error as Error;
  return (name === "CloudError" || error instanceof MachineError) && message.includes(" is in use by ");
}

/** What was asked for; on one machine else what the folder's machine works with. */
export const plansFileOf = (options: Options): string => {
  if (options.plans !== undefined) return options.plans;
  const kept = options.aws ? undefined : keptIn(options.state)?.plansFile;
  return kept ?? defaultPlansFile();
};

async function overAws(options: Options): Promise<Door> {
  if (options.exchange !== undefined)
    throw new UsageError("--exchange is of one machine; with --aws the exchange is always Kraken");
  const { deployedDoor } = await import("../deployment/door.ts");
  const where = { outputsFile: outputsFileOf(options), plansFile: plansFileOf(options) };
  return (await deployedDoor(where, progress)) as Door;
}

/** Beside the answer, for a person who waits. */
export const progress = (text: string): void => void process.stderr.write(`${text}\n`);

/** Written by the deploy into the folder that it was started in. */
export const outputsFileOf = (options: Options): string => options.outputs ?? "cdk.outputs.json";

/** Looking at a folder with other plans would take its own ones for gone, and close their books. */
function needItsPlans(stateDir: string, kept: string | undefined, asked: string | undefined): void {
  if (kept === undefined) return;
  // Test: by a command while its plans file is not there: it is refused, and its plans stay
  if (!existsSync(kept))
    throw new MachineError(
      `the plans file of ${stateDir} is not there any more: ${kept}; put it back, or npm start -- --plans FILE`,
    );
  if (asked === undefined || resolve(asked) === kept) return;
  if (existsSync(asked) && readFileSync(asked, "utf8") === readFileSync(kept, "utf8")) return;
  throw new MachineError(
    `the machine of ${stateDir} was started with --plans ${kept}, this command says ${asked}; ` +
      "npm start -- --plans FILE gives it others, and --state DIR is another folder",
  );
}

async function ownMachine(options: Options): Promise<Door> {
  const stateDir = options.state;
  const kept = keptIn(stateDir);
  needItsPlans(stateDir, kept?.plansFile, options.plans);
  // Read late: the machine brings the database and the AWS SDK, and --help needs neither.
  const [{ Machine }, { Desk }, { perform }, { systemChance }] = await Promise.all([
    import("../machine/machine.ts"),
    import("../desk/desk.ts"),
    import("../page/verbs.ts"),
    import("../../functions/wire.ts"),
  ]);
  let isSweeping = false;
  const machine = await Machine.open({
    stateDir,
    plansFile: plansFileOf(options),
    exchange: options.exchange ?? kept?.exchange ?? "sandbox",
    speed: 1,
    chance: systemChance,
    realNow: Date.now,
    report: (event) => {
      if (isSweeping) tellFound(event);
    },
    problem: (text) => process.stderr.write(`${text}\n`),
  });
  const at = { machine, desk: new Desk(machine) };
  let closing: Promise<void> | undefined;
  return {
    note: "No machine runs in this folder now: nothing fires until npm start.\n",
    ask: async <T>(verb: string, args: Record<string, unknown> = {}) =>
      (await perform(at, verb, args)) as Answered<T>,
    async sweep() {
      isSweeping = true;
      // What was asked for is answered all the same.
      await machine.sweep().catch((error: Error) => process.stderr.write(`${error.message}\n`));
      isSweeping = false;
    },
    needSamePlans: () => {},
    close() {
      closing ??= machine.close();
      return closing;
    },
  };
}

/** What was found due, told beside the answer of the verb. */
function tellFound({ outcome, step, detail }: Event): void {
  if (step === "notify" && outcome !== undefined) process.stderr.write(`${detail}\n`);
}

function overHttp(running: RunningMachine, options: Options): Door {
  const page = running.page.replace(/\/$/, "");
  return {
    note: "",
    async ask<T>(verb: string, args: Record<string, unknown> = {}) {
      const body = JSON.stringify({
        verb,
        args,
        ...(options.plans === undefined ? {} : { plansFile: resolve(options.plans) }),
        ...(options.exchange === undefined ? {} : { exchange: options.exchange }),
      });
      const reply = await fetch(`${page}/api/tide`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-tidekeeper-token": running.token },
        body,
      }).catch((error: Error) => {
        throw new Error(
          `the machine in ${options.state} (process ${running.pid}) gave no answer at ${page}: ${causeOf(error)}; ` +
            "what it had begun is in its ledger, tide history shows it",
        );
      });
      const answered = (await reply.json()) as Answered<T> & { error?: string };
      if (reply.status === 200) return answered;
      if (reply.status === 409) throw new DeskRefusal(answered.error ?? "the machine refused");
      if (reply.status === 400) throw new MachineError(answered.error ?? "the machine refused");
      throw new Error(answered.error ?? `the machine answered ${reply.status}`);
    },
    sweep: async () => {},
    needSamePlans: () => {},
    close: async () => {},
  };
}

const causeOf = (error: Error): string => (error.cause as Error | undefined)?.message ?? error.message;
