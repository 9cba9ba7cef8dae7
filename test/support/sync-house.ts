/** The plan-sync function in virtual time: its real handler and adapters, the embedded AWS, and a hand on its every call. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  CreateScheduleGroupCommand,
  GetScheduleCommand,
  ListSchedulesCommand,
  SchedulerClient,
} from "@aws-sdk/client-scheduler";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { makeHandler } from "../../functions/plan-sync.ts";
import { connectPlanSync } from "../../functions/wire.ts";
import { VirtualClock } from "../../local/clock.ts";
import { openCloud } from "../../local/cloud/cloud.ts";
import { provision } from "../../local/machine/provision.ts";
import type { SyncDeps, SyncReport } from "../../shared/app/sync-plans.ts";
import { schedulesOf } from "../../shared/config/deployment.ts";
import { DEFAULT_NAMES, ENVIRONMENT } from "../../shared/config/names.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import { seededChance } from "./chance.ts";
import { embeddedConfig } from "./embedded-aws.ts";
import { settingsIn, unsaid } from "./house.ts";
import { inVirtualTime } from "./pump.ts";

export const GROUP = DEFAULT_NAMES.scheduleGroup;
export const QUEUE_ARN = "arn:aws:sqs:us-east-1:000000000000:tidekeeper-dca.fifo";
export const ROLE_ARN = "arn:aws:iam::000000000000:role/fires";
export const DEAD_ARN = "arn:aws:sqs:us-east-1:000000000000:dead";
const MINUTE_MS = 60_000;

/** Plans by id, each with its `every`. */
export function settingsOf(plans: Readonly<Record<string, string>>): Settings {
  const lines = Object.entries(plans).map(
    ([id, every]) => `  - { id: ${id}, buy: 10 EUR of BTC, every: "${every}" }`,
  );
  return settingsIn(
    `timezone: Europe/Berlin\nlimits: { perOrder: 50 EUR, perDay: 500 EUR, perMonth: 2000 EUR, maxSlippage: 0.5% }\nplans:\n${lines.join("\n")}\n`,
  );
}

/** Kills the container at its call `at`, counted from 1: before it is made, or before its answer is known. */
export type Kill = { readonly at: number; readonly when: "before" | "after" };

export type ContainerOptions = {
  readonly kill?: Kill;
  readonly around?: (deps: SyncDeps) => SyncDeps;
};

type SdkRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
};

/** `GetItem`, `POST /schedules/btc-weekly.…`. */
const nameOfCall = ({ method, path, headers }: SdkRequest): string =>
  headers["x-amz-target"]?.split(".")[1] ?? `${method} ${path}`;

export async function openSyncHouse() {
  const clock = new VirtualClock({ startAt: Date.UTC(2026, 10, 23, 7), rate: 0 });
  const cloud = await openCloud({ clock });
  const { requestHandler } = cloud;
  const config = embeddedConfig(cloud);
  await provision({
    dynamo: new DynamoDBClient(config),
    sqs: new SQSClient(config),
    sns: new SNSClient(config),
  });
  /** The owner's own hand, at the console. */
  const byHand = new SchedulerClient(config);
  await byHand.send(new CreateScheduleGroupCommand({ Name: GROUP }));
  let containers = 0;
  /** Of all containers since this was last asked, in order. */
  let calls: string[] = [];

  const container = (settings: Settings, { kill, around = (deps) => deps }: ContainerOptions = {}) => {
    let made = 0;
    let isDead = false;
    const handle = async (request: SdkRequest, options: object) => {
      if (isDead) throw new Error("killed");
      made++;
      const isHere = made === kill?.at;
      if (isHere && kill?.when === "before") {
        isDead = true;
        throw new Error("killed");
      }
      calls.push(nameOfCall(request));
      const answer = await requestHandler.handle(request as never, options);
      if (isHere) isDead = true;
      if (isDead) throw new Error("killed");
      return answer;
    };
    const handler = makeHandler(
      async () =>
        around(
          await connectPlanSync({
            env: {
              AWS_ENDPOINT_URL: "http://embedded",
              [ENVIRONMENT.scheduleGroup]: GROUP,
              [ENVIRONMENT.scheduleTarget]: QUEUE_ARN,
              [ENVIRONMENT.scheduleRole]: ROLE_ARN,
              [ENVIRONMENT.scheduleDeadLetters]: DEAD_ARN,
            },
            clock,
            chance: seededChance(++containers),
            report: () => {},
            measure: () => {},
            settings,
            requestHandler: { ...requestHandler, handle } as never,
          }),
        ),
      unsaid,
    );
    return {
      run: () => handler({}, {} as never) as Promise<SyncReport>,
      wasKilled: () => isDead,
    };
  };
  const inTime = <T>(work: Promise<T>): Promise<T> =>
    inVirtualTime(clock, work, () => cloud.activity.changes);

  const names = async () => {
    const found: string[] = [];
    let token: string | undefined;
    do {
      const page = await byHand.send(new ListSchedulesCommand({ GroupName: GROUP, NextToken: token }));
      found.push(...page.Schedules!.map(({ Name }) => Name!));
      token = page.NextToken;
    } while (token !== undefined);
    return found;
  };

  return {
    clock,
    cloud,
    byHand,
    container,
    inTime,
    names,
    /** Plans that have at least one schedule, however old. */
    plansFired: async () => new Set((await names()).map((name) => name.slice(0, name.lastIndexOf(".")))),
    /** To the next full minute, as Scheduler's cron has it, and its invocation in a new container. */
    async minute(settings: Settings, options: ContainerOptions = {}) {
      clock.moveTo(Math.floor(clock.now() / MINUTE_MS + 1) * MINUTE_MS);
      return inTime(container(settings, options).run());
    },
    pass: (minutes: number) => clock.moveTo(clock.now() + minutes * MINUTE_MS),
    takeCalls() {
      const taken = calls;
      calls = [];
      return taken;
    },
    /** What each schedule of the group says that a plan must say, by name and all of it. */
    async told() {
      const whole = await Promise.all(
        (await names()).map((Name) => byHand.send(new GetScheduleCommand({ GroupName: GROUP, Name }))),
      );
      return whole
        .map(({ $metadata, Arn, Name, CreationDate, LastModificationDate, ...says }) => says)
        .sort(byInput);
    },
    close: () => cloud.close(),
  };
}

export type SyncHouse = Awaited<ReturnType<typeof openSyncHouse>>;

/** What must be told of these settings, written down apart from the adapter. */
export const owed = (settings: Settings) =>
  schedulesOf(settings)
    .map(({ account, expression, zone, description, message }) => ({
      GroupName: GROUP,
      ScheduleExpression: expression,
      ScheduleExpressionTimezone: zone,
      FlexibleTimeWindow: { Mode: "OFF" },
      State: "ENABLED",
      ActionAfterCompletion: "NONE",
      Description: description,
      Target: {
        Arn: QUEUE_ARN,
        RoleArn: ROLE_ARN,
        Input: message,
        SqsParameters: { MessageGroupId: account },
        DeadLetterConfig: { Arn: DEAD_ARN },
        RetryPolicy: { MaximumRetryAttempts: 20, MaximumEventAgeInSeconds: 900 },
      },
    }))
    .sort(byInput);

type HasInput = { readonly Target?: { readonly Input?: string | undefined } | undefined };
const byInput = (a: HasInput, b: HasInput) => (a.Target!.Input! < b.Target!.Input! ? -1 : 1);
