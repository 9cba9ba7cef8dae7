/**
 * Every role against what its code calls: the real handlers do all they can do, against the embedded AWS, and each call that
 * the SDK makes is held against the template. Nothing may be missing, and nothing may be allowed that was not used.
 */
import {
  GetScheduleCommand,
  ListSchedulesCommand,
  SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeHandler as makePlanSync } from "../../functions/plan-sync.ts";
import { makeHandler as makeSweep } from "../../functions/sweep.ts";
import { awsConfig, connect, connectPlanSync, connectSweep } from "../../functions/wire.ts";
import { registerPlans } from "../../shared/app/register-plans.ts";
import { ENVIRONMENT } from "../../shared/config/names.ts";
import { type AwsCall, recording } from "../support/aws-calls.ts";
import { placeByHand } from "../support/by-hand.ts";
import { example } from "../support/examples.ts";
import { type House, openHouse, PLANS, SLOT, settingsIn } from "../support/house.ts";
import { type StackTemplate, synthesized } from "../support/synthesized.ts";

const MANY = `${example("saver.yaml")}${Array.from(
  { length: 301 },
  (_, index) => `  - { id: plan-${index}, buy: 10 EUR of BTC, every: "hour at :15" }\n`,
).join("")}`;
const template = synthesized(MANY).automation;

type Statement = {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
};

/** Rights that AWS itself uses in the function's name: its code calls none of them. */
const OF_THE_PLATFORM = ["WriteLogs", "StandInVpc", "NotByTheCodeItself", "ReadFirings", "FireAs"];
const isOfThePlatform = ({ Sid, Action }: Statement): boolean =>
  OF_THE_PLATFORM.includes(Sid) || listed(Action).every((action) => action.startsWith("xray:"));

const statementsOf = ({ resources }: StackTemplate, role: string): readonly Statement[] =>
  resources
    .filter(({ id, Type }) => Type === "AWS::IAM::Policy" && id.startsWith(`${role}RoleDefaultPolicy`))
    .flatMap(({ Properties }) => (Properties.PolicyDocument as { Statement: Statement[] }).Statement);

const listed = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T]);

const textOf = (resource: unknown): string =>
  typeof resource === "string" ? resource : JSON.stringify(resource);

/** Names of this file for what a statement and a call mean by the same thing. */
function kindOf(resource: string): string {
  if (resource.includes("/index/open")) return "index";
  if (/Ledger|^tidekeeper$/.test(resource)) return "table";
  if (/DeadLetters|-dead\.fifo/.test(resource)) return "dead letters";
  if (/DcaQueue|tidekeeper-dca\.fifo/.test(resource)) return "queue";
  if (/Messages|tidekeeper-messages/.test(resource)) return "topic";
  if (resource.includes("tidekeeper/main/")) return `secret ${/main\/(\w+)/.exec(resource)![1]}`;
  if (resource === "*") return "anything";
  if (/:schedule\/|^(plan-2|btc-weekly)\./.test(resource)) return "schedules";
  return resource;
}

const partitionsOf = ({ Condition }: Statement): readonly string[] =>
  listed((Condition?.["ForAllValues:StringLike"]?.["dynamodb:LeadingKeys"] ?? []) as string | string[]);

const isUnder = (key: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) =>
    pattern.endsWith("*") ? key.startsWith(pattern.slice(0, -1)) : key === pattern,
  );

/** Rights as `action on kind in partition`, so that both sides can be compared as lists. */
function allowedOf(statements: readonly Statement[]): readonly string[] {
  return statements
    .filter((statement) => statement.Effect === "Allow" && !isOfThePlatform(statement))
    .flatMap((statement) =>
      listed(statement.Action).flatMap((action) =>
        listed(statement.Resource as string).flatMap((resource) => {
          return [`${action} on ${kindOf(textOf(resource))}`];
        }),
      ),
    );
}

