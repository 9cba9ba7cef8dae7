/** What must survive, and what would be lost if it changed. */
import { describe, expect, test } from "vitest";
import { EGRESSES, example, withEgress } from "../support/examples.ts";
import { synthesized } from "../support/synthesized.ts";

const saver = example("saver.yaml");
const { state, automation } = synthesized(saver);
const one = (type: string) => {
  const found = state.ofType(type);
  expect(found, type).toHaveLength(1);
  return found[0]!;
};

describe("what is kept for ever", () => {
  test.each([
    "AWS::EC2::EIP",
    "AWS::DynamoDB::GlobalTable",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
    "AWS::KMS::Key",
    "AWS::SNS::Topic",
  ])("%s stays when its stack goes, and when it is replaced", (type) => {
    const found = state.ofType(type);
    expect(found.length).toBeGreaterThan(0);
    for (const { DeletionPolicy, UpdateReplacePolicy } of found)
      expect({ DeletionPolicy, UpdateReplacePolicy }).toEqual({
        // But for a first deployment that fails: what nobody has used yet must not be left behind at a price.
        DeletionPolicy: "RetainExceptOnCreate",
        UpdateReplacePolicy: "Retain",
      });
  });

  test("the ids that CloudFormation knows these by never change: another id would be another table, key or address", () => {
    const ids = [
      "AWS::EC2::EIP",
      "AWS::DynamoDB::GlobalTable",
      "AWS::SecretsManager::Secret",
      "AWS::SQS::Queue",
    ]
      .flatMap((type) => state.ofType(type))
      .map(({ id }) => id);
    expect(ids).toEqual([
      "Address0",
      "LedgerB7379752",
      "Keymaintrade",
      "Keymainread",
      "DcaDeadLettersD4339637",
      "DcaQueueF6F20C07",
      "LostFirings68AB5618",
    ]);
  });

  test("the ledger can be restored to any minute of 35 days, cannot be deleted, and is paid by use", () => {
    expect(one("AWS::DynamoDB::GlobalTable").Properties).toMatchObject({
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: "open",
          KeySchema: [
            { AttributeName: "openShard", KeyType: "HASH" },
            { AttributeName: "dueAt", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "KEYS_ONLY" },
        },
      ],
      TimeToLiveSpecification: { AttributeName: "ttl", Enabled: true },
      Replicas: [
        {
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 35 },
        },
      ],
    });
  });

  test("secrets have no value of their own, which an update would make anew", () => {
    const secrets = state.ofType("AWS::SecretsManager::Secret").map(({ Properties }) => Properties);
    expect(secrets.map(({ Name }) => Name)).toEqual(["tidekeeper/main/trade", "tidekeeper/main/read"]);
    for (const secret of secrets) {
      expect(secret).not.toHaveProperty("SecretString");
      expect(secret).not.toHaveProperty("GenerateSecretString");
    }
  });

  test.each(EGRESSES)("the stack is the very same with egress %s", (egress) => {
    const other = synthesized(withEgress(saver, egress)).state;
    expect(other.resources).toEqual(state.resources);
    expect(other.outputs).toEqual(state.outputs);
  });
});

