/** What the owner asks of the functions: a message into their queue, and the answer out of the table. */
import { GetItemCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import type { Message } from "../../shared/app/ports.ts";
import { send } from "../../shared/aws/dynamo.ts";
import { messageOf, outboxKey } from "../../shared/aws/items.ts";
import { queueGroup } from "../../shared/config/names.ts";
import type { OwnerRequest } from "../../shared/domain/run.ts";
import { DeskRefusal } from "../desk/errors.ts";
import type { Connected } from "./connect.ts";

/** A queue that does not answer is told as such, and not waited for: what is not sent can be asked again. */
const SEND_MS_MAX = 10_000;

export type Patience = {
  /** For a run, and for an answer to a request. */
  readonly runMs: number;
  readonly answerMs: number;
  readonly lookEachMs: number;
  readonly tellEachMs: number;
};

export const PATIENCE: Patience = {
  runMs: 90_000,
  answerMs: 120_000,
  lookEachMs: 1_000,
  tellEachMs: 10_000,
};

export class Requests {
  readonly #at: Connected;
  readonly #patience: Patience;
  readonly #tell: (text: string) => void;

  constructor(at: Connected, patience: Patience, tell: (text: string) => void) {
    this.#at = at;
    this.#patience = patience;
    this.#tell = tell;
  }

  /** Answers the id of the message, which names its answer. */
  async send(account: string, body: unknown, dedupe: string): Promise<string> {
    const command = new SendMessageCommand({
      QueueUrl: this.#at.outputs.dcaQueue,
      MessageBody: JSON.stringify(body),
      MessageGroupId: queueGroup(account),
      MessageDeduplicationId: dedupe.slice(0, 128),
    });
    const abortSignal = AbortSignal.timeout(SEND_MS_MAX);
    try {
      const { MessageId } = await this.#at.sqs.send(command, { abortSignal });
      return MessageId!;
    } catch (error) {
      if (!abortSignal.aborted) throw error;
      throw new Error(
        `the queue gave no answer in ${SEND_MS_MAX / 1000} s; it may have the message all the same`,
      );
    }
  }

  /** `asked` makes each asking a message of its own: the queue drops what it has just seen. */
  ask(request: OwnerRequest): Promise<string> {
    const asked = this.#at.deps.chance.id();
    return this.send(request.account, { ...request, asked }, asked);
  }

  /** What the functions answered with words. Throws DeskRefusal when they put the message aside. */
  async answer(account: string, id: string): Promise<Message | undefined> {
    const refused = await this.#message(account, `refused#${id}`);
    if (refused !== undefined) throw new DeskRefusal(refused.text);
    return this.#message(account, `asked#${id}`);
  }

  async #message(account: string, id: string): Promise<Message | undefined> {
    const { dynamo: client, outputs, deps } = this.#at;
    const { clock, chance } = deps;
    const { Item } = await send({ client, table: outputs.table, clock, chance }, (dynamo) =>
      dynamo.send(
        new GetItemCommand({ TableName: outputs.table, Key: outboxKey(account, id), ConsistentRead: true }),
      ),
    );
    return Item && messageOf(Item);
  }

  /** Looks until something is found, or the time is up; says now and then that it still waits. */
  async wait<T>(
    what: string,
    patienceMs: number,
    look: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { clock } = this.#at.deps;
    const startedAt = clock.monotonicMs();
    let toldAt = startedAt;
    for (;;) {
      const found = await look();
      const now = clock.monotonicMs();
      if (found !== undefined || now - startedAt >= patienceMs) return found;
      if (now - toldAt >= this.#patience.tellEachMs) {
        toldAt = now;
        this.#tell(`waiting for ${what}: ${Math.round((now - startedAt) / 1000)} of ${patienceMs / 1000} s`);
      }
      await clock.sleep(this.#patience.lookEachMs);
    }
  }
}
