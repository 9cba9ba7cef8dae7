/**
 * What the AWS Solutions rules find and we leave as it is, each with its reason, on the very construct. Anything else fails
 * the synthesis; a test asserts that every entry is still needed.
 */
import { type Stack, Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import { KEY_USES, secretName } from "../shared/config/names.ts";

export type Acknowledged = { readonly path: RegExp; readonly rule: string; readonly reason: string };

export const ACKNOWLEDGED: readonly Acknowledged[] = [
  {
    path: /^TidekeeperState\/Key-[a-z0-9-]+$/,
    rule: "AwsSolutions-SMG4",
    reason:
      "Kraken cannot rotate a key by API; an alarm tells after 90 days, and the runbook says how the owner does it",
  },
  {
    path: /^TidekeeperState\/LostFirings\/Resource$/,
    rule: "AwsSolutions-SQS3",
    reason: "It is itself where Scheduler puts what it cannot deliver; an alarm watches it",
  },
  {
    path: /^TidekeeperNetwork\/NatInstance\/Role\/DefaultPolicy\/Resource$/,
    rule: "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:instance/*]",
    reason:
      "The instance does not exist before its role; a condition on its tag binds the right to this group's own",
  },
  {
    path: /^TidekeeperNetwork\/NatInstance\/Role\/DefaultPolicy\/Resource$/,
    rule: "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:network-interface/*]",
    reason: "The interface is made with the instance; a condition binds the right to this very network",
  },
  {
    path: /^TidekeeperNetwork\/NatInstance\/Group$/,
    rule: "AwsSolutions-AS3",
    reason: "An alarm of ours tells when no instance is in service, which is what its owner must know",
  },
  {
    path: /^TidekeeperAutomation\/.+\/Worker\/Role\/DefaultPolicy\/Resource$/,
    rule: "AwsSolutions-IAM5[Resource::*]",
    reason:
      "X-Ray and the list of schedules know no resources, and network interfaces have no names before they are made",
  },
  {
    path: /^TidekeeperAutomation\/PlanSync\/PlanSync\/Worker\/Role\/DefaultPolicy\/Resource$/,
    rule: "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:scheduler:<AWS::Region>:<AWS::AccountId>:schedule/<PlanSyncSynced2C656DAF>/*]",
    reason: "The schedules of a group that is the function's alone; their names are the plans'",
  },
  ...KEY_USES.flatMap((use) =>
    ["", "-??????"].map((end) => ({
      path: /^TidekeeperAutomation\/Dca\/Worker\/Role\/DefaultPolicy\/Resource$/,
      rule: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${secretName("*", use)}${end}]`,
      reason:
        "The names of more than 12 accounts do not fit into a role's policy; nothing else has a name that begins with tidekeeper/",
    })),
  ),
];

export function acknowledge(stacks: readonly Stack[]): void {
  const constructs = stacks.flatMap((stack) => stack.node.findAll());
  for (const { path, rule, reason } of ACKNOWLEDGED) {
    for (const construct of constructs.filter((each: IConstruct) => path.test(each.node.path)))
      Validations.of(construct).acknowledge({ id: `AwsSolutions::${rule}`, reason });
  }
}
