/** Opens what a machine is made of, in order, and closes it again when one of them cannot be opened. */
import { join, resolve } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { PurgeQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { awsConfig, connect } from "../../functions/wire.ts";
import type { Chance } from "../../shared/app/clock.ts";
import type { Deps, Event } from "../../shared/app/ports.ts";
import type { Warning } from "../../shared/config/mistake.ts";
import { DEFAULT_NAMES, ENVIRONMENT } from "../../shared/config/names.ts";
import { VirtualClock } from "../clock.ts";
import { type Cloud, openCloud } from "../cloud/cloud.ts";
import { type ExchangeDoor, embeddedExchange, separateExchange } from "./exchange-door.ts";
import { clearTable, provision, storeDefaultKeys } from "./provision.ts";
import { readPlans } from "./read-plans.ts";
import { explain, forget, MachineError, StateDir } from "./state-dir.ts";

export type MachineOptions = {
  readonly stateDir: string;
  /** Forgets the folder first, once nothing else is in the way. */
  readonly reset?: boolean;
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
export type Parts = {
  readonly deps: Deps;
  readonly clock: VirtualClock;
  readonly exchange: ExchangeDoor;
  readonly cloud: Cloud;
  readonly secrets: SecretsManagerClient;
  readonly state: StateDir;
  readonly warnings: readonly Warning[];
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  /** Empties ledger and queues. */
  readonly clearWorld: () => Promise<void>;
};

/** What the embedded exchange asks of the machine when its control door is used. */
export type Hooks = {
  readonly onAdvance: (seconds: number) => Promise<void>;
  readonly onReset: () => Promise<void>;
};

/** Reads the plans first: with a mistake in them nothing is made and nothing is started. */
export async function openParts(options: MachineOptions, hooks: Hooks): Promise<Parts> {
  const { settings, warnings } = await readPlans(options.plansFile);
  if (options.exchange === "kraken") {
    throw new MachineError(
      "the real exchange is refused on one machine: this version does not yet keep keys encrypted and writes synced to disk; use the sandbox",
    );
  }
  const apart = options.exchange === "sandbox" ? undefined : await separateExchange(options.exchange);
  if (options.reset) forget(options.stateDir);
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
    const exchange =
      apart ??
      (await embeddedExchange({ clock, seed: state.kept.seed, dir: join(state.path, "sandbox"), ...hooks }));
    opened.push(exchange);
    // Machine and exchange have one time, and it never goes back.
    if (exchange.at !== undefined && exchange.at > clock.now()) clock.moveTo(exchange.at);
    const env = { AWS_ENDPOINT_URL: endpoint };
    const aws = awsConfig({ env });
    const dynamo = new DynamoDBClient(aws);
    const sqs = new SQSClient(aws);
    const secrets = new SecretsManagerClient(aws);
    const made = await provision({ dynamo, sqs, sns: new SNSClient(aws) });
    await storeDefaultKeys(secrets, settings.accounts, exchange.keys);
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
    return {
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
    };
  } catch (error) {
    for (const part of opened.reverse()) await part.close().catch(() => {});
    clock.stop();
    state.leave();
    throw explain(error, options.stateDir);
  }
}
