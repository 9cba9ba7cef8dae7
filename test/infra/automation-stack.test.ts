/** What runs: schedules, functions, subscriptions, alarms. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { alarmsOf } from "../../local/cost/items.ts";
import { OUTPUTS } from "../../shared/config/names.ts";
import { METRICS } from "../../shared/domain/metrics.ts";
import { EGRESSES, example, withEgress, withPlans } from "../support/examples.ts";
import { type Resource, type StackTemplate, synthesized } from "../support/synthesized.ts";

const saver = example("saver.yaml");
const { automation } = synthesized(saver);
const named = ({ resources }: StackTemplate, start: string, type: string): Resource =>
  resources.find(({ id, Type }) => Type === type && id.startsWith(start))!;
const functionOf = (template: StackTemplate, start: string) =>
  named(template, start, "AWS::Lambda::Function");

describe("a schedule for each plan", () => {
  const schedules = automation
    .ofType("AWS::Scheduler::Schedule")
    .filter(({ id }) => id.startsWith("Plans"))
    .map(({ Properties }) => Properties);

  test("fires at its minute in its zone, by cron and never by rate, which fires when it is made", () => {
    expect(
      schedules.map(({ ScheduleExpression, ScheduleExpressionTimezone }) => [
        ScheduleExpression,
        ScheduleExpressionTimezone,
      ]),
    ).toEqual([
      ["cron(0 8 ? * MON *)", "Europe/Berlin"],
      ["cron(0 18 L * ? *)", "Europe/Berlin"],
      ["cron(0 12 * * ? *)", "Europe/Berlin"],
    ]);
    for (const schedule of schedules)
      expect(schedule).toMatchObject({ FlexibleTimeWindow: { Mode: "OFF" }, State: "ENABLED" });
  });

  test("puts the planned time into a message that is the same for every retry, in its account's group", () => {
    const [target] = schedules.map(({ Target }) => Target as Record<string, unknown>);
    expect(JSON.parse(target!.Input as string)).toEqual({
      kind: "dca",
      account: "main",
      plan: "btc-weekly",
      slot: "<aws.scheduler.scheduled-time>",
    });
    expect(target!.SqsParameters).toEqual({ MessageGroupId: "main" });
    expect(JSON.stringify(target)).not.toMatch(/execution-id|attempt-number/);
  });

  test("gives up after bounded retries, into a queue that an alarm watches", () => {
    for (const { Target } of schedules) {
      expect(Target).toMatchObject({
        RetryPolicy: { MaximumRetryAttempts: 20, MaximumEventAgeInSeconds: 900 },
        DeadLetterConfig: { Arn: { "Fn::ImportValue": expect.stringContaining("LostFirings") } },
      });
    }
  });

  test("all of them act in one role and lie in one group, which is there before the first plan", () => {
    const roles = new Set(
      schedules.map(({ Target }) => JSON.stringify((Target as { RoleArn: unknown }).RoleArn)),
    );
    expect(roles.size).toBe(1);
    const groups = automation.ofType("AWS::Scheduler::ScheduleGroup");
    expect(groups).toHaveLength(1);
    for (const { GroupName } of schedules) expect(GroupName).toEqual({ Ref: groups[0]!.id });
  });

  test("up to 300 plans stand in the template; with one more a function keeps the schedules, in a group of its own", () => {
    const plans = (count: number) =>
      `mode: dry-run\negress: nat-instance\nlimits: { perOrder: 50 EUR, perDay: 500 EUR }\nnotify: { email: me@example.org }\nplans:\n${Array.from(
        { length: count },
        (_, index) => `  - { id: plan-${index}, buy: 10 EUR of BTC, every: "hour at :15" }\n`,
      ).join("")}`;
    const full = synthesized(plans(300));
    expect(full.automation.ofType("AWS::Scheduler::Schedule")).toHaveLength(301);
    expect(full.automation.resources.length).toBeLessThan(500);
    expect(functionOf(full.automation, "PlanSync")).toBeUndefined();
    const over = synthesized(plans(301));
    expect(over.automation.ofType("AWS::Scheduler::Schedule")).toHaveLength(2);
    expect(over.automation.ofType("AWS::Scheduler::ScheduleGroup")).toHaveLength(2);
    const { Variables } = functionOf(over.automation, "PlanSync").Properties.Environment as {
      Variables: Record<string, unknown>;
    };
    expect(Object.keys(Variables)).toEqual(
      expect.arrayContaining(["TIDEKEEPER_TABLE", "TIDEKEEPER_SCHEDULE_GROUP", "TIDEKEEPER_SCHEDULE_TARGET"]),
    );
    expect([full.findings, over.findings]).toEqual([[], []]);
  }, 60_000);
});

describe("functions", () => {
  test.each(EGRESSES)("with egress %s only what must come from our address stands behind it", (egress) => {
    const template = synthesized(withEgress(saver, egress)).automation;
    const inVpc = template
      .ofType("AWS::Lambda::Function")
      .filter(({ Properties }) => Properties.VpcConfig !== undefined)
      .map(({ id }) => id.replace(/Worker.*/, ""));
    expect(inVpc).toEqual(egress === "none" ? [] : ["Dca"]);
    const { Variables } = functionOf(template, "Dca").Properties.Environment as {
      Variables: Record<string, unknown>;
    };
    // Without a fixed address none may be asked of the key.
    expect(JSON.stringify(Variables.TIDEKEEPER_ADDRESSES)).toEqual(
      egress === "none" ? '""' : expect.stringContaining("Address0PublicIp"),
    );
  });

  test("each runs on Node 24 and arm64, with its own role, traced, and with logs that end", () => {
    const functions = automation.ofType("AWS::Lambda::Function");
    expect(functions).toHaveLength(2);
    for (const { Properties } of functions) {
      expect(Properties).toMatchObject({
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        Handler: "index.handler",
        TracingConfig: { Mode: "Active" },
        LoggingConfig: { LogFormat: "JSON" },
      });
      expect(Properties.MemorySize).toBeGreaterThanOrEqual(256);
      // A worker runs at most 60 s: half of what its message is hidden for.
      expect(Properties.Timeout).toBeLessThanOrEqual(60);
    }
    expect(new Set(functions.map(({ Properties }) => JSON.stringify(Properties.Role))).size).toBe(2);
    const kept = automation.ofType("AWS::Logs::LogGroup").map(({ Properties }) => Properties.RetentionInDays);
    expect(kept).toEqual([365, 90]);
  });

  test("no secret and no key is in an environment", () => {
    for (const { Properties } of automation.ofType("AWS::Lambda::Function"))
      expect(JSON.stringify(Properties.Environment)).not.toMatch(/secret|password|private/i);
  });

  test("dca takes one message at a time, and no more accounts at once than Lambda and Kraken bear", () => {
    const mapping = automation.ofType("AWS::Lambda::EventSourceMapping");
    expect(mapping).toHaveLength(1);
    expect(mapping[0]!.Properties).toMatchObject({
      BatchSize: 1,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 2 },
    });
    // Would fail to deploy on a new account, and orders nothing that the queue does not.
    for (const { Properties } of automation.ofType("AWS::Lambda::Function"))
      expect(Properties).not.toHaveProperty("ReservedConcurrentExecutions");
  });

  test("the sweep is called each minute, without retries: the next one is due soon", () => {
    const sweep = named(automation, "SweepSchedule", "AWS::Scheduler::Schedule");
    expect(sweep.Properties).toMatchObject({
      ScheduleExpression: "cron(* * * * ? *)",
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: { RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 } },
    });
    // Scheduler hands the call over; Lambda would repeat it by itself, and keep it for hours.
    const [invoke] = automation.ofType("AWS::Lambda::EventInvokeConfig");
    expect(invoke!.Properties).toMatchObject({ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 });
  });
});

