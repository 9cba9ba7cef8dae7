/** Above 300 plans: a function that brings Scheduler in line with the settings, in a group that is its alone. */
import { Stack } from "aws-cdk-lib";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { CfnScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { ENVIRONMENT } from "../../shared/config/names.ts";
import { arnHere } from "./arn-here.ts";
import type { LedgerTable } from "./function-role.ts";
import { ScheduledFunction } from "./scheduled-function.ts";
import type { SchedulerRole } from "./scheduler-role.ts";

export type PlanSyncProps = {
  readonly bundle: string;
  readonly table: LedgerTable;
  /** Of the function's own schedule. */
  readonly group: CfnScheduleGroup;
  readonly queue: IQueue;
  readonly lost: IQueue;
  /** As whom the schedules fire. */
  readonly firingRole: SchedulerRole;
};

export class PlanSync extends Construct {
  readonly scheduled: ScheduledFunction;

  constructor(scope: Construct, id: string, props: PlanSyncProps) {
    super(scope, id);
    // Its alone: what is in it and in no plan is taken away, and all of it goes when the plans fit the template again.
    const synced = new CfnScheduleGroup(this, "Synced", { name: `${Stack.of(this).stackName}-synced` });
    this.scheduled = new ScheduledFunction(this, "PlanSync", {
      description: "Brings EventBridge Scheduler in line with tide.yaml",
      bundle: props.bundle,
      memoryMb: 512,
      timeoutSeconds: 60,
      logsKept: RetentionDays.ONE_MONTH,
      expression: "cron(* * * * ? *)",
      group: props.group,
      environment: {
        [ENVIRONMENT.table]: props.table.tableName,
        [ENVIRONMENT.scheduleGroup]: synced.ref,
        [ENVIRONMENT.scheduleTarget]: props.queue.queueArn,
        [ENVIRONMENT.scheduleRole]: props.firingRole.roleArn,
        [ENVIRONMENT.scheduleDeadLetters]: props.lost.queueArn,
      },
    });
    const { role } = this.scheduled.worker;
    role.useTable(props.table, ["dynamodb:GetItem", "dynamodb:PutItem"], ["SYNC"]);
    role.may(
      "KeepSchedules",
      ["scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"],
      [arnHere("scheduler", `schedule/${synced.ref}/*`)],
    );
    // Listing knows no resource to name; it tells names and targets, and changes nothing.
    role.may("ListSchedules", ["scheduler:ListSchedules"], ["*"]);
    role.may("FireAs", ["iam:PassRole"], [props.firingRole.roleArn], {
      StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" },
    });
  }
}
