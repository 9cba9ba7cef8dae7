/** TransactWriteItems and TransactGetItems. The caller holds the only turn, so nothing changes while these decide. */
import { createHash } from "node:crypto";
import type { Clock } from "../../../shared/app/clock.ts";
import { MINUTE_MS } from "../../../shared/domain/time.ts";
import type { Change, Database } from "../database.ts";
import { AwsError } from "../errors.ts";
import type { Input, Output } from "../service.ts";
import {
  type Checked,
  check,
  checkCondition,
  type EngineOperation,
  type Item,
  keyOf,
  run,
  tableOf,
} from "./engine.ts";
import type { Store } from "./store.ts";

// docs.aws.amazon.com/amazondynamodb: 100 actions, 4 MB, and a token is known for ten minutes after the request.
const ACTIONS_MAX = 100;
const BYTES_MAX = 4 * 1024 * 1024;
const TOKEN_MS = 10 * MINUTE_MS;

type ActionKind = "Put" | "Update" | "Delete" | "ConditionCheck";
type Action = {
  readonly kind: ActionKind;
  readonly data: Checked;
  readonly keyFrom: "Key" | "Item";
  readonly returnsOld: boolean;
};
export type CancellationReason = { Code: string; Message?: string; Item?: Item };

/** Which of dynalite's checks and actions stand behind each kind; a ConditionCheck has the shape of a Delete. */
const engineOperations: Record<ActionKind, EngineOperation> = {
  Put: "PutItem",
  Update: "UpdateItem",
  Delete: "DeleteItem",
  ConditionCheck: "DeleteItem",
};
const members = [
  "TableName",
  "Item",
  "Key",
  "ConditionExpression",
  "UpdateExpression",
  "ExpressionAttributeNames",
  "ExpressionAttributeValues",
];

/** Puts all changes into `store`, or throws; the caller commits. */
export async function transactWrite(input: Input, store: Store): Promise<void> {
  const actions = listOf(input).map((entry) => parseAction(entry, store));
  if (JSON.stringify(input.TransactItems).length > BYTES_MAX) {
    throw invalid("Member must have length less than or equal to 4194304 bytes: transactItems");
  }
  await refuseRepeatedItems(actions, store);
  const reasons: CancellationReason[] = [];
  for (const action of actions) reasons.push(await attempt(action, store));
  if (reasons.some(({ Code }) => Code !== "None")) throw cancelled(reasons);
}

export async function transactGet(input: Input, store: Store): Promise<Output> {
  const gets = listOf(input).map((entry) => {
    const { Get: get, ...rest } = entry as { Get?: Input };
    if (get === undefined || Object.keys(rest).length > 0)
      throw invalid("TransactItems can only contain Get");
    return check("GetItem", { ...get, ConsistentRead: true }, store);
  });
  const responses: Output[] = [];
  for (const get of gets) {
    const { Item: item } = await run("GetItem", store, get);
    responses.push(item === undefined ? {} : { Item: item });
  }
  return { Responses: responses };
}

export const cancelled = (reasons: readonly CancellationReason[]): AwsError => {
  const codes = reasons.map(({ Code }) => Code).join(", ");
  return new AwsError(
    "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    { members: { CancellationReasons: reasons } },
  );
};

