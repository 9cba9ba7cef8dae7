/**
 * A line to the embedded AWS for each caller, at the distance of a region, that counts what the caller asks for and what it
 * would be charged. It also does what the embedded endpoint, which takes writes one after another, does not: a write that
 * meets a transaction under way on the same item is refused with a conflict, as on AWS.
 */
import type { VirtualClock } from "../../local/clock.ts";
import type { Cloud } from "../../local/cloud/cloud.ts";
import type { Chance } from "../../shared/app/clock.ts";
import type { Item } from "../../shared/aws/dynamo.ts";
import { bytesOf, indexUnits, readUnits, type Stored, storedOf, writeUnits } from "./request-units.ts";

/** What one caller asked for. */
export const newTally = () => ({
  requests: 0,
  /** Round trips to DynamoDB. */
  trips: 0,
  readUnits: 0,
  writeUnits: 0,
  /** Writes to the sparse index, not among `writeUnits`. */
  indexUnits: 0,
  conflicts: 0,
  refused: 0,
  publicCalls: 0,
  privateCalls: 0,
});
export type Tally = ReturnType<typeof newTally>;

export const tallied = (after: Tally, before: Tally): Tally => {
  const change = newTally();
  for (const name of Object.keys(change) as (keyof Tally)[]) change[name] = after[name] - before[name];
  return change;
};

/** Who asks: a container, and the account that it works for just now. */
export type Caller = {
  readonly tally: Tally;
  /** Undefined: for all of them, as the sweep does. */
  account: string | undefined;
};

type Handler = Cloud["requestHandler"];
type Request = Parameters<Handler["handle"]>[0];
type Response = Awaited<ReturnType<Handler["handle"]>>;
type Action = { readonly is: "Put" | "Update" | "Delete" | "ConditionCheck"; readonly input: Input };
type Input = Record<string, unknown> & { readonly Item?: Item; readonly Key?: Item };

const WRITES: Readonly<Record<string, Action["is"]>> = {
  PutItem: "Put",
  UpdateItem: "Update",
  DeleteItem: "Delete",
};

export class Lines {
  /** Writes into the partition of an account, or of a key, by a caller who worked for another. */
  readonly strayWrites: string[] = [];
  readonly stored = new Map<string, Stored>();
  readonly #underWay = new Map<string, number>();
  readonly #inner: Handler;
  readonly #clock: VirtualClock;
  readonly #chance: Chance;
  readonly #accountOf: (partition: string) => string | undefined;

  constructor(world: {
    readonly cloud: Cloud;
    readonly clock: VirtualClock;
    readonly chance: Chance;
    /** Whose partition it is: an account's own, or that of its key. */
    readonly accountOf: (partition: string) => string | undefined;
  }) {
    this.#inner = world.cloud.requestHandler;
    this.#clock = world.clock;
    this.#chance = world.chance;
    this.#accountOf = world.accountOf;
  }

  of(caller: Caller): Handler {
    return {
      ...this.#inner,
      handle: async (request, options) => {
        caller.tally.requests += 1;
        await this.#pass(1, 2);
        const target = request.headers["x-amz-target"] ?? "";
        const answer = target.startsWith("DynamoDB_")
          ? await this.#ask(caller, target.slice(target.indexOf(".") + 1), request, options)
          : await this.#inner.handle(request, options);
        await this.#pass(1, 2);
        return answer;
      },
    };
  }

