/** Above 300 plans: the schedules end up as the settings say, whatever happens on the way, and there is never a gap. */
import {
  CreateScheduleCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  UpdateScheduleCommand,
  type UpdateScheduleCommandInput,
} from "@aws-sdk/client-scheduler";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SyncDeps } from "../../shared/app/sync-plans.ts";
import { awsSchedules } from "../../shared/aws/schedules.ts";
import {
  DEAD_ARN,
  GROUP,
  type Kill,
  openSyncHouse,
  owed,
  QUEUE_ARN,
  ROLE_ARN,
  type SyncHouse,
  settingsOf,
} from "../support/sync-house.ts";

let house: SyncHouse;
beforeEach(async () => {
  house = await openSyncHouse();
});
afterEach(() => house.close());

const FEW = { "btc-weekly": "monday 08:00", "eth-daily": "day 09:30", "sol-monthly": "month last day 18:00" };
/** One stays, one is changed, one leaves, one is new; as long a name as there can be. */
const LONG = "a-plan-whose-name-is-as-long-as-";
const OTHERS = { "btc-weekly": "monday 08:00", "eth-daily": "day 10:30", [LONG]: "weekdays 12:00" };
const few = settingsOf(FEW);
const others = settingsOf(OTHERS);

const agreed = { is: "agreed", created: 0, restored: 0, removed: 0, left: 0 };
const isWrite = (call: string) => /^(POST|PUT|DELETE) /.test(call);
const fault = (operation: string, name: string, times = 1, more = {}) =>
  house.inTime(
    house.cloud.requestHandler.handle({
      method: "POST",
      path: "/_control/faults",
      hostname: "embedded",
      headers: {},
      body: JSON.stringify([{ operation, fault: name, times, ...more }]),
    }),
  );

const nameLike = async (start: string) => (await house.names()).find((name) => name.startsWith(start))!;

async function changeByHand(Name: string, change: Partial<UpdateScheduleCommandInput>) {
  const { $metadata, Arn, CreationDate, LastModificationDate, ...says } = await house.byHand.send(
    new GetScheduleCommand({ GroupName: GROUP, Name }),
  );
  await house.byHand.send(new UpdateScheduleCommand({ ...(says as UpdateScheduleCommandInput), ...change }));
}

const switchOff = (name: string) => changeByHand(name, { State: "DISABLED" });

describe("to the settings", () => {
  test("a thousand plans have their schedules within a minute, which the next one confirms", async () => {
    const thousand = settingsOf(
      Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`plan-${n}`, `day 08:${10 + (n % 50)}`])),
    );
    const startedAt = house.clock.now();
    expect(await house.minute(thousand)).toEqual({ ...agreed, is: "working", created: 1000 });
    expect(house.clock.now() - startedAt).toBeGreaterThan(20_000 + 60_000 - 1000); // Fifty a second
    expect(await house.told()).toEqual(owed(thousand));
    expect(await house.minute(thousand)).toEqual(agreed);
  });

  test("four hundred plans whose making is killed in the middle, twice, are there in the end, each once", async () => {
    const many = settingsOf(
      Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`plan-${n}`, "day 08:00"])),
    );
    for (const at of [150, 203]) {
      const killed = house.minute(many, { kill: { at, when: "after" } });
      await expect(killed).rejects.toThrow("killed");
    }
    // Read, hold, one or two pages of the list; the rest of the calls were creations.
    expect(await house.minute(many)).toMatchObject({ is: "working", created: 400 - 147 - 199, left: 0 });
    expect(await house.told()).toEqual(owed(many));
    expect(await house.minute(many)).toEqual(agreed);
  });

  test("a plan that is changed, one that left and one that is new are made so, and no other is touched", async () => {
    await house.minute(few);
    const before = await house.names();
    house.takeCalls();
    expect(await house.minute(others)).toEqual({ ...agreed, is: "working", created: 2, removed: 2 });
    expect(house.takeCalls().filter(isWrite)).toHaveLength(4);
    expect(await house.told()).toEqual(owed(others));
    const kept = (await house.names()).filter((name) => before.includes(name));
    expect(kept).toEqual([expect.stringMatching(/^btc-weekly\.[0-9a-f]{12}$/)]);
    expect((await house.names()).every((name) => name.length <= 64)).toBe(true);
    expect(await house.minute(others)).toEqual(agreed);
  });

  test("what left goes first, and what is changed has its new schedule before it loses the old one", async () => {
    await house.minute(few);
    house.takeCalls();
    await house.minute(others);
    const writes = house
      .takeCalls()
      .filter(isWrite)
      .map((call) => call.replace(/\.[0-9a-f]+$/, ""));
    expect(writes[0]).toBe("DELETE /schedules/sol-monthly");
    expect(writes.at(-1)).toBe("DELETE /schedules/eth-daily");
    expect(writes).toContain("POST /schedules/eth-daily");
  });

  test("back to what was before, and to nothing at all", async () => {
    for (const settings of [few, others, few, settingsOf({ one: "day 01:00" })]) {
      await house.minute(settings);
      expect(await house.told()).toEqual(owed(settings));
    }
  });
});

