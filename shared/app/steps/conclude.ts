/** The two ways a run ends: without an order, or with one. Both leave their message in the outbox in the same write. */

import { CAP_SCALE, reservedUnits } from "../../domain/caps.ts";
import { compare, decimal, format, unitsAt } from "../../domain/decimal.ts";
import {
  boughtText,
  carriedText,
  type MessageText,
  nothingBoughtText,
  onHoldText,
  spentOf,
} from "../../domain/messages.ts";
import { metricOf } from "../../domain/metrics.ts";
import type { Cost } from "../../domain/money.ts";
import type { Fills, Intent, Outcome, Reason } from "../../domain/run.ts";
import { isTerminal } from "../../domain/run.ts";
import { nextSlot } from "../../domain/schedule.ts";
import type { EpochMs } from "../../domain/time.ts";
import { localText } from "../../domain/zone.ts";
import type { Carried, Message, Settlement } from "../ports.ts";
import type { RunContext } from "../run-context.ts";

const ZERO = decimal("0");

/** What a message says of the time to come. */
export function nextText(ctx: RunContext): string {
  if (ctx.isRetired) return "The plan is no longer in tide.yaml.";
  const next = nextSlot(ctx.plan.schedule, ctx.plan.zone, ctx.deps.clock.now());
  return next === undefined ? "No further slot is planned." : `Next: ${localText(next, ctx.plan.zone)}.`;
}

const messageOf = (ctx: RunContext, text: MessageText, outcome: Outcome): Message => ({
  id: `${ctx.run.id}#${outcome}`,
  at: ctx.deps.clock.now(),
  run: ctx.run.id,
  outcome,
  ...text,
});

/** Ends the run with nothing ordered. */
export async function endWithoutOrder(
  ctx: RunContext,
  outcome: Outcome,
  reason: Reason,
  kept?: Carried,
): Promise<void> {
  const text =
    kept === undefined
      ? nothingBoughtText(ctx.label, ctx.run.id, ctx.plan.id, outcome, reason, nextText(ctx))
      : carriedText(ctx.label, ctx.run.id, ctx.plan, kept.to, reason, nextText(ctx));
  await endWith(ctx, outcome, reason, text, kept);
}

/** Ends a run that has no intent, with a message made by the caller. */
export async function endWith(
  ctx: RunContext,
  outcome: Outcome,
  reason: Reason,
  text: MessageText,
  kept?: Carried,
): Promise<void> {
  ctx.step("record", `${outcome}: ${reason.detail}`, outcome);
  const closed = { ...ctx.run, outcome, reason, closedAt: ctx.deps.clock.now() };
  const message = messageOf(ctx, text, outcome);
  if (!(await ctx.deps.ledger.conclude(closed, kept, message))) {
    await ctx.reread();
    return;
  }
  ctx.run = closed;
  measureEnd(ctx, outcome, reason);
  await ctx.releaseKey();
  await deliver(ctx, message);
}

function measureEnd(ctx: RunContext, outcome: Outcome, { code }: Reason): void {
  const metric = metricOf(outcome, code);
  if (metric !== undefined) ctx.deps.measure(metric, 1);
}

/** Ends an intent that placed nothing, and with it the run: the reservation and what was carried go back. */
export async function endIntent(
  ctx: RunContext,
  intent: Intent,
  state: "SKIPPED" | "REFUSED",
  outcome: Outcome,
  reason: Reason,
): Promise<void> {
  const text = nothingBoughtText(ctx.label, ctx.run.id, ctx.plan.id, outcome, reason, nextText(ctx));
  const after = ctx.noted({ ...intent, state, reason }, `${state}: ${reason.detail}`);
  await settleWith(ctx, intent, after, undefined, outcome, reason, text);
}