  #pass(fromMs: number, moreMs: number): Promise<void> {
    return this.#clock.sleep(fromMs + this.#chance.fraction() * moreMs);
  }

  async #ask(
    caller: Caller,
    operation: string,
    request: Request,
    options: Parameters<Handler["handle"]>[1],
  ): Promise<Response> {
    const { tally } = caller;
    tally.trips += 1;
    const input = JSON.parse(textOf(request.body)) as Input;
    const actions = actionsOf(operation, input);
    if (actions.length === 0) {
      const answer = await this.#inner.handle(request, options);
      tally.readUnits += unitsRead(operation, input, JSON.parse(textOf(answer.response.body)));
      return answer;
    }
    for (const { is, input: action } of actions) {
      if (is !== "ConditionCheck") this.#checkOwner(caller, keyOf(action));
    }
    const keys = actions.map(({ input: action }) => keyOf(action));
    const isTransaction = operation === "TransactWriteItems";
    if (keys.some((key) => this.#underWay.has(key))) {
      tally.conflicts += 1;
      return conflict(
        isTransaction,
        keys.map((key) => this.#underWay.has(key)),
      );
    }
    if (isTransaction) {
      for (const key of keys) this.#underWay.set(key, 1);
      await this.#pass(4, 8);
    }
    try {
      const answer = await this.#inner.handle(request, options);
      const isDone = answer.response.statusCode === 200;
      if (!isDone) tally.refused += 1;
      for (const [at, action] of actions.entries()) {
        const key = keys[at]!;
        const before = this.stored.get(key);
        const after = isDone ? await this.#after(action, request, before) : before;
        tally.writeUnits += writeUnits(before, after, isTransaction);
        tally.indexUnits += indexUnits(before, after);
        if (after === undefined) this.stored.delete(key);
        else this.stored.set(key, after);
      }
      return answer;
    } finally {
      if (isTransaction) for (const key of keys) this.#underWay.delete(key);
    }
  }

  #checkOwner({ account }: Caller, key: string): void {
    const owner = this.#accountOf(key.split(" ", 1)[0]!);
    if (account !== undefined && owner !== account) this.strayWrites.push(`${account} wrote ${key}`);
  }

  /** An update's item is read past the counting: only the table knows what became of it. */
  async #after(action: Action, request: Request, before: Stored | undefined): Promise<Stored | undefined> {
    if (action.is === "ConditionCheck") return before;
    if (action.is === "Delete") return undefined;
    if (action.input.Item !== undefined) return storedOf(action.input.Item);
    const { TableName, Key } = action.input;
    const { response } = await this.#inner.handle({
      ...request,
      headers: { ...request.headers, "x-amz-target": "DynamoDB_20120810.GetItem" },
      body: JSON.stringify({ TableName, Key, ConsistentRead: true }),
    });
    const { Item } = JSON.parse(textOf(response.body)) as { Item?: Item };
    return Item === undefined ? undefined : storedOf(Item);
  }
}

function actionsOf(operation: string, input: Input): readonly Action[] {
  const single = WRITES[operation];
  if (single !== undefined) return [{ is: single, input }];
  if (operation !== "TransactWriteItems") return [];
  return (input.TransactItems as readonly Record<string, Input>[]).map((entry) => {
    const [is, action] = Object.entries(entry)[0]!;
    return { is: is as Action["is"], input: action };
  });
}

const keyOf = ({ Item, Key }: Input): string => {
  const { pk, sk } = (Item ?? Key)!;
  return `${pk!.S} ${sk!.S}`;
};

type Answer = {
  readonly Item?: Item;
  readonly Items?: readonly Item[];
  readonly Responses?: Readonly<Record<string, readonly Item[]>>;
};

function unitsRead(operation: string, input: Input, { Item, Items, Responses }: Answer): number {
  if (operation === "Query") {
    const bytes = (Items ?? []).reduce((sum, item) => sum + bytesOf(item), 0);
    return readUnits(bytes, input.ConsistentRead === true);
  }
  if (operation === "GetItem") {
    return readUnits(Item === undefined ? 0 : bytesOf(Item), input.ConsistentRead === true);
  }
  if (operation !== "BatchGetItem") return 0;
  let units = 0;
  for (const [table, { Keys, ConsistentRead }] of Object.entries(
    input.RequestItems as Record<string, { Keys: readonly Item[]; ConsistentRead?: boolean }>,
  )) {
    const found = Responses?.[table] ?? [];
    for (const item of found) units += readUnits(bytesOf(item), ConsistentRead === true);
    units += (Keys.length - found.length) * readUnits(0, ConsistentRead === true);
  }
  return units;
}

function conflict(isTransaction: boolean, met: readonly boolean[]): Response {
  const Message = "Transaction is ongoing for the item";
  const body = isTransaction
    ? {
        __type: "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        message: "Transaction cancelled, please refer cancellation reasons for specific reasons",
        CancellationReasons: met.map((is) =>
          is ? { Code: "TransactionConflict", Message } : { Code: "None" },
        ),
      }
    : { __type: "com.amazonaws.dynamodb.v20120810#TransactionConflictException", message: Message };
  const headers = { "content-type": "application/x-amz-json-1.0" };
  return { response: { statusCode: 400, headers, body: Buffer.from(JSON.stringify(body)) } };
}

const textOf = (body: unknown): string =>
  typeof body === "string" ? body : new TextDecoder().decode(body as Uint8Array);