describe("what it costs", () => {
  test("with nothing to do a minute is one read, and once an hour the whole list is looked at", async () => {
    const { run } = house.container(few);
    await house.inTime(run());
    house.pass(1);
    await house.inTime(run());
    house.takeCalls();
    for (let minute = 0; minute < 59; minute++) {
      house.pass(1);
      expect(await house.inTime(run())).toEqual(agreed);
    }
    expect(house.takeCalls()).toEqual(Array.from({ length: 59 }, () => "GetItem"));
    house.pass(1);
    expect(await house.inTime(run())).toEqual(agreed);
    expect(house.takeCalls()).toEqual(["GetItem", "PutItem", "GET /schedules", "PutItem"]);
  });

  test("no call starts after its 40 seconds, and the next minute goes on from there", async () => {
    const slow = (deps: SyncDeps): SyncDeps => ({
      ...deps,
      schedules: {
        ...deps.schedules,
        async create(schedule) {
          await deps.clock.sleep(15_000);
          return deps.schedules.create(schedule);
        },
      },
    });
    const fifty = settingsOf(
      Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`plan-${n}`, "day 08:00"])),
    );
    const created: number[] = [];
    for (let minute = 0; minute < 4; minute++) {
      const startsAt = Math.floor(house.clock.now() / 60_000 + 1) * 60_000;
      const report = await house.minute(fifty, { around: slow });
      created.push(report.created);
      expect(house.clock.now() - startsAt).toBeLessThan(55_000);
    }
    expect(created).toEqual([24, 24, 2, 0]); // Eight at a time, three times
    expect(await house.told()).toEqual(owed(fifty));
  });

  test("an answer that AWS is too busy ends the minute's work", async () => {
    const fifty = settingsOf(
      Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`plan-${n}`, "day 08:00"])),
    );
    await fault("CreateSchedule", "throttle", 1, { skip: 10 });
    const { is, created, left } = await house.minute(fifty);
    expect({ is, left }).toEqual({ is: "working", left: 50 - created });
    expect(created).toBeGreaterThanOrEqual(10);
    expect(created).toBeLessThan(10 + 8); // Those that were under way
    house.takeCalls();
    await fault("ListSchedules", "throttle");
    expect(await house.minute(fifty)).toMatchObject({ is: "working", created: 0 });
    expect(house.takeCalls()).toEqual(["GetItem", "PutItem", "GET /schedules", "PutItem"]);
    expect(await house.minute(fifty)).toMatchObject({ created: 50 - created, left: 0 });
    expect(await house.told()).toEqual(owed(fifty));
    expect(await house.minute(fifty)).toEqual(agreed);
  });
});