describe("who is told", () => {
  test("everybody in notify hears the messages and both kinds of alarms", () => {
    const family = synthesized(example("family.yaml")).automation;
    const subscriptions = family.ofType("AWS::SNS::Subscription").map(({ Properties }) => Properties);
    expect(subscriptions).toHaveLength(6);
    expect(new Set(subscriptions.map(({ Endpoint }) => Endpoint))).toEqual(
      new Set(["anna@example.org", "ben@example.org"]),
    );
    for (const { Protocol } of subscriptions) expect(Protocol).toBe("email");
  });

  test("a bill that grows over the budget is told, really and as it is forecast; without a budget nothing is made", () => {
    const [budget] = automation.ofType("AWS::Budgets::Budget");
    expect(budget!.Properties).toMatchObject({
      Budget: { BudgetType: "COST", TimeUnit: "MONTHLY", BudgetLimit: { Amount: 60, Unit: "USD" } },
      NotificationsWithSubscribers: [
        { Notification: { NotificationType: "ACTUAL" }, Subscribers: [{ SubscriptionType: "SNS" }] },
        { Notification: { NotificationType: "FORECASTED" }, Subscribers: [{ SubscriptionType: "SNS" }] },
      ],
    });
    expect(
      synthesized(saver, { choices: { budgetUsd: 0 } }).automation.ofType("AWS::Budgets::Budget"),
    ).toEqual([]);
  });
});

