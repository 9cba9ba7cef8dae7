/** Sizes and request units as DynamoDB reckons them: a unit reads 4 KB or writes 1 KB, a transaction costs twice. */
import type { Item } from "../../shared/aws/dynamo.ts";

/** What is known of a stored item: its size, and where it stands in the sparse index. */
export type Stored = { readonly bytes: number; readonly index: string | undefined };

export const bytesOf = (item: Item): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);

function valueBytes(value: Item[string]): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  // Two digits to a byte, and one for sign and exponent.
  if (value.N !== undefined) return Math.ceil(value.N.replace(/[-.]/g, "").length / 2) + 1;
  return 1;
}

export const storedOf = (item: Item): Stored => ({
  bytes: bytesOf(item),
  index: item.openShard?.S === undefined ? undefined : `${item.openShard.S} ${item.dueAt?.N}`,
});

export const readUnits = (bytes: number, isConsistent: boolean): number =>
  Math.max(1, Math.ceil(bytes / 4096)) * (isConsistent ? 1 : 0.5);

/** The larger of before and after counts; an item that is not there counts as the smallest. */
export const writeUnits = (
  before: Stored | undefined,
  after: Stored | undefined,
  isTransaction: boolean,
): number =>
  Math.max(1, Math.ceil(Math.max(before?.bytes ?? 0, after?.bytes ?? 0) / 1024)) * (isTransaction ? 2 : 1);

/** The index holds keys only: one write to enter it or to leave it, two to move in it. */
export function indexUnits(before: Stored | undefined, after: Stored | undefined): number {
  const [from, to] = [before?.index, after?.index];
  if (from === to) return 0;
  return from === undefined || to === undefined ? 1 : 2;
}