describe("whatever happens on the way", () => {
  /** Two minutes with a whole list each: what was left is made, then it is seen. */
  const settle = async (settings: typeof few) => {
    await house.minute(settings);
    expect(await house.minute(settings)).toEqual(agreed);
    expect(await house.told()).toEqual(owed(settings));
  };

  test.each(["before", "after"] as const)("killed %s any of its calls, it converges", async (when) => {
    let kills = 0;
    for (let at = 1; ; at++) {
      await house.close();
      house = await openSyncHouse();
      await house.minute(few);
      const { run, wasKilled } = house.container(others, { kill: { at, when } });
      house.pass(1);
      await house.inTime(run()).catch(() => {});
      if (!wasKilled()) break;
      kills++;
      // What is wanted before and after has had a schedule at every moment.
      expect(await house.plansFired()).toContain("btc-weekly");
      expect(await house.plansFired()).toContain("eth-daily");
      await settle(others);
    }
    expect(kills).toBe(8); // Read, hold, list, two creations, two deletions, the end
  });

  test.each(["CreateSchedule", "DeleteSchedule", "ListSchedules", "PutItem", "GetItem"])(
    "an answer of %s that gets lost changes nothing in the end",
    async (operation) => {
      await house.minute(few);
      await fault(operation, "applied-but-reply-lost", 2);
      await house.minute(others);
      await house.minute(others);
      await settle(others);
    },
  );

  test("an invocation that another one overlaps leaves the group alone", async () => {
    const old = house.container(few, {
      around: (deps) => ({
        ...deps,
        schedules: {
          ...deps.schedules,
          async page(token) {
            await deps.clock.sleep(20_000);
            return deps.schedules.page(token);
          },
        },
      }),
    });
    const running = old.run();
    const second = (async () => {
      await house.clock.sleep(5_000);
      house.takeCalls();
      return house.container(others).run();
    })();
    const [first, overlapping] = await house.inTime(Promise.all([running, second]));
    expect(first.created).toBe(3);
    expect(overlapping).toEqual({ ...agreed, is: "held" });
    await settle(others);
  });

  test("two that start at the same instant do not both work", async () => {
    const both = Promise.all([house.container(few).run(), house.container(others).run()]);
    const reports = await house.inTime(both);
    expect(reports.map(({ is }) => is).sort()).toEqual(["held", "working"]);
    house.pass(1);
    await settle(others);
  });

  test("a plan whose new schedule AWS refuses keeps its old one, and the others go on", async () => {
    await house.minute(few);
    const refusing = (deps: SyncDeps): SyncDeps => ({
      ...deps,
      schedules: {
        ...deps.schedules,
        async create(schedule) {
          if (schedule.plan === "eth-daily") throw new Error("eth-daily is not to AWS's liking");
          return deps.schedules.create(schedule);
        },
      },
    });
    await expect(house.minute(others, { around: refusing })).rejects.toThrow("not to AWS's liking");
    expect(await house.plansFired()).toEqual(new Set(["btc-weekly", "eth-daily", LONG]));
    await expect(house.minute(others, { around: refusing })).rejects.toThrow("not to AWS's liking");
    await settle(others);
  });

  test("what others make, change and delete between the list and the calls is no error", async () => {
    await house.minute(few);
    const [gone, switchedOff] = [await nameLike("sol-monthly"), await nameLike("btc-weekly")];
    await switchOff(switchedOff);
    const meddled = (deps: SyncDeps): SyncDeps => ({
      ...deps,
      schedules: {
        ...deps.schedules,
        async page(token) {
          const page = await deps.schedules.page(token);
          for (const Name of [gone, switchedOff]) {
            await house.byHand.send(new DeleteScheduleCommand({ GroupName: GROUP, Name }));
          }
          for (const schedule of deps.wanted.byName.values()) await deps.schedules.create(schedule);
          await house.byHand.send(new DeleteScheduleCommand({ GroupName: GROUP, Name: switchedOff }));
          return page;
        },
      },
    });
    expect(await house.minute(others, { around: meddled })).toEqual({ ...agreed, is: "working", left: 5 });
    await settle(others);
  });

  test("half an hour in which AWS takes nothing is an error, so that it does not stay silent", async () => {
    await fault("CreateSchedule", "throttle", 1000);
    for (let minute = 0; minute <= 30; minute++) {
      expect(await house.minute(few)).toMatchObject({ is: "working", created: 0, left: 3 });
    }
    await expect(house.minute(few)).rejects.toThrow(/^the schedules have not agreed .*: 3 changes are left$/);
    await fault("ListSchedules", "throttle", 1);
    await expect(house.minute(few)).rejects.toThrow(/they could not be listed in time$/);
  });
});