describe("alarms", () => {
  const alarms = automation.ofType("AWS::CloudWatch::Alarm").map(({ Properties }) => Properties);
  const runbook = readFileSync(join(import.meta.dirname, "../../docs/runbook.md"), "utf8");
  const anchors = [...runbook.matchAll(/^## (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, "")
      .replaceAll(" ", "-"),
  );

  test("each names its article in the runbook, which is there and says what it means and what to do", () => {
    for (const { AlarmDescription } of alarms) {
      const [, anchor] = /What to do: docs\/runbook\.md#([a-z0-9-]+)$/.exec(AlarmDescription as string) ?? [];
      expect(anchors, AlarmDescription as string).toContain(anchor);
    }
    for (const article of runbook.split(/^## /m).slice(1)) {
      expect(article).toContain("**What it means.**");
      expect(article).toContain("**What to do.**");
    }
  });

  test("an alarm of a queue leads to an article that names where that queue is", () => {
    const [, article] = /^## A firing was refused and put aside\n([\s\S]*?)^## /m.exec(runbook)!;
    for (const output of [OUTPUTS.dcaDeadLetters, OUTPUTS.lostFirings]) expect(article).toContain(output);
  });

  test.each([
    ["nat-gateway", 3],
    ["nat-instance", 3],
    ["none", 3],
    ["nat-instance", 300],
    ["nat-instance", 301],
  ] as const)("with egress %s and %i plans there are as many as tide cost counts", (egress, firedPlans) => {
    const plans = withPlans(withEgress(saver, egress), firedPlans - 3);
    const made = synthesized(plans).automation.ofType("AWS::CloudWatch::Alarm");
    expect(made).toHaveLength(alarmsOf({ firedPlans }, egress));
  });

  test("each tells somebody when it rings, and of what lasts that it is over", () => {
    for (const { AlarmActions } of alarms) expect(AlarmActions).toHaveLength(1);
    const ends = alarms.filter(({ OKActions }) => OKActions !== undefined);
    for (const { AlarmActions, OKActions } of ends) expect(OKActions).toEqual(AlarmActions);
    const names = ends.map(({ MetricName }) => MetricName);
    expect(names).toEqual(expect.arrayContaining(["PlansOnHold", "OrdersInDoubt", "Invocations"]));
    // An event that was counted once is not over because it was not counted again.
    for (const event of ["KeysRefused", "ForeignOrders", "CapsRefused", "SlotsMissed"])
      expect(names).not.toContain(event);
  });

  test("every metric that the program measures has its alarm", () => {
    const watched = alarms
      .filter(({ Namespace }) => Namespace === "Tidekeeper")
      .map(({ MetricName }) => MetricName);
    expect(watched.sort()).toEqual([...METRICS].sort());
  });

  test("a heartbeat that is missing rings; everything else rings only when there is something", () => {
    const heartbeats = alarms
      .filter(({ TreatMissingData }) => TreatMissingData === "breaching")
      .map(({ MetricName, ComparisonOperator }) => [MetricName, ComparisonOperator]);
    expect(heartbeats).toEqual([
      ["Invocations", "LessThanThreshold"],
      ["GroupInServiceInstances", "LessThanThreshold"],
    ]);
    for (const { TreatMissingData } of alarms)
      expect(["breaching", "notBreaching"]).toContain(TreatMissingData);
  });

  test("for each worker one that it fails, one that it does not run, one for what was put aside", () => {
    const text = JSON.stringify(alarms);
    for (const metric of ["Errors", "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"])
      expect(text).toContain(`"MetricName":"${metric}"`);
  });
});
