/**
 * A schedule for each plan: at its planned minute EventBridge Scheduler puts the firing into the queue, with that minute in
 * it. All retries of one firing are the same message, so the queue takes it once, and the ledger would, too.
 */
import { CfnSchedule, type CfnScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct, type IConstruct } from "constructs";
import {
  FIRING_AGE_SECONDS_MAX,
  FIRING_RETRIES_MAX,
  type PlanSchedule,
} from "../../shared/config/deployment.ts";
import { SchedulerRole } from "./scheduler-role.ts";

export type PlanSchedulesProps = {
  readonly schedules: readonly PlanSchedule[];
  readonly group: CfnScheduleGroup;
  readonly queue: IQueue;
  /** Firings that could not be put into it in time. */
  readonly lost: IQueue;
  /** Who works them must know of a plan before it fires. */
  readonly after: IConstruct;
};

export class PlanSchedules extends Construct {
  /** One for all, also for schedules that plan-sync makes. */
  readonly role: SchedulerRole;

  constructor(scope: Construct, id: string, { schedules, group, queue, lost, after }: PlanSchedulesProps) {
    super(scope, id);
    this.role = new SchedulerRole(this, "Role", "Puts firings into their queue");
    this.role.may("Fire", "sqs:SendMessage", queue.queueArn, lost.queueArn);
    for (const { name, account, expression, zone, description, message } of schedules) {
      const schedule = new CfnSchedule(this, name, {
        description,
        groupName: group.ref,
        scheduleExpression: expression,
        scheduleExpressionTimezone: zone,
        flexibleTimeWindow: { mode: "OFF" },
        state: "ENABLED",
        target: {
          arn: queue.queueArn,
          roleArn: this.role.roleArn,
          input: message,
          sqsParameters: { messageGroupId: account },
          retryPolicy: {
            maximumRetryAttempts: FIRING_RETRIES_MAX,
            maximumEventAgeInSeconds: FIRING_AGE_SECONDS_MAX,
          },
          deadLetterConfig: { arn: lost.queueArn },
        },
      });
      schedule.node.addDependency(this.role, after);
    }
  }
}
