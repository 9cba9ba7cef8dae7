/** Composition root of the functions: the only place that chooses adapters, and that knows clock, chance and environment. */
import { randomBytes, randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Chance, Clock } from "../shared/app/clock.ts";
import type { Deps, Event } from "../shared/app/ports.ts";
import { gateStore } from "../shared/aws/gate-store.ts";
import { ledgerBooks } from "../shared/aws/ledger-books.ts";
import { snsNotifier, sqsQueue } from "../shared/aws/messages.ts";
import { runLedger } from "../shared/aws/run-ledger.ts";
import { awsSecrets } from "../shared/aws/secrets.ts";
import { formatMistake } from "../shared/config/mistake.ts";
import { apiKeyName, DEFAULT_NAMES, ENVIRONMENT, secretName } from "../shared/config/names.ts";
import { parseTideYaml } from "../shared/config/tide-yaml.ts";
import type { Settings } from "../shared/domain/plan.ts";
import { epochMs } from "../shared/domain/time.ts";
import { createExchange } from "../shared/kraken/client.ts";
import { KRAKEN_ORIGIN, undiciTransport } from "../shared/kraken/http.ts";
import { createRest } from "../shared/kraken/rest.ts";
import type { HttpTransport } from "../shared/kraken/transport.ts";

/** What differs between AWS, one machine and the tests. Everything else is the same everywhere. */
export type Surroundings = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly report: (event: Event) => void;
  /** In place of a connection to the exchange at its address. */
  readonly transport?: HttpTransport;
  /** In place of sockets to AWS. */
  readonly requestHandler?: NonNullable<ConstructorParameters<typeof DynamoDBClient>[0]>["requestHandler"];
};

const systemClock: Clock = {
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

/** One JSON line for each step, for CloudWatch. */
const logLine = (event: Event): void => console.log(JSON.stringify(event));

const inAws = (): Surroundings => ({
  env: process.env,
  clock: systemClock,
  chance: systemChance,
  report: logLine,
});

export async function connect(around: Surroundings = inAws()): Promise<Deps> {
  const { env, clock, chance, report } = around;
  const need = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === "") throw new Error(`the environment variable ${name} is not set`);
    return value;
  };
  const origin = env[ENVIRONMENT.krakenUrl] || KRAKEN_ORIGIN;
  const venue = origin === KRAKEN_ORIGIN ? "kraken" : "sandbox";
  const transport = around.transport ?? undiciTransport({ origin });
  const rest = createRest({ transport, clock, chance, userAgent: "tidekeeper/0.1" });
  const aws = awsConfig(around);
  const dynamo = {
    client: new DynamoDBClient(aws),
    table: env[ENVIRONMENT.table] || DEFAULT_NAMES.table,
    clock,
    chance,
  };
  const sqs = new SQSClient(aws);
  const deployment = env[ENVIRONMENT.deployment];
  const addresses = env[ENVIRONMENT.addresses]?.split(",").filter((address) => address !== "");
  return {
    settings: await readSettings(need(ENVIRONMENT.plans)),
    venue,
    keyExpectation: (use) => ({
      name: venue === "kraken" && deployment ? apiKeyName(deployment, use) : undefined,
      addresses,
    }),
    clock,
    chance,
    exchange: createExchange({ rest, clock }),
    secrets: awsSecrets(new SecretsManagerClient(aws), clock, secretName),
    gates: gateStore(dynamo),
    ledger: runLedger(dynamo),
    books: ledgerBooks(dynamo),
    notifier: snsNotifier(new SNSClient(aws), need(ENVIRONMENT.topic)),
    queue: sqsQueue(sqs, need(ENVIRONMENT.dcaQueue)),
    deadLetters: sqsQueue(sqs, need(ENVIRONMENT.dcaDeadLetters)),
    report,
  };
}

/** Connects once for each container. A failed connection is forgotten, so that the next event tries again. */
export function oncePerContainer(connected: () => Promise<Deps>): () => Promise<Deps> {
  let deps: Promise<Deps> | undefined;
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

/** Retries are ours (shared/aws/dynamo.ts): the SDK's own would hide lost answers and wait on the wrong clock. */
export function awsConfig({ env, requestHandler }: Pick<Surroundings, "env" | "requestHandler">) {
  const endpoint = env.AWS_ENDPOINT_URL;
  return {
    region: env.AWS_REGION ?? "us-east-1",
    maxAttempts: 1,
    ...(endpoint === undefined ? {} : { endpoint }),
    // The embedded endpoint takes any signature; on AWS the role of the function signs.
    ...(endpoint === undefined ? {} : { credentials: { accessKeyId: "local", secretAccessKey: "local" } }),
    ...(requestHandler === undefined ? {} : { requestHandler }),
  };
}

async function readSettings(file: string): Promise<Settings> {
  const read = parseTideYaml(await readFile(file, "utf8"), file);
  if ("mistakes" in read) throw new Error(read.mistakes.map(formatMistake).join("\n"));
  return read.settings;
}
