/** A town of accounts: each with its secret, its key at the sandbox, its queue group and its partition; one table for all. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { connect } from "../../functions/wire.ts";
import { VirtualClock } from "../../local/clock.ts";
import { openCloud } from "../../local/cloud/cloud.ts";
import { provision, storeKey } from "../../local/machine/provision.ts";
import { DEFAULT_ACCOUNTS } from "../../local/sandbox/accounts.ts";
import { openSandbox } from "../../local/sandbox/sandbox.ts";
import { keyHashOf, krakenAccountOf } from "../../shared/app/ids.ts";
import type { Deps, Event } from "../../shared/app/ports.ts";
import { registerPlans } from "../../shared/app/register-plans.ts";
import { ENVIRONMENT } from "../../shared/config/names.ts";
import { parseTideYaml } from "../../shared/config/tide-yaml.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import { seededChance } from "../support/chance.ts";
import { times } from "../support/cloud-house.ts";
import { embeddedConfig } from "../support/embedded-aws.ts";
import { inVirtualTime } from "../support/pump.ts";
import { KrakenDoor } from "./kraken-door.ts";
import { type Caller, Lines, newTally } from "./lines.ts";

/** Two seconds before Monday 08:00 in Berlin. */
export const TOWN_START = Date.parse("2026-11-23T06:59:58Z");
/** Two plans fit into a day's cap, a third does not. */
export const PER_DAY = "250";
const TIERS = ["starter", "intermediate", "pro"] as const;
const BASES = ["BTC", "ETH"] as const;

export type TownOptions = {
  readonly accounts: number;
  readonly plansPerAccount: number;
  readonly seed: number;
  /** Public calls a second that Kraken takes from the one address; without it, all. */
  readonly publicPerSecond?: number;
};

export type Container = { readonly deps: Deps; readonly caller: Caller };
export type Town = Awaited<ReturnType<typeof openTown>>;

export const planOf = (account: string, plan: number): string => `${account}-p${plan}`;

const ibanOf = (name: string): string => `AA00N84G${name}`;

export async function openTown({ accounts, plansPerAccount, seed, publicPerSecond }: TownOptions) {
  const names = times(accounts, (at) => `a${String(at).padStart(4, "0")}`);
  const chance = seededChance(seed);
  const clock = new VirtualClock({ startAt: TOWN_START, rate: 0 });
  const cloud = await openCloud({ clock });
  const trade = DEFAULT_ACCOUNTS[0]!.keys[0]!;
  const sandbox = await openSandbox({
    clock,
    seed,
    accounts: names.map((name, at) => ({
      ...DEFAULT_ACCOUNTS[0]!,
      name,
      iban: ibanOf(name),
      tier: TIERS[at % 3]!,
      keys: [
        {
          ...trade,
          name: `key-of-${name}`,
          key: `tKsb${chance.id()}${chance.id().slice(0, 20)}`,
          secret: Buffer.from(chance.id() + chance.id()).toString("base64"),
        },
      ],
    })),
  });
  const keys = new Map(sandbox.keys.map((key) => [key.name.slice("key-of-".length), key]));
  const ownerOf = new Map<string, string>();
  for (const [name, { key }] of keys) {
    ownerOf.set(`A#${name}`, name);
    ownerOf.set(`K#${keyHashOf(key)}`, name);
    ownerOf.set(`K#${krakenAccountOf(ibanOf(name))}`, name);
  }
  const lines = new Lines({ cloud, clock, chance, accountOf: (partition) => ownerOf.get(partition) });
  const door = new KrakenDoor(sandbox, clock, chance, publicPerSecond ?? Number.POSITIVE_INFINITY);

  const text = plansText(names, plansPerAccount);
  const readAt = performance.now();
  const settings = settingsOf(text);
  const plansReadMs = performance.now() - readAt;

  const config = embeddedConfig(cloud);
  const sqs = new SQSClient(config);
  const secrets = new SecretsManagerClient(config);
  const made = await provision({ dynamo: new DynamoDBClient(config), sqs, sns: new SNSClient(config) });
  for (const [name, { key, secret }] of keys) {
    await storeKey(secrets, name, "trade", { apiKey: key, privateKey: secret });
  }

  let containers = 0;
  /** Nothing is cached in it. */
  const boot = async (report: (event: Event) => void = () => {}): Promise<Container> => {
    const caller: Caller = { tally: newTally(), account: undefined };
    const deps = await connect({
      env: {
        AWS_ENDPOINT_URL: "http://embedded",
        [ENVIRONMENT.krakenUrl]: "http://127.0.0.1:1",
        [ENVIRONMENT.topic]: made.topicArn,
        [ENVIRONMENT.dcaQueue]: made.queueUrl,
        [ENVIRONMENT.dcaDeadLetters]: made.deadUrl,
      },
      clock,
      chance: seededChance(seed * 10_000 + containers++),
      report,
      measure: () => {},
      settings,
      transport: door.of(caller),
      requestHandler: lines.of(caller) as never,
    });
    return { deps, caller };
  };
  const changes = () => cloud.activity.changes + sandbox.activity.changes;
  const inTime = <T>(work: Promise<T>): Promise<T> => inVirtualTime(clock, work, changes);
  const owner = await boot();
  await inTime(registerPlans(owner.deps));

  return {
    names,
    clock,
    cloud,
    sandbox,
    lines,
    door,
    sqs,
    queueUrl: made.queueUrl,
    settings,
    plansReadMs,
    plansBytes: Buffer.byteLength(text),
    /** What making the plans known cost. */
    registered: { ...owner.caller.tally },
    owner,
    boot,
    inTime,
    async close() {
      clock.stop();
      await sandbox.close();
      await cloud.close();
    },
  };
}

function plansText(names: readonly string[], plansPerAccount: number): string {
  const accounts = names.map((name, at) => `  ${name}: { tier: ${TIERS[at % 3]} }`);
  const plans = names.flatMap((name) =>
    times(plansPerAccount, (plan) => [
      `  - id: ${planOf(name, plan)}`,
      `    account: ${name}`,
      `    buy: 100 EUR of ${BASES[plan % 2]}`,
      "    every: monday 08:00",
      "    ifMissed: catch-up within 2h",
    ]).flat(),
  );
  return [
    "mode: dry-run",
    "timezone: Europe/Berlin",
    `limits: { perOrder: 100 EUR, perDay: ${PER_DAY} EUR, perMonth: 2000 EUR, maxSlippage: 0.5% }`,
    "accounts:",
    ...accounts,
    "plans:",
    ...plans,
    "",
  ].join("\n");
}

function settingsOf(text: string): Settings {
  const read = parseTideYaml(text, "tide.yaml");
  if ("mistakes" in read) throw new Error(`the plans of the town: ${read.mistakes[0]?.expected}`);
  return read.settings;
}
