/** SNS: topics, and what was published to them, kept in order for the program that embeds this. Nothing is sent. */
import { randomUUID } from "node:crypto";
import type { Clock } from "../../shared/app/clock.ts";
import type { EpochMs } from "../../shared/domain/time.ts";
import { type Change, type Database, under } from "./database.ts";
import { AwsError } from "./errors.ts";
import { textIn } from "./input.ts";
import { ACCOUNT, type Input, type Output, type Service } from "./service.ts";
import { Turns } from "./turns.ts";

export type Published = {
  readonly at: EpochMs;
  /** The topic's ARN. */
  readonly topic: string;
  readonly subject: string | undefined;
  readonly message: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
};

type Subscription = { readonly topic: string; readonly endpoint: string; readonly arn: string };

const PUBLISHED_MAX = 10_000;
const MESSAGE_BYTES_MAX = 256 * 1024;
const PAGE = 100;
const TOPICS = "topic~";
const SUBSCRIPTIONS = "subscription~";
/** As SNS lists a subscription that nobody has confirmed. */
const PENDING = "PendingConfirmation";
const MESSAGES = "published~";

export class Sns implements Service {
  readonly operations = [
    "CreateTopic",
    "ListTopics",
    "Publish",
    "Subscribe",
    "ConfirmSubscription",
    "ListSubscriptionsByTopic",
  ];
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #region: string;
  readonly #turns = new Turns();
  readonly #topics: string[] = [];
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #messages: { readonly number: number; readonly published: Published }[] = [];

  private constructor(database: Database, clock: Clock, region: string) {
    this.#database = database;
    this.#clock = clock;
    this.#region = region;
  }

  static async open(database: Database, clock: Clock, region: string): Promise<Sns> {
    const sns = new Sns(database, clock, region);
    for await (const arn of database.values(under(TOPICS))) sns.#topics.push(arn as string);
    for await (const [key, value] of database.entries(under(SUBSCRIPTIONS)))
      sns.#subscriptions.set(key, value as Subscription);
    for await (const [key, value] of database.entries(under(MESSAGES))) {
      const published = { subject: undefined, ...(value as Omit<Published, "subject">) };
      sns.#messages.push({ number: Number(key.slice(MESSAGES.length)), published });
    }
    return sns;
  }

  /** Oldest first; the last 10,000. */
  published(): readonly Published[] {
    return this.#messages.map(({ published }) => published);
  }

  async call(operation: string, input: Input): Promise<Output> {
    switch (operation) {
      case "CreateTopic":
        return this.#turns.take(() => this.#createTopic(input));
      case "Publish":
        return this.#turns.take(() => this.#publish(input));
      case "Subscribe":
        return this.#turns.take(() => this.#subscribe(input, false));
      case "ConfirmSubscription":
        return this.#turns.take(() => this.#subscribe(input, true));
      case "ListSubscriptionsByTopic":
        return this.#listSubscriptions(input);
      default:
        return this.#listTopics(input);
    }
  }