describe("what others do in the group", () => {
  const afterAnHour = async () => {
    house.pass(61);
    await house.minute(few);
    return house.minute(few);
  };
  beforeEach(async () => {
    await house.minute(few);
    await house.minute(few);
  });

  test("what somebody deleted is there again within the hour", async () => {
    const Name = await nameLike("btc-weekly");
    await house.byHand.send(new DeleteScheduleCommand({ GroupName: GROUP, Name }));
    expect(await afterAnHour()).toEqual(agreed);
    expect(await house.told()).toEqual(owed(few));
  });

  test.each([
    ["switched off", { State: "DISABLED" as const }],
    ["turned to another queue", { Target: { Arn: `${DEAD_ARN}-2`, RoleArn: ROLE_ARN } }],
  ])("what somebody %s is as it was within the hour", async (_, change) => {
    await changeByHand(await nameLike("btc-weekly"), change);
    expect(await house.told()).not.toEqual(owed(few));
    expect(await afterAnHour()).toEqual(agreed);
    expect(await house.told()).toEqual(owed(few));
  });

  test.each(["nobodys-plan", "nobodys.0123456789ab", "btc-weekly.by-hand", "btc-weekly"])(
    "a schedule %s that nobody wants is deleted: the group is ours alone",
    async (Name) => {
      await house.byHand.send(
        new CreateScheduleCommand({
          GroupName: GROUP,
          Name,
          ScheduleExpression: "cron(0 8 * * ? *)",
          FlexibleTimeWindow: { Mode: "OFF" },
          Target: { Arn: QUEUE_ARN, RoleArn: ROLE_ARN, Input: "{}" },
        }),
      );
      expect(await afterAnHour()).toEqual(agreed);
      expect(await house.told()).toEqual(owed(few));
    },
  );

  test("a schedule outside the group is not seen", async () => {
    const Name = "btc-weekly.0123456789ab";
    await house.byHand.send(
      new CreateScheduleCommand({
        Name,
        ScheduleExpression: "cron(0 8 * * ? *)",
        FlexibleTimeWindow: { Mode: "OFF" },
        Target: { Arn: QUEUE_ARN, RoleArn: ROLE_ARN },
      }),
    );
    await afterAnHour();
    expect((await house.byHand.send(new GetScheduleCommand({ Name }))).Name).toBe(Name);
  });
});

test("a schedule that would fire when it is made is never sent", () => {
  const { nameOf } = awsSchedules({} as never, {
    group: GROUP,
    queue: QUEUE_ARN,
    role: ROLE_ARN,
    deadLetters: DEAD_ARN,
  });
  const schedule = { plan: "p", account: "main", zone: "UTC", description: "", message: "{}" };
  expect(() => nameOf({ ...schedule, expression: "rate(1 day)" })).toThrow(
    "the schedule of p is rate(1 day), expected cron( )",
  );
  const daily = nameOf({ ...schedule, expression: "cron(0 8 * * ? *)" });
  expect(daily).toMatch(/^p\.[0-9a-f]{12}$/);
  for (const other of [
    { expression: "cron(0 9 * * ? *)" },
    { zone: "Europe/Berlin" },
    { account: "two" },
    { description: "d" },
    { message: "{ }" },
  ]) {
    expect(nameOf({ ...schedule, expression: "cron(0 8 * * ? *)", ...other })).not.toBe(daily);
  }
});

test("whatever the settings were and wherever it was killed, two quiet minutes end at exactly the settings", async () => {
  const plans = fc.dictionary(
    fc.constantFrom("a", "b", "a-b", "c", "d", "e", "long-name-of-a-plan", "f"),
    fc.constantFrom("day 08:00", "day 09:00", "monday 08:00", "month 3 10:00"),
    { minKeys: 1 },
  );
  const kill: fc.Arbitrary<Kill | undefined> = fc.option(
    fc.record({
      at: fc.integer({ min: 1, max: 15 }),
      when: fc.constantFrom<Kill["when"]>("before", "after"),
    }),
    { nil: undefined },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ plans, kill }), { minLength: 1, maxLength: 4 }),
      plans,
      async (steps, last) => {
        const inner = await openSyncHouse();
        for (const { plans: each, kill: end } of steps) {
          const { run } = inner.container(settingsOf(each), end === undefined ? {} : { kill: end });
          await inner.inTime(run()).catch(() => {});
          inner.pass(1);
        }
        const settings = settingsOf(last);
        await inner.minute(settings);
        expect(await inner.minute(settings)).toEqual(agreed);
        expect(await inner.told()).toEqual(owed(settings));
        await inner.close();
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);
