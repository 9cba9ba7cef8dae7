/**
 * Everything on one machine: the real functions and adapters, fed by a local scheduler and poller, against the embedded AWS
 * endpoint and an exchange, on one clock that can be moved.
 */
import { readFile } from "node:fs/promises";
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { makeHandler as makeDcaHandler } from "../../functions/dca.ts";
import { makeHandler as makeSweepHandler } from "../../functions/sweep.ts";
import type { Deps, Event, SweepDeps } from "../../shared/app/ports.ts";
import { registerPlans } from "../../shared/app/register-plans.ts";
import type { Warning } from "../../shared/config/mistake.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import { type EpochMs, epochMs, MINUTE_MS } from "../../shared/domain/time.ts";
import type { VirtualClock } from "../clock.ts";
import type { Cloud } from "../cloud/cloud.ts";
import { ClockGuard } from "./clock-guard.ts";
import { type ControlReply, controlReply, secondsIn } from "./control.ts";
import type { ExchangeDoor } from "./exchange-door.ts";
import { Mover } from "./mover.ts";
import { type MachineOptions, openParts, type Parts } from "./parts.ts";
import { SHUT } from "./real-exchange.ts";
import { Scheduler } from "./scheduler.ts";
import { explain, type StateDir } from "./state-dir.ts";
import { SweepTimer } from "./sweep-timer.ts";
import { Worker } from "./worker.ts";

export type { MachineOptions } from "./parts.ts";

const KEEP_EACH_MS = 5_000;
/** However fast the clock is, the sweep leaves most of the real time to it. */
const SWEEP_EACH_REAL_MS = 100;

/** Under the control door, that of the embedded AWS. */
const CLOUD = "/cloud";

export class Machine {
  readonly deps: Deps;
  readonly clock: VirtualClock;
  readonly exchange: ExchangeDoor;
  readonly cloud: Cloud;
  readonly secrets: SecretsManagerClient;
  readonly state: StateDir;
  readonly settings: Settings;
  readonly warnings: readonly Warning[];
  readonly #plansText: string;
  readonly options: MachineOptions;
  readonly scheduler: Scheduler;
  readonly #worker: Worker;
  readonly #mover: Mover;
  readonly #sweep: () => Promise<unknown>;
  readonly #openRuns = new Set<string>();
  readonly #clearWorld: () => Promise<void>;
  #sweeping: Promise<void> | undefined;
  readonly #sweepTimer: SweepTimer;
  #keepTimer: NodeJS.Timeout | undefined;
  #started = false;
  /** Runs and sweeps that have begun and have not ended. */
  #working = 0;
  #lastProblem = { text: "", at: 0 };

