/** A queue and its messages, and which of them may be given out. Decides only: `sqs.ts` writes and waits. */
import { SECOND_MS } from "../../../shared/domain/time.ts";

/** Kept as they were sent, and told again by GetQueueAttributes. */
export type QueueAttributes = Readonly<Record<string, string>>;

export type Message = {
  /** Place in the queue; also the message's key in the store. */
  readonly number: number;
  readonly id: string;
  readonly body: string;
  readonly group?: string;
  readonly deduplicationId?: string;
  readonly sentAt: number;
  /** Delayed or in flight until then. */
  readonly visibleAt: number;
  readonly receiveCount: number;
  readonly firstReceivedAt?: number;
  /** The newest receipt handle; older ones mean nothing. */
  readonly handle?: string;
  /** ARN of the queue it was moved from. */
  readonly deadLetterOf?: string;
};

export type Queue = {
  readonly name: string;
  readonly arn: string;
  readonly attributes: QueueAttributes;
  readonly createdAt: number;
  /** Highest number given to a message. */
  last: number;
  /** By number, in order. */
  readonly messages: Map<number, Message>;
  /** What was sent lately to a FIFO queue, by its deduplication id. */
  readonly sent: Map<string, Sent>;
  /** Receivers that wait for a message. */
  readonly waiting: Set<AbortController>;
};
export type Sent = { readonly at: number; readonly id: string; readonly number: number };

/** AWS's defaults, in seconds or bytes. */
export const defaults: QueueAttributes = {
  VisibilityTimeout: "30",
  DelaySeconds: "0",
  MaximumMessageSize: "1048576",
  MessageRetentionPeriod: "345600",
  ReceiveMessageWaitTimeSeconds: "0",
};

export const isFifo = (queue: Queue): boolean => queue.attributes.FifoQueue === "true";

export const setting = (queue: Queue, name: string): number =>
  Number(queue.attributes[name] ?? defaults[name]);

/** The order of messages in a FIFO queue as AWS writes it: twenty digits, rising. */
export const sequenceNumber = (number: number): string =>
  String(18_849_496_460_000_000_000n + BigInt(number));

export type RedrivePolicy = { readonly deadLetterTargetArn: string; readonly maxReceiveCount: number };

export function redrivePolicyOf(attributes: QueueAttributes): RedrivePolicy | undefined {
  const text = attributes.RedrivePolicy;
  if (text === undefined) return undefined;
  const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(text) as Record<string, unknown>;
  return { deadLetterTargetArn: String(deadLetterTargetArn), maxReceiveCount: Number(maxReceiveCount) };
}

/** In order, at most `limit`. In a FIFO queue a message that is delayed or in flight holds back its group. */
export function available(queue: Queue, now: number, limit: number): Message[] {
  const found: Message[] = [];
  const held = new Set<string | undefined>();
  for (const message of queue.messages.values()) {
    if (found.length === limit) break;
    const isHeld = isFifo(queue) && held.has(message.group);
    if (message.visibleAt > now) held.add(message.group);
    else if (!isHeld) found.push(message);
  }
  return found;
}

/** When the next message that is delayed or in flight can be had again. */
export function nextVisibleAt(queue: Queue, now: number): number {
  const times = [...queue.messages.values()].map(({ visibleAt }) => visibleAt).filter((at) => at > now);
  return Math.min(Number.POSITIVE_INFINITY, ...times);
}

/** Messages that are no longer for receivers: too old, or given out too often. */
export function outdated(queue: Queue, now: number): { expired: Message[]; dead: Message[] } {
  const keptMs = setting(queue, "MessageRetentionPeriod") * SECOND_MS;
  const policy = redrivePolicyOf(queue.attributes);
  const all = [...queue.messages.values()];
  const expired = all.filter(({ sentAt }) => sentAt + keptMs <= now);
  const dead = all.filter(
    (message) =>
      policy !== undefined && message.receiveCount >= policy.maxReceiveCount && message.visibleAt <= now,
  );
  return { expired, dead: dead.filter((message) => !expired.includes(message)) };
}

export function countsOf(queue: Queue, now: number): QueueAttributes {
  const hidden = [...queue.messages.values()].filter(({ visibleAt }) => visibleAt > now);
  const inFlight = hidden.filter(({ receiveCount }) => receiveCount > 0);
  return {
    ApproximateNumberOfMessages: String(queue.messages.size - hidden.length),
    ApproximateNumberOfMessagesNotVisible: String(inFlight.length),
    ApproximateNumberOfMessagesDelayed: String(hidden.length - inFlight.length),
  };
}
