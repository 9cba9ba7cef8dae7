/**
 * Everything on one machine: the real functions and adapters, fed by a local scheduler and poller, against the embedded AWS
 * endpoint and an exchange, on one clock that can be moved.
 */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DeleteItemCommand, DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { PurgeQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { makeHandler as makeDcaHandler } from "../../functions/dca.ts";
import { makeHandler as makeSweepHandler } from "../../functions/sweep.ts";
import { awsConfig, connect } from "../../functions/wire.ts";
import type { Chance } from "../../shared/app/clock.ts";
import type { Deps, Event } from "../../shared/app/ports.ts";
import { registerPlans } from "../../shared/app/sweep-runs.ts";
import { formatMistake, type Warning } from "../../shared/config/mistake.ts";
import { DEFAULT_NAMES, ENVIRONMENT } from "../../shared/config/names.ts";
import { parseTideYaml } from "../../shared/config/tide-yaml.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import { type EpochMs, epochMs, MINUTE_MS } from "../../shared/domain/time.ts";
import { VirtualClock } from "../clock.ts";
import { type Cloud, openCloud } from "../cloud/cloud.ts";
import { type ExchangeDoor, embeddedExchange, separateExchange } from "./exchange-door.ts";
import { provision, storeKey } from "./provision.ts";
import { quiet } from "./quiet.ts";
import { Scheduler } from "./scheduler.ts";
import { explain, MachineError, StateDir } from "./state-dir.ts";
import { Worker } from "./worker.ts";

export type MachineOptions = {
  readonly stateDir: string;
  readonly plansFile: string;
  /** `sandbox`, or the address of a separate one. */
  readonly exchange: string;
  /** Virtual seconds for each second while nothing runs. */
  readonly speed: number;
  readonly chance: Chance;
  readonly realNow: () => number;
  readonly seed?: number;
  /** Each step of each run, as it happens. */
  readonly report: (event: Event) => void;
  /** What went wrong beside the runs, in one sentence. */
  readonly problem: (text: string) => void;
};

const DEFAULT_SEED = 20_261_122;
/** While time is moved far and nothing is open, the sweep need not look each minute. */
const SWEEP_FAR_MS = 10 * MINUTE_MS;

export class Machine {
  readonly deps: Deps;
  readonly clock: VirtualClock;
  readonly exchange: ExchangeDoor;
  readonly cloud: Cloud;
  readonly secrets: SecretsManagerClient;
  readonly state: StateDir;
  readonly settings: Settings;
  readonly warnings: readonly Warning[];
  readonly options: MachineOptions;
  readonly scheduler: Scheduler;
  readonly #worker: Worker;
  readonly #sweep: () => Promise<unknown>;
  readonly #openRuns = new Set<string>();
  readonly #clearWorld: () => Promise<void>;
  #sweeping: Promise<void> | undefined;
  #timers: { cancel(): void }[] = [];
  #advancing: Promise<void> = Promise.resolve();
  #farUntil = 0;
  #started = false;

  private constructor(parts: {
    options: MachineOptions;
    deps: Deps;
    clock: VirtualClock;
    exchange: ExchangeDoor;
    cloud: Cloud;
    secrets: SecretsManagerClient;
    state: StateDir;
    warnings: readonly Warning[];
    sqs: SQSClient;
    queueUrl: string;
    clearWorld: () => Promise<void>;
  }) {
    this.options = parts.options;
    this.deps = { ...parts.deps, report: (event) => this.#note(event) };
    this.clock = parts.clock;
    this.exchange = parts.exchange;
    this.cloud = parts.cloud;
    this.secrets = parts.secrets;
    this.state = parts.state;
    this.settings = parts.deps.settings;
    this.warnings = parts.warnings;
    this.#clearWorld = parts.clearWorld;
    const connected = async () => this.deps;
    this.#sweep = () => makeSweepHandler(connected)({}, {} as never);
    this.#worker = new Worker({
      sqs: parts.sqs,
      queueUrl: parts.queueUrl,
      handler: makeDcaHandler(connected) as never,
      onFailure: (error) => this.#fail("a run stopped and is tried again", error),
    });
    this.scheduler = new Scheduler({
      clock: this.clock,
      settings: this.settings,
      queue: this.deps.queue,
      onFired: (sent) => this.#follow(sent.then(() => this.pump())),
    });
  }

  /** Reads the plans first: with a mistake in them nothing is made and nothing is started. */
  static async open(options: MachineOptions): Promise<Machine> {
    const { settings, warnings } = await readPlans(options.plansFile);
    if (options.exchange === "kraken") {
      throw new MachineError(
        "the real exchange is refused on one machine: this version does not yet keep keys encrypted and writes synced to disk; use the sandbox",
      );
    }
    const seed = options.seed ?? DEFAULT_SEED;
    const realNow = options.realNow();
    const state = StateDir.open(options.stateDir, {
      seed,
      clockAt: realNow,
      clockStart: realNow,
      exchange: options.exchange,
    });
    if ((state.kept.exchange === "sandbox") !== (options.exchange === "sandbox")) {
      throw new MachineError(
        `${options.stateDir} belongs to the exchange ${state.kept.exchange}; state is kept apart for each exchange, choose another folder with --state DIR`,
      );
    }
    const clock = new VirtualClock({
      startAt: Math.max(state.kept.clockAt, realNow),
      rate: 1,
      realNow: options.realNow,
    });
    const opened: { close(): Promise<void> }[] = [];
    try {
      const cloud = await openCloud({ clock, dir: join(state.path, "cloud") });
      opened.push(cloud);
      await cloud.returnInFlight();
      const endpoint = await cloud.listen(0);
      let machine: Machine | undefined;
      const exchange =
        options.exchange === "sandbox"
          ? await embeddedExchange({
              clock,
              seed: state.kept.seed,
              dir: join(state.path, "sandbox"),
              onAdvance: async (seconds) => machine?.advance(seconds),
              onReset: async () => machine?.resetWorld(),
            })
          : await separateExchange(options.exchange);
      opened.push(exchange);
      const env = { AWS_ENDPOINT_URL: endpoint };
      const aws = awsConfig({ env });
      const dynamo = new DynamoDBClient(aws);
      const sqs = new SQSClient(aws);
      const secrets = new SecretsManagerClient(aws);
      const made = await provision({ dynamo, sqs, sns: new SNSClient(aws) });
      await storeDefaultKeys(secrets, settings, exchange);
      const deps = await connect({
        env: {
          ...env,
          [ENVIRONMENT.plans]: resolve(options.plansFile),
          [ENVIRONMENT.krakenUrl]: exchange.origin,
          [ENVIRONMENT.table]: DEFAULT_NAMES.table,
          [ENVIRONMENT.topic]: made.topicArn,
          [ENVIRONMENT.dcaQueue]: made.queueUrl,
          [ENVIRONMENT.dcaDeadLetters]: made.deadUrl,
        },
        clock,
        chance: options.chance,
        report: () => {},
        transport: exchange.transport,
      });
      const clearWorld = async () => {
        await clearTable(dynamo);
        for (const QueueUrl of [made.queueUrl, made.deadUrl])
          await sqs.send(new PurgeQueueCommand({ QueueUrl }));
      };
      machine = new Machine({
        options,
        deps,
        clock,
        exchange,
        cloud,
        secrets,
        state,
        warnings,
        sqs,
        queueUrl: made.queueUrl,
        clearWorld,
      });
      await registerPlans(machine.deps);
      return machine;
    } catch (error) {
      for (const part of opened.reverse()) await part.close().catch(() => {});
      clock.stop();
      state.leave();
      throw explain(error, options.stateDir);
    }
  }

  /** Starts firing at slots, sweeping each minute, and going on with what was under way. */
  start(): void {
    this.#started = true;
    this.scheduler.start();
    this.#armSweep(0);
    this.#armKeep();
    this.clock.rate = this.options.speed;
    this.#follow(this.pump());
  }

  /** Works the queue until it is empty; the clock runs 1:1 meanwhile. */
  async pump(): Promise<void> {
    this.clock.rate = 1;
    try {
      await this.#worker.pump();
    } finally {
      if (!this.#worker.isBusy && this.#started) this.clock.rate = this.options.speed;
    }
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
    await this.#sweeping;
    await this.pump();
  }

  /** Moves machine and exchange forward and comes back when what fell due has run. */
  advance(seconds: number): Promise<void> {
    const moved = this.#advancing.then(() => this.#advance(seconds * 1000));
    this.#advancing = moved.catch(() => {});
    return moved;
  }

  async #advance(ms: number): Promise<void> {
    const target = this.clock.now() + ms;
    this.#farUntil = target;
    for (;;) {
      await this.#quiet();
      const due = this.clock.nextDue();
      if (due === undefined || due > target) break;
      await this.#moveTo(due);
    }
    await this.#moveTo(target);
    await this.#quiet();
    this.#farUntil = 0;
    this.#keepClock();
  }

  async #moveTo(at: number): Promise<void> {
    const ms = at - this.clock.now();
    if (ms <= 0) return;
    await this.exchange.advance(ms / 1000);
    this.clock.moveTo(at);
  }

  #quiet(): Promise<void> {
    return quiet(() => [this.cloud.activity, this.exchange.activity()]);
  }

  /** The sandbox's control door, with a clock that moves machine and exchange together. */
  async control(
    method: string,
    path: string,
    body: string,
  ): Promise<{ readonly status: number; readonly body: string }> {
    const isSeparate = this.options.exchange !== "sandbox";
    if (isSeparate && method === "POST" && path === "/advance") {
      const seconds = secondsIn(body);
      if (seconds === undefined) {
        return {
          status: 400,
          body: JSON.stringify({ error: 'expected {"seconds": N} with a number above 0' }),
        };
      }
      await this.advance(seconds);
      return { status: 200, body: JSON.stringify({ now: new Date(this.clock.now()).toISOString() }) };
    }
    const answer = await this.exchange.control(method, path, body);
    if (isSeparate && method === "POST" && path === "/reset" && answer.status === 200)
      await this.resetWorld();
    return answer;
  }

  /** The world anew: an empty ledger and the first hour of the clock beside the exchange's own reset. Keys and plans stay. */
  async resetWorld(): Promise<void> {
    this.scheduler.stop();
    this.clock.resetTo(this.state.kept.clockStart);
    await this.#clearWorld();
    this.#openRuns.clear();
    await registerPlans(this.deps);
    if (this.#started) this.scheduler.start();
    this.#keepClock();
  }

  /** Ends cleanly: what is being worked on is finished first. */
  async close(): Promise<void> {
    this.#started = false;
    this.scheduler.stop();
    for (const timer of this.#timers) timer.cancel();
    await this.#worker.stop();
    await this.#sweeping;
    this.#keepClock();
    await this.exchange.close();
    await this.cloud.close();
    this.clock.stop();
    this.state.leave();
  }

  #armSweep(inMs: number): void {
    const timer = this.clock.after(inMs, () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
      const isFar = this.#openRuns.size === 0 && this.clock.now() + SWEEP_FAR_MS < this.#farUntil;
      this.#armSweep(isFar ? SWEEP_FAR_MS : MINUTE_MS);
      this.#follow(this.sweep());
    });
    this.#timers.push(timer);
  }

  /** A crash loses at most this much of the clock's position; a clock that stands back only fires later. */
  #armKeep(): void {
    const timer = this.clock.after(5_000, () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#keepClock();
      this.#armKeep();
    });
    this.#timers.push(timer);
  }

  #keepClock(): void {
    try {
      this.state.keep({ clockAt: this.clock.now() });
    } catch (error) {
      this.#fail("the clock could not be written down", error);
    }
  }

  #note(event: Event): void {
    if (event.outcome === undefined) this.#openRuns.add(event.run);
    else this.#openRuns.delete(event.run);
    this.options.report(event);
  }

  #follow(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#fail("work in the background failed and is tried again", error));
  }

  #fail(what: string, error: unknown): void {
    this.options.problem(`${what}: ${(error as Error).message}`);
  }

  get now(): EpochMs {
    return epochMs(this.clock.now());
  }
}

