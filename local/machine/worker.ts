/** Stands in for Lambda's poller of the FIFO queue: receives one message at a time and calls the real handler with it. */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { Context, SQSEvent, SQSRecord } from "aws-lambda";
import { DEFAULT_NAMES } from "../../shared/config/names.ts";

export type QueueHandler = (event: SQSEvent, context: Context) => Promise<unknown>;

export class Worker {
  readonly #sqs: SQSClient;
  readonly #queueUrl: string;
  readonly #handler: QueueHandler;
  readonly #onFailure: (error: unknown) => void;
  #pumping: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(options: {
    sqs: SQSClient;
    queueUrl: string;
    handler: QueueHandler;
    onFailure: (error: unknown) => void;
  }) {
    this.#sqs = options.sqs;
    this.#queueUrl = options.queueUrl;
    this.#handler = options.handler;
    this.#onFailure = options.onFailure;
  }

  /** A message is being worked on. */
  get isBusy(): boolean {
    return this.#pumping !== undefined;
  }

  /** Works until the queue has nothing to give. A call while it works makes it look once more. */
  pump(): Promise<void> {
    this.#again = true;
    this.#pumping ??= this.#drain().finally(() => {
      this.#pumping = undefined;
    });
    return this.#pumping;
  }

  /** Resolves when the message in work is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#pumping;
  }

  async #drain(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      for (let message = await this.#receive(); message !== undefined; message = await this.#receive()) {
        await this.#work(message);
        if (this.#stopped) return;
      }
    }
  }

  async #receive(): Promise<Message | undefined> {
    const { Messages } = await this.#sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#queueUrl,
        MaxNumberOfMessages: 1,
        MessageSystemAttributeNames: ["All"],
      }),
    );
    return Messages?.[0];
  }

  async #work(message: Message): Promise<void> {
    try {
      await this.#handler({ Records: [recordOf(message)] }, {} as Context);
    } catch (error) {
      this.#onFailure(error);
      // As Lambda: the message shows up again when its visibility ends; five times, then it is dead-lettered.
      await this.#sqs.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: this.#queueUrl,
          ReceiptHandle: message.ReceiptHandle,
          VisibilityTimeout: 30,
        }),
      );
      return;
    }
    await this.#sqs.send(
      new DeleteMessageCommand({ QueueUrl: this.#queueUrl, ReceiptHandle: message.ReceiptHandle }),
    );
  }
}

/** The record as Lambda delivers it. */
function recordOf(message: Message): SQSRecord {
  return {
    messageId: message.MessageId!,
    receiptHandle: message.ReceiptHandle!,
    body: message.Body!,
    attributes: (message.Attributes ?? {}) as SQSRecord["attributes"],
    messageAttributes: {},
    md5OfBody: message.MD5OfBody ?? "",
    eventSource: "aws:sqs",
    eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${DEFAULT_NAMES.dcaQueue}`,
    awsRegion: "us-east-1",
  };
}
