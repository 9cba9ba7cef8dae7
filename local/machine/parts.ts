/** Opens what a machine is made of, in order, and closes it again when one of them cannot be opened. */
import { join, resolve } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { PurgeQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { awsConfig, connect, type Surroundings } from "../../functions/wire.ts";
import type { Chance } from "../../shared/app/clock.ts";
import type { Deps, Event } from "../../shared/app/ports.ts";
import { runImport } from "../../shared/aws/import-runs.ts";
import type { Warning } from "../../shared/config/mistake.ts";
import { DEFAULT_NAMES, ENVIRONMENT } from "../../shared/config/names.ts";
import { createRest } from "../../shared/kraken/rest.ts";
import type { HttpTransport } from "../../shared/kraken/transport.ts";
import { VirtualClock } from "../clock.ts";
import { type Cloud, openCloud } from "../cloud/cloud.ts";
import type { AskPassphrase } from "../keys/ask-passphrase.ts";
import { accountsFor } from "../sandbox/accounts.ts";
import { type ExchangeDoor, embeddedExchange, separateExchange } from "./exchange-door.ts";
import { FirstLedger } from "./first-ledger.ts";
import { clearTable, provision, storeDefaultKeys } from "./provision.ts";
import { readPlans } from "./read-plans.ts";
import { RealClock } from "./real-clock.ts";
import { openKeys, realDoor, realExchange } from "./real-exchange.ts";
import { explain, forget, MachineError, StateDir } from "./state-dir.ts";

export type MachineOptions = {
  readonly stateDir: string;
  /** Forgets the folder first, once nothing else is in the way. */
  readonly reset?: boolean;
  readonly plansFile: string;
  /** Of a machine that is started, and not only looked at: whether its owner named the plans file. */
  readonly starts?: "named" | "default";
  /** `sandbox`, the address of a separate one, or `kraken`. */
  readonly exchange: string;
  /** With the real exchange: where the passphrase of its keys comes from. Else a prompt, or standard input. */
  readonly passphrase?: AskPassphrase;
  /** For tests of the real exchange: the address on this machine of a sandbox that stands for it. */
  readonly standIn?: string;
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
const USER_AGENT = "tidekeeper/0.1";

export type Parts = {
  readonly deps: Deps;
  readonly clock: VirtualClock;
  readonly exchange: ExchangeDoor;
  readonly cloud: Cloud;
  readonly secrets: SecretsManagerClient;
  readonly state: StateDir;
  readonly warnings: readonly Warning[];
  /** Of the plans file, as it was read. */
  readonly plansText: string;
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  /** Empties ledger and queues. */
  readonly clearWorld: () => Promise<void>;
  /** Only with real money: what a new ledger must do first. */
  readonly firstLedger: FirstLedger | undefined;
};

/** What the embedded exchange asks of the machine when its control door is used. */
export type Hooks = {
  readonly onAdvance: (seconds: number) => Promise<void>;
  readonly onReset: () => Promise<void>;
};

/** A folder that was made for keys that were never sealed must not belong to Kraken. */
async function keysIn(state: StateDir, passphrase: AskPassphrase | undefined) {
  try {
    return await openKeys(state.path, passphrase);
  } catch (error) {
    state.unmake();
    throw error;
  }
}

/** Reads the plans first: with a mistake in them nothing is made and nothing is started. */
export async function openParts(options: MachineOptions, hooks: Hooks): Promise<Parts> {
  const { settings, warnings, text: plansText } = await readPlans(options.plansFile);
  const real = realExchange(options);
  const apart =
    real === undefined && options.exchange !== "sandbox"
      ? await separateExchange(options.exchange)
      : undefined;
  if (options.reset) forget(options.stateDir);
  const seed = options.seed ?? DEFAULT_SEED;
  const realNow = options.realNow();
  const state = StateDir.open(options.stateDir, {
    seed,
    clockAt: realNow,
    clockStart: realNow,
    exchange: options.exchange,
  });
  if (kindOf(state.kept.exchange) !== kindOf(options.exchange)) {
    throw new MachineError(
      `${options.stateDir} belongs to the exchange ${state.kept.exchange}; state is kept apart for each exchange: start it with --exchange ${state.kept.exchange}, or choose another folder with --state DIR`,
    );
  }
  const startAt = Math.max(state.kept.clockAt, realNow);
  const clock =
    real === undefined
      ? new VirtualClock({ startAt, rate: 1, realNow: options.realNow })
      : new RealClock(options.realNow);
  const opened: { close(): Promise<void> }[] = [];
  try {
    const keys = real === undefined ? {} : { secrets: await keysIn(state, options.passphrase) };
    const cloud = await openCloud({ clock, dir: join(state.path, "cloud"), ...keys });
    opened.push(cloud);
    await cloud.returnInFlight();
    // Any program on the machine could ask a port for the keys. Those of real money are reached in this process alone.
    const reach =
      real === undefined
        ? { env: { AWS_ENDPOINT_URL: await cloud.listen(0) } }
        : {
            env: { AWS_ENDPOINT_URL: "http://embedded" },
            requestHandler: cloud.requestHandler as NonNullable<Surroundings["requestHandler"]>,
          };
    const exchange =
      (real === undefined ? apart : realDoor(real)) ??
      (await embeddedExchange({
        clock,
        seed: state.kept.seed,
        dir: join(state.path, "sandbox"),
        accounts: accountsFor(settings.accounts),
        ...hooks,
      }));
    opened.push(exchange);
    // Machine and exchange have one time, and it never goes back.
    if (exchange.at !== undefined && exchange.at > clock.now()) clock.moveTo(exchange.at);
    const aws = awsConfig(reach);
    const dynamo = new DynamoDBClient(aws);
    const sqs = new SQSClient(aws);
    const secrets = new SecretsManagerClient(aws);
    const made = await provision({ dynamo, sqs, sns: new SNSClient(aws) });
    await storeDefaultKeys(secrets, settings.accounts, exchange.keys);
    const deps = await connect({
      ...reach,
      env: {
        ...reach.env,
        // Without it: Kraken, with all that its money asks for.
        ...(real === undefined ? { [ENVIRONMENT.krakenUrl]: exchange.origin } : {}),
        [ENVIRONMENT.table]: DEFAULT_NAMES.table,
        [ENVIRONMENT.topic]: made.topicArn,
        [ENVIRONMENT.dcaQueue]: made.queueUrl,
        [ENVIRONMENT.dcaDeadLetters]: made.deadUrl,
      },
      clock,
      chance: options.chance,
      report: () => {},
      measure: () => {},
      settings,
      transport: exchange.transport,
    });
    const clearWorld = async () => {
      if (real !== undefined) throw new MachineError("the ledger of real money is never emptied");
      await clearTable(dynamo);
      for (const QueueUrl of [made.queueUrl, made.deadUrl])
        await sqs.send(new PurgeQueueCommand({ QueueUrl }));
    };
    // Last: a start that fails leaves the folder with the plans it had.
    if (options.starts !== undefined)
      state.keep({ plansFile: resolve(options.plansFile), isPlansFileNamed: options.starts === "named" });
    return {
      deps,
      clock,
      exchange,
      cloud,
      secrets,
      state,
      warnings,
      plansText,
      sqs,
      queueUrl: made.queueUrl,
      clearWorld,
      firstLedger:
        real === undefined ? undefined : firstLedger(deps, dynamo, exchange.transport, options.problem),
    };
  } catch (error) {
    for (const part of opened.reverse()) await part.close().catch(() => {});
    clock.stop();
    state.leave();
    throw explain(error, options.stateDir);
  }
}

const kindOf = (exchange: string): string => (/^https?:/.test(exchange) ? "separate" : exchange);

function firstLedger(
  deps: Deps,
  client: DynamoDBClient,
  transport: HttpTransport,
  tell: (text: string) => void,
): FirstLedger {
  const { clock, chance } = deps;
  const rest = createRest({ transport, clock, chance, userAgent: USER_AGENT });
  const imports = runImport({ client, table: DEFAULT_NAMES.table, clock, chance });
  return new FirstLedger({ deps, rest, imports, tell });
}
