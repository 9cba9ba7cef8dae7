/** What the owner is told, run by run. Who listens is said in tide.yaml, and added by the Automation stack. */
import { Alias } from "aws-cdk-lib/aws-kms";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { KEEP } from "./keep.ts";

export class MessagesTopic extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.topic = new Topic(this, "Topic", {
      displayName: "Tidekeeper",
      enforceSSL: true,
      // AWS's own key does for our functions; only alarms and budgets cannot use it (see alarm-topics.ts).
      masterKey: Alias.fromAliasName(this, "SnsKey", "alias/aws/sns"),
    });
    this.topic.applyRemovalPolicy(KEEP);
  }
}