  private constructor(options: MachineOptions, parts: Parts) {
    this.options = options;
    this.deps = { ...parts.deps, report: (event) => this.#note(event) };
    this.clock = parts.clock;
    this.exchange = parts.exchange;
    this.cloud = parts.cloud;
    this.secrets = parts.secrets;
    this.state = parts.state;
    this.settings = parts.deps.settings;
    this.warnings = parts.warnings;
    this.#plansText = parts.plansText;
    this.#clearWorld = parts.clearWorld;
    const connected = async () => this.deps;
    // What a sandbox has of the time is the machine's own.
    const guard =
      parts.firstLedger === undefined ? undefined : new ClockGuard(this.clock, this.deps.exchange);
    const sweepDeps: SweepDeps =
      guard === undefined ? this.deps : { ...this.deps, needRightTime: () => guard.needRightClock() };
    this.#sweep = async () => {
      await parts.firstLedger?.settle();
      return makeSweepHandler(async () => sweepDeps)({}, {} as never);
    };
    this.#worker = new Worker({
      sqs: parts.sqs,
      queueUrl: parts.queueUrl,
      handler: makeDcaHandler(connected) as never,
      onFailure: (error) => this.#fail("a run stopped and is tried again", error),
    });
    this.#mover = new Mover({
      clock: this.clock,
      moveExchange: (seconds) => this.exchange.advance(seconds),
      bustle: {
        activities: () => [this.cloud.activity, this.exchange.activity()],
        working: () => this.#working,
        sleepers: () => this.clock.sleepers,
      },
    });
    this.#sweepTimer = new SweepTimer({
      clock: this.clock,
      sweep: () => this.#follow(this.sweep()),
      hasOpenRuns: () => this.#openRuns.size > 0,
      idleMs: () => Math.max(this.#mover.remainingMs, SWEEP_EACH_REAL_MS * options.speed),
    });
    this.scheduler = new Scheduler({
      clock: this.clock,
      settings: this.settings,
      queue: this.deps.queue,
      onFired: (sent) => {
        this.#sweepTimer.attend();
        this.#follow(sent.then(() => this.pump()));
      },
    });
  }

  /** Throws MachineError, CloudError or SandboxError, in one sentence; then nothing is left running. */
  static async open(options: MachineOptions): Promise<Machine> {
    let machine: Machine | undefined;
    const parts = await openParts(options, {
      onAdvance: async (seconds) => machine?.advance(seconds),
      onReset: async () => machine?.resetWorld(),
    });
    machine = new Machine(options, parts);
    // With real money the first sweep does it, when the clock is known to be right.
    if (parts.firstLedger === undefined) await registerPlans(machine.deps);
    await parts.firstLedger?.hold();
    for (const { name } of machine.settings.accounts) {
      for (const { run } of await machine.deps.books.runs(name))
        if (run.closedAt === undefined && run.outcome === undefined) machine.#openRuns.add(run.id);
    }
    return machine;
  }

  /** Starts firing at slots, sweeping each minute, and going on with what was under way. */
  start(): void {
    this.#started = true;
    this.scheduler.start();
    this.#sweepTimer.start();
    this.#armKeep();
    this.#setRate();
    this.#follow(this.pump());
  }

  /** Works the queue until it is empty. */
  pump(): Promise<void> {
    return this.#during(this.#worker.pump());
  }

  /** The clock runs 1:1 meanwhile, and is not moved unless the work sleeps on it. */
  async #during(work: Promise<unknown>): Promise<void> {
    this.#working++;
    this.#setRate();
    try {
      await work;
    } finally {
      this.#working--;
      this.#setRate();
    }
  }

  #setRate(): void {
    const rate = this.#started && this.#working === 0 ? this.options.speed : 1;
    if (this.clock.rate !== rate) this.clock.rate = rate;
  }

  get isBusy(): boolean {
    return this.#worker.isBusy;
  }

  async sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep()
      .then(() => {})
      .finally(() => {
        this.#sweeping = undefined;
      });
    // What the sweep found goes on, whatever else failed in it.
    try {
      await this.#sweeping;
    } finally {
      await this.pump();
    }
  }

  /** Whether the plans file says something else than when it was read: that takes a new start. */
  async arePlansEdited(): Promise<boolean> {
    const text = await readFile(this.options.plansFile, "utf8").catch(() => this.#plansText);
    return text !== this.#plansText;
  }

  /** Moves machine and exchange forward and comes back when what fell due has run. */
  advance(seconds: number): Promise<void> {
    return this.#mover.move(seconds * 1000).finally(() => this.#keepClock());
  }

  /** The sandbox's control door, with a clock that moves machine and exchange together. */
  async control(method: string, path: string, body: string): Promise<ControlReply> {
    if (this.options.exchange === "kraken") return SHUT;
    if (path.startsWith(`${CLOUD}/`)) return this.cloud.control(method, path.slice(CLOUD.length), body);
    const isOurs = method === "POST" && this.options.exchange !== "sandbox";
    if (isOurs && path === "/advance") {
      const seconds = secondsIn(body);
      if (typeof seconds !== "number") return seconds;
      await this.advance(seconds);
      return controlReply(200, { now: new Date(this.clock.now()).toISOString() });
    }
    if (isOurs && path === "/reset") {
      await this.resetWorld(async () => {
        const answer = await this.exchange.control(method, path, body);
        if (answer.status !== 200) throw new Error(`the exchange did not reset itself: ${answer.body}`);
        return Date.parse((JSON.parse(answer.body) as { now: string }).now);
      });
      return controlReply(200, { now: new Date(this.clock.now()).toISOString() });
    }
    return this.exchange.control(method, path, body);
  }

  /**
   * The world anew: an empty ledger and the first hour of the clock. Keys and plans stay. What had begun ends before, so that
   * nothing of it reaches the new world. `resetExchange` answers the exchange's new time, where it has a clock of its own.
   */
  async resetWorld(resetExchange?: () => Promise<number>): Promise<void> {
    this.scheduler.stop();
    this.#sweepTimer.stop();
    try {
      await this.#mover.settle();
      const at = await resetExchange?.();
      this.clock.resetTo(at ?? this.state.kept.clockStart);
      await this.#clearWorld();
      this.#openRuns.clear();
      await registerPlans(this.deps);
    } finally {
      if (this.#started) {
        this.scheduler.start();
        this.#sweepTimer.start();
      }
      this.#keepClock();
    }
  }

  /** Ends cleanly: what is being worked on is finished first. */
  async close(): Promise<void> {
    this.#started = false;
    this.scheduler.stop();
    this.#sweepTimer.stop();
    clearInterval(this.#keepTimer);
    await this.#worker.stop();
    await this.#sweeping?.catch(() => {}); // Told where it failed
    this.#keepClock();
    await this.exchange.close();
    await this.cloud.close();
    this.clock.stop();
    this.state.leave();
  }

  /**
   * In real time, so that moving the clock far does not stop every five seconds on the way. A crash loses at most this much
   * of the clock's position; a clock that stands back only fires later.
   */
  #armKeep(): void {
    this.#keepTimer = setInterval(() => this.#keepClock(), KEEP_EACH_MS);
    this.#keepTimer.unref();
  }

  #keepClock(): void {
    try {
      this.state.keep({ clockAt: this.clock.now() });
    } catch (error) {
      this.#fail("the clock could not be written down", error);
    }
  }

  #note(event: Event): void {
    if (event.outcome === undefined) {
      this.#openRuns.add(event.run);
      this.#sweepTimer.attend();
    } else this.#openRuns.delete(event.run);
    this.options.report(event);
  }

  #follow(work: Promise<unknown>): void {
    this.#during(work).catch((error: unknown) =>
      this.#fail("work in the background failed and is tried again", error),
    );
  }

  /** One sentence; the same one again only after a minute. */
  #fail(what: string, error: unknown): void {
    this.#sweepTimer.attend();
    const { message } = explain(error, this.state.path);
    const isFull = /no space left|disk is full/i.test(message);
    const text = isFull
      ? `the disk is full: nothing more can be written to ${this.state.path}, so nothing more is sent; make room and start again`
      : `${what}: ${message}`;
    if (text === this.#lastProblem.text && this.clock.monotonicMs() - this.#lastProblem.at < MINUTE_MS)
      return;
    this.#lastProblem = { text, at: this.clock.monotonicMs() };
    this.options.problem(text);
  }

  get now(): EpochMs {
    return epochMs(this.clock.now());
  }
}
