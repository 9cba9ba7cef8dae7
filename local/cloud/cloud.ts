/**
 * The embedded AWS endpoint: DynamoDB, Secrets Manager, SNS, SQS and EventBridge Scheduler on one loopback port, spoken to by
 * unmodified SDK clients, with everything kept in one folder or in memory and with time from the clock it is given.
 */
import { existsSync } from "node:fs";
import type { Clock } from "../../shared/app/clock.ts";
import { Activity } from "./activity.ts";
import { type Database, type OpenLevel, openDatabase } from "./database.ts";
import { Port, type SdkRequestHandler, sdkRequestHandler } from "./door.ts";
import { DynamoDb } from "./dynamodb/dynamodb.ts";
import { CloudError } from "./errors.ts";
import { Front } from "./front.ts";
import { Scheduler } from "./scheduler/scheduler.ts";
import { plainFile, Secrets, type SecretsFile } from "./secrets.ts";
import { type Published, Sns } from "./sns.ts";
import { Sqs } from "./sqs/sqs.ts";
import { openStateFolder } from "./state-folder.ts";

export { CloudError } from "./errors.ts";
export type { Published } from "./sns.ts";

export type CloudOptions = {
  readonly clock: Clock;
  /** The state folder; without one everything is in memory and gone at the end. */
  readonly dir?: string;
  /** Seen in ARNs only. */
  readonly region?: string;
  /** In place of `secrets.json`: where secrets are kept that must not lie on the disk as they are. */
  readonly secrets?: SecretsFile;
  /** In place of LevelDB on the disk, for tests that cut the power. */
  readonly openLevel?: OpenLevel;
};

export interface Cloud {
  /** Answers `http://127.0.0.1:PORT`; 0 takes a free port. */
  listen(port: number): Promise<string>;
  /** For SDK v3 clients in the same process: no sockets. */
  readonly requestHandler: SdkRequestHandler;
  /** What was published to SNS topics, oldest first. */
  published(): readonly Published[];
  readonly activity: Readonly<Pick<Activity, "inFlight" | "changes">>;
  /** `POST /faults`, as on the port's control door. */
  control(method: string, path: string, body: string): { readonly status: number; readonly body: string };
  /** For a process that starts anew and had the queues' receivers in itself: what they had in hand may be had again. */
  returnInFlight(): Promise<void>;
  /** How often each DynamoDB operation was called since this was last asked. */
  takeCounts(): Record<string, number>;
  /** Lets requests in flight end first. */
  close(): Promise<void>;
}

/** Throws CloudError, with one sentence, when the state folder cannot be used. */
export async function openCloud(options: CloudOptions): Promise<Cloud> {
  const { clock, dir, region = "us-east-1" } = options;
  const { database, secretsFile } =
    dir === undefined ? await inMemory() : await openStateFolder(dir, options.openLevel);
  const open = async () => openServices(database, secretsIn(secretsFile, options.secrets), clock, region);
  const services = await open().catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  const activity = new Activity();
  const front = new Front(services, clock, activity);
  const port = new Port(front.answer);
  let closed: Promise<void> | undefined;
  const close = async () => {
    const portClosed = port.close();
    await front.close();
    await portClosed;
    await database.close();
  };
  return {
    listen: (number) => port.listen(number),
    requestHandler: sdkRequestHandler(front.answer),
    published: () => services.sns.published(),
    activity,
    control: (method, path, body) => front.control(method, path, body),
    returnInFlight: () => services.sqs.returnInFlight(),
    takeCounts: () => front.takeCounts(),
    close: () => (closed ??= close()),
  };
}

/** A folder that holds secrets as they are is not taken for one whose secrets are sealed. */
function secretsIn(plain: string | undefined, given: SecretsFile | undefined): SecretsFile | undefined {
  if (given === undefined) return plain === undefined ? undefined : plainFile(plain);
  if (plain !== undefined && existsSync(plain)) {
    throw new CloudError(`${plain} holds secrets as they are, expected none beside ${given.path}`);
  }
  return given;
}

const inMemory = async () => ({ database: await openDatabase(undefined), secretsFile: undefined });

async function openServices(
  database: Database,
  secretsFile: SecretsFile | undefined,
  clock: Clock,
  region: string,
) {
  return {
    dynamodb: await DynamoDb.open(database, clock, region),
    scheduler: await Scheduler.open(database, clock, region),
    secretsmanager: Secrets.open(secretsFile, clock, region),
    sns: await Sns.open(database, clock, region),
    sqs: await Sqs.open(database, clock, region),
  };
}
