/**
 * Where alarms go: what must wake somebody, and what can wait for the morning. Their key is our own, because CloudWatch and
 * Budgets may not use AWS's (`alias/aws/sns`), and an alarm that cannot be encrypted is dropped without a word.
 */
import { Aws } from "aws-cdk-lib";
import { Effect, PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { KEEP } from "./keep.ts";

/** AWS services that raise alarms. */
const SENDERS = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] as const;

export class AlarmTopics extends Construct {
  /** Wakes its reader. */
  readonly page: Topic;
  /** Can wait for the morning. */
  readonly ticket: Topic;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const key = new Key(this, "Key", {
      description: "Tidekeeper: alarms on their way to the owner",
      enableKeyRotation: true,
      removalPolicy: KEEP,
    });
    const ours = { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } };
    const senders = SENDERS.map((name) => new ServicePrincipal(name));
    key.addToResourcePolicy(
      new PolicyStatement({
        sid: "AlarmsMayBeEncrypted",
        effect: Effect.ALLOW,
        principals: senders,
        actions: ["kms:Decrypt", "kms:GenerateDataKey"],
        // In a key's own policy `*` is this key.
        resources: ["*"],
        conditions: ours,
      }),
    );
    this.page = new Topic(this, "Page", { displayName: "Tidekeeper: now", masterKey: key, enforceSSL: true });
    this.ticket = new Topic(this, "Ticket", {
      displayName: "Tidekeeper: soon",
      masterKey: key,
      enforceSSL: true,
    });
    for (const topic of [this.page, this.ticket]) {
      topic.applyRemovalPolicy(KEEP);
      topic.addToResourcePolicy(
        new PolicyStatement({
          sid: "AlarmsMayBeSent",
          effect: Effect.ALLOW,
          principals: senders,
          actions: ["sns:Publish"],
          resources: [topic.topicArn],
          conditions: ours,
        }),
      );
    }
  }
}
