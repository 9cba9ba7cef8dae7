/** Composition root of the functions: the only place that chooses adapters, and that knows clock, chance and environment. */
import { randomBytes, randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Chance, Clock } from "../shared/app/clock.ts";
import type { Deps, Event, SweepDeps } from "../shared/app/ports.ts";
import { type SyncDeps, wantedSchedules } from "../shared/app/sync-plans.ts";
import type { Dynamo } from "../shared/aws/dynamo.ts";
import { gateStore } from "../shared/aws/gate-store.ts";
import { ledgerBooks } from "../shared/aws/ledger-books.ts";
import { snsNotifier, sqsQueue } from "../shared/aws/messages.ts";
import { runLedger } from "../shared/aws/run-ledger.ts";
import { awsSchedules } from "../shared/aws/schedules.ts";
import { awsSecrets } from "../shared/aws/secrets.ts";
import { syncStore } from "../shared/aws/sync-store.ts";
import { schedulesOf } from "../shared/config/deployment.ts";
import { apiKeyName, DEFAULT_NAMES, ENVIRONMENT, secretName } from "../shared/config/names.ts";
import { readSettingsText } from "../shared/config/settings-file.ts";
import type { MetricName } from "../shared/domain/metrics.ts";
import type { Settings } from "../shared/domain/plan.ts";
import { type EpochMs, epochMs } from "../shared/domain/time.ts";
import { createExchange } from "../shared/kraken/client.ts";
import { undiciTransport } from "../shared/kraken/http.ts";
import { createRest } from "../shared/kraken/rest.ts";
import { type HttpTransport, KRAKEN_ORIGIN } from "../shared/kraken/transport.ts";
import { logLine, logMetric } from "./log.ts";

/** What differs between AWS, one machine and the tests. Everything else is the same everywhere. */
export type Surroundings = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly report: (event: Event) => void;
  readonly measure: (metric: MetricName, value: number) => void;
  /** Where containers of two deployments may overlap: when this one was started. */
  readonly startedAt?: EpochMs;
  /** In place of the file that a bundle carries. */
  readonly settings?: Settings;
  /** In place of a connection to the exchange at its address. */
  readonly transport?: HttpTransport;
  /** In place of sockets to AWS. */
  readonly requestHandler?: NonNullable<ConstructorParameters<typeof DynamoDBClient>[0]>["requestHandler"];
};

