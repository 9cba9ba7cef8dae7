/** The whole program in one process, in virtual time: real handlers, adapters, embedded AWS and Kraken, no socket. */
import { DeleteItemCommand, DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { makeHandler as makeDca } from "../../functions/dca.ts";
import type { SayFailure } from "../../functions/log-failure.ts";
import { makeHandler as makeSweep } from "../../functions/sweep.ts";
import { connect, type Surroundings } from "../../functions/wire.ts";
import { VirtualClock } from "../../local/clock.ts";
import { openCloud } from "../../local/cloud/cloud.ts";
import { provision, storeKey } from "../../local/machine/provision.ts";
import { Worker } from "../../local/machine/worker.ts";
import { type AccountsInput, DEFAULT_ACCOUNTS } from "../../local/sandbox/accounts.ts";
import { openSandbox } from "../../local/sandbox/sandbox.ts";
import type { Deps, Event } from "../../shared/app/ports.ts";
import { registerPlans } from "../../shared/app/register-plans.ts";
import { ENVIRONMENT } from "../../shared/config/names.ts";
import { parseTideYaml } from "../../shared/config/tide-yaml.ts";
import type { MetricName } from "../../shared/domain/metrics.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import { seededChance } from "./chance.ts";
import { embeddedConfig } from "./embedded-aws.ts";
import { inVirtualTime } from "./pump.ts";
import { sandboxTransport } from "./sandbox-transport.ts";

export const PLANS = `
mode: dry-run
timezone: Europe/Berlin
limits: { perOrder: 500 EUR, perDay: 500 EUR, perMonth: 2000 EUR, maxSlippage: 0.5% }
plans:
  - id: btc-weekly
    buy: 100 EUR of BTC
    every: monday 08:00
    ifMissed: catch-up within 2h
`;

/** Monday 08:00 in Berlin. */
export const SLOT = "2026-11-23T07:00Z";
const START = Date.parse("2026-11-23T06:59:58Z");

export function settingsIn(plans: string): Settings {
  const read = parseTideYaml(plans, "tide.yaml");
  if ("mistakes" in read) throw new Error(JSON.stringify(read.mistakes));
  return read.settings;
}

/** A failure that a test provokes is its own affair: it is kept in `failures`, and not printed among the results. */
export const unsaid: SayFailure = () => {};

export type HouseOptions = {
  readonly plans?: string;
  readonly seed?: number;
  readonly startAt?: number;
  /** At Kraken; the default is one account with three keys. */
  readonly exchangeAccounts?: AccountsInput;
  /** Wraps what the program uses: for counting, and for crashing it. */
  readonly around?: (deps: Deps) => Deps;
};

export type House = Awaited<ReturnType<typeof openHouse>>;

export async function openHouse(options: HouseOptions = {}) {
  const seed = options.seed ?? 1;
  const clock = new VirtualClock({ startAt: options.startAt ?? START, rate: 0 });
  const cloud = await openCloud({ clock });
  const accounts = options.exchangeAccounts ?? DEFAULT_ACCOUNTS;
  const sandbox = await openSandbox({ clock, seed, accounts });
  const settings = settingsIn(options.plans ?? PLANS);

  const { requestHandler } = cloud;
  const config = embeddedConfig(cloud);
  const sqs = new SQSClient(config);
  const secrets = new SecretsManagerClient(config);
  const dynamo = new DynamoDBClient(config);
  const made = await provision({ dynamo, sqs, sns: new SNSClient(config) });
  const keyOf = (name: string) => sandbox.keys.find((key) => key.name === name)!;
  const useKey = async (name: string, account = "main") => {
    const { key, secret } = keyOf(name);
    await storeKey(secrets, account, "trade", { apiKey: key, privateKey: secret });
  };
  await useKey("tidekeeper-sandbox-trade");

  let calls = 0;
  const transport = sandboxTransport(sandbox, () => calls++);
  const events: Event[] = [];
  const measured: { readonly metric: MetricName; readonly value: number }[] = [];
  let containers = 0;
  const surroundings = (): Surroundings => ({
    env: {
      AWS_ENDPOINT_URL: "http://embedded",
      [ENVIRONMENT.krakenUrl]: "http://127.0.0.1:1",
      [ENVIRONMENT.topic]: made.topicArn,
      [ENVIRONMENT.dcaQueue]: made.queueUrl,
      [ENVIRONMENT.dcaDeadLetters]: made.deadUrl,
    },
    clock,
    chance: seededChance(seed * 1000 + containers++),
    report: (event) => events.push(event),
    measure: (metric, value) => measured.push({ metric, value }),
    settings,
    transport,
    requestHandler: requestHandler as never,
  });
  /** A new container: nothing cached, as after a cold start or a crash. */
  const boot = async (around: (deps: Deps) => Deps = options.around ?? ((deps) => deps)): Promise<Deps> =>
    around(await connect(surroundings()));
  /** The owner's own hand on the ledger and the queue: it does not die with a container. */
  const owner = await boot((deps) => deps);
  await registerPlans(owner);
  let deps = await boot();

  const changes = () => cloud.activity.changes + sandbox.activity.changes;
  const inTime = <T>(work: Promise<T>): Promise<T> => inVirtualTime(clock, work, changes);
  const failures: unknown[] = [];
  const workerOf = (used: Deps) =>
    new Worker({
      sqs,
      queueUrl: made.queueUrl,
      handler: makeDca(async () => used, unsaid) as never,
      onFailure: (error) => failures.push(error),
    });
  let worker = workerOf(deps);

  const house = {
    clock,
    cloud,
    sandbox,
    events,
    measured,
    failures,
    sqs,
    queueUrl: made.queueUrl,
    deadUrl: made.deadUrl,
    /** Requests to Kraken since this was last asked. */
    transportCalls() {
      const made = calls;
      calls = 0;
      return made;
    },
    useKey,
    surroundings,
    boot,
    inTime,
    deps: owner,
    /** Replaces the container, as a deploy or a crash does. */
    async restart(around?: (deps: Deps) => Deps) {
      deps = await boot(around);
      worker = workerOf(deps);
    },
    /** From here on the worker works with these. */
    use(given: Deps) {
      deps = given;
      worker = workerOf(given);
    },
    /** Puts a firing into the queue and works until the queue is empty. */
    async fire(body: unknown, dedupe = JSON.stringify(body)) {
      await owner.queue.send("main", body, dedupe);
      await inTime(worker.pump());
    },
    fireSlot: (slot = SLOT, plan = "btc-weekly") =>
      house.fire({ kind: "dca", account: "main", plan, slot }, `${plan}@${slot}#${Math.random()}`),
    buy: (key: string, plan = "btc-weekly") =>
      house.fire({ kind: "dca", account: "main", plan, key }, `${plan}@${key}#${Math.random()}`),
    work: () => inTime(worker.pump()),
    async sweep() {
      await inTime(makeSweep(async () => deps, unsaid)({}, {} as never)).catch((error) =>
        failures.push(error),
      );
      await inTime(worker.pump());
    },
    /** Moves time on in minutes, with a sweep in each. */
    async pass(minutes: number) {
      for (let minute = 0; minute < minutes; minute++) {
        clock.moveTo(clock.now() + 60_000);
        await house.sweep();
      }
    },
    run: async (id = `btc-weekly@${SLOT}`) => {
      const found = await owner.books.run("main", id);
      if (found === undefined) throw new Error(`no run ${id}`);
      return found;
    },
    messages: () => owner.books.messages("main"),
    async faults(list: readonly Record<string, unknown>[]) {
      await house.control("POST", "/faults", list);
    },
    async control(method: string, path: string, body?: unknown) {
      const reply = await inTime(
        sandbox.handle({
          method,
          path: `/_control${path}`,
          headers: { "content-type": "application/json" },
          body: Buffer.from(body === undefined ? "" : JSON.stringify(body)),
          remoteAddress: "127.0.0.1",
        }),
      );
      if (reply.is !== "reply" || reply.status !== 200) throw new Error(`control ${path} failed`);
      return JSON.parse(reply.body.toString()) as unknown;
    },
    /** The table is empty, as after a loss without a backup; Kraken remembers. */
    async forgetLedger() {
      const { Items } = await dynamo.send(new ScanCommand({ TableName: "tidekeeper" }));
      for (const { pk, sk } of Items ?? []) {
        await dynamo.send(new DeleteItemCommand({ TableName: "tidekeeper", Key: { pk: pk!, sk: sk! } }));
      }
      await registerPlans(owner);
    },
    async deadLetters() {
      const { Messages } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: made.deadUrl, MaxNumberOfMessages: 10 }),
      );
      return (Messages ?? []).map((message) => message.Body!);
    },
    async close() {
      clock.stop();
      await sandbox.close();
      await cloud.close();
    },
  };
  return house;
}
