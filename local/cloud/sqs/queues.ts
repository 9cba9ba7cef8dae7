/** All queues, in memory as in the store: what is written is seen only after it is on the disk. */
import { type Change, type Database, under } from "../database.ts";
import { AwsError } from "../errors.ts";
import { ACCOUNT } from "../service.ts";
import type { Message, Queue, QueueAttributes, Sent } from "./queue.ts";

const QUEUES = "queue~";
const MESSAGES = "queued~";
const SENT = "sent~";

type StoredQueue = {
  readonly attributes: QueueAttributes;
  readonly createdAt: number;
  readonly last: number;
};
/** What one request does to one queue; `undefined` takes away. */
export type Draft = {
  readonly queue: Queue;
  readonly messages?: ReadonlyMap<number, Message | undefined>;
  readonly sent?: ReadonlyMap<string, Sent | undefined>;
};

export class Queues {
  readonly #database: Database;
  readonly #region: string;
  readonly #queues = new Map<string, Queue>();

  private constructor(database: Database, region: string) {
    this.#database = database;
    this.#region = region;
  }

  static async open(database: Database, region: string): Promise<Queues> {
    const queues = new Queues(database, region);
    for await (const [key, value] of database.entries(under(QUEUES))) {
      const queue = queues.#add(key.slice(QUEUES.length), value as StoredQueue);
      for await (const message of database.values(under(`${MESSAGES}${queue.name}~`))) {
        queue.messages.set((message as Message).number, message as Message);
      }
      const sent = `${SENT}${queue.name}~`;
      for await (const [id, what] of database.entries(under(sent))) {
        queue.sent.set(decodeURIComponent(id.slice(sent.length)), what as Sent);
      }
    }
    return queues;
  }

  all(): Iterable<Queue> {
    return this.#queues.values();
  }

  find(name: string): Queue | undefined {
    return this.#queues.get(name);
  }

  named(name: string): Queue {
    const queue = this.#queues.get(name);
    if (queue !== undefined) return queue;
    throw new AwsError("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.", {
      members: { queryCode: "AWS.SimpleQueueService.NonExistentQueue" },
    });
  }

  readonly byArn = (arn: string | undefined): Queue | undefined =>
    [...this.#queues.values()].find((queue) => queue.arn === arn);

  async create(name: string, attributes: QueueAttributes, now: number): Promise<void> {
    const stored: StoredQueue = { attributes, createdAt: now, last: 0 };
    await this.#database.batch([{ type: "put", key: QUEUES + name, value: stored }]);
    this.#add(name, stored);
  }

  /** All drafts at once; receivers that wait look again. */
  async write(drafts: readonly Draft[]): Promise<void> {
    await this.#database.batch(drafts.flatMap(changesOf));
    for (const { queue, messages = new Map(), sent = new Map() } of drafts) {
      merge(queue.messages, messages);
      merge(queue.sent, sent);
      queue.last = Math.max(queue.last, ...messages.keys());
      for (const waiting of queue.waiting) waiting.abort();
    }
  }

  #add(name: string, stored: StoredQueue): Queue {
    const arn = `arn:aws:sqs:${this.#region}:${ACCOUNT}:${name}`;
    const queue = {
      name,
      arn,
      ...stored,
      messages: new Map(),
      sent: new Map(),
      waiting: new Set<AbortController>(),
    };
    this.#queues.set(name, queue);
    return queue;
  }
}

function changesOf({ queue, messages = new Map(), sent = new Map() }: Draft): Change[] {
  const last = Math.max(queue.last, ...messages.keys());
  const stored: StoredQueue = { attributes: queue.attributes, createdAt: queue.createdAt, last };
  const change = (key: string, value: unknown): Change =>
    value === undefined ? { type: "del", key } : { type: "put", key, value };
  return [
    ...(last > queue.last ? [change(QUEUES + queue.name, stored)] : []),
    ...[...messages].map(([number, message]) =>
      change(`${MESSAGES}${queue.name}~${String(number).padStart(16, "0")}`, message),
    ),
    ...[...sent].map(([key, what]) => change(`${SENT}${queue.name}~${encodeURIComponent(key)}`, what)),
  ];
}

function merge<K, V>(into: Map<K, V>, changes: ReadonlyMap<K, V | undefined>): void {
  for (const [key, value] of changes) {
    if (value === undefined) into.delete(key);
    else into.set(key, value);
  }
}