function secondsIn(body: string): number | undefined {
  try {
    const { seconds } = JSON.parse(body) as { seconds?: unknown };
    return typeof seconds === "number" && seconds > 0 && Number.isFinite(seconds) ? seconds : undefined;
  } catch {
    return undefined;
  }
}

async function readPlans(file: string): Promise<{ settings: Settings; warnings: readonly Warning[] }> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new MachineError(`${file} cannot be read (${error.code}); name a plans file with --plans FILE`);
  });
  const read = parseTideYaml(text, file);
  if ("mistakes" in read) throw new MachineError(read.mistakes.map(formatMistake).join("\n"));
  return read;
}

/** Play money needs no key of the owner: the sandbox's own are put where the owner's would be. */
async function storeDefaultKeys(secrets: SecretsManagerClient, settings: Settings, exchange: ExchangeDoor) {
  for (const account of settings.accounts) {
    for (const use of ["trade", "read"] as const) {
      const key = exchange.keys.find(({ name }) => name === `tidekeeper-sandbox-${use}`);
      if (key === undefined) continue;
      await storeKey(secrets, account.name, use, { apiKey: key.key, privateKey: key.secret }, true);
    }
  }
}

async function clearTable(dynamo: DynamoDBClient): Promise<void> {
  const TableName = DEFAULT_NAMES.table;
  const { Items } = await dynamo.send(new ScanCommand({ TableName, ConsistentRead: true }));
  for (const { pk, sk } of Items ?? []) {
    await dynamo.send(new DeleteItemCommand({ TableName, Key: { pk: pk!, sk: sk! } }));
  }
}