  async #createTopic(input: Input): Promise<Output> {
    const name = textIn(input, "Name") ?? "";
    if (!/^[\w-]{1,256}$/.test(name)) throw invalid("Topic Name");
    const arn = `arn:aws:sns:${this.#region}:${ACCOUNT}:${name}`;
    if (!this.#topics.includes(arn)) {
      await this.#database.batch([{ type: "put", key: TOPICS + name, value: arn }]);
      this.#topics.push(arn);
    }
    return { TopicArn: arn };
  }

  #listTopics(input: Input): Output {
    const from = Number(textIn(input, "NextToken") ?? 0);
    const page = this.#topics.slice(from, from + PAGE);
    return {
      Topics: page.map((arn) => ({ TopicArn: arn })),
      ...(from + PAGE < this.#topics.length ? { NextToken: String(from + PAGE) } : {}),
    };
  }

  /** A mail address is asked first; the token of a mail that nobody sends is the address itself. */
  async #subscribe(input: Input, confirmed: boolean): Promise<Output> {
    const topic = this.#topicIn(input);
    const endpoint = textIn(input, confirmed ? "Token" : "Endpoint") ?? "";
    if (!endpoint.includes("@")) throw invalid(confirmed ? "Token" : "Endpoint");
    if (!confirmed && textIn(input, "Protocol") !== "email")
      throw invalid("Protocol: only email is known to the embedded endpoint");
    const key = `${SUBSCRIPTIONS}${topic}~${endpoint}`;
    const known = this.#subscriptions.get(key);
    if (confirmed && known === undefined) throw invalid("Token");
    const value = {
      topic,
      endpoint,
      arn: confirmed ? `${topic}:${randomUUID()}` : (known?.arn ?? PENDING),
    };
    await this.#database.batch([{ type: "put", key, value }]);
    this.#subscriptions.set(key, value);
    return { SubscriptionArn: value.arn === PENDING ? "pending confirmation" : value.arn };
  }

  #listSubscriptions(input: Input): Output {
    const topic = this.#topicIn(input);
    return {
      Subscriptions: [...this.#subscriptions.values()]
        .filter((one) => one.topic === topic)
        .map(({ arn, endpoint }) => ({
          SubscriptionArn: arn,
          TopicArn: topic,
          Owner: ACCOUNT,
          Protocol: "email",
          Endpoint: endpoint,
        })),
    };
  }

  #topicIn(input: Input): string {
    const topic = textIn(input, "TopicArn");
    if (topic === undefined || !this.#topics.includes(topic))
      throw new AwsError("NotFound", "Topic does not exist", { status: 404 });
    return topic;
  }

  async #publish(input: Input): Promise<Output> {
    const topic = textIn(input, "TopicArn");
    if (topic === undefined) throw invalid("TopicArn or TargetArn Reason: no value for required parameter");
    if (!this.#topics.includes(topic))
      throw new AwsError("NotFound", "Topic does not exist", { status: 404 });
    const subject = textIn(input, "Subject");
    // docs.aws.amazon.com/sns: up to 100 characters, no line break or control character
    if (subject !== undefined && !/^[^\p{Cc}]{1,100}$/u.test(subject)) throw invalid("Subject");
    const message = textIn(input, "Message") ?? "";
    if (message === "") throw invalid("Empty message");
    if (Buffer.byteLength(message) > MESSAGE_BYTES_MAX) throw invalid("Message too long");
    if (input.MessageStructure !== undefined)
      throw invalid("MessageStructure is not known to the embedded endpoint");
    const attributes = attributesIn(input);
    const published = { at: this.#clock.now(), topic, subject, message, id: randomUUID(), attributes };
    const number = (this.#messages.at(-1)?.number ?? 0) + 1;
    const dropped = this.#messages.slice(0, Math.max(0, this.#messages.length + 1 - PUBLISHED_MAX));
    await this.#database.batch([
      { type: "put", key: keyOf(number), value: published },
      ...dropped.map((old): Change => ({ type: "del", key: keyOf(old.number) })),
    ]);
    this.#messages.splice(0, dropped.length);
    this.#messages.push({ number, published });
    return { MessageId: published.id };
  }
}

/** The query protocol writes a map as `MessageAttributes.entry.1.Name`, `….Value.StringValue`. */
function attributesIn(input: Input): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [member, name] of Object.entries(input)) {
    const entry = /^(MessageAttributes\.entry\.\d+\.)Name$/.exec(member)?.[1];
    if (entry === undefined) continue;
    attributes[String(name)] = String(
      input[`${entry}Value.StringValue`] ?? input[`${entry}Value.BinaryValue`],
    );
  }
  return attributes;
}

const keyOf = (number: number) => MESSAGES + String(number).padStart(16, "0");

const invalid = (what: string) => new AwsError("InvalidParameter", `Invalid parameter: ${what}`);
