/** Schedules are kept, changed, told and taken away as EventBridge Scheduler does it. None of them fires here. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  GetScheduleGroupCommand,
  ListScheduleGroupsCommand,
  ListSchedulesCommand,
  paginateListSchedules,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failure, type House, openHouse, START, times, ways } from "../support/cloud-house.ts";

const GROUP = { GroupName: "plans" };

const weekly: CreateScheduleCommandInput = {
  ...GROUP,
  Name: "btc-weekly.0123456789ab",
  ScheduleExpression: "cron(0 8 ? * MON *)",
  ScheduleExpressionTimezone: "Europe/Berlin",
  FlexibleTimeWindow: { Mode: "OFF" },
  State: "ENABLED",
  ActionAfterCompletion: "NONE",
  Description: "btc-weekly: every monday 08:00 & more, Europe/Berlin",
  Target: {
    Arn: "arn:aws:sqs:us-east-1:000000000000:dca.fifo",
    RoleArn: "arn:aws:iam::000000000000:role/fires",
    Input: '{"plan":"btc-weekly","slot":"<aws.scheduler.scheduled-time>"}',
    SqsParameters: { MessageGroupId: "main" },
    DeadLetterConfig: { Arn: "arn:aws:sqs:us-east-1:000000000000:dead" },
    RetryPolicy: { MaximumRetryAttempts: 20, MaximumEventAgeInSeconds: 900 },
  },
};

describe.each(ways)("Scheduler ($reach, $store)", (way) => {
  let house: House;
  beforeEach(async () => {
    house = await openHouse(way);
    await house.scheduler.send(new CreateScheduleGroupCommand({ Name: "plans" }));
  });
  afterEach(() => house.close());

  const create = (more: Partial<CreateScheduleCommandInput> = {}) =>
    house.scheduler.send(new CreateScheduleCommand({ ...weekly, ...more }));
  const get = (Name = weekly.Name, GroupName = "plans") =>
    house.scheduler.send(new GetScheduleCommand({ Name, GroupName }));
  const names = async (more = {}) =>
    (await house.scheduler.send(new ListSchedulesCommand(more))).Schedules!.map(({ Name }) => Name);

  test("a schedule is told as it was made", async () => {
    const { ScheduleArn } = await create();
    expect(ScheduleArn).toBe(
      "arn:aws:scheduler:us-east-1:000000000000:schedule/plans/btc-weekly.0123456789ab",
    );
    const { $metadata, ...told } = await get();
    const at = new Date(START);
    expect(told).toEqual({ ...weekly, Arn: ScheduleArn, CreationDate: at, LastModificationDate: at });
  });

  test("what is not said has AWS's values", async () => {
    const { Name, ScheduleExpression, FlexibleTimeWindow } = weekly;
    const { Arn, RoleArn } = weekly.Target!;
    await house.scheduler.send(
      new CreateScheduleCommand({ Name, ScheduleExpression, FlexibleTimeWindow, Target: { Arn, RoleArn } }),
    );
    const { $metadata, ...told } = await get(Name, "default");
    expect(told).toMatchObject({ GroupName: "default", State: "ENABLED", ScheduleExpressionTimezone: "UTC" });
    expect(told).toMatchObject({ ActionAfterCompletion: "NONE" });
    expect(told.Target?.RetryPolicy).toEqual({ MaximumRetryAttempts: 185, MaximumEventAgeInSeconds: 86_400 });
  });

  test("a name is taken once in its group, and the repetition of a lost answer is no second one", async () => {
    const first = await create({ ClientToken: "token-1" });
    expect((await create({ ClientToken: "token-1" })).ScheduleArn).toBe(first.ScheduleArn);
    const error = await failure(create({ ClientToken: "token-2" }));
    expect(error).toMatchObject({ name: "ConflictException", $metadata: { httpStatusCode: 409 } });
    expect(error.message).toBe("Schedule btc-weekly.0123456789ab already exists.");
    await create({ GroupName: "default" });
    expect(await names(GROUP)).toEqual([weekly.Name]);
    expect(await names()).toEqual([weekly.Name, weekly.Name]);
  });

  test("an update replaces everything but the time of creation", async () => {
    await create();
    house.clock.moveTo(START + 60_000);
    const { Description, ...without } = weekly;
    await house.scheduler.send(
      new UpdateScheduleCommand({ ...without, State: "DISABLED", ScheduleExpression: "cron(0 9 * * ? *)" }),
    );
    const told = await get();
    expect(told.Description).toBeUndefined();
    expect(told).toMatchObject({ State: "DISABLED", ScheduleExpression: "cron(0 9 * * ? *)" });
    expect(told.CreationDate).toEqual(new Date(START));
    expect(told.LastModificationDate).toEqual(new Date(START + 60_000));
    expect(await names({ ...GROUP, State: "ENABLED" })).toEqual([]);
  });

  test("a list tells name, state and target of each, page after page, whatever is deleted in between", async () => {
    const made = times(7, (at) => `plan-${at}.0`);
    for (const Name of made) await create({ Name });
    const first = await house.scheduler.send(new ListSchedulesCommand({ ...GROUP, MaxResults: 3 }));
    expect(first.Schedules!.map(({ Name }) => Name)).toEqual(made.slice(0, 3));
    expect(first.Schedules![0]).toEqual({
      Arn: expect.stringContaining("schedule/plans/plan-0.0"),
      Name: "plan-0.0",
      GroupName: "plans",
      State: "ENABLED",
      CreationDate: new Date(START),
      LastModificationDate: new Date(START),
      Target: { Arn: weekly.Target!.Arn },
    });
    await house.scheduler.send(new DeleteScheduleCommand({ ...GROUP, Name: "plan-2.0" }));
    const rest: (string | undefined)[] = [];
    const paged = paginateListSchedules(
      { client: house.scheduler, pageSize: 3, startingToken: first.NextToken! },
      { ...GROUP }, // It writes into what it is given
    );
    for await (const page of paged) rest.push(...page.Schedules!.map(({ Name }) => Name));
    expect(rest).toEqual(made.slice(3));
    expect(await names({ ...GROUP, NamePrefix: "plan-5" })).toEqual(["plan-5.0"]);
  });

  test("a deleted schedule is gone, and is not deleted twice", async () => {
    await create();
    const remove = () => house.scheduler.send(new DeleteScheduleCommand({ ...GROUP, Name: weekly.Name }));
    await remove();
    const gone = { name: "ResourceNotFoundException", $metadata: { httpStatusCode: 404 } };
    expect(await failure(remove())).toMatchObject(gone);
    expect(await failure(get())).toMatchObject(gone);
    const update = house.scheduler.send(new UpdateScheduleCommand(weekly));
    expect(await failure(update)).toMatchObject(gone);
    await create();
  });

  test("a group is made once and told; one that is not there has no schedules", async () => {
    const told = await house.scheduler.send(new GetScheduleGroupCommand({ Name: "plans" }));
    expect(told).toMatchObject({
      Arn: "arn:aws:scheduler:us-east-1:000000000000:schedule-group/plans",
      State: "ACTIVE",
      CreationDate: new Date(START),
    });
    const again = house.scheduler.send(new CreateScheduleGroupCommand({ Name: "plans" }));
    expect((await failure(again)).name).toBe("ConflictException");
    expect((await failure(create({ GroupName: "none" }))).name).toBe("ResourceNotFoundException");
    expect((await failure(names({ GroupName: "none" }))).name).toBe("ResourceNotFoundException");
    expect((await failure(get(weekly.Name, "none"))).name).toBe("ResourceNotFoundException");
  });

  const target = (more: object) => ({ Target: { ...weekly.Target!, ...more } });
  test.each<[string, Partial<CreateScheduleCommandInput>]>([
    ["a name with a character outside of AWS's", { Name: "btc weekly" }],
    ["a name of 65 characters", { Name: "x".repeat(65) }],
    ["rate(), which would fire when it is made", { ScheduleExpression: "rate(1 day)" }],
    ["a cron of five fields", { ScheduleExpression: "cron(0 8 * * 1)" }],
    ["both day fields", { ScheduleExpression: "cron(0 8 1 * MON *)" }],
    ["a zone that is none", { ScheduleExpressionTimezone: "Europe/Nowhere" }],
    ["no flexible time window", { FlexibleTimeWindow: undefined as never }],
    ["a window that is off and long", { FlexibleTimeWindow: { Mode: "OFF", MaximumWindowInMinutes: 5 } }],
    ["no target", { Target: undefined as never }],
    ["a target without a role", target({ RoleArn: undefined })],
    ["an empty message", target({ Input: "" })],
    ["more retries than there are", target({ RetryPolicy: { MaximumRetryAttempts: 186 } })],
    ["an age of less than a minute", target({ RetryPolicy: { MaximumEventAgeInSeconds: 59 } })],
    [
      "dead letters elsewhere than in SQS",
      target({ DeadLetterConfig: { Arn: "arn:aws:sns:us-east-1:1:t" } }),
    ],
    ["a state that is none", { State: "ON" as never }],
    ["a description of 513 characters", { Description: "x".repeat(513) }],
  ])("%s is refused, and nothing is kept", async (_, more) => {
    const error = await failure(create(more));
    expect(error).toMatchObject({ name: "ValidationException", $metadata: { httpStatusCode: 400 } });
    expect(error.message).not.toBe("");
    expect(await names()).toEqual([]);
  });

  test("a page of nothing, one too large and a token of elsewhere are refused", async () => {
    for (const more of [{ MaxResults: 0 }, { MaxResults: 101 }, { NextToken: "elsewhere" }]) {
      expect((await failure(names(more))).name).toBe("ValidationException");
    }
  });

  test("an operation that is not there is refused", async () => {
    const list = house.scheduler.send(new ListScheduleGroupsCommand({}));
    expect((await failure(list)).name).toBe("UnknownOperationException");
  });

  test("throttling and lost answers happen on order", async () => {
    await house.arm({ operation: "CreateSchedule", fault: "throttle" });
    const { $metadata } = await create(); // The client tries again
    expect($metadata.attempts).toBe(2);
    await house.arm({ operation: "DeleteSchedule", fault: "applied-but-reply-lost" });
    const remove = house.scheduler.send(new DeleteScheduleCommand({ ...GROUP, Name: weekly.Name }));
    expect((await failure(remove)).name).toBe("ResourceNotFoundException"); // Of its second attempt
  });

  if (way.store === "disk") {
    test("groups and schedules are there after the endpoint is opened again", async () => {
      await create();
      await create({ Name: "other" });
      await house.scheduler.send(new DeleteScheduleCommand({ ...GROUP, Name: "other" }));
      const before = await get();
      house = await house.reopened();
      const after = await get();
      expect({ ...after, $metadata: 0 }).toEqual({ ...before, $metadata: 0 });
      expect(await names(GROUP)).toEqual([weekly.Name]);
    });
  }
});

test("killed while schedules are made and deleted, everything that was answered holds", async () => {
  const onDisk = { reach: "in-process", store: "disk" } as const;
  const first = await openHouse(onDisk);
  const [dir, { clock }] = [first.dir as string, first];
  await first.cloud.close();
  const child = spawn(process.execPath, [join(import.meta.dirname, "../support/schedule-writer.ts"), dir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const made = new Set<string>();
  const deleted = new Set<string>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, name] = line.split(" ") as [string, string];
    (what === "made" ? made : deleted).add(name);
    if (made.size === 40) child.kill("SIGKILL");
  }
  await ended;
  expect(child.signalCode).toBe("SIGKILL");
  const house = await openHouse(onDisk, { dir, clock });
  const found = await house.scheduler.send(new ListSchedulesCommand({ GroupName: "plans" }));
  const names = new Set(found.Schedules!.map(({ Name }) => Name!));
  // Of the one in hand at the end it is not known whether it was deleted.
  const owed = [...made].filter((name) => !deleted.has(name) && Number(name.slice("plan-".length)) % 2 === 1);
  expect(owed.filter((name) => !names.has(name))).toEqual([]);
  expect([...deleted].filter((name) => names.has(name))).toEqual([]);
  await house.close();
});
