/**
 * The owner's own orders on the account. They are seen and reported, never touched, counted or adopted; `manualOrders` says
 * what they mean: nothing, a message, or that nothing is bought until they are gone.
 */
import { foreignText } from "../../domain/messages.ts";
import type { Reason } from "../../domain/run.ts";
import type { OrderReport } from "../exchange.ts";
import { foreignAmong } from "../our-orders.ts";
import type { RunContext } from "../run-context.ts";

/** The reason to buy nothing; undefined when buying may go on. */
export async function checkForeign(
  ctx: RunContext,
  open: readonly OrderReport[],
): Promise<Reason | undefined> {
  const { settings, books, clock } = ctx.deps;
  if (settings.manualOrders === "expect" || open.length === 0) return undefined;
  const foreign = await foreignAmong(ctx.deps, ctx.account.name, await ctx.headOfLease(), open);
  if (foreign.length === 0) return undefined;
  const named = foreign.map(({ txid }) => txid).join(", ");
  for (const { txid, side, volume } of foreign) {
    const text = foreignText(ctx.label, txid, side, volume, settings.manualOrders);
    await books.addMessage(ctx.account.name, { id: `foreign#${txid}`, at: clock.now(), ...text });
  }
  ctx.deps.measure("ForeignOrders", foreign.length);
  ctx.step("plan", `not ours and not touched: ${named}`);
  if (settings.manualOrders === "warn") return undefined;
  return {
    code: "FOREIGN_ORDERS",
    detail: `orders that Tidekeeper did not place are open (${named}), and manualOrders says stop`,
  };
}
