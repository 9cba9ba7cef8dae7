/**
 * What the kill switch does at Kraken: orders of ours that may still rest there are cancelled by our own ids. The owner's
 * orders are listed and left alone. The private calls themselves are a barrier: an AddOrder that was under way with an older
 * nonce can no longer be accepted.
 */
import { isTerminal } from "../domain/run.ts";
import { foreignAmong, unsettledIntents } from "./our-orders.ts";
import type { Deps } from "./ports.ts";
import { withKey } from "./with-key.ts";

export type Cancelled = {
  /** Our client order ids. */
  readonly cancelled: readonly string[];
  /** Of ours, could not be cancelled: perhaps filled, perhaps not there. */
  readonly remaining: readonly string[];
  /** Kraken's ids of open orders that are the owner's own; undefined when Kraken could not be asked. */
  readonly foreign: readonly string[] | undefined;
};

/** Never throws for what Kraken cannot do now: such orders are among the remaining. */
export async function cancelOurs(deps: Deps, account: string): Promise<Cancelled> {
  const cancelled: string[] = [];
  const remaining: string[] = [];
  const head = await deps.books.head(account);
  const intents = await unsettledIntents(deps, account, head);
  const doubtful = intents.filter(({ state }) => !isTerminal(state) && state !== "PLANNED");
  const open = await withKey(deps, account, "trade", 1, (exchange) => exchange.openOrders()).catch(
    () => undefined,
  );
  const foreign = open && (await foreignAmong(deps, account, head, open)).map(({ txid }) => txid);
  for (const { clientOrderId } of doubtful) {
    const done = await withKey(deps, account, "trade", 1, (exchange) => exchange.cancel(clientOrderId)).catch(
      () => ({ cancelled: 0 }),
    );
    (done.cancelled > 0 ? cancelled : remaining).push(clientOrderId);
  }
  return { cancelled, remaining, foreign };
}
