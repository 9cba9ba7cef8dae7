/** A function that runs by the clock. It is called directly: a call that fails is not repeated, the next one is due soon. */
import { Duration } from "aws-cdk-lib";
import { CfnSchedule, type CfnScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import { Construct } from "constructs";
import { AppFunction, type AppFunctionProps } from "./app-function.ts";
import { SchedulerRole } from "./scheduler-role.ts";

export type ScheduledFunctionProps = AppFunctionProps & {
  /** `cron(* * * * ? *)`, in UTC. */
  readonly expression: string;
  readonly group: CfnScheduleGroup;
};

export class ScheduledFunction extends Construct {
  readonly worker: AppFunction;

  constructor(scope: Construct, id: string, { expression, group, ...props }: ScheduledFunctionProps) {
    super(scope, id);
    this.worker = new AppFunction(this, "Worker", props);
    // Scheduler hands the call over and does not wait: without this Lambda would repeat a failed one twice, and keep one that
    // found no room for six hours (docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
    this.worker.lambda.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.seconds(60) });
    const { functionArn } = this.worker.lambda;
    const role = new SchedulerRole(this, "SchedulerRole", `Calls ${id} by the clock`);
    role.may("Call", "lambda:InvokeFunction", functionArn);
    const schedule = new CfnSchedule(this, "Schedule", {
      description: props.description,
      groupName: group.ref,
      scheduleExpression: expression,
      scheduleExpressionTimezone: "UTC",
      flexibleTimeWindow: { mode: "OFF" },
      state: "ENABLED",
      target: {
        arn: functionArn,
        roleArn: role.roleArn,
        input: "{}",
        retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
      },
    });
    schedule.node.addDependency(role);
  }
}
