/** submit: looks first, claims the attempt in the ledger, and sends the order once. */
import { type CapWindow, checkWindow, reservedUnits } from "../../domain/caps.ts";
import { formatShort } from "../../domain/decimal.ts";
import { type Intent, perhapsPlaced, type Reason } from "../../domain/run.ts";
import { isoOf, later, MINUTE_MS, SECOND_MS } from "../../domain/time.ts";
import { BUY_POINTS } from "../call-points.ts";
import { ExchangeError } from "../errors.ts";
import type { OrderRequest } from "../exchange.ts";
import { armingHash } from "../ids.ts";
import { type KeyLease, LeaseOver } from "../key-gate.ts";
import { Postponed } from "../postponed.ts";
import type { RunContext } from "../run-context.ts";
import { endIntent } from "./conclude.ts";
import { adopt, look } from "./look.ts";
import { checkTradeKey, outcomeOf, reasonOf } from "./look-at-market.ts";
import { checkStanding, checkTerms, DEADLINE_MS, orderRequestOf, windowsAt } from "./plan-buy.ts";

/** Attempts of one intent; each but the first needs a proof that the one before placed nothing. */
export const ATTEMPTS_MAX = 3;
/** Kraken wants a deadline at least two seconds ahead, and a request takes part of a second to get there. */
const SENDING_MS = 3 * SECOND_MS;
/** The first pause after a refusal that may pass, and the longest. */
const RETRY_MS = 30 * SECOND_MS;
const RETRY_MS_MAX = 5 * MINUTE_MS;
/** The lease must outlast the sending: what is held longer is taken anew before the claim. */
const LEASE_LEFT_MS = 5 * SECOND_MS;

export async function submit(ctx: RunContext, intent: Intent): Promise<void> {
  const { deps } = ctx;
  // Look first, also before the first attempt: a restored or lost ledger may not know what was placed.
  const { found, answeredAt } = await look(ctx, intent);
  // Test: an order that a lost ledger does not know is found before sending, and adopted
  if (found.length > 0) return adopt(ctx, intent, found, "found at Kraken before sending");

  const obstacle = checkStanding(ctx);
  if (obstacle !== undefined) return endIntent(ctx, intent, "SKIPPED", "refused", obstacle);
  if (answeredAt > intent.lateAfter) return endLate(ctx, intent);
  const changed = checkTerms(ctx, intent);
  if (changed !== undefined) return endIntent(ctx, intent, "SKIPPED", "refused", changed);
  // Test: what Kraken refuses for a time is tried again for as long as the slot may be late
  if (perhapsPlaced(intent) >= ATTEMPTS_MAX) {
    const detail = `${ATTEMPTS_MAX} attempts were made and each was proven to have placed nothing`;
    return endIntent(ctx, intent, "SKIPPED", "abandoned", { code: "ATTEMPTS_EXHAUSTED", detail });
  }

  const badKey = await checkTradeKey(ctx, answeredAt);
  // Test: has its key checked again when it was changed: one that can withdraw sends nothing
  if (badKey !== undefined) return endIntent(ctx, intent, "REFUSED", "refused", badKey);

  const rules = await ctx.publicly(() => deps.exchange.pairRules(intent.order.pair));
  const lease = await ctx.key(BUY_POINTS, 0, LEASE_LEFT_MS);
  const now = await ctx.publicly(() => deps.exchange.now());
  // Test: sends nothing when its machine slept past the time between the look and the order
  if (now > intent.lateAfter) return endLate(ctx, intent);
  const request = orderRequestOf(ctx, rules, intent.order, intent.clientOrderId, later(now, DEADLINE_MS));
  const startedAt = deps.clock.monotonicMs();
  const claimed = await claim(ctx, intent, lease, request, windowsAt(ctx, intent.order, now));
  if (claimed === undefined) return;
  // Test: an order whose claim took too long for its deadline is not sent, and tried again
  if (deps.clock.monotonicMs() - startedAt > DEADLINE_MS - SENDING_MS) {
    return comeBack(ctx, claimed, "writing it down took too long for its deadline", 5 * SECOND_MS);
  }

  const { volume, limitPrice, pair } = intent.order;
  ctx.step(
    "submit",
    `attempt ${claimed.n}: buy ${formatShort(volume)} ${pair.base} at up to ${formatShort(limitPrice)} ${pair.quote}`,
  );
  try {
    const { txid } = await deps.exchange.as(lease).submit(request);
    await adopt(ctx, claimed, [{ txid }], "accepted by Kraken");
  } catch (error) {
    await classify(ctx, claimed, lease, error);
  }
}

/** Before the order was sent the day or the month changed, or a cap was lowered, and there is no room any more. */
async function endFull(ctx: RunContext, intent: Intent, windows: readonly CapWindow[]): Promise<void> {
  await ctx.rereadHead();
  const { used } = ctx.snapshot.head;
  for (const window of windows) {
    const own = intent.windows.includes(window.name) ? reservedUnits(intent.order.costMax) : 0n;
    const full = checkWindow(window, (used.get(window.name) ?? 0n) - own, intent.order.costMax);
    if (full !== undefined) return endIntent(ctx, intent, "SKIPPED", "refused", full);
  }
  // It has gained room since: the run claims again.
}

async function endLate(ctx: RunContext, intent: Intent): Promise<void> {
  const detail = `it was too late to order, the limit was ${isoOf(intent.lateAfter)}`;
  await endIntent(ctx, intent, "SKIPPED", "skipped", { code: "LATE", detail });
}

