/** One group of EventBridge Scheduler, over its API. */
import {
  ConflictException,
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  ListSchedulesCommand,
  ResourceNotFoundException,
  type SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { hashOf } from "../app/ids.ts";
import type { ScheduleAnswer, Schedules, WantedSchedule } from "../app/sync-plans.ts";
import { FIRING_AGE_SECONDS_MAX, FIRING_RETRIES_MAX } from "../config/deployment.ts";
import { queueGroup } from "../config/names.ts";
import { scheduleName } from "../domain/schedule-sync.ts";

/** ARNs, and the group's name. */
export type ScheduleSurroundings = {
  readonly group: string;
  readonly queue: string;
  readonly role: string;
  readonly deadLetters: string;
};

/** Twelve hexadecimal digits: one in 10^14 that a change is not seen. */
const FINGERPRINT_LENGTH = 12;
/** The most that AWS tells at once. */
const PAGE_MAX = 100;
/** A call without an answer is given up, so that the minute's work ends in its minute. */
const CALL_MS = 5_000;

export function awsSchedules(client: SchedulerClient, at: ScheduleSurroundings): Schedules {
  /** Everything but the name, which is made of it. */
  const sayingOf = (schedule: WantedSchedule): Omit<CreateScheduleCommandInput, "Name"> => {
    // Test: a schedule that would fire when it is made is never sent
    if (!schedule.expression.startsWith("cron("))
      throw new Error(`the schedule of ${schedule.plan} is ${schedule.expression}, expected cron( )`);
    return {
      GroupName: at.group,
      ScheduleExpression: schedule.expression,
      ScheduleExpressionTimezone: schedule.zone,
      FlexibleTimeWindow: { Mode: "OFF" },
      State: "ENABLED",
      ActionAfterCompletion: "NONE",
      Description: schedule.description,
      Target: {
        Arn: at.queue,
        RoleArn: at.role,
        Input: schedule.message,
        SqsParameters: { MessageGroupId: queueGroup(schedule.account) },
        DeadLetterConfig: { Arn: at.deadLetters },
        RetryPolicy: {
          MaximumRetryAttempts: FIRING_RETRIES_MAX,
          MaximumEventAgeInSeconds: FIRING_AGE_SECONDS_MAX,
        },
      },
    };
  };
  const nameOf = (schedule: WantedSchedule): string =>
    scheduleName(schedule.plan, hashOf(sayingOf(schedule)).slice(0, FINGERPRINT_LENGTH));
  const whole = (schedule: WantedSchedule): CreateScheduleCommandInput => ({
    Name: nameOf(schedule),
    ...sayingOf(schedule),
  });
  const limit = () => ({ abortSignal: AbortSignal.timeout(CALL_MS) });

  return {
    target: at.queue,
    nameOf,

    page: (token) =>
      unlessPassing(async () => {
        const { Schedules = [], NextToken } = await client.send(
          new ListSchedulesCommand({ GroupName: at.group, MaxResults: PAGE_MAX, NextToken: token }),
          limit(),
        );
        const schedules = Schedules.map(({ Name, State, Target }) => ({
          name: Name!,
          isEnabled: State === "ENABLED",
          target: Target?.Arn ?? "",
        }));
        return { schedules, next: NextToken };
      }),

    // AWS says ConflictException of what is there, and also while it is still at work on it: the next list will show.
    create: (schedule) =>
      changed(() => client.send(new CreateScheduleCommand(whole(schedule)), limit()), ConflictException),

    restore: (schedule) =>
      changed(
        () => client.send(new UpdateScheduleCommand(whole(schedule)), limit()),
        ResourceNotFoundException,
        ConflictException,
      ),

    remove: (name) =>
      changed(
        () => client.send(new DeleteScheduleCommand({ GroupName: at.group, Name: name }), limit()),
        ResourceNotFoundException,
        ConflictException,
      ),
  };
}

type ErrorClass = typeof ConflictException | typeof ResourceNotFoundException;

const changed = (send: () => Promise<unknown>, ...already: readonly ErrorClass[]): Promise<ScheduleAnswer> =>
  unlessPassing<"done" | "already">(async () => {
    try {
      await send();
      return "done";
    } catch (error) {
      if (already.some((known) => error instanceof known)) return "already";
      throw error;
    }
  });

/** What may pass by itself is `later`; everything else is thrown on. */
async function unlessPassing<T>(call: () => Promise<T>): Promise<T | "later"> {
  try {
    return await call();
  } catch (error) {
    if (isPassing(error)) return "later";
    throw error;
  }
}

/** AWS reports rates that are exceeded under two names; the second is also said of the number of schedules. */
const PASSING = new Set([
  "ThrottlingException",
  "ServiceQuotaExceededException",
  "InternalServerException",
  "AbortError",
  "TimeoutError",
  "NetworkingError",
]);
const PASSING_SOCKET = new Set(["ECONNRESET", "ECONNREFUSED", "EPIPE", "ETIMEDOUT", "ECONNABORTED"]);

function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { name, code, $metadata } = error as Error & {
    code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode ?? 0;
  return PASSING.has(name) || PASSING_SOCKET.has(code ?? "") || status === 429 || status >= 500;
}
