/** Looking for an order of ours at Kraken, and adopting what is found. */
import type { Intent } from "../../domain/run.ts";
import { DAY_MS, type EpochMs, later } from "../../domain/time.ts";
import { LOOK_POINTS, RESOLVE_POINTS } from "../call-points.ts";
import type { OrderReport } from "../exchange.ts";
import type { RunContext } from "../run-context.ts";

/** How far before an intent its order may have been placed: a ledger that was restored may be younger than the order. */
const LOOK_BACK_MS = DAY_MS;

/**
 * Every order under the intent's client order id, open and closed. The look is a private call with a larger nonce than any
 * attempt before it: once Kraken has answered it, an older delayed AddOrder can no longer be accepted (the nonce barrier).
 */
export async function look(
  ctx: RunContext,
  intent: Intent,
): Promise<{ readonly found: readonly OrderReport[]; readonly answeredAt: EpochMs }> {
  const since = later(ctx.run.slot ?? intent.createdAt, -LOOK_BACK_MS);
  const found = await ctx.withAccount(RESOLVE_POINTS, LOOK_POINTS, (account) =>
    account.findOrders(intent.clientOrderId, since),
  );
  return { found, answeredAt: await ctx.publicly(() => ctx.deps.exchange.now()) };
}

/** Writes that the order exists. Safe at any time: only what Kraken itself showed is adopted. */
export async function adopt(
  ctx: RunContext,
  intent: Intent,
  found: readonly { readonly txid: string }[],
  how: string,
): Promise<void> {
  const txids = found.map((order) => order.txid);
  ctx.step("reconcile", `${how}: ${txids.join(", ")}`);
  const after = ctx.noted({ ...intent, state: "ACKED", txids }, `ACKED: ${how} ${txids.join(", ")}`);
  await ctx.write(intent, after);
}
