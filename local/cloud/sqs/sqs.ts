/**
 * SQS: standard and FIFO queues, with visibility, delays, deduplication and dead-lettering by the given clock.
 *
 * Each change is written before it is seen or answered; in memory is what the store holds.
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../../shared/app/clock.ts";
import { MINUTE_MS, SECOND_MS } from "../../../shared/domain/time.ts";
import type { Database } from "../database.ts";
import { AwsError, unknownOperation } from "../errors.ts";
import { textIn, textMapIn, textsIn, wholeIn } from "../input.ts";
import { ACCOUNT, type Context, type Input, type Output, type Service } from "../service.ts";
import { Turns } from "../turns.ts";
import { checkQueue, invalidParameter, missingParameter, nameTaken } from "./attributes.ts";
import {
  available,
  countsOf,
  defaults,
  isFifo,
  type Message,
  nextVisibleAt,
  outdated,
  type Queue,
  type QueueAttributes,
  redrivePolicyOf,
  type Sent,
  setting,
} from "./queue.ts";
import { Queues } from "./queues.ts";
import {
  bodyIn,
  checkId,
  deduplicationIdOf,
  heldBy,
  outOfRange,
  received,
  sentOutput,
  visibilityIn,
} from "./requests.ts";

// docs.aws.amazon.com: a deduplication id counts for five minutes
const DEDUPLICATION_MS = 5 * MINUTE_MS;

export class Sqs implements Service {
  readonly operations = [
    "ChangeMessageVisibility",
    "CreateQueue",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
  ];
  readonly #queues: Queues;
  readonly #clock: Clock;
  readonly #turns = new Turns();

  private constructor(queues: Queues, clock: Clock) {
    this.#queues = queues;
    this.#clock = clock;
  }

  static async open(database: Database, clock: Clock, region: string): Promise<Sqs> {
    return new Sqs(await Queues.open(database, region), clock);
  }

  /**
   * What was given out and not deleted may be had again at once, and is not counted as given out: its receiver has died. For
   * a machine that has its pollers in its own process and starts anew; AWS would wait for the visibility to end.
   */
  returnInFlight(): Promise<void> {
    return this.#turns.take(async () => {
      const now = this.#clock.now();
      const drafts = [...this.#queues.all()].map((queue) => {
        const inFlight = [...queue.messages.values()].filter(
          ({ receiveCount, visibleAt }) => receiveCount > 0 && visibleAt > now,
        );
        const messages = new Map(
          inFlight.map((message) => [
            message.number,
            { ...message, visibleAt: now, receiveCount: message.receiveCount - 1 },
          ]),
        );
        return { queue, messages };
      });
      await this.#queues.write(drafts.filter(({ messages }) => messages.size > 0));
    });
  }

  async call(operation: string, input: Input, context: Context): Promise<Output> {
    const urlOf = (name: string) => ({ QueueUrl: `${context.origin}/${ACCOUNT}/${name}` });
    switch (operation) {
      case "CreateQueue":
        return urlOf(await this.#turns.take(() => this.#create(input)));
      case "GetQueueUrl":
        return urlOf(this.#queues.named(textIn(input, "QueueName") ?? "").name);
      case "GetQueueAttributes":
        return this.#turns.take(() => this.#attributes(input));
      case "SendMessage":
        return this.#turns.take(() => this.#send(input));
      case "ReceiveMessage":
        return this.#receive(input, context);
      case "DeleteMessage":
        return this.#turns.take(() => this.#delete(input));
      case "ChangeMessageVisibility":
        return this.#turns.take(() => this.#changeVisibility(input));
      case "PurgeQueue":
        return this.#turns.take(() => this.#purge(input));
      default:
        throw unknownOperation();
    }
  }

  async #create(input: Input): Promise<string> {
    const name = textIn(input, "QueueName") ?? "";
    const attributes = textMapIn(input, "Attributes");
    const known = this.#queues.find(name);
    if (known !== undefined) {
      for (const [attribute, value] of Object.entries(attributes)) {
        if ((known.attributes[attribute] ?? defaults[attribute]) !== value) throw nameTaken(attribute);
      }
      return name;
    }
    checkQueue(name, attributes, this.#queues.byArn);
    await this.#queues.create(name, attributes, this.#clock.now());
    return name;
  }

  async #attributes(input: Input): Promise<Output> {
    const queue = this.#queueIn(input);
    await this.#clear();
    const all: QueueAttributes = {
      ...defaults,
      ...queue.attributes,
      ...countsOf(queue, this.#clock.now()),
      QueueArn: queue.arn,
      CreatedTimestamp: String(Math.floor(queue.createdAt / SECOND_MS)),
      LastModifiedTimestamp: String(Math.floor(queue.createdAt / SECOND_MS)),
    };
    const asked = textsIn(input, "AttributeNames");
    const isAsked = (name: string) => asked.includes("All") || asked.includes(name);
    return { Attributes: Object.fromEntries(Object.entries(all).filter(([name]) => isAsked(name))) };
  }

  async #send(input: Input): Promise<Output> {
    const queue = this.#queueIn(input);
    const body = bodyIn(input, queue);
    const now = this.#clock.now();
    const group = textIn(input, "MessageGroupId");
    const delay = wholeIn(input, "DelaySeconds");
    if (isFifo(queue) && group === undefined) throw missingParameter("MessageGroupId");
    if (group !== undefined) checkId("MessageGroupId", group);
    if (delay !== undefined && (delay < 0 || delay > 900 || isFifo(queue))) {
      const reason = isFifo(queue)
        ? "The request include parameter that is not valid for this queue type."
        : "DelaySeconds must be >= 0 and <= 900.";
      throw invalidParameter(`Value ${delay} for parameter DelaySeconds is invalid. Reason: ${reason}`);
    }
    const deduplicationId = deduplicationIdOf(input, queue, body);
    const sentKey =
      queue.attributes.DeduplicationScope === "messageGroup"
        ? `${group} ${deduplicationId}`
        : deduplicationId;
    const before = sentKey === undefined ? undefined : queue.sent.get(sentKey);
    if (before !== undefined && now - before.at < DEDUPLICATION_MS) return sentOutput(queue, body, before);

    const message: Message = {
      number: queue.last + 1,
      id: randomUUID(),
      body,
      ...(group === undefined ? {} : { group }),
      ...(deduplicationId === undefined ? {} : { deduplicationId }),
      sentAt: now,
      visibleAt: now + (delay ?? setting(queue, "DelaySeconds")) * SECOND_MS,
      receiveCount: 0,
    };
    const sent = new Map<string, Sent | undefined>();
    for (const [key, { at }] of queue.sent) if (now - at >= DEDUPLICATION_MS) sent.set(key, undefined);
    if (sentKey !== undefined) sent.set(sentKey, { at: now, id: message.id, number: message.number });
    await this.#queues.write([{ queue, messages: new Map([[message.number, message]]), sent }]);
    return sentOutput(queue, body, message);
  }

  async #receive(input: Input, context: Context): Promise<Output> {
    const queue = this.#queueIn(input);
    const limit = wholeIn(input, "MaxNumberOfMessages") ?? 1;
    const waitSeconds = wholeIn(input, "WaitTimeSeconds") ?? setting(queue, "ReceiveMessageWaitTimeSeconds");
    if (limit < 1 || limit > 10) throw outOfRange("MaxNumberOfMessages", limit, "1 to 10");
    if (waitSeconds < 0 || waitSeconds > 20) throw outOfRange("WaitTimeSeconds", waitSeconds, "0 to 20");
    const asked = [...textsIn(input, "AttributeNames"), ...textsIn(input, "MessageSystemAttributeNames")];
    const deadline = this.#clock.now() + waitSeconds * SECOND_MS;
    while (true) {
      const wake = new AbortController();
      queue.waiting.add(wake); // Before looking: what comes in between must not be slept through
      try {
        const messages = await this.#turns.take(() => this.#take(queue, limit, input));
        const now = this.#clock.now();
        if (messages.length > 0)
          return { Messages: messages.map((message) => received(message, queue, asked)) };
        if (now >= deadline || context.isOver()) return {};
        await context.sleep(Math.min(deadline, nextVisibleAt(queue, now)) - now, wake.signal);
      } finally {
        queue.waiting.delete(wake);
      }
    }
  }

  async #take(queue: Queue, limit: number, input: Input): Promise<Message[]> {
    await this.#clear();
    const now = this.#clock.now();
    const hiddenMs = (visibilityIn(input) ?? setting(queue, "VisibilityTimeout")) * SECOND_MS;
    const taken = available(queue, now, limit).map((message) => ({
      ...message,
      visibleAt: now + hiddenMs,
      receiveCount: message.receiveCount + 1,
      firstReceivedAt: message.firstReceivedAt ?? now,
      handle: Buffer.from(`${message.number} ${randomUUID()}`).toString("base64"),
    }));
    if (taken.length > 0) await this.#queues.write([{ queue, messages: byNumber(taken) }]);
    return taken;
  }

  async #delete(input: Input): Promise<Output> {
    const queue = this.#queueIn(input);
    const message = heldBy(queue, input);
    if (message !== undefined)
      await this.#queues.write([{ queue, messages: new Map([[message.number, undefined]]) }]);
    return {};
  }

  async #changeVisibility(input: Input): Promise<Output> {
    const queue = this.#queueIn(input);
    const seconds = visibilityIn(input);
    if (seconds === undefined) throw missingParameter("VisibilityTimeout");
    const now = this.#clock.now();
    const message = heldBy(queue, input);
    if (message === undefined || message.visibleAt <= now) {
      throw new AwsError(
        "com.amazonaws.sqs#MessageNotInflight",
        "The specified message does not exist or is not available for visibility timeout change.",
        { members: { queryCode: "AWS.SimpleQueueService.MessageNotInflight" } },
      );
    }
    const changed = { ...message, visibleAt: now + seconds * SECOND_MS };
    await this.#queues.write([{ queue, messages: new Map([[message.number, changed]]) }]);
    return {};
  }

  async #purge(input: Input): Promise<Output> {
    const queue = this.#queueIn(input);
    await this.#queues.write([
      { queue, messages: new Map([...queue.messages.keys()].map((number) => [number, undefined])) },
    ]);
    return {};
  }

  /** By the last part of its URL: the port may be another one than when the URL was made. */
  #queueIn(input: Input): Queue {
    const url = textIn(input, "QueueUrl");
    if (url === undefined) throw missingParameter("QueueUrl");
    return this.#queues.named(url.slice(url.lastIndexOf("/") + 1));
  }

  /** Drops what is too old, and moves what was received too often to where its queue says; that frees its group. */
  async #clear(): Promise<void> {
    const now = this.#clock.now();
    for (const queue of this.#queues.all()) {
      const { expired, dead } = outdated(queue, now);
      if (expired.length + dead.length === 0) continue;
      const target = this.#queues.byArn(redrivePolicyOf(queue.attributes)?.deadLetterTargetArn);
      const moved = dead.map((message, at): Message => {
        const { handle, firstReceivedAt, ...rest } = message;
        const number = (target?.last ?? 0) + 1 + at;
        return { ...rest, number, receiveCount: 0, visibleAt: now, deadLetterOf: queue.arn };
      });
      const gone = new Map([...expired, ...dead].map(({ number }) => [number, undefined] as const));
      await this.#queues.write([
        { queue, messages: gone },
        ...(target === undefined ? [] : [{ queue: target, messages: byNumber(moved) }]),
      ]);
    }
  }
}

const byNumber = (messages: readonly Message[]) =>
  new Map(messages.map((message) => [message.number, message]));
