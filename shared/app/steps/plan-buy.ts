/** plan → quote → size → record: decides what a run buys and writes it into the ledger before anything leaves. */
import { type CapWindow, capOf, checkOrderCap, checkWindow, windowsOf } from "../../domain/caps.ts";
import { sizeDca } from "../../domain/dca.ts";
import { formatShort, subtract } from "../../domain/decimal.ts";
import { type PairRules, pairName } from "../../domain/market.ts";
import { rehearsedText } from "../../domain/messages.ts";
import type { Cost } from "../../domain/money.ts";
import type { FrozenOrder, Intent, Reason } from "../../domain/run.ts";
import { type EpochMs, isoOf, later, MINUTE_MS, SECOND_MS } from "../../domain/time.ts";
import { dayWindow, monthWindow } from "../../domain/zone.ts";
import { BUY_POINTS } from "../call-points.ts";
import type { OrderRequest } from "../exchange.ts";
import { clientOrderIdOf, termsOf } from "../ids.ts";
import { Postponed } from "../postponed.ts";
import type { RunContext } from "../run-context.ts";
import { endWith, endWithoutOrder, nextText } from "./conclude.ts";
import { lookAtMarket, outcomeOf, reasonOf } from "./look-at-market.ts";

/** How long after its slot a run may still begin when the plan says `ifMissed: skip`. */
const LATE_MS_DEFAULT = 10 * MINUTE_MS;
/** The order goes to Kraken with this deadline; the HTTP call gives up before it. */
export const DEADLINE_MS = 10 * SECOND_MS;

export function lateAfterOf(ctx: RunContext): EpochMs {
  const from = ctx.run.slot ?? ctx.run.openedAt;
  const { ifMissed } = ctx.plan;
  return later(
    from,
    ctx.run.slot !== undefined && ifMissed.is === "catch-up" ? ifMissed.withinMs : LATE_MS_DEFAULT,
  );
}

/** A maintenance takes minutes to hours. */
const SHUT_PAUSE_MS = 5 * MINUTE_MS;
const SKEW_MS_MAX = 2 * SECOND_MS;

/** Leaves the run either closed, with its message, or with a PLANNED intent. */
export async function planBuy(ctx: RunContext): Promise<void> {
  const { deps, plan } = ctx;
  const stop = checkSwitches(ctx);
  if (stop !== undefined) return endWithoutOrder(ctx, stop.outcome, stop.reason);

  const now = await ctx.publicly(() => deps.exchange.now());
  measureSkew(ctx, now);
  const slot = ctx.run.slot ?? now;
  // Test: a machine whose clock is ahead does not buy before the slot by Kraken's
  if (slot > later(now, MINUTE_MS)) throw new Postponed(slot, "its time has not come by Kraken's clock");
  const lateAfter = lateAfterOf(ctx);
  // Test: a firing that comes too late is missed, not bought
  if (now > lateAfter) {
    const detail = `its time was ${isoOf(ctx.run.slot ?? ctx.run.openedAt)}, it may start until ${isoOf(lateAfter)}, now it is ${isoOf(now)}`;
    return endWithoutOrder(ctx, "missed", { code: "LATE", detail });
  }

  const { quote: payingWith } = plan.pair;
  // Test: what was carried in one currency is not spent in another
  const carry = ctx.snapshot.plan?.carry.get(payingWith) ?? (subtract(plan.spend, plan.spend) as Cost);
  const carried = carry.units > 0n ? `, ${formatShort(carry)} ${plan.pair.quote} carried from earlier` : "";
  ctx.step(
    "plan",
    `${formatShort(plan.spend)} ${plan.pair.quote} of ${plan.pair.base}, fee included${carried}`,
  );
  const perOrder = capOf(deps.settings.limits.perOrder, plan.pair.quote);
  if (perOrder === undefined) {
    const reason = checkOrderCap(deps.settings.limits, plan.pair.quote, plan.spend);
    return endWithoutOrder(ctx, "refused", reason!);
  }

  let prepared: Awaited<ReturnType<typeof lookAtMarket>>;
  try {
    prepared = await lookAtMarket(ctx, now);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    if (reason.code === "KEY_REFUSED") await ctx.tryNewKey(reason.detail);
    return endWithoutOrder(ctx, "refused", reason);
  }
  if (prepared.is === "shut") return waitForMarket(ctx, prepared.reason, now, lateAfter);
  if (prepared.is === "closed") return endWithoutOrder(ctx, prepared.outcome, prepared.reason);
  const { market, base } = prepared;
  const { quote } = market;
  ctx.step(
    "quote",
    `${pairName(plan.pair)} bid ${formatShort(quote.bid)}, ask ${formatShort(quote.ask)}; ` +
      `${formatShort(market.free)} ${plan.pair.quote} free`,
  );

  const sizedAt = await deps.exchange.now();
  const sizing = sizeDca(plan, carry, perOrder, deps.settings.limits.maxSlippage, market, sizedAt);
  if (sizing.is === "skip") return endWithoutOrder(ctx, "skipped", sizing.reason);
  if (sizing.is === "too-small") {
    if (plan.ifTooSmall === "skip") return endWithoutOrder(ctx, "skipped", sizing.reason);
    return endWithoutOrder(ctx, "carried", sizing.reason, {
      asset: payingWith,
      from: carry,
      to: sizing.budget,
    });
  }
  const { order: sized } = sizing;
  ctx.step(
    "size",
    `${formatShort(sized.volume)} ${plan.pair.base} at up to ${formatShort(sized.limitPrice)}, ` +
      `at most ${formatShort(sized.costMax)} ${plan.pair.quote} with fee`,
  );
  const overCap = checkOrderCap(deps.settings.limits, plan.pair.quote, sized.costMax);
  if (overCap !== undefined) return endWithoutOrder(ctx, "refused", overCap);

  const frozen: FrozenOrder = {
    pair: plan.pair,
    baseId: market.rules.baseId,
    quoteId: market.rules.quoteId,
    side: "buy",
    volume: sized.volume,
    limitPrice: sized.limitPrice,
    feeRate: sized.feeRate,
    costMax: sized.costMax,
    ask: quote.ask,
    ...base,
    balanceAt: sizedAt,
    terms: termsOf(plan, deps.settings.limits),
  };
  const clientOrderId = clientOrderIdOf(ctx.account.name, ctx.run.id, 0);
  if (ctx.label === "DRY RUN") return rehearse(ctx, frozen, clientOrderId, now);
  await record(ctx, frozen, clientOrderId, carry, now, lateAfter);
}

