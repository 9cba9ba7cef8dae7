/** The attributes of queues and messages: which there are, and how AWS refuses the others. */
import { AwsError } from "../errors.ts";
import {
  isFifo,
  type Message,
  type Queue,
  type QueueAttributes,
  redrivePolicyOf,
  sequenceNumber,
} from "./queue.ts";

/** docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html */
const ranges: Record<string, readonly [min: number, max: number]> = {
  DelaySeconds: [0, 900],
  MaximumMessageSize: [1024, 1_048_576],
  MessageRetentionPeriod: [60, 1_209_600],
  ReceiveMessageWaitTimeSeconds: [0, 20],
  VisibilityTimeout: [0, 43_200],
};
const choices: Record<string, readonly string[]> = {
  FifoQueue: ["true"],
  ContentBasedDeduplication: ["true", "false"],
  DeduplicationScope: ["messageGroup", "queue"],
  FifoThroughputLimit: ["perQueue", "perMessageGroupId"],
};
/** Kept and told again; they change nothing here. */
const tolerated = ["KmsMasterKeyId", "Policy", "RedriveAllowPolicy", "SqsManagedSseEnabled"];

export function checkQueue(
  name: string,
  attributes: QueueAttributes,
  queueOf: (arn: string) => Queue | undefined,
): void {
  const fifo = attributes.FifoQueue === "true";
  if (!/^[\w-]{1,80}$/.test(fifo ? name.replace(/\.fifo$/, "") : name) || fifo !== name.endsWith(".fifo")) {
    throw invalidParameter(
      fifo
        ? "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length"
        : "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
    );
  }
  for (const [attribute, value] of Object.entries(attributes)) checkAttribute(attribute, value, fifo);
  const policy = redrivePolicyIn(attributes);
  if (policy === undefined) return;
  const target = queueOf(policy.deadLetterTargetArn);
  if (target === undefined)
    throw invalidValue(attributes, "RedrivePolicy", "Dead letter target does not exist.");
  if (isFifo(target) !== fifo) {
    throw invalidValue(
      attributes,
      "RedrivePolicy",
      "Dead-letter queue must be same type of queue as the source.",
    );
  }
}

function checkAttribute(name: string, value: string, fifo: boolean): void {
  const range = ranges[name];
  const choice = choices[name];
  if (range === undefined && choice === undefined && name !== "RedrivePolicy" && !tolerated.includes(name)) {
    throw unknown(name);
  }
  const number = Number(value);
  const isWrong =
    (range !== undefined && !(/^\d+$/.test(value) && number >= range[0] && number <= range[1])) ||
    (choice !== undefined && !choice.includes(value));
  if (isWrong) {
    throw new AwsError(
      "com.amazonaws.sqs#InvalidAttributeValue",
      `Invalid value for the parameter ${name}.`,
      { members: { queryCode: "InvalidAttributeValue" } },
    );
  }
  if (choice !== undefined && !fifo) throw unknown(name);
}

const unknown = (name: string) =>
  new AwsError("com.amazonaws.sqs#InvalidAttributeName", `Unknown Attribute ${name}.`, {
    members: { queryCode: "InvalidAttributeName" },
  });

export const nameTaken = (attribute: string) =>
  new AwsError(
    "com.amazonaws.sqs#QueueNameExists",
    `A queue already exists with the same name and a different value for attribute ${attribute}`,
    { members: { queryCode: "QueueAlreadyExists" } },
  );

function redrivePolicyIn(attributes: QueueAttributes) {
  try {
    const policy = redrivePolicyOf(attributes);
    if (policy === undefined || (policy.maxReceiveCount >= 1 && policy.maxReceiveCount <= 1000))
      return policy;
  } catch {
    // Told below
  }
  throw invalidValue(attributes, "RedrivePolicy", "Invalid value for maxReceiveCount or not JSON.");
}

const invalidValue = (attributes: QueueAttributes, name: string, reason: string) =>
  invalidParameter(`Value ${attributes[name]} for parameter ${name} is invalid. Reason: ${reason}`);

export const invalidParameter = (message: string) =>
  new AwsError("com.amazon.coral.service#InvalidParameterValueException", message, {
    members: { queryCode: "InvalidParameterValue" },
  });

export const missingParameter = (name: string) =>
  new AwsError(
    "com.amazon.coral.service#MissingRequiredParameterException",
    `The request must contain the parameter ${name}.`,
    { members: { queryCode: "MissingParameter" } },
  );

const messageAttributes: Record<string, (message: Message, queue: Queue) => string | undefined> = {
  ApproximateFirstReceiveTimestamp: ({ firstReceivedAt }) =>
    firstReceivedAt === undefined ? undefined : String(firstReceivedAt),
  ApproximateReceiveCount: ({ receiveCount }) => String(receiveCount),
  DeadLetterQueueSourceArn: ({ deadLetterOf }) => deadLetterOf,
  MessageDeduplicationId: ({ deduplicationId }) => deduplicationId,
  MessageGroupId: ({ group }) => group,
  SentTimestamp: ({ sentAt }) => String(sentAt),
  SequenceNumber: ({ number }, queue) => (isFifo(queue) ? sequenceNumber(number) : undefined),
};

/** Only those that were asked for; nothing when there are none, as AWS does. */
export function attributesOf(message: Message, queue: Queue, asked: readonly string[]) {
  const names = asked.includes("All") ? Object.keys(messageAttributes) : asked;
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = messageAttributes[name]?.(message, queue);
    if (value !== undefined) found[name] = value;
  }
  return Object.keys(found).length === 0 ? {} : { Attributes: found };
}
