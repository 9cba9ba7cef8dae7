/** One way to send a DynamoDB command: with our own retries, on our own clock, and nothing hidden below. */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import type { Chance, Clock } from "../app/clock.ts";

export type Item = Record<string, AttributeValue>;

export type Dynamo = {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly clock: Clock;
  readonly chance: Chance;
};

/** Full jitter, 50 ms to 5 s, eight times. */
const BASE_MS = 50;
const CAP_MS = 5_000;
const RETRIES_MAX = 8;

const PASSING = new Set([
  "TransactionConflictException",
  "TransactionInProgressException",
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "RequestLimitExceeded",
  "InternalServerError",
  "ServiceUnavailable",
  "ServiceUnavailableException",
  "TimeoutError",
  "NetworkingError",
]);

const PASSING_SOCKET = new Set(["ECONNRESET", "ECONNREFUSED", "EPIPE", "ETIMEDOUT", "ECONNABORTED"]);

/**
 * Repeats what may pass: throttling, server errors, lost answers, conflicts. The command is the same each time, so a
 * transaction keeps its ClientRequestToken and cannot be applied twice; for a single conditional write the caller must tell
 * its own earlier write from another's (`oldItem`).
 */
export async function send<T>(dynamo: Dynamo, run: (client: DynamoDBClient) => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await run(dynamo.client);
    } catch (error) {
      if (failures >= RETRIES_MAX || !isPassing(error)) throw error;
      const capMs = Math.min(CAP_MS, BASE_MS * 2 ** failures);
      await dynamo.clock.sleep(dynamo.chance.fraction() * capMs);
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof TransactionCanceledException) {
    // A conflict with another transaction; a failed condition among the reasons is an answer and does not pass.
    const codes = (error.CancellationReasons ?? []).map((reason) => reason.Code);
    return codes.includes("TransactionConflict") && !codes.includes("ConditionalCheckFailed");
  }
  if (!(error instanceof Error)) return false;
  const { name, code, $metadata } = error as Error & {
    code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  return PASSING.has(name) || PASSING_SOCKET.has(code ?? "") || ($metadata?.httpStatusCode ?? 0) >= 500;
}

/** The item as it was, of a single conditional write that was refused; `undefined` when there was none. */
export function refusedItem(error: unknown): { readonly item: Item | undefined } | undefined {
  return error instanceof ConditionalCheckFailedException ? { item: error.Item } : undefined;
}

/** Of a transaction that was refused: for each of its actions, in order, whether its condition failed, and on what. */
export function refusals(
  error: unknown,
): readonly { readonly failed: boolean; readonly item: Item | undefined }[] | undefined {
  if (!(error instanceof TransactionCanceledException)) return undefined;
  const reasons = error.CancellationReasons ?? [];
  if (!reasons.some((reason) => reason.Code === "ConditionalCheckFailed")) return undefined;
  return reasons.map((reason) => ({ failed: reason.Code === "ConditionalCheckFailed", item: reason.Item }));
}

export const s = (value: string): AttributeValue => ({ S: value });
export const n = (value: number | bigint): AttributeValue => ({ N: value.toString() });
export const b = (value: boolean): AttributeValue => ({ BOOL: value });
