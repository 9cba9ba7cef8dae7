/** All alarms of a deployment: for each both that it fails, and that it does not run. */
import { Duration } from "aws-cdk-lib";
import { Metric } from "aws-cdk-lib/aws-cloudwatch";
import type { Function as Lambda } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { METRICS } from "../../shared/domain/metrics.ts";
import { type Alarms, OWN_WATCHES, ourMetric } from "./alarms.ts";
import type { FiringQueue } from "./firing-queue.ts";
import { NAT_GROUP_NAME, NAT_IN_SERVICE } from "./nat-instance.ts";

/** A firing is worked on within seconds; the oldest one waits no longer than a run, its retries and a dead lease. */
const OLDEST_SECONDS_MAX = 600;

export function watchOurMetrics(alarms: Alarms): void {
  for (const name of METRICS) {
    const { statistic, ...text } = OWN_WATCHES[name];
    alarms.add(name, { ...text, metric: ourMetric(name, statistic), isLasting: statistic === "Maximum" });
  }
}

/** Nobody counts when the sweep does not run, so its silence is an alarm of its own. */
export function watchSweep(alarms: Alarms, sweep: Lambda): void {
  alarms.add("SweepNotRunning", {
    severity: "page",
    means:
      "The sweep has not run for five minutes: nobody finds what is due, and nobody counts for the other alarms.",
    article: "the-sweep-does-not-run",
    metric: sweep.metricInvocations({ period: Duration.minutes(5), statistic: "Sum" }),
    isHeartbeat: true,
    isLasting: true,
  });
  alarms.add("SweepFailing", {
    severity: "page",
    means: "The sweep failed three times within five minutes.",
    article: "a-function-fails",
    metric: sweep.metricErrors({ period: Duration.minutes(5), statistic: "Sum" }),
    threshold: 3,
  });
}

export function watchWorker(alarms: Alarms, id: string, worker: Lambda, firings: FiringQueue): void {
  alarms.add(`${id}Failing`, {
    severity: "page",
    means: `The function ${id} failed three times within fifteen minutes.`,
    article: "a-function-fails",
    metric: worker.metricErrors({ period: Duration.minutes(15), statistic: "Sum" }),
    threshold: 3,
  });
  alarms.add(`${id}Waiting`, {
    severity: "page",
    means: `A firing has been waiting for ${id} for over ten minutes: it does not run.`,
    article: "firings-wait",
    metric: firings.queue.metricApproximateAgeOfOldestMessage({
      period: Duration.minutes(5),
      statistic: "Maximum",
    }),
    threshold: OLDEST_SECONDS_MAX,
    isLasting: true,
  });
  alarms.add(`${id}DeadLetters`, {
    severity: "page",
    means: `A firing for ${id} was put aside: refused, or given up after five deliveries.`,
    article: "a-firing-was-refused-and-put-aside",
    metric: visible(firings.deadLetters),
    isLasting: true,
  });
}

export function watchLostFirings(alarms: Alarms, lost: IQueue): void {
  alarms.add("FiringsLost", {
    severity: "page",
    means: "EventBridge Scheduler could not put a firing into its queue.",
    article: "a-firing-was-refused-and-put-aside",
    metric: visible(lost),
    isLasting: true,
  });
}

export function watchMessages(alarms: Alarms, topic: ITopic): void {
  alarms.add("DeliveryFailing", {
    severity: "page",
    means: "A message to the owner could not be delivered by SNS.",
    article: "messages-cannot-be-delivered",
    metric: topic.metricNumberOfNotificationsFailed({ period: Duration.minutes(5), statistic: "Sum" }),
  });
}

export function watchPlanSync(alarms: Alarms, planSync: Lambda): void {
  alarms.add("PlanSyncFailing", {
    severity: "ticket",
    means: "Schedules could not be brought in line with tide.yaml three times within fifteen minutes.",
    article: "schedules-are-not-in-line",
    metric: planSync.metricErrors({ period: Duration.minutes(15), statistic: "Sum" }),
    threshold: 3,
  });
}

/** With a NAT gateway AWS watches it; our own machine is ours to watch. */
export function watchNatInstance(alarms: Alarms): void {
  alarms.add("NatInstanceDown", {
    severity: "page",
    means: "For five minutes no NAT instance has been in service: Kraken cannot be reached.",
    article: "the-nat-is-down",
    metric: new Metric({
      namespace: "AWS/AutoScaling",
      metricName: NAT_IN_SERVICE,
      dimensionsMap: { AutoScalingGroupName: NAT_GROUP_NAME },
      statistic: "Maximum",
      period: Duration.minutes(5),
    }),
    isHeartbeat: true,
    isLasting: true,
  });
}

const visible = (queue: IQueue) =>
  queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5), statistic: "Maximum" });
