/** One way to send a DynamoDB command: with our own retries, on our own clock, and nothing hidden below. */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import type { Chance, Clock } from "../app/clock.ts";
import { repeated } from "./retry.ts";

export type Item = Record<string, AttributeValue>;

export type Dynamo = {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly clock: Clock;
  readonly chance: Chance;
};

/** A transaction keeps its ClientRequestToken over repeats; see retry.ts for what is repeated. */
export const send = <T>(dynamo: Dynamo, run: (client: DynamoDBClient) => Promise<T>): Promise<T> =>
  repeated(dynamo, () => run(dynamo.client));

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
/** A set of strings; DynamoDB knows no empty one. */
export const ss = (first: string, ...more: readonly string[]): AttributeValue => ({ SS: [first, ...more] });
export const n = (value: number | bigint): AttributeValue => ({ N: value.toString() });
export const b = (value: boolean): AttributeValue => ({ BOOL: value });