function expectExact(role: string, calls: readonly AwsCall[]): void {
  const statements = statementsOf(template, role);
  const allowed = [...new Set(allowedOf(statements))].sort();
  const used = [...new Set(calls.map(({ action, resource }) => `${action} on ${kindOf(resource)}`))].sort();
  expect(used).toEqual(allowed);
  for (const { action, resource, leadingKey } of calls) {
    if (leadingKey === undefined) continue;
    const patterns = statements
      .filter((one) => one.Effect === "Allow" && listed(one.Action).includes(action))
      .filter((one) => kindOf(textOf(one.Resource)) === kindOf(resource))
      .flatMap(partitionsOf);
    expect(isUnder(leadingKey, patterns), `${action} on ${leadingKey}, allowed ${patterns.join()}`).toBe(
      true,
    );
  }
}

let house: House;
beforeEach(async () => {
  house = await openHouse({ plans: PLANS });
});
afterEach(() => house.close());

const recorded = () => {
  const calls: AwsCall[] = [];
  const around = house.surroundings();
  return { calls, around: { ...around, requestHandler: recording(around.requestHandler!, calls) } };
};

/** A minute passes, and a sweep whose calls are nobody's here. */
async function sweptByOthers(): Promise<void> {
  house.clock.moveTo(house.clock.now() + 60_000);
  await house.inTime(makeSweep(async () => house.deps)({}, {} as never));
  await house.work();
}

describe("a role allows what its code calls, and nothing else", () => {
  test("dca: buys, doubts, refusals, and all that the owner asks", async () => {
    const { calls, around } = recorded();
    house.use(await connect(around));
    await house.fireSlot();
    await house.buy("again");
    await house.faults([
      { endpoint: "AddOrder", fault: "drop-request", times: 1 },
      { endpoint: "AddOrder", fault: "html-520-after-accept", times: 1 },
    ]);
    await house.buy("in-doubt");
    for (let minute = 0; minute < 4; minute++) await sweptByOthers();
    await house.fire({ kind: "dca", account: "main", plan: "unknown", key: "x" });
    await house.fire({ kind: "check-key", account: "main", use: "trade" });
    await house.fire({ kind: "check-key", account: "main", use: "read" });
    // The owner's own order, under an id of its own: only the whole history tells that it is none of ours.
    await placeByHand(house);
    await house.fire({ kind: "cancel", account: "main" });
    await house.fire({ kind: "resolve", account: "main", run: `btc-weekly@${SLOT}` });
    expect((await house.run("btc-weekly@in-doubt")).run.outcome).toBe("bought");
    expectExact("DcaWorker", calls);
  });

  test("sweep: finds, fires, writes down what was missed, accounts the day, and tells", async () => {
    const { calls, around } = recorded();
    const deps = await connectSweep(around);
    await registerPlans(deps);
    const sweep = async () => {
      await house.inTime(makeSweep(async () => deps)({}, {} as never));
      await house.work();
    };
    await house.faults([{ endpoint: "AddOrder", fault: "drop-request", times: 1 }]);
    await house.fireSlot();
    for (let minute = 0; minute < 4; minute++) {
      house.clock.moveTo(house.clock.now() + 60_000);
      await sweep();
    }
    house.clock.moveTo(house.clock.now() + 8 * 86_400_000);
    await sweep();
    house.clock.moveTo(house.clock.now() + 60_000);
    await sweep();
    const outcomes = (await house.deps.books.runs("main")).map(({ run }) => run.outcome);
    expect(outcomes).toEqual(["bought", "missed"]);
    expectExact("SweepWorker", calls);
  });

  test("plan-sync: makes, replaces and takes away schedules", async () => {
    const { calls, around } = recorded();
    const places = {
      [ENVIRONMENT.scheduleGroup]: "default",
      [ENVIRONMENT.scheduleTarget]: "arn:aws:sqs:us-east-1:000000000000:tidekeeper-dca.fifo",
      [ENVIRONMENT.scheduleRole]: "arn:aws:iam::000000000000:role/fire",
      [ENVIRONMENT.scheduleDeadLetters]: "arn:aws:sqs:us-east-1:000000000000:lost",
    };
    const env = { ...around.env, ...places };
    const sync = async (plans: string) => {
      const deps = await connectPlanSync({ ...around, env, settings: settingsIn(plans) });
      await house.inTime(makePlanSync(async () => deps)({}, {} as never));
    };
    const two = `${PLANS}  - { id: plan-2, buy: 10 EUR of BTC, every: "hour at :15" }\n`;
    await sync(two);
    // Somebody switches one off by hand; the hourly look finds it.
    const scheduler = new SchedulerClient(awsConfig(house.surroundings()));
    const { Schedules } = await scheduler.send(new ListSchedulesCommand({ GroupName: "default" }));
    const known = await scheduler.send(new GetScheduleCommand({ Name: Schedules![0]!.Name }));
    const { ScheduleExpression, FlexibleTimeWindow, Target } = known;
    await scheduler.send(
      new UpdateScheduleCommand({
        Name: known.Name,
        State: "DISABLED",
        ScheduleExpression,
        FlexibleTimeWindow,
        Target,
      }),
    );
    house.clock.moveTo(house.clock.now() + 3_700_000);
    await sync(two);
    await sync(two.replace(":15", ":20"));
    await sync(PLANS);
    expectExact("PlanSyncWorker", calls);
  });
});