describe("queues and topics", () => {
  test("firings come in order, are given up after five deliveries, and are hidden for twice a worker's time", () => {
    const queues = state.ofType("AWS::SQS::Queue").map(({ Properties }) => Properties);
    const [firings] = queues.filter(({ RedrivePolicy }) => RedrivePolicy !== undefined);
    expect(firings).toMatchObject({
      FifoQueue: true,
      ContentBasedDeduplication: true,
      VisibilityTimeout: 120,
      MessageRetentionPeriod: 14 * 86_400,
      RedrivePolicy: { maxReceiveCount: 5 },
    });
    const dead = queues.filter(({ FifoQueue, RedrivePolicy }) => FifoQueue && RedrivePolicy === undefined);
    expect(dead).toHaveLength(1);
    // Scheduler's own must be a standard queue.
    expect(queues.filter(({ FifoQueue }) => FifoQueue === undefined)).toHaveLength(1);
  });

  test("the ledger is encrypted with a key of this AWS account, and no role has to name it", () => {
    expect(one("AWS::DynamoDB::GlobalTable").Properties.SSESpecification).toEqual({
      SSEEnabled: true,
      SSEType: "KMS",
    });
    expect(JSON.stringify(automation.ofType("AWS::IAM::Policy"))).not.toContain("kms:");
  });

  test("every queue and topic is encrypted and refuses plain HTTP", () => {
    for (const { Properties } of state.ofType("AWS::SQS::Queue"))
      expect(Properties).toHaveProperty("SqsManagedSseEnabled", true);
    for (const { Properties } of state.ofType("AWS::SNS::Topic"))
      expect(Properties).toHaveProperty("KmsMasterKeyId");
    const policies = [...state.ofType("AWS::SQS::QueuePolicy"), ...state.ofType("AWS::SNS::TopicPolicy")];
    expect(policies).toHaveLength(6);
    for (const { Properties } of policies)
      expect(JSON.stringify(Properties)).toContain('"aws:SecureTransport":"false"');
  });

  test("alarm topics have a key of our own that CloudWatch and Budgets may use, or alarms would be dropped unseen", () => {
    const key = JSON.stringify(one("AWS::KMS::Key").Properties.KeyPolicy);
    for (const service of ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"])
      expect(key).toContain(service);
    expect(key).toContain("kms:GenerateDataKey");
    const alarmTopics = state
      .ofType("AWS::SNS::Topic")
      .filter(({ Properties }) => !JSON.stringify(Properties.KmsMasterKeyId).includes("alias/aws/sns"));
    expect(alarmTopics).toHaveLength(2);
  });
});

describe("what the owner's tools read", () => {
  test("the addresses to paste, the key's name and where everything is", () => {
    for (const name of [
      "KrakenAddresses",
      "TradeKeyName",
      "Deployment",
      "TableName",
      "DcaQueueUrl",
      "DcaDeadLettersUrl",
      "MessagesTopicArn",
      "Region",
    ])
      expect(state.outputs).toHaveProperty(name);
  });

  test("the addresses are told with what they are good for, as the stack is the same with egress none", () => {
    const { Description } = state.outputs.KrakenAddresses!;
    expect(Description).toMatch(/^With egress nat-gateway or nat-instance, and only then, .*locked out$/);
    expect(Description!.length).toBeLessThan(1024); // CloudFormation takes no more
  });

  test("the deployment's name hangs on nothing but the stack's own id", () => {
    expect(state.outputs.Deployment!.Value).toEqual({
      "Fn::Select": [
        0,
        { "Fn::Split": ["-", { "Fn::Select": [2, { "Fn::Split": ["/", { Ref: "AWS::StackId" }] }] }] },
      ],
    });
  });

  test("dca demands a key of this stack's name, not of its own stack's, which would be another with each of its lives", () => {
    const dca = automation.ofType("AWS::Lambda::Function").find(({ id }) => id.startsWith("Dca"))!;
    const { Variables } = dca.Properties.Environment as { Variables: Record<string, unknown> };
    const text = JSON.stringify(Variables.TIDEKEEPER_DEPLOYMENT);
    expect(text).not.toContain("AWS::StackId");
    const [, name] = /"Fn::ImportValue":"([^"]+)"/.exec(text)!;
    const exported = Object.values(state.outputs).find(({ Export }) => Export?.Name === name);
    expect(exported!.Value).toEqual({ Ref: "AWS::StackId" });
  });

  test("with two zones there are two addresses, the first the same as before", () => {
    const two = synthesized(saver, { choices: { natZones: 2 } }).state;
    expect(two.ofType("AWS::EC2::EIP").map(({ id }) => id)).toEqual(["Address0", "Address1"]);
    expect(two.outputs.KrakenAddresses!.Value).toEqual({
      "Fn::Join": [
        ",",
        [{ "Fn::GetAtt": ["Address0", "PublicIp"] }, { "Fn::GetAtt": ["Address1", "PublicIp"] }],
      ],
    });
  });
});

describe("with a table that was restored", () => {
  const restored = synthesized(saver, { choices: { table: "ledger-2" } });

  test("nothing of the State stack changes but the name that it tells: one deploy goes over, and one goes back", () => {
    expect(restored.findings).toEqual([]);
    expect(restored.state.resources).toEqual(state.resources);
    expect(restored.state.outputs).toEqual({
      ...state.outputs,
      TableName: { ...state.outputs.TableName, Value: "ledger-2" },
    });
  });

  test("every function works with it, and may touch no other", () => {
    const functions = restored.automation
      .ofType("AWS::Lambda::Function")
      .map(({ Properties }) => (Properties.Environment as { Variables: Record<string, unknown> }).Variables);
    for (const { TIDEKEEPER_TABLE } of functions) expect(TIDEKEEPER_TABLE).toBe("ledger-2");
    expect(functions).toHaveLength(2);
    const text = JSON.stringify(restored.automation.resources);
    expect(text).not.toContain("LedgerB7379752");
    const here = ["Partition", "Region", "AccountId"].map((name) => ({ Ref: `AWS::${name}` }));
    const arn = (end: string) => ({
      "Fn::Join": ["", ["arn:", here[0], ":dynamodb:", here[1], ":", here[2], `:table/ledger-2${end}`]],
    });
    const statements = restored.automation
      .ofType("AWS::IAM::Policy")
      .flatMap(
        ({ Properties }) => (Properties.PolicyDocument as { Statement: Record<string, unknown>[] }).Statement,
      );
    const on = (sid: string) => statements.filter(({ Sid }) => Sid === sid).map(({ Resource }) => Resource);
    expect(on("UseLedger")).toEqual([arn(""), arn("")]);
    expect(on("NeverDelete")).toEqual([arn(""), arn("")]);
    expect(on("FindOpenWork")).toEqual([arn("/index/open")]);
  });
});
