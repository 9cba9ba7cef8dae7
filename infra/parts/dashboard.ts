/** One page in CloudWatch: what rings, what ran, what waits. */
import { Aws, Duration } from "aws-cdk-lib";
import {
  AlarmStatusWidget,
  Dashboard as CloudWatchDashboard,
  GraphWidget,
  LogQueryWidget,
  type Metric,
  TextWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import type { Function as Lambda } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { METRICS } from "../../shared/domain/metrics.ts";
import type { Limits } from "../../shared/domain/plan.ts";
import { type Alarms, ourMetric } from "./alarms.ts";
import type { AppFunction } from "./app-function.ts";
import { capsText, QUERIES } from "./dashboard-queries.ts";
import type { FiringQueue } from "./firing-queue.ts";

const WIDE = 24;
const HALF = 12;
const THIRD = 8;

export type DashboardProps = {
  readonly alarms: Alarms;
  readonly dca: AppFunction;
  readonly sweep: AppFunction;
  readonly firings: FiringQueue;
  readonly limits: Limits;
};

export class Dashboard extends Construct {
  readonly url: string;

  constructor(scope: Construct, id: string, { alarms, dca, sweep, firings, limits }: DashboardProps) {
    super(scope, id);
    const dashboard = new CloudWatchDashboard(this, "Dashboard", { defaultInterval: Duration.days(7) });
    dashboard.addWidgets(
      new AlarmStatusWidget({ title: "Alarms", width: WIDE, height: 6, alarms: [...alarms.all] }),
    );
    dashboard.addWidgets(
      new LogQueryWidget({
        title: "How runs ended",
        width: WIDE,
        logGroupNames: [dca.lambda.logGroup.logGroupName],
        queryLines: [
          "fields @timestamp, label, plan, run, outcome, detail",
          "filter ispresent(outcome) and step = 'notify'",
          "sort @timestamp desc",
          "limit 50",
        ],
      }),
    );
    const asked = (title: string, queryLines: readonly string[]) =>
      new LogQueryWidget({
        title,
        width: THIRD,
        logGroupNames: [dca.lambda.logGroup.logGroupName],
        queryLines: [...queryLines],
      });
    dashboard.addWidgets(
      new TextWidget({ markdown: capsText(limits), width: THIRD, height: 6 }),
      asked("Spent, with fees, by day", QUERIES.spent),
      asked("Runs by outcome", QUERIES.outcomes),
    );
    dashboard.addWidgets(
      asked("How orders were known", QUERIES.ways),
      asked("Attempts of a run", QUERIES.attempts),
      asked("Waits for Kraken's rate counter, by day", QUERIES.waits),
    );
    dashboard.addWidgets(
      graph("dca: runs, failures", calls(dca.lambda)),
      graph("dca: milliseconds", times(dca.lambda)),
    );
    dashboard.addWidgets(
      graph("Sweep: runs, failures", calls(sweep.lambda)),
      graph("Firings: waiting, put aside", [
        firings.queue.metricApproximateNumberOfMessagesVisible(),
        firings.queue.metricApproximateAgeOfOldestMessage(),
        firings.deadLetters.metricApproximateNumberOfMessagesVisible(),
      ]),
    );
    dashboard.addWidgets(
      new GraphWidget({
        title: "What there was to report",
        width: WIDE,
        left: METRICS.map((name) => ourMetric(name)),
      }),
    );
    this.url = `https://${Aws.REGION}.console.aws.amazon.com/cloudwatch/home?region=${Aws.REGION}#dashboards/dashboard/${dashboard.dashboardName}`;
  }
}

const graph = (title: string, left: readonly Metric[]) =>
  new GraphWidget({ title, width: HALF, left: [...left] });
const calls = (lambda: Lambda): readonly Metric[] => [
  lambda.metricInvocations(),
  lambda.metricErrors(),
  lambda.metricThrottles(),
];
const times = (lambda: Lambda): readonly Metric[] => [
  lambda.metricDuration({ statistic: "p50" }),
  lambda.metricDuration({ statistic: "Maximum" }),
];
