/** From the bytes of a reply to the value they hold. Whatever the bytes are: a value or an ExchangeError, nothing else. */
import type { Endpoint } from "./endpoints/endpoint.ts";
import { badAnswer, type CallKind, fromKraken } from "./errors.ts";
import type { HttpReply } from "./transport.ts";

/** Long enough to recognise a page by, short enough for a log line. */
const EXCERPT_LENGTH = 120;

/** Throws ExchangeError. Warnings (`W…`) beside a result are let through. */
export function readReply<Answer>(
  endpoint: Pick<Endpoint<never, Answer>, "name" | "isWrite" | "access" | "answer">,
  reply: HttpReply,
): Answer {
  const text = Buffer.from(reply.body.buffer, reply.body.byteOffset, reply.body.byteLength).toString("utf8");
  if (reply.status !== 200) {
    throw badAnswer(endpoint, "HTTP_STATUS", `HTTP status ${reply.status}, expected 200${excerpt(text)}`);
  }
  const envelope = parse(endpoint, text, endpoint.access === "private");
  if (typeof envelope !== "object" || envelope === null || !("error" in envelope)) {
    throw badAnswer(endpoint, "ANSWER_SHAPE", `the answer has no field "error"${excerpt(text)}`);
  }
  const result = "result" in envelope ? envelope.result : undefined;
  const failures = failuresOf(endpoint, envelope.error);
  if (failures.length > 0) throw fromKraken(endpoint, failures, isFilled(result));
  return check(endpoint, result);
}

function parse(call: CallKind, text: string, numbersAsText: boolean): unknown {
  try {
    // Walking the whole answer costs ten times what reading it does, and most private answers hold texts only.
    return numbersAsText && BARE_NUMBER.test(text) ? JSON.parse(text, numberAsText) : JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which can hold a token: it stays out.
    throw badAnswer(
      call,
      "ANSWER_NOT_JSON",
      `the answer is not whole JSON, ${text.length} characters${excerpt(text)}`,
    );
  }
}

/** Where a number may start in JSON. Found within a text as well, which costs time and nothing else. */
const BARE_NUMBER = /(?:^|[:,[])\s*-?\d/;

/** Digits of money as they were sent. A JS number would keep about 16 of them. */
const numberAsText = (_key: string, value: unknown, context?: { source?: string }): unknown =>
  typeof value === "number" ? (context?.source ?? String(value)) : value;

function failuresOf(call: CallKind, error: unknown): readonly string[] {
  if (!Array.isArray(error) || !error.every((entry) => typeof entry === "string")) {
    throw badAnswer(call, "ANSWER_SHAPE", 'the answer\'s field "error" is not a list of texts');
  }
  return error.filter((entry) => !entry.startsWith("W"));
}

const isFilled = (result: unknown): boolean =>
  typeof result === "object" && result !== null && Object.keys(result).length > 0;

function check<Answer>(
  endpoint: Pick<Endpoint<never, Answer>, "name" | "isWrite" | "answer">,
  result: unknown,
) {
  let issue: string;
  try {
    const checked = endpoint.answer.safeParse(result);
    if (checked.success) return checked.data;
    const [first] = checked.error.issues;
    issue = `${first?.path.join(".") || "result"}: ${first?.message ?? "unexpected"}`;
  } catch {
    issue = "result could not be read";
  }
  throw badAnswer(
    endpoint,
    "ANSWER_SHAPE",
    `the answer is not of the expected shape (${issue.slice(0, 300)})`,
  );
}

/** The beginning of a page that is not Kraken's. What may be a piece of JSON is never quoted: it may hold a token. */
function excerpt(text: string): string {
  const readable = text
    .slice(0, 4 * EXCERPT_LENGTH)
    .replace(/[^\x20-\x7e]+/g, " ")
    .trim();
  if (readable === "" || (!readable.startsWith("<") && /[[{"]/.test(readable))) return "";
  const title = /<title>([^<]*)<\/title>/i.exec(readable)?.[1];
  return `; it reads: ${(title ?? readable).slice(0, EXCERPT_LENGTH)}`;
}
