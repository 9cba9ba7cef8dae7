/** Tells when AWS costs more than it should: of the whole account, because tags count only once somebody has turned them on. */
import { CfnBudget } from "aws-cdk-lib/aws-budgets";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";

export class Budget extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { usd, topic }: { readonly usd: number; readonly topic: ITopic },
  ) {
    super(scope, id);
    const tell = (notificationType: "ACTUAL" | "FORECASTED") => ({
      notification: {
        notificationType,
        comparisonOperator: "GREATER_THAN",
        threshold: 100,
        thresholdType: "PERCENTAGE",
      },
      subscribers: [{ subscriptionType: "SNS", address: topic.topicArn }],
    });
    new CfnBudget(this, "Monthly", {
      budget: { budgetType: "COST", timeUnit: "MONTHLY", budgetLimit: { amount: usd, unit: "USD" } },
      notificationsWithSubscribers: [tell("ACTUAL"), tell("FORECASTED")],
    });
  }
}