describe("what no role may", () => {
  const roles = template.resources.filter(({ Type }) => Type === "AWS::IAM::Role").map(({ id }) => id);
  const policies = template.resources
    .filter(({ Type }) => Type === "AWS::IAM::Policy")
    .flatMap(({ id, Properties }) =>
      (Properties.PolicyDocument as { Statement: Statement[] }).Statement.map((statement) => ({
        id,
        ...statement,
      })),
    );

  test("no role has a policy that somebody else writes", () => {
    for (const role of template.ofType("AWS::IAM::Role")) {
      expect(role.Properties.ManagedPolicyArns, role.id).toBeUndefined();
      expect(role.Properties.Policies, role.id).toBeUndefined();
    }
    expect(roles).toHaveLength(6);
  });

  test("no action is a pattern, and `*` stands for a resource only where AWS knows no name", () => {
    for (const { Action } of policies) for (const action of listed(Action)) expect(action).not.toContain("*");
    const anything = policies
      .filter(({ Resource }) => listed(Resource).includes("*"))
      .map(({ Sid, Action }) => Sid ?? listed(Action).join());
    expect([...new Set(anything)].sort()).toEqual([
      "ListSchedules",
      "NotByTheCodeItself",
      "StandInVpc",
      "xray:PutTraceSegments,xray:PutTelemetryRecords",
    ]);
  });

  test("only dca may read a key of Kraken's", () => {
    const readers = policies.filter(({ Action }) => listed(Action).includes("secretsmanager:GetSecretValue"));
    expect(readers.map(({ id }) => id)).toEqual([expect.stringMatching(/^DcaWorker/)]);
  });

  test("whoever may use the ledger is denied to delete from it, whatever else it is ever given", () => {
    const users = policies.filter(({ Sid }) => Sid === "UseLedger").map(({ id }) => id);
    const denied = policies
      .filter(({ Sid, Effect }) => Sid === "NeverDelete" && Effect === "Deny")
      .map(({ id }) => id);
    expect(users.sort()).toEqual(denied.sort());
    expect(users).toHaveLength(3);
    for (const { Action, Effect } of policies)
      if (Effect === "Allow") expect(listed(Action).join()).not.toMatch(/Delete(Item|Table)/);
  });

  test("Scheduler acts for this account's schedules only", () => {
    const scheduler = template
      .ofType("AWS::IAM::Role")
      .filter(({ Properties }) => JSON.stringify(Properties).includes("scheduler.amazonaws.com"));
    expect(scheduler).toHaveLength(3);
    for (const { Properties } of scheduler) expect(JSON.stringify(Properties)).toContain("aws:SourceAccount");
  });
});