/**
 * Kraken's maintenance passes: a slot that may be caught up comes back while it may still begin, and is skipped when it may
 * not. A buy by hand is skipped at once: whoever asked is there to ask again.
 */
async function waitForMarket(
  ctx: RunContext,
  reason: Reason,
  now: EpochMs,
  lateAfter: EpochMs,
): Promise<void> {
  // Test: a buy waits for Kraken's maintenance as long as it may be late, and is bought after it
  const mayWait = ctx.run.slot !== undefined && ctx.plan.ifMissed.is === "catch-up";
  if (mayWait && later(now, SHUT_PAUSE_MS) <= lateAfter)
    throw new Postponed(later(ctx.deps.clock.now(), SHUT_PAUSE_MS), reason.detail, reason);
  return endWithoutOrder(ctx, "skipped", reason);
}

/** All that follows works in Kraken's time, so a clock that is off harms nothing; but somebody should set it. */
function measureSkew(ctx: RunContext, krakenNow: EpochMs): void {
  const skewMs = Math.abs(krakenNow - ctx.deps.clock.now());
  if (skewMs > SKEW_MS_MAX) ctx.deps.measure("ClockSkewSeconds", Math.round(skewMs / SECOND_MS));
}

/** A run orders only for a plan that there is, and as what it began: turning back to dry-run stops what is under way. */
export function checkStanding(ctx: RunContext): Reason | undefined {
  const { label, labelNow } = ctx;
  if (ctx.isRetired) {
    return { code: "PLAN_UNKNOWN", detail: `tide.yaml has no plan ${ctx.plan.id} on this account any more` };
  }
  // A rehearsal places nothing wherever it goes.
  if (label === labelNow || (label === "DRY RUN" && labelNow !== undefined)) return undefined;
  const detail =
    labelNow === undefined
      ? "tide.yaml says mode: live, and these plans and caps have not been armed"
      : `the run began as ${label}, and orders are ${labelNow} now`;
  return { code: "NOT_ARMED", detail };
}

/** An order waits with what its plan and the caps said then; they may say something else by now. */
export function checkTerms(ctx: RunContext, { order }: Intent): Reason | undefined {
  const { limits } = ctx.deps.settings;
  // Test: an order that waits while its plan is changed is not sent as it was decided
  if (order.terms !== termsOf(ctx.plan, limits)) {
    return {
      code: "PLAN_CHANGED",
      detail: "the plan was changed while its order waited to be sent; the next slot buys by the new one",
    };
  }
  // Test: a cap that was lowered while an order waits is not exceeded by it
  return checkOrderCap(limits, order.pair.quote, order.costMax);
}

