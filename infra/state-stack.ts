/**
 * What must survive: the addresses that Kraken knows, the ledger, the keys, the queues and topics. It does not depend on the
 * egress or on any plan, so that changing those never touches it. Everything that another stack uses is exported for good:
 * an export that came and went with the egress could not be taken away while the old stack still holds it.
 */
import { Aws, CfnOutput, Duration, Fn, Stack, type StackProps } from "aws-cdk-lib";
import { AttributeType, Billing, ProjectionType, TableEncryptionV2, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { CfnEIP } from "aws-cdk-lib/aws-ec2";
import { CfnSecret } from "aws-cdk-lib/aws-secretsmanager";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { type Deployment, SECRETS_IN_TEMPLATE_MAX } from "../shared/config/deployment.ts";
import { apiKeyName, KEY_USES, OUTPUTS, secretName, TABLE } from "../shared/config/names.ts";
import { AlarmTopics } from "./parts/alarm-topics.ts";
import { arnHere } from "./parts/arn-here.ts";
import { FiringQueue } from "./parts/firing-queue.ts";
import type { LedgerTable } from "./parts/function-role.ts";
import { KEEP } from "./parts/keep.ts";
import { MessagesTopic } from "./parts/messages-topic.ts";
import type { Choices } from "./settings.ts";

export type StateProps = StackProps & { readonly deployment: Deployment; readonly choices: Choices };

export class StateStack extends Stack {
  /** The ledger: the one that is made here, or one that was restored and is named in cdk.json. */
  readonly table: LedgerTable;
  readonly addresses: readonly CfnEIP[];
  readonly messages: ITopic;
  readonly alarms: AlarmTopics;
  readonly dca: FiringQueue;
  /** Firings that Scheduler could not put into their queue. */
  readonly lostFirings: Queue;
  /** Names this deployment in the names of its API keys: the same as long as the stack lives. */
  readonly deployment: string;

  constructor(scope: Construct, id: string, { deployment, choices, ...props }: StateProps) {
    super(scope, id, props);
    // This stack's own id, also where another stack uses it: `Aws.STACK_ID` would be that other stack's.
    this.deployment = Fn.select(0, Fn.split("-", Fn.select(2, Fn.split("/", this.stackId))));
    this.addresses = Array.from({ length: choices.natZones }, (_, index) => this.#address(index));
    // Made and exported also beside a restored one: nothing is lost by going over, nor by going back.
    const own = this.#table();
    this.table =
      choices.table === ""
        ? own
        : { tableName: choices.table, tableArn: arnHere("dynamodb", `table/${choices.table}`) };
    for (const account of deployment.accounts.length > SECRETS_IN_TEMPLATE_MAX ? [] : deployment.accounts)
      for (const use of KEY_USES) this.#secret(account, use);
    this.messages = new MessagesTopic(this, "Messages").topic;
    this.alarms = new AlarmTopics(this, "Alarms");
    this.dca = new FiringQueue(this, "Dca");
    this.lostFirings = new Queue(this, "LostFirings", {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: KEEP,
    });
    this.#tell();
    this.#exportForGood(own);
  }

  #address(index: number): CfnEIP {
    const address = new CfnEIP(this, `Address${index}`, {
      domain: "vpc",
      tags: [{ key: "Name", value: `tidekeeper egress ${index + 1}, known to Kraken` }],
    });
    address.applyRemovalPolicy(KEEP);
    return address;
  }

  #table(): TableV2 {
    return new TableV2(this, "Ledger", {
      partitionKey: { name: TABLE.partitionKey, type: AttributeType.STRING },
      sortKey: { name: TABLE.sortKey, type: AttributeType.STRING },
      billing: Billing.onDemand(),
      // In this account and in its CloudTrail, without a monthly fee. The key lets in whom DynamoDB lets in: no role names it.
      encryption: TableEncryptionV2.awsManagedKey(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true, recoveryPeriodInDays: 35 },
      deletionProtection: true,
      // Only of what may be forgotten: no run, intent or message has the attribute.
      timeToLiveAttribute: TABLE.timeToLive,
      removalPolicy: KEEP,
      globalSecondaryIndexes: [
        {
          indexName: TABLE.index,
          partitionKey: { name: TABLE.indexPartitionKey, type: AttributeType.STRING },
          sortKey: { name: TABLE.indexSortKey, type: AttributeType.NUMBER },
          projectionType: ProjectionType.KEYS_ONLY,
        },
      ],
    });
  }

  /** Without a value: one that is generated here would be made anew by an update, and no value means no key yet. */
  #secret(account: string, use: (typeof KEY_USES)[number]): void {
    const secret = new CfnSecret(this, `Key-${account}-${use}`, {
      name: secretName(account, use),
      description: `Tidekeeper, account ${account}: Kraken's ${use} key. Set it with: tide keys set --aws`,
    });
    secret.applyRemovalPolicy(KEEP);
  }

  #tell(): void {
    const tell = (name: string, value: string, description: string) =>
      new CfnOutput(this, name, { key: name, value, description });
    const addresses = Fn.join(
      ",",
      this.addresses.map(({ attrPublicIp }) => attrPublicIp),
    );
    tell(
      OUTPUTS.addresses,
      addresses,
      // The same in every egress, as all of this stack is.
      "With egress nat-gateway or nat-instance, and only then, calls leave from here: paste into the IP address restriction of your API keys at Kraken. With egress none a key that is bound to them is locked out",
    );
    tell(
      OUTPUTS.keyName,
      apiKeyName(this.deployment, "trade"),
      "Name your trade key at Kraken exactly like this",
    );
    tell(OUTPUTS.deployment, this.deployment, "Names this deployment");
    tell(OUTPUTS.table, this.table.tableName, "The ledger");
    tell(OUTPUTS.dcaQueue, this.dca.queue.queueUrl, "Firings and the owner's requests");
    tell(OUTPUTS.dcaDeadLetters, this.dca.deadLetters.queueUrl, "Firings that were put aside");
    tell(OUTPUTS.lostFirings, this.lostFirings.queueUrl, "Firings that could not be put into their queue");
    tell(OUTPUTS.topic, this.messages.topicArn, "Messages to the owner");
    tell(OUTPUTS.pageTopic, this.alarms.page.topicArn, "Alarms that must wake somebody");
    tell(OUTPUTS.ticketTopic, this.alarms.ticket.topicArn, "Alarms that can wait for the morning");
    tell(OUTPUTS.region, Aws.REGION, "Where it runs");
  }

  #exportForGood(own: TableV2): void {
    for (const { attrAllocationId, attrPublicIp } of this.addresses)
      for (const value of [attrAllocationId, attrPublicIp]) this.exportValue(value);
    this.exportValue(this.stackId);
    for (const value of [own.tableName, own.tableArn, this.messages.topicArn]) this.exportValue(value);
    for (const { topicArn } of [this.alarms.page, this.alarms.ticket]) this.exportValue(topicArn);
    for (const queue of [this.dca.queue, this.dca.deadLetters, this.lostFirings])
      for (const value of [queue.queueArn, queue.queueName, queue.queueUrl]) this.exportValue(value);
  }
}