/** Ends an intent whose order is closed at Kraken. */
export async function endFilled(
  ctx: RunContext,
  intent: Intent,
  fills: Fills,
  order: { readonly openedAt: EpochMs; readonly block: string | undefined },
): Promise<void> {
  const isEmpty = fills.volume.units === 0n;
  const outcome: Outcome = isEmpty ? "skipped" : "bought";
  const reason: Reason = isEmpty
    ? {
        code: "NOT_FILLED",
        detail: `nothing was for sale at or under the limit ${format(intent.order.limitPrice)}; the order ended unfilled`,
      }
    : {
        code: compare(fills.volume, intent.order.volume) < 0 ? "FILLED_PARTLY" : "FILLED",
        detail: `${format(fills.volume)} ${ctx.plan.pair.base} for ${format(fills.cost)} + ${format(fills.fee)} ${ctx.plan.pair.quote}`,
      };
  const text = isEmpty
    ? nothingBoughtText(ctx.label, ctx.run.id, ctx.plan.id, outcome, reason, nextText(ctx))
    : boughtText(ctx.label, ctx.run.id, ctx.plan, intent.order, fills, nextText(ctx));
  const after = ctx.noted({ ...intent, state: "DONE", fills, reason }, `DONE: ${reason.detail}`);
  const told = order.block === undefined ? text : onHoldText(text, ctx.plan.id, order.block);
  await settleWith(ctx, intent, after, fills, outcome, reason, told, order);
}

/** By when it was placed, not by when it was settled: that can be days later, and the control looks around that time. */
function lastOrderOf(
  { snapshot }: RunContext,
  { txids, clientOrderId }: Intent,
  at: EpochMs | undefined,
): Pick<Settlement, "lastOrder"> {
  const [txid] = txids;
  if (txid === undefined || at === undefined) return {};
  const known = snapshot.head.lastOrder?.at;
  return known !== undefined && known > at ? {} : { lastOrder: { txid, clientOrderId, at } };
}

async function settleWith(
  ctx: RunContext,
  before: Intent,
  after: Intent,
  fills: Fills | undefined,
  outcome: Outcome,
  reason: Reason,
  text: MessageText,
  order?: { readonly openedAt: EpochMs; readonly block: string | undefined },
): Promise<void> {
  if (!isTerminal(after.state)) throw new Error(`an intent cannot be settled as ${after.state}`);
  ctx.step("reconcile", reason.detail, outcome);
  const spent = fills === undefined ? (ZERO as Cost) : spentOf(fills);
  const closed = { ...ctx.run, outcome, reason, closedAt: ctx.deps.clock.now() };
  const bought = fills !== undefined && fills.volume.units > 0n;
  const message = messageOf(ctx, text, outcome);
  const settled = await ctx.deps.ledger.settle({
    run: closed,
    before,
    after,
    usedUnits: reservedUnits(spent),
    reservedUnits: reservedUnits(before.order.costMax),
    net: bought
      ? [
          { asset: before.order.baseId, units: unitsAt(fills.volume, CAP_SCALE) },
          { asset: before.order.quoteId, units: -reservedUnits(spent) },
        ]
      : [],
    ...lastOrderOf(ctx, after, order?.openedAt),
    carryBack: bought ? (ZERO as Cost) : before.carryUsed,
    ...(order?.block === undefined ? {} : { block: order.block }),
    message,
  });
  if (!settled) {
    await ctx.reread();
    return;
  }
  ctx.run = closed;
  ctx.intent = after;
  measureEnd(ctx, outcome, reason);
  await ctx.releaseKey();
  await deliver(ctx, message);
}

/** Tells the owner. What cannot be told now stays in the outbox, and the sweep tells it. */
export async function deliver(ctx: RunContext, message: Message): Promise<void> {
  try {
    await ctx.deps.notifier.publish(ctx.account.name, message);
  } catch (error) {
    ctx.step("notify", `not told yet, the sweep will: ${(error as Error).message}`);
    return;
  }
  ctx.step("notify", message.text, message.outcome);
  await ctx.deps.ledger.messageSent(ctx.account.name, message.id, ctx.deps.clock.now());
}