/** Owner's switches and the plan's own state, before anything is asked of Kraken. */
function checkSwitches(
  ctx: RunContext,
): { readonly outcome: "skipped" | "refused"; readonly reason: Reason } | undefined {
  const { head, plan: state } = ctx.snapshot;
  if (head.killed) {
    return {
      outcome: "skipped",
      reason: { code: "KILLED", detail: "the kill switch is on; `tide resume` turns it off" },
    };
  }
  if (state?.paused === true) {
    return {
      outcome: "skipped",
      reason: { code: "PAUSED", detail: `the plan is paused; \`tide resume ${ctx.plan.id}\` goes on` },
    };
  }
  if (state?.blocked !== undefined) {
    return {
      outcome: "refused",
      reason: { code: "PLAN_BLOCKED", detail: `the plan is on hold: ${state.blocked}` },
    };
  }
  if (ctx.plan.order.style !== "taker") {
    const detail = `order style ${ctx.plan.order.style} is not built yet; use style: taker`;
    return { outcome: "refused", reason: { code: "STYLE_UNSUPPORTED", detail } };
  }
  return undefined;
}

/** DRY RUN: Kraken checks the very order that would be sent, and nothing is placed or reserved. */
async function rehearse(
  ctx: RunContext,
  frozen: FrozenOrder,
  clientOrderId: string,
  now: EpochMs,
): Promise<void> {
  const rules = await ctx.publicly(() => ctx.deps.exchange.pairRules(frozen.pair));
  const request = orderRequestOf(ctx, rules, frozen, clientOrderId, later(now, DEADLINE_MS));
  try {
    const { description } = await ctx.withAccount(BUY_POINTS, 0, (account) => account.rehearse(request));
    ctx.step("submit", `checked by Kraken, not placed: ${description}`);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    return endWithoutOrder(ctx, outcomeOf(reason), reason);
  }
  const reason: Reason = {
    code: "REHEARSED",
    detail: `${formatShort(frozen.volume)} ${frozen.pair.base} for at most ${formatShort(frozen.costMax)} ${frozen.pair.quote}`,
  };
  await endWith(
    ctx,
    "rehearsed",
    reason,
    rehearsedText(ctx.label, ctx.run.id, ctx.plan, frozen, nextText(ctx)),
  );
}

export function orderRequestOf(
  ctx: RunContext,
  rules: PairRules,
  frozen: FrozenOrder,
  clientOrderId: string,
  deadline: EpochMs,
): OrderRequest {
  const { tradingAgreement } = ctx.account;
  return {
    rules,
    side: frozen.side,
    clientOrderId,
    volume: frozen.volume,
    limitPrice: frozen.limitPrice,
    timeInForce: "IOC",
    postOnly: false,
    deadline,
    ...(tradingAgreement === undefined ? {} : { tradingAgreement }),
  };
}

/** The cap windows of an instant that the order falls into. */
export function windowsAt(ctx: RunContext, { pair }: FrozenOrder, at: EpochMs): readonly CapWindow[] {
  const { limits, zone } = ctx.deps.settings;
  return windowsOf(limits, pair.quote, dayWindow(at, zone), monthWindow(at, zone));
}

/** Writes run and intent, and takes the order's worst cost from every cap window, in one transaction. */
async function record(
  ctx: RunContext,
  frozen: FrozenOrder,
  clientOrderId: string,
  carry: Cost,
  now: EpochMs,
  lateAfter: EpochMs,
): Promise<void> {
  const windows = windowsAt(ctx, frozen, now);
  for (const window of windows) {
    const full = checkWindow(window, ctx.snapshot.head.used.get(window.name) ?? 0n, frozen.costMax);
    if (full !== undefined) return endWithoutOrder(ctx, "refused", full);
  }
  const planned: Intent = ctx.noted(
    {
      run: ctx.run.id,
      leg: 0,
      clientOrderId,
      state: "PLANNED",
      n: 0,
      order: frozen,
      windows: windows.map((window) => window.name),
      carryUsed: carry,
      createdAt: now,
      lateAfter,
      nonceRefusals: 0,
      dueAt: later(ctx.deps.clock.now(), MINUTE_MS),
      txids: [],
      history: [],
    },
    `PLANNED: ${formatShort(frozen.costMax)} ${frozen.pair.quote} reserved`,
  );
  ctx.step(
    "record",
    `order ${clientOrderId} written down, ${formatShort(frozen.costMax)} ${frozen.pair.quote} reserved`,
  );
  const answer = await ctx.deps.ledger.reserve(ctx.run, planned, windows, carry);
  switch (answer.is) {
    case "reserved":
      ctx.intent = planned;
      return;
    case "exists":
      return ctx.reread();
    case "killed":
      return endWithoutOrder(ctx, "skipped", { code: "KILLED", detail: "the kill switch was turned on" });
    case "paused":
      return endWithoutOrder(ctx, "skipped", { code: "PAUSED", detail: "the plan was paused" });
    case "full": {
      const full = checkWindow(answer.window, answer.used, frozen.costMax);
      // The window can have gained room since the transaction failed: then the run plans again.
      if (full === undefined) return ctx.reread();
      return endWithoutOrder(ctx, "refused", full);
    }
  }
}
