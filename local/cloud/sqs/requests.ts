/** What a request about messages asks for, and how a message is told. */
import { createHash } from "node:crypto";
import { AwsError } from "../errors.ts";
import { textIn, wholeIn } from "../input.ts";
import type { Input, Output } from "../service.ts";
import { attributesOf, invalidParameter, missingParameter } from "./attributes.ts";
import { isFifo, type Message, type Queue, type Sent, sequenceNumber, setting } from "./queue.ts";

export function bodyIn(input: Input, queue: Queue): string {
  const body = textIn(input, "MessageBody");
  if (body === undefined || body === "") throw missingParameter("MessageBody");
  const limit = setting(queue, "MaximumMessageSize");
  if (Buffer.byteLength(body) > limit) {
    throw invalidParameter(
      `One or more parameters are invalid. Reason: Message must be shorter than ${limit} bytes.`,
    );
  }
  // Kept silently they would be lost: this endpoint does not give them back.
  if (Object.keys((input.MessageAttributes as object | undefined) ?? {}).length > 0) {
    throw new AwsError(
      "com.amazonaws.sqs#UnsupportedOperation",
      "The embedded SQS keeps no message attributes.",
    );
  }
  return body;
}

/** docs.aws.amazon.com: up to 128 letters, digits and marks */
export function checkId(name: string, id: string): void {
  if (/^[\x21-\x7e]{1,128}$/.test(id)) return;
  throw invalidParameter(
    `Value ${id} for parameter ${name} is invalid. Reason: ${name} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
  );
}

export function deduplicationIdOf(input: Input, queue: Queue, body: string): string | undefined {
  const given = textIn(input, "MessageDeduplicationId");
  if (given !== undefined) checkId("MessageDeduplicationId", given);
  if (!isFifo(queue) || given !== undefined) return given;
  if (queue.attributes.ContentBasedDeduplication === "true") {
    return createHash("sha256").update(body).digest("hex");
  }
  throw invalidParameter(
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
  );
}

export function visibilityIn(input: Input): number | undefined {
  const seconds = wholeIn(input, "VisibilityTimeout");
  if (seconds !== undefined && (seconds < 0 || seconds > 43_200))
    throw outOfRange("VisibilityTimeout", seconds, "0 to 43200");
  return seconds;
}

/** The message that this receipt handle still stands for: one received anew since, or gone, is not touched. */
export function heldBy(queue: Queue, input: Input): Message | undefined {
  const handle = textIn(input, "ReceiptHandle");
  if (handle === undefined) throw missingParameter("ReceiptHandle");
  const [number = ""] = Buffer.from(handle, "base64").toString("utf8").split(" ");
  if (!/^\d+$/.test(number)) {
    throw new AwsError(
      "com.amazonaws.sqs#ReceiptHandleIsInvalid",
      `The input receipt handle "${handle}" is not a valid receipt handle.`,
      { members: { queryCode: "ReceiptHandleIsInvalid" } },
    );
  }
  const message = queue.messages.get(Number(number));
  return message?.handle === handle ? message : undefined;
}

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

export const sentOutput = (
  queue: Queue,
  body: string,
  { id, number }: Pick<Sent, "id" | "number">,
): Output => ({
  MessageId: id,
  MD5OfMessageBody: md5(body),
  ...(isFifo(queue) ? { SequenceNumber: sequenceNumber(number) } : {}),
});

export const received = (message: Message, queue: Queue, asked: readonly string[]): Output => ({
  MessageId: message.id,
  ReceiptHandle: message.handle,
  Body: message.body,
  MD5OfBody: md5(message.body),
  ...attributesOf(message, queue, asked),
});

export const outOfRange = (name: string, value: number, range: string) =>
  invalidParameter(
    `Value ${value} for parameter ${name} is invalid. Reason: Must be between ${range}, if provided.`,
  );