/** Client request tokens, kept beside the items so that they live and die with what they stand for. */
export class Tokens {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async find(input: Input): Promise<{ isRepeat: boolean; changes: Change[] }> {
    const token = input.ClientRequestToken;
    if (token === undefined) return { isRepeat: false, changes: [] };
    if (typeof token !== "string" || token.length < 1 || token.length > 36) {
      throw invalid("1 validation error detected: clientRequestToken must have 1 to 36 characters");
    }
    const now = this.#clock.now();
    const digest = createHash("sha256").update(canonical(input.TransactItems)).digest("base64");
    const known = (await this.#database.get(tokenKey(token))) as { at: number; digest: string } | undefined;
    if (known === undefined || now - known.at >= TOKEN_MS) {
      const put: Change = { type: "put", key: tokenKey(token), value: { at: now, digest } };
      const order: Change = { type: "put", key: orderKey(now, token), value: token };
      return { isRepeat: false, changes: [...(await this.#forget(now)), put, order] };
    }
    if (known.digest === digest) return { isRepeat: true, changes: [] };
    throw new AwsError(
      "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
      "The request uses the same client token as a previous, but non-identical request.",
    );
  }

  /** A few old ones with each new one, so that they never pile up and never cost much. */
  async #forget(now: number): Promise<Change[]> {
    const changes: Change[] = [];
    const old = { gte: "token-order~", lt: orderKey(now - TOKEN_MS, ""), limit: 4 };
    for await (const [key, token] of this.#database.entries(old)) {
      changes.push({ type: "del", key });
      // A token may have been used again since; then a younger entry stands for it.
      const known = (await this.#database.get(tokenKey(token as string))) as { at: number } | undefined;
      if (known !== undefined && now - known.at >= TOKEN_MS) {
        changes.push({ type: "del", key: tokenKey(token as string) });
      }
    }
    return changes;
  }
}

const tokenKey = (token: string) => `token~${token}`;
const orderKey = (at: number, token: string) => `token-order~${String(at).padStart(16, "0")}~${token}`;

function listOf(input: Input): unknown[] {
  const list = input.TransactItems;
  if (!Array.isArray(list) || list.length === 0 || list.length > ACTIONS_MAX) {
    const limit = `Member must have length less than or equal to ${ACTIONS_MAX} and greater than or equal to 1`;
    throw invalid(
      `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: ${limit}`,
    );
  }
  return list;
}

function parseAction(entry: unknown, store: Store): Action {
  const [kind, ...others] = Object.keys(entry as object) as ActionKind[];
  if (kind === undefined || others.length > 0 || engineOperations[kind] === undefined) {
    throw invalid("TransactItems can only contain one of Check, Put, Update or Delete");
  }
  const given = (entry as Record<string, Input>)[kind] as Input;
  if (kind === "ConditionCheck" && given.ConditionExpression === undefined) {
    throw invalid("The expression can not be empty: ConditionCheck needs a ConditionExpression");
  }
  if (kind === "Update" && given.UpdateExpression === undefined) {
    throw invalid("The expression can not be empty: Update needs an UpdateExpression");
  }
  const request = Object.fromEntries(Object.entries(given).filter(([name]) => members.includes(name)));
  return {
    kind,
    data: check(engineOperations[kind], request, store),
    keyFrom: kind === "Put" ? "Item" : "Key",
    returnsOld: given.ReturnValuesOnConditionCheckFailure === "ALL_OLD",
  };
}

async function refuseRepeatedItems(actions: readonly Action[], store: Store): Promise<void> {
  const seen = new Set<string>();
  for (const action of actions) {
    const { name, key } = await addressOf(action, store).catch((error: unknown) => {
      if (isValidation(error)) return { name: "", key: String(seen.size) }; // Told as a reason, by `attempt`
      throw error;
    });
    const address = `${name}~${key}`;
    if (seen.has(address))
      throw invalid("Transaction request cannot include multiple operations on one item");
    seen.add(address);
  }
}

async function addressOf({ data, keyFrom }: Action, store: Store): Promise<{ name: string; key: string }> {
  const table = await tableOf(data.TableName as string, store);
  return {
    name: table.TableName,
    key: keyOf(data[keyFrom] as Item, table, keyFrom === "Item" ? "item" : "key"),
  };
}

async function attempt(action: Action, store: Store): Promise<CancellationReason> {
  try {
    if (action.kind !== "ConditionCheck") await run(engineOperations[action.kind], store, action.data);
    else checkCondition(action.data, await oldItem(action, store));
    return { Code: "None" };
  } catch (error) {
    if (isValidation(error)) return { Code: "ValidationError", Message: error.message };
    if (!(error instanceof AwsError && error.type.endsWith("#ConditionalCheckFailedException"))) throw error;
    const item = action.returnsOld ? await oldItem(action, store) : undefined;
    return {
      Code: "ConditionalCheckFailed",
      Message: error.message,
      ...(item === undefined ? {} : { Item: item }),
    };
  }
}

async function oldItem(action: Action, store: Store): Promise<Item | undefined> {
  const { name, key } = await addressOf(action, store);
  return store.item(await tableOf(name, store), key);
}

const isValidation = (error: unknown): error is AwsError =>
  error instanceof AwsError && error.type.endsWith("#ValidationException");

const invalid = (message: string) => new AwsError("com.amazon.coral.validate#ValidationException", message);

/** The same text for the same request, whatever the order in which its members were written. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(",")}}`;
}
