/**
 * Every alarm says in its own words what it means, and where its article in the runbook is. Those of our own metrics ring
 * when there is something to report; the sweep's heartbeat rings when nobody would report anything.
 */
import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  Metric,
  Stats,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { Construct } from "constructs";
import { METRIC_NAMESPACE } from "../../shared/config/names.ts";
import type { MetricName } from "../../shared/domain/metrics.ts";
import type { AlarmTopics } from "./alarm-topics.ts";

/** `page` wakes somebody; `ticket` can wait for the morning. */
export type Severity = "page" | "ticket";

export type AlarmText = {
  readonly severity: Severity;
  /** What it means, in one sentence. */
  readonly means: string;
  /** Heading of the article in docs/runbook.md, as in its link. */
  readonly article: string;
};

export type Watch = AlarmText & {
  readonly metric: IMetric;
  /** Rings from here on. */
  readonly threshold?: number;
  readonly periods?: number;
  /** Stays as long as what it tells of: then its end is told, too. */
  readonly isLasting?: boolean;
  /** A heartbeat: rings when the metric is below the threshold, or not there at all. */
  readonly isHeartbeat?: boolean;
};

export class Alarms extends Construct {
  readonly all: Alarm[] = [];
  readonly #topics: AlarmTopics;
  readonly #runbook: string;

  constructor(scope: Construct, id: string, topics: AlarmTopics, runbook: string) {
    super(scope, id);
    this.#topics = topics;
    this.#runbook = runbook;
  }

  add(id: string, { metric, severity, means, article, ...when }: Watch): Alarm {
    const alarm = new Alarm(this, id, {
      metric,
      alarmDescription: `${means} What to do: ${this.#runbook}#${article}`,
      threshold: when.threshold ?? 1,
      evaluationPeriods: when.periods ?? 1,
      comparisonOperator: when.isHeartbeat
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: when.isHeartbeat ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.#topics[severity]));
    // Of an event that was counted once, "OK" five minutes later would only mean that it was not counted again.
    if (when.isLasting) alarm.addOkAction(new SnsAction(this.#topics[severity]));
    this.all.push(alarm);
    return alarm;
  }
}

/** One of ours, summed or at its highest within the period. */
export const ourMetric = (
  metricName: MetricName,
  statistic: "Sum" | "Maximum" = "Maximum",
  period = Duration.minutes(5),
): Metric =>
  new Metric({
    namespace: METRIC_NAMESPACE,
    metricName,
    statistic: statistic === "Sum" ? Stats.SUM : Stats.MAXIMUM,
    period,
  });

type OwnWatch = AlarmText & { readonly statistic: "Sum" | "Maximum" };

/** What each of our metrics means to its owner. */
export const OWN_WATCHES: Readonly<Record<MetricName, OwnWatch>> = {
  PlansOnHold: {
    severity: "page",
    statistic: "Maximum",
    means: "A plan is on hold: an order stayed in doubt for a day, or two orders exist under one id.",
    article: "an-order-stays-in-doubt-quarantined",
  },
  OrdersInDoubt: {
    severity: "page",
    statistic: "Maximum",
    means: "For over five minutes it is not known whether an order exists.",
    article: "an-order-is-in-doubt",
  },
  ForeignOrders: {
    severity: "page",
    statistic: "Sum",
    means: "An order is open on the account that Tidekeeper did not place.",
    article: "an-order-that-is-not-ours",
  },
  KeysRefused: {
    severity: "page",
    statistic: "Sum",
    means: "An API key is refused by our rules or by Kraken; nothing is bought with it.",
    article: "refused-the-trade-key",
  },
  CapsRefused: {
    severity: "page",
    statistic: "Sum",
    means: "A buy would have gone over a cap and was refused.",
    article: "refused-a-cap",
  },
  KillSwitches: {
    severity: "page",
    statistic: "Maximum",
    means: "The kill switch is on: nothing is bought.",
    article: "the-kill-switch-is-on",
  },
  MessagesUntold: {
    severity: "page",
    statistic: "Maximum",
    means: "Messages to the owner could not be delivered for ten minutes.",
    article: "messages-cannot-be-delivered",
  },
  SlotsMissed: {
    severity: "ticket",
    statistic: "Sum",
    means: "At a planned time nothing ran.",
    article: "missed-slots",
  },
  RunsAbandoned: {
    severity: "ticket",
    statistic: "Sum",
    means: "A run gave up: its attempts were proven to have placed nothing.",
    article: "a-run-gave-up",
  },
  NoncesRefused: {
    severity: "ticket",
    statistic: "Sum",
    means: "Kraken refused a nonce: something else uses the same API key.",
    article: "the-key-is-stopped",
  },
  RateLimits: {
    severity: "ticket",
    statistic: "Sum",
    means: "Kraken refused a call for its rate limits, which our own count should have prevented.",
    article: "krakens-rate-limits-were-met",
  },
  ClockSkewSeconds: {
    severity: "ticket",
    statistic: "Maximum",
    means: "Our clock and Kraken's are more than two seconds apart.",
    article: "clocks-differ",
  },
  ReservationsOld: {
    severity: "ticket",
    statistic: "Maximum",
    means: "An amount has been reserved for over an hour without an end.",
    article: "an-amount-stays-reserved",
  },
  KeyAgeDays: {
    severity: "ticket",
    statistic: "Maximum",
    means: "The trade key is over 90 days old.",
    article: "the-key-is-old",
  },
};
