/** What runs: a schedule for each plan, the functions, who is told, and the alarms. All of it can be made anew. */
import { Annotations, CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { CfnScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import { Subscription, SubscriptionProtocol } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import {
  ACCOUNTS_IN_POLICY_MAX,
  type Deployment,
  SCHEDULES_IN_TEMPLATE_MAX,
} from "../shared/config/deployment.ts";
import { ENVIRONMENT, KEY_USES, OUTPUTS, secretName } from "../shared/config/names.ts";
import type { FunctionName } from "./bundle.ts";
import type { NetworkStack } from "./network-stack.ts";
import { Alarms } from "./parts/alarms.ts";
import { arnHere } from "./parts/arn-here.ts";
import { Budget } from "./parts/budget.ts";
import { Dashboard } from "./parts/dashboard.ts";
import { PlanSchedules } from "./parts/plan-schedules.ts";
import { PlanSync } from "./parts/plan-sync.ts";
import { QueueWorker } from "./parts/queue-worker.ts";
import { ScheduledFunction } from "./parts/scheduled-function.ts";
import {
  watchLostFirings,
  watchMessages,
  watchNatInstance,
  watchOurMetrics,
  watchPlanSync,
  watchSweep,
  watchWorker,
} from "./parts/watch.ts";
import type { Choices } from "./settings.ts";
import type { StateStack } from "./state-stack.ts";

export type AutomationProps = StackProps & {
  readonly deployment: Deployment;
  readonly choices: Choices;
  readonly state: StateStack;
  readonly network: NetworkStack;
  /** Folder of a function's bundle. */
  readonly bundle: (name: FunctionName) => string;
};

export class AutomationStack extends Stack {
  constructor(scope: Construct, id: string, props: AutomationProps) {
    const { deployment, choices, state, network, bundle, ...rest } = props;
    super(scope, id, rest);
    const group = new CfnScheduleGroup(this, "Schedules", {});
    const dca = this.#dca(props).worker;
    const sweep = this.#sweep(props, group).worker;
    const alarms = new Alarms(this, "Alarms", state.alarms, choices.runbook);
    watchOurMetrics(alarms);
    watchSweep(alarms, sweep.lambda);
    watchWorker(alarms, "Dca", dca.lambda, state.dca);
    watchLostFirings(alarms, state.lostFirings);
    watchMessages(alarms, state.messages);
    if (deployment.egress === "nat-instance") watchNatInstance(alarms);

    const isInTemplate = deployment.schedules.length <= SCHEDULES_IN_TEMPLATE_MAX;
    const { role: firingRole } = new PlanSchedules(this, "Plans", {
      schedules: isInTemplate ? deployment.schedules : [],
      group,
      queue: state.dca.queue,
      lost: state.lostFirings,
      after: dca,
    });
    if (!isInTemplate) {
      const planSync = new PlanSync(this, "PlanSync", {
        bundle: bundle("plan-sync"),
        table: state.table,
        group,
        queue: state.dca.queue,
        lost: state.lostFirings,
        firingRole,
      });
      watchPlanSync(alarms, planSync.scheduled.worker.lambda);
    }
    this.#subscribe(deployment.emails, state);
    if (choices.budgetUsd > 0)
      new Budget(this, "Budget", { usd: choices.budgetUsd, topic: state.alarms.ticket });
    const { limits } = deployment.settings;
    const { url } = new Dashboard(this, "Dashboard", { alarms, dca, sweep, firings: state.dca, limits });
    new CfnOutput(this, OUTPUTS.dashboard, { key: OUTPUTS.dashboard, value: url });
    new CfnOutput(this, OUTPUTS.settingsHash, {
      key: OUTPUTS.settingsHash,
      value: deployment.settingsHash,
      description: "Of the plans file that was deployed",
    });
    if (deployment.emails.length === 0)
      Annotations.of(this).addWarningV2(
        "tidekeeper:nobody-is-told",
        "tide.yaml names nobody under notify: messages and alarms go to topics that nobody reads",
      );
  }

  /** The environment that every function of the ledger has. */
  #environment({ state }: AutomationProps): Record<string, string> {
    return {
      [ENVIRONMENT.table]: state.table.tableName,
      [ENVIRONMENT.topic]: state.messages.topicArn,
      [ENVIRONMENT.dcaQueue]: state.dca.queue.queueUrl,
    };
  }

  #dca(props: AutomationProps): QueueWorker {
    const { state, network, deployment, bundle } = props;
    const isBehindNat = deployment.egress !== "none";
    const addresses = state.addresses.map(({ attrPublicIp }) => attrPublicIp).join(",");
    const dca = new QueueWorker(this, "Dca", {
      description: "Tidekeeper dca: runs recurring buys, and asks Kraken what the owner asks",
      bundle: bundle("dca"),
      // CPU comes with memory: half of a core, so that a cold start takes well under a second.
      memoryMb: 1024,
      logsKept: RetentionDays.ONE_YEAR,
      firings: state.dca,
      accounts: deployment.accounts.length,
      mayStandInVpc: true,
      environment: {
        ...this.#environment(props),
        [ENVIRONMENT.dcaDeadLetters]: state.dca.deadLetters.queueUrl,
        [ENVIRONMENT.deployment]: state.deployment,
        [ENVIRONMENT.addresses]: isBehindNat ? addresses : "",
      },
      ...(isBehindNat
        ? {
            network: {
              vpc: network.vpc,
              subnets: network.appSubnets,
              securityGroup: network.functions,
            },
          }
        : {}),
    });
    const { role } = dca.worker;
    role.useTable(
      state.table,
      [
        "dynamodb:BatchGetItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
      ],
      ["A#*", "K#*"],
    );
    role.may("PutAside", ["sqs:SendMessage"], [state.dca.deadLetters.queueArn]);
    role.may("Tell", ["sns:Publish"], [state.messages.topicArn]);
    role.may("ReadKeys", ["secretsmanager:GetSecretValue"], secretsOf(deployment.accounts));
    return dca;
  }

  /** Outside the network: it tells that the NAT is dead, so it must not stand behind it. */
  #sweep(props: AutomationProps, group: CfnScheduleGroup): ScheduledFunction {
    const { state, bundle } = props;
    const sweep = new ScheduledFunction(this, "Sweep", {
      description: "Tidekeeper sweep: finds what is due, missed or untold",
      bundle: bundle("sweep"),
      memoryMb: 512,
      timeoutSeconds: 55,
      logsKept: RetentionDays.THREE_MONTHS,
      environment: this.#environment(props),
      expression: "cron(* * * * ? *)",
      group,
    });
    const { role } = sweep.worker;
    role.useTable(
      state.table,
      ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
      ["A#*", "ACCOUNTS"],
    );
    role.useIndex(state.table);
    role.may("Fire", ["sqs:SendMessage"], [state.dca.queue.queueArn]);
    role.may("Tell", ["sns:Publish"], [state.messages.topicArn]);
    return sweep;
  }

  #subscribe(emails: readonly string[], { messages, alarms }: StateStack): void {
    const topics = { Messages: messages, Page: alarms.page, Ticket: alarms.ticket };
    for (const email of emails)
      for (const [name, topic] of Object.entries(topics))
        new Subscription(this, `${name}-${email}`, {
          topic,
          protocol: SubscriptionProtocol.EMAIL,
          endpoint: email,
        });
  }
}

/**
 * By name, to which Secrets Manager adds six characters of its own; and without them, as a secret that is not there is asked
 * for: that must be answered, not denied. Of more accounts than a policy holds one pattern stands for all.
 */
function secretsOf(accounts: readonly string[]): readonly string[] {
  const names = accounts.length > ACCOUNTS_IN_POLICY_MAX ? ["*"] : accounts;
  return names.flatMap((name) =>
    KEY_USES.flatMap((use) =>
      ["", "-??????"].map((end) => arnHere("secretsmanager", `secret:${secretName(name, use)}${end}`)),
    ),
  );
}
