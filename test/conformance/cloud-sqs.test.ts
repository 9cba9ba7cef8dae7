/** Queues as the firing of plans relies on them: order per group, one in flight, visibility, dead letters. */
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  PurgeQueueCommand,
  type QueueAttributeName,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageCommand,
  type SendMessageCommandInput,
} from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failure, type House, openHouse, START, times, ways } from "../support/cloud-house.ts";

const MINUTE = 60_000;

describe.each(ways)("SQS ($reach, $store)", (way) => {
  let house: House;
  let fifo: string;
  beforeEach(async () => {
    house = await openHouse(way);
    fifo = await create("dca.fifo", { FifoQueue: "true", VisibilityTimeout: "120" });
  });
  afterEach(() => house.close());

  const create = async (name: string, attributes: Partial<Record<QueueAttributeName, string>> = {}) => {
    const made = await house.sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
    return made.QueueUrl as string;
  };
  const send = (body: string, group: string, more: Partial<SendMessageCommandInput> = {}) =>
    house.sqs.send(
      new SendMessageCommand({
        QueueUrl: fifo,
        MessageBody: body,
        MessageGroupId: group,
        MessageDeduplicationId: body,
        ...more,
      }),
    );
  const receive = async (more: Partial<ReceiveMessageCommandInput> = {}): Promise<Message[]> => {
    const input = {
      QueueUrl: fifo,
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ["All" as const],
      ...more,
    };
    return (await house.sqs.send(new ReceiveMessageCommand(input))).Messages ?? [];
  };
  const bodies = async (more: Partial<ReceiveMessageCommandInput> = {}) =>
    (await receive(more)).map(({ Body }) => Body);
  const done = (message: Message | undefined, queue = fifo) =>
    house.sqs.send(new DeleteMessageCommand({ QueueUrl: queue, ReceiptHandle: message?.ReceiptHandle }));
  const attributes = async (queue: string) =>
    (await house.sqs.send(new GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames: ["All"] })))
      .Attributes;
  /** Lets calls in this process go on as far as they can while the clock stands. */
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

  test("messages of a group come in the order they were sent, in batches and over several receives", async () => {
    for (const body of ["a1", "b1", "a2", "a3", "b2"]) await send(body, body.charAt(0));
    const first = await receive({ MaxNumberOfMessages: 3 });
    expect(first.map(({ Body }) => Body)).toEqual(["a1", "b1", "a2"]);
    for (const message of first) await done(message);
    expect(await bodies()).toEqual(["a3", "b2"]);
    const numbers = first.map(({ Attributes }) => Attributes?.SequenceNumber as string);
    expect(numbers.toSorted((x, y) => (BigInt(x) < BigInt(y) ? -1 : 1))).toEqual(numbers);
    expect(numbers.every((number) => /^\d{20}$/.test(number))).toBe(true);
  });

  test("a message in flight holds back its group and no other", async () => {
    for (const body of ["a1", "a2", "b1"]) await send(body, body.charAt(0));
    const [first] = await receive({ MaxNumberOfMessages: 1 });
    expect(first?.Body).toBe("a1");
    expect(await bodies()).toEqual(["b1"]);
    await done(first);
    expect(await bodies()).toEqual(["a2"]);
  });

  test("what is not deleted comes again when its visibility ends by the clock, and is counted", async () => {
    await send("a1", "a");
    house.clock.moveTo(START + 5_000);
    expect((await receive())[0]?.Attributes).toEqual({
      ApproximateFirstReceiveTimestamp: String(START + 5_000),
      ApproximateReceiveCount: "1",
      MessageDeduplicationId: "a1",
      MessageGroupId: "a",
      SentTimestamp: String(START),
      SequenceNumber: expect.any(String),
    });
    house.clock.moveTo(START + 5_000 + 2 * MINUTE - 1);
    expect(await receive()).toEqual([]);
    house.clock.moveTo(START + 5_000 + 2 * MINUTE);
    const [again] = await receive();
    expect(again?.Attributes).toMatchObject({
      ApproximateReceiveCount: "2",
      ApproximateFirstReceiveTimestamp: String(START + 5_000),
    });
  });

  test("a stale receipt handle deletes nothing", async () => {
    await send("a1", "a");
    const [stale] = await receive({ VisibilityTimeout: 10 });
    house.clock.moveTo(START + 10_000);
    const [fresh] = await receive();
    await done(stale);
    expect((await attributes(fifo))?.ApproximateNumberOfMessagesNotVisible).toBe("1");
    await done(fresh);
    await done(fresh);
    expect((await attributes(fifo))?.ApproximateNumberOfMessagesNotVisible).toBe("0");
    const nonsense = await failure(done({ ReceiptHandle: "nonsense" }));
    expect(nonsense.name).toBe("ReceiptHandleIsInvalid");
  });

  test("visibility can be prolonged and given up while the message is in flight", async () => {
    await send("a1", "a");
    const [message] = await receive();
    const change = (seconds: number) =>
      house.sqs.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: fifo,
          ReceiptHandle: message?.ReceiptHandle,
          VisibilityTimeout: seconds,
        }),
      );
    await change(300);
    house.clock.moveTo(START + 2 * MINUTE);
    expect(await receive()).toEqual([]);
    await change(0);
    expect(await bodies()).toEqual(["a1"]);
    expect((await failure(change(10))).name).toBe("MessageNotInflight");
  });

  test("one deduplication id is taken once in five minutes, also after the message is gone", async () => {
    const first = await send("a1", "a");
    await done((await receive())[0]);
    const again = await send("a1", "a");
    expect([again.MessageId, again.SequenceNumber]).toEqual([first.MessageId, first.SequenceNumber]);
    expect(await receive()).toEqual([]);
    house.clock.moveTo(START + 5 * MINUTE - 1);
    await send("a1", "a");
    expect(await receive()).toEqual([]);
    house.clock.moveTo(START + 5 * MINUTE);
    await send("a1", "a");
    expect(await bodies()).toEqual(["a1"]);
  });

  test("a queue that deduplicates by content needs no id; another one does", async () => {
    const content = await create("content.fifo", { FifoQueue: "true", ContentBasedDeduplication: "true" });
    const bare = { QueueUrl: content, MessageDeduplicationId: undefined };
    await send("same", "a", bare);
    await send("same", "a", bare);
    await send("other", "a", bare);
    expect(await bodies({ QueueUrl: content })).toEqual(["same", "other"]);
    const without = await failure(send("a1", "a", { MessageDeduplicationId: undefined }));
    expect(without.message).toMatch(/ContentBasedDeduplication enabled or MessageDeduplicationId provided/);
    const groupless = await failure(send("a1", "a", { MessageGroupId: undefined }));
    expect(groupless.message).toBe("The request must contain the parameter MessageGroupId.");
  });

  test("what was received too often goes to the dead-letter queue, and its group goes on", async () => {
    const dead = await create("dead.fifo", { FifoQueue: "true" });
    const deadArn = (await attributes(dead))?.QueueArn as string;
    const policy = JSON.stringify({ deadLetterTargetArn: deadArn, maxReceiveCount: 2 });
    fifo = await create("work.fifo", { FifoQueue: "true", VisibilityTimeout: "10", RedrivePolicy: policy });
    await send("poison", "a");
    await send("next", "a");
    for (const at of [0, 10_000]) {
      house.clock.moveTo(START + at);
      expect(await bodies({ MaxNumberOfMessages: 1 })).toEqual(["poison"]);
    }
    house.clock.moveTo(START + 19_999);
    expect(await receive()).toEqual([]);
    house.clock.moveTo(START + 20_000);
    expect(await bodies()).toEqual(["next"]);
    const [letter] = await receive({ QueueUrl: dead });
    expect(letter?.Body).toBe("poison");
    expect(letter?.Attributes).toMatchObject({
      MessageGroupId: "a",
      DeadLetterQueueSourceArn: (await attributes(fifo))?.QueueArn,
    });
    await done(letter, dead);
    expect((await attributes(dead))?.ApproximateNumberOfMessagesNotVisible).toBe("0");
  });

  test("a standard queue delays messages, needs no group, and tells what it holds", async () => {
    const plain = await create("plain", { VisibilityTimeout: "5" });
    const sendPlain = (body: string, delay: number) =>
      house.sqs.send(new SendMessageCommand({ QueueUrl: plain, MessageBody: body, DelaySeconds: delay }));
    await sendPlain("later", 30);
    await sendPlain("now", 0);
    await sendPlain("now too", 0);
    expect(await bodies({ QueueUrl: plain, MaxNumberOfMessages: 1 })).toEqual(["now"]);
    expect(await attributes(plain)).toMatchObject({
      ApproximateNumberOfMessages: "1",
      ApproximateNumberOfMessagesNotVisible: "1",
      ApproximateNumberOfMessagesDelayed: "1",
      QueueArn: "arn:aws:sqs:us-east-1:000000000000:plain",
      VisibilityTimeout: "5",
    });
    house.clock.moveTo(START + 30_000);
    expect(new Set(await bodies({ QueueUrl: plain }))).toEqual(new Set(["later", "now", "now too"]));
    expect((await failure(send("a1", "a", { DelaySeconds: 5 }))).message).toMatch(
      /not valid for this queue type/,
    );
  });

  test("a receiver that waits gets what is sent meanwhile, and gives up when the clock says so", async () => {
    const waiting = receive({ WaitTimeSeconds: 20 });
    await settled();
    expect(house.cloud.activity.inFlight).toBe(0);
    await send("a1", "a");
    const [message] = await waiting;
    expect(message?.Body).toBe("a1");
    await send("a2", "a");
    const forGroup = bodies({ WaitTimeSeconds: 20 });
    await settled();
    await done(message);
    expect(await forGroup).toEqual(["a2"]);
    const inVain = receive({ WaitTimeSeconds: 3 });
    await settled();
    house.clock.moveTo(house.clock.now() + 3_000);
    expect(await inVain).toEqual([]);
  });

  test("a receiver that waits gets a message whose visibility ends meanwhile", async () => {
    await send("a1", "a");
    await receive({ VisibilityTimeout: 7 });
    const waiting = bodies({ WaitTimeSeconds: 20 });
    await settled();
    house.clock.moveTo(START + 7_000);
    expect(await waiting).toEqual(["a1"]);
  });

  test("a purge empties the queue, and old messages leave after their time", async () => {
    for (const n of times(3, String)) await send(n, "a");
    await house.sqs.send(new PurgeQueueCommand({ QueueUrl: fifo }));
    expect(await receive()).toEqual([]);
    await send("old", "a");
    house.clock.moveTo(START + 4 * 86_400_000);
    expect(await receive()).toEqual([]);
  });

  test("a queue is found by name, made again only with the same attributes, and missed in AWS's words", async () => {
    const found = await house.sqs.send(new GetQueueUrlCommand({ QueueName: "dca.fifo" }));
    expect(found.QueueUrl).toBe(fifo);
    expect(await create("dca.fifo", { FifoQueue: "true", VisibilityTimeout: "120" })).toBe(fifo);
    const other = await failure(create("dca.fifo", { FifoQueue: "true", VisibilityTimeout: "60" }));
    expect(other.message).toMatch(/same name and a different value for attribute VisibilityTimeout/);
    const missing = await failure(receive({ QueueUrl: fifo.replace("dca", "nowhere") }));
    expect(missing.name).toBe("QueueDoesNotExist");
    const misnamed = await failure(create("dca2", { FifoQueue: "true" }));
    expect(misnamed.message).toMatch(/must end with .fifo suffix/);
    const policy = JSON.stringify({
      deadLetterTargetArn: "arn:aws:sqs:us-east-1:000000000000:no",
      maxReceiveCount: 3,
    });
    expect((await failure(create("plain", { RedrivePolicy: policy }))).message).toMatch(
      /target does not exist/,
    );
  });

  test("what it would not keep, it refuses", async () => {
    const attribute = { MessageAttributes: { kind: { DataType: "String", StringValue: "x" } } };
    expect((await failure(send("a1", "a", attribute))).name).toBe("UnsupportedOperation");
    expect((await failure(create("q", { VisibilityTimeout: "never" }))).name).toBe("InvalidAttributeValue");
  });
});
