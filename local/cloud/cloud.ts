/**
 * The embedded AWS endpoint: DynamoDB, Secrets Manager, SNS and SQS on one loopback port, spoken to by unmodified SDK
 * clients, with everything kept in one folder or in memory and with time from the clock it is given.
 */
import type { Clock } from "../../shared/app/clock.ts";
import { Activity } from "./activity.ts";
import { openDatabase } from "./database.ts";
import { Port, type SdkRequestHandler, sdkRequestHandler } from "./door.ts";
import { DynamoDb } from "./dynamodb/dynamodb.ts";
import { Front } from "./front.ts";
import { openStateFolder } from "./state-folder.ts";

export { CloudError } from "./errors.ts";

export type CloudOptions = {
  readonly clock: Clock;
  /** The state folder; without one everything is in memory and gone at the end. */
  readonly dir?: string;
  /** Seen in ARNs only. */
  readonly region?: string;
};

export interface Cloud {
  /** Answers `http://127.0.0.1:PORT`; 0 takes a free port. */
  listen(port: number): Promise<string>;
  /** For SDK v3 clients in the same process: no sockets. */
  readonly requestHandler: SdkRequestHandler;
  readonly activity: Readonly<Pick<Activity, "inFlight" | "changes">>;
  /** How often each DynamoDB operation was called since this was last asked. */
  takeCounts(): Record<string, number>;
  /** Lets requests in flight end first. */
  close(): Promise<void>;
}

/** Throws CloudError, with one sentence, when the state folder cannot be used. */
export async function openCloud(options: CloudOptions): Promise<Cloud> {
  const { clock, dir, region = "us-east-1" } = options;
  const database = dir === undefined ? await openDatabase(undefined) : await openStateFolder(dir);
  const activity = new Activity();
  const dynamodb = await DynamoDb.open(database, clock, region);
  const front = new Front({ dynamodb }, clock, activity);
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
    activity,
    takeCounts: () => front.takeCounts(),
    close: () => (closed ??= close()),
  };
}
