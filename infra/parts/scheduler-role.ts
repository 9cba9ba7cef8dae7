/** As whom EventBridge Scheduler acts: for schedules of this account only. */
import { Aws } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";

export class SchedulerRole extends Role {
  constructor(scope: Construct, id: string, description: string) {
    super(scope, id, {
      // Not for somebody else's schedule that names our role (docs.aws.amazon.com/scheduler, confused deputy).
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
        conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
      }),
      description,
    });
  }

  may(sid: string, action: string, ...resources: readonly string[]): void {
    this.addToPolicy(new PolicyStatement({ sid, actions: [action], resources: [...resources] }));
  }
}
