/** Which open orders of an account are ours, without reading its whole history. */
import type { Intent } from "../domain/run.ts";
import type { OrderReport } from "./exchange.ts";
import { clientOrderIdOf } from "./ids.ts";
import type { Deps, Head } from "./ports.ts";

/** Open orders that no run of ours placed: the owner's own, or somebody else's. */
export async function foreignAmong(
  { books }: Pick<Deps, "books">,
  account: string,
  { unsettled }: Head,
  open: readonly OrderReport[],
): Promise<readonly OrderReport[]> {
  const ours = new Set([...unsettled].map((run) => clientOrderIdOf(account, run, 0)));
  const others = open.filter(({ clientOrderId }) => clientOrderId === undefined || !ours.has(clientOrderId));
  // An order of ours that is open although its run is over is rare, and worth the whole history; the owner's have no such id.
  if (others.every(({ clientOrderId }) => clientOrderId === undefined)) return others;
  for (const { intent } of await books.runs(account))
    if (intent !== undefined) ours.add(intent.clientOrderId);
  return others.filter(({ clientOrderId }) => clientOrderId === undefined || !ours.has(clientOrderId));
}

/** Intents that still hold a reservation, the ones in quarantine, too. */
export async function unsettledIntents(
  { books }: Pick<Deps, "books">,
  account: string,
  { unsettled }: Head,
): Promise<readonly Intent[]> {
  const found = await Promise.all([...unsettled].map((run) => books.run(account, run)));
  return found.flatMap((one) => (one?.intent === undefined ? [] : [one.intent]));
}