/** PLANNED(n) → SUBMITTING(n+1): from here on the ledger says that the order may exist. */
async function claim(
  ctx: RunContext,
  intent: Intent,
  lease: KeyLease,
  request: OrderRequest,
  windows: readonly CapWindow[],
): Promise<Intent | undefined> {
  const { barrierAt: _, absentAt: __, ...rest } = intent;
  const after = ctx.noted(
    {
      ...rest,
      state: "SUBMITTING",
      n: intent.n + 1,
      claimId: ctx.deps.chance.id(),
      fence: lease.fence.toString(),
      nonce: lease.peekNonce(),
      keyHash: ctx.keyHash,
      deadline: request.deadline,
      windows: windows.map(({ name }) => name),
      dueAt: later(ctx.deps.clock.now(), MINUTE_MS),
    },
    `SUBMITTING(${intent.n + 1})`,
  );
  const answer = await ctx.deps.ledger.claim(intent, after, {
    account: ctx.account.name,
    plan: ctx.plan.id,
    keyHash: ctx.keyHash,
    owner: lease.owner,
    windows,
    ...(ctx.label === "LIVE" ? { armed: armingHash(ctx.deps) } : {}),
  });
  switch (answer) {
    case "claimed":
      ctx.intent = after;
      return after;
    case "killed":
      await endIntent(ctx, intent, "SKIPPED", "skipped", {
        code: "KILLED",
        detail: "the kill switch was turned on",
      });
      return undefined;
    case "disarmed":
      await endIntent(ctx, intent, "SKIPPED", "refused", {
        code: "NOT_ARMED",
        detail: "the plans were disarmed",
      });
      return undefined;
    case "full":
      await endFull(ctx, intent, windows);
      return undefined;
    case "paused":
      await endIntent(ctx, intent, "SKIPPED", "skipped", { code: "PAUSED", detail: "the plan was paused" });
      return undefined;
    // Test: a plan that was put on hold by another run of it sends nothing more
    case "blocked":
      await endIntent(ctx, intent, "SKIPPED", "refused", {
        code: "PLAN_BLOCKED",
        detail: "the plan was put on hold",
      });
      return undefined;
    case "lease-lost":
      await ctx.releaseKey();
      return undefined;
    case "lost":
      await ctx.reread();
      return undefined;
  }
}

/**
 * Only what Kraken provably refused goes back to PLANNED or ends. Anything else leaves SUBMITTING as it is: the state
 * already says that the order may exist, and resolve finds out.
 */
async function classify(ctx: RunContext, claimed: Intent, lease: KeyLease, error: unknown): Promise<void> {
  if (error instanceof LeaseOver) {
    // The lease ended between the claim and the first byte: nothing was sent.
    return comeBack(ctx, claimed, "the key's lease ended before the order was sent", 5 * SECOND_MS);
  }
  if (!(error instanceof ExchangeError)) throw error;
  // Test: html-520-after-accept: the order is found and adopted, not sent again
  if (error.retry === "lookUpFirst") {
    ctx.step("submit", `no certain answer (${error.message}); not sending again, looking for the order`);
    // Asked to keep away, also a look would be a call too many; the run looks when it comes back.
    // Test: a sending that is answered with a lockout is followed by no call until it is over
    const restUntil = await ctx.pauseKey(error, lease);
    if (restUntil !== undefined) throw new Postponed(restUntil, error.message);
    // Test: an order that shows a few seconds late is adopted in the same invocation
    ctx.sentInDoubt = true;
    return;
  }
  ctx.step("submit", `not placed: ${error.message}`);
  // Test: a second refused nonce stops the key: something else is using it
  if (error.code === "NONCE_TOO_LOW" && claimed.nonceRefusals < 1) {
    await unclaim(ctx, { ...claimed, nonceRefusals: claimed.nonceRefusals + 1 }, error.message, claimed);
    await ctx.releaseKey();
    return;
  }
  if (error.code === "NONCE_TOO_LOW") {
    await ctx.pauseKey(error, lease);
    const detail = "Kraken refused nonces twice: something else uses this API key; the key is stopped";
    return endIntent(ctx, claimed, "REFUSED", "refused", { code: "KEY_STOPPED", detail });
  }
  const retryAt = await whenToTryAgain(ctx, error, lease, claimed);
  if (retryAt === undefined) {
    const reason: Reason = reasonOf(error) ?? { code: "KRAKEN_REFUSED", detail: error.message };
    return endIntent(ctx, claimed, "REFUSED", outcomeOf(reason), reason);
  }
  await comeBack(ctx, claimed, error.message, retryAt - ctx.deps.clock.now());
}

/** Nothing left, or Kraken refused all of it: the attempt is given back, and the run goes on later. */
async function comeBack(ctx: RunContext, claimed: Intent, why: string, waitMs: number): Promise<never> {
  await unclaim(ctx, { ...claimed, unsent: (claimed.unsent ?? 0) + 1 }, why, claimed);
  await ctx.releaseKey();
  throw new Postponed(later(ctx.deps.clock.now(), waitMs), why);
}

/** After a refusal that may pass: when; undefined when it will not. */
async function whenToTryAgain(
  ctx: RunContext,
  error: ExchangeError,
  lease: KeyLease,
  { unsent = 0 }: Intent,
) {
  const paused = await ctx.pauseKey(error, lease);
  if (paused !== undefined) return paused;
  if (error.retry === "never") return undefined;
  return later(ctx.deps.clock.now(), Math.min(RETRY_MS * 2 ** unsent, RETRY_MS_MAX));
}

/** SUBMITTING(n) → PLANNED(n), because this very attempt was refused before it could place anything. */
async function unclaim(ctx: RunContext, after: Intent, why: string, before: Intent = after): Promise<void> {
  const { claimId: _, ...rest } = after;
  await ctx.write(before, ctx.noted({ ...rest, state: "PLANNED" }, `PLANNED again: ${why}`));
}