export const systemClock: Clock = {
  now: () => epochMs(Date.now()),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  },
  after(ms, action) {
    const timer = setTimeout(action, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

export const systemChance: Chance = {
  fraction: () => randomInt(2 ** 32) / 2 ** 32,
  id: () => randomBytes(16).toString("hex"),
};

const inAws = (): Surroundings => ({
  env: process.env,
  clock: systemClock,
  chance: systemChance,
  report: logLine,
  measure: (metric, value) => logMetric(metric, value, Date.now()),
  startedAt: systemClock.now(),
});

/** For the functions that hold a key and talk to the exchange. */
export async function connect(around: Surroundings = inAws()): Promise<Deps> {
  const { env, clock, chance } = around;
  const clients = clientsOf(around);
  const shared = await withoutKey(around, clients);
  const transport = around.transport ?? undiciTransport({ origin: originOf(around) });
  const rest = createRest({ transport, clock, chance, userAgent: "tidekeeper/0.1" });
  const deployment = env[ENVIRONMENT.deployment];
  // Without a fixed address of ours an allow-list cannot be held against it: it is only warned about.
  const addresses = env[ENVIRONMENT.addresses]?.split(",").filter((address) => address !== "");
  return {
    ...shared,
    keyExpectation: (use) => ({
      name: shared.venue === "kraken" && deployment ? apiKeyName(deployment, use) : undefined,
      addresses: addresses?.length === 0 ? undefined : addresses,
    }),
    exchange: createExchange({ rest, clock }),
    secrets: awsSecrets(new SecretsManagerClient(awsConfig(around)), around, secretName),
    gates: gateStore(clients.dynamo),
    deadLetters: sqsQueue(clients.sqs, need(env, ENVIRONMENT.dcaDeadLetters), around),
  };
}

/** For the functions without a key: the ledger, the queue and the owner's topic. */
export function connectSweep(around: Surroundings = inAws()): Promise<SweepDeps> {
  return withoutKey(around, clientsOf(around));
}

/** For the function that only makes schedules: their group, and its one item of the table. */
export async function connectPlanSync(around: Surroundings = inAws()): Promise<SyncDeps> {
  const { env, clock, chance } = around;
  const schedules = awsSchedules(new SchedulerClient(awsConfig(around)), {
    group: need(env, ENVIRONMENT.scheduleGroup),
    queue: need(env, ENVIRONMENT.scheduleTarget),
    role: need(env, ENVIRONMENT.scheduleRole),
    deadLetters: need(env, ENVIRONMENT.scheduleDeadLetters),
  });
  const wanted = wantedSchedules(schedulesOf(await settingsOf(around)), schedules.nameOf);
  return { clock, chance, schedules, sync: syncStore(dynamoOf(around)), wanted };
}

async function withoutKey(around: Surroundings, { dynamo, sqs, sns }: Clients): Promise<SweepDeps> {
  const { env, clock, chance, report, measure } = around;
  return {
    settings: await settingsOf(around),
    venue: originOf(around) === KRAKEN_ORIGIN ? "kraken" : "sandbox",
    clock,
    chance,
    ledger: runLedger(dynamo),
    books: ledgerBooks(dynamo),
    notifier: snsNotifier(sns, need(env, ENVIRONMENT.topic), around),
    queue: sqsQueue(sqs, need(env, ENVIRONMENT.dcaQueue), around),
    report,
    measure,
    ...(around.startedAt === undefined ? {} : { startedAt: around.startedAt }),
  };
}

const originOf = ({ env }: Surroundings): string => env[ENVIRONMENT.krakenUrl] || KRAKEN_ORIGIN;

/** One of each, so that a service is connected to once. */
function clientsOf(around: Surroundings) {
  const aws = awsConfig(around);
  return {
    dynamo: dynamoOf(around),
    sqs: new SQSClient(aws),
    sns: new SNSClient(aws),
  };
}

type Clients = ReturnType<typeof clientsOf>;

function dynamoOf(around: Surroundings): Dynamo {
  const { env, clock, chance } = around;
  const table = env[ENVIRONMENT.table] || DEFAULT_NAMES.table;
  return { client: new DynamoDBClient(awsConfig(around)), table, clock, chance };
}

function need(env: Surroundings["env"], name: string): string {
  const value = env[name];
  if (value === undefined || value === "") throw new Error(`the environment variable ${name} is not set`);
  return value;
}

/** Written when the bundle was built; see shared/config/settings-file.ts. */
const settingsOf = async ({ settings, env }: Surroundings): Promise<Settings> =>
  settings ?? readSettingsText(await readFile(need(env, ENVIRONMENT.plans), "utf8"));

/** Connects once for each container. A failed connection is forgotten, so that the next event tries again. */
export function oncePerContainer<T>(connected: () => Promise<T>): () => Promise<T> {
  let deps: Promise<T> | undefined;
  return async () => {
    deps ??= connected();
    try {
      return await deps;
    } catch (error) {
      deps = undefined;
      throw error;
    }
  };
}

/** Retries are ours (shared/aws/retry.ts): the SDK's own would hide lost answers and wait on the wrong clock. */
export function awsConfig({ env, requestHandler }: Pick<Surroundings, "env" | "requestHandler">) {
  const endpoint = env.AWS_ENDPOINT_URL;
  return {
    region: env.AWS_REGION ?? "us-east-1",
    maxAttempts: 1,
    ...(endpoint === undefined ? {} : { endpoint }),
    // The embedded endpoint takes any signature; on AWS the role of the function signs.
    ...(endpoint === undefined ? {} : { credentials: { accessKeyId: "local", secretAccessKey: "local" } }),
    requestHandler: requestHandler ?? PATIENCE,
  };
}

/** A container that slept may hold sockets that nobody answers: given up in time for another try, not with the container. */
const PATIENCE = { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true } as const;
