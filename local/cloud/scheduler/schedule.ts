/** One schedule: what a request must look like to become one, and how AWS refuses the others. */
import { parseCron } from "../../../shared/domain/schedule-cron.ts";
import { isZone } from "../../../shared/domain/zone.ts";
import { AwsError } from "../errors.ts";
import { textIn, wholeIn } from "../input.ts";
import type { Input, Output } from "../service.ts";

export const DEFAULT_GROUP = "default";

/** What CreateSchedule and UpdateSchedule say; GetSchedule tells it again. */
export type Said = Readonly<Record<string, unknown>>;

export type Schedule = {
  readonly group: string;
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  readonly changedAt: number;
  /** Of the CreateSchedule that made it, so that its repetition is told from another's. */
  readonly token: string | undefined;
  readonly said: Said;
};

export const invalid = (message: string): AwsError => new AwsError("ValidationException", message);

/** docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html */
export function nameIn(input: Input, member: string): string {
  const name = textIn(input, member) ?? "";
  if (/^[0-9a-zA-Z\-_.]{1,64}$/.test(name)) return name;
  throw invalid(
    `1 validation error detected: Value '${name}' at '${member}' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$ and have length between 1 and 64`,
  );
}

export const groupIn = (input: Input): string =>
  input.GroupName === undefined ? DEFAULT_GROUP : nameIn(input, "GroupName");

/** Every value is of the request alone: an update replaces the whole schedule. */
export function saidIn(input: Input): Said {
  const expression = textIn(input, "ScheduleExpression") ?? "";
  // AWS takes at() and rate() as well; the program must never send one of them.
  const read = parseCron(expression);
  if ("expected" in read)
    throw invalid(`Invalid Schedule Expression ${expression}: expected ${read.expected}`);
  const zone = textIn(input, "ScheduleExpressionTimezone") ?? "UTC";
  if (!isZone(zone)) throw invalid(`Invalid Schedule Expression Timezone ${zone}.`);
  const description = textIn(input, "Description");
  if (description !== undefined && description.length > 512)
    throw outside("Description", "at most 512 characters");
  return {
    ScheduleExpression: expression,
    ScheduleExpressionTimezone: zone,
    FlexibleTimeWindow: windowIn(input),
    State: oneOf(input, "State", ["ENABLED", "DISABLED"]),
    ActionAfterCompletion: oneOf(input, "ActionAfterCompletion", ["NONE", "DELETE"]),
    Target: targetIn(input),
    ...Object.fromEntries(
      ["Description", "StartDate", "EndDate", "KmsKeyArn"]
        .filter((member) => input[member] !== undefined)
        .map((member) => [member, input[member]]),
    ),
  };
}

function windowIn(input: Input): Output {
  const window = structureIn(input, "FlexibleTimeWindow");
  const mode = textIn(window, "Mode");
  const minutes = wholeIn(window, "MaximumWindowInMinutes");
  if (mode === "OFF" && minutes === undefined) return { Mode: mode };
  if (mode === "FLEXIBLE" && minutes !== undefined && minutes >= 1 && minutes <= 1440) {
    return { Mode: mode, MaximumWindowInMinutes: minutes };
  }
  throw outside("FlexibleTimeWindow", "OFF, or FLEXIBLE with MaximumWindowInMinutes from 1 to 1440");
}

function targetIn(input: Input): Output {
  const target = structureIn(input, "Target");
  const arn = textIn(target, "Arn") ?? "";
  if (!/^arn:aws[a-z-]*:[a-z]/.test(arn)) throw outside("Target.Arn", "an ARN");
  const role = textIn(target, "RoleArn") ?? "";
  if (!/^arn:aws[a-z-]*:iam::\d{12}:role\/.+/.test(role))
    throw outside("Target.RoleArn", "the ARN of a role");
  if (textIn(target, "Input") === "") throw outside("Target.Input", "at least 1 character");
  const deadLetters = target.DeadLetterConfig === undefined ? {} : structureIn(target, "DeadLetterConfig");
  const dead = textIn(deadLetters, "Arn");
  if (dead !== undefined && !/^arn:aws[a-z-]*:sqs:/.test(dead))
    throw outside("Target.DeadLetterConfig.Arn", "the ARN of an SQS queue");
  const sqs = target.SqsParameters === undefined ? {} : structureIn(target, "SqsParameters");
  const group = textIn(sqs, "MessageGroupId");
  if (group !== undefined && (group.length < 1 || group.length > 128))
    throw outside("Target.SqsParameters.MessageGroupId", "1 to 128 characters");
  const retry = target.RetryPolicy === undefined ? {} : structureIn(target, "RetryPolicy");
  const RetryPolicy = {
    MaximumEventAgeInSeconds: within(retry, "MaximumEventAgeInSeconds", 60, 86_400),
    MaximumRetryAttempts: within(retry, "MaximumRetryAttempts", 0, 185),
  };
  return { ...target, RetryPolicy };
}

/** AWS's default is the most there is. */
function within(input: Input, member: string, min: number, max: number): number {
  const value = wholeIn(input, member) ?? max;
  if (value < min || value > max) throw outside(`Target.RetryPolicy.${member}`, `${min} to ${max}`);
  return value;
}

/** The first is AWS's default. */
function oneOf(input: Input, member: string, values: readonly string[]): string {
  const value = textIn(input, member) ?? values[0]!;
  if (!values.includes(value)) throw outside(member, values.join(" or "));
  return value;
}

function structureIn(input: Input, member: string): Input {
  const value = input[member];
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Input;
  throw outside(member, "not null");
}

const outside = (member: string, expected: string): AwsError =>
  invalid(
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: expected ${expected}`,
  );

export const whole = ({ arn, group, name, createdAt, changedAt, said }: Schedule): Output => ({
  Arn: arn,
  GroupName: group,
  Name: name,
  CreationDate: createdAt / 1000,
  LastModificationDate: changedAt / 1000,
  ...said,
});

/** ListSchedules tells neither the expression nor the description. */
export const summary = ({ arn, group, name, createdAt, changedAt, said }: Schedule): Output => ({
  Arn: arn,
  GroupName: group,
  Name: name,
  CreationDate: createdAt / 1000,
  LastModificationDate: changedAt / 1000,
  State: said.State,
  Target: { Arn: (said.Target as { Arn: string }).Arn },
});
