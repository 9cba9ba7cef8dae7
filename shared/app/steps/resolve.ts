/**
 * reconcile, while an order is in doubt: adopt it as soon as it is seen; declare it absent only with a proof.
 *
 * The proof (each part has its own test): Kraken's clock is past the order's deadline, a private call with a larger nonce
 * was accepted (the barrier), a grace has passed for Kraken's own records to catch up, and two complete looks at open and
 * closed orders, 15 s apart, each with a control that the records do answer, found nothing.
 */
import { quarantinedText, uncertainText } from "../../domain/messages.ts";
import type { Intent } from "../../domain/run.ts";
import { DAY_MS, type EpochMs, isoOf, later, MINUTE_MS, SECOND_MS } from "../../domain/time.ts";
import { localText } from "../../domain/zone.ts";
import { Postponed } from "../postponed.ts";
import type { RunContext } from "../run-context.ts";
import { deliver } from "./conclude.ts";
import { control } from "./control.ts";
import { adopt, look } from "./look.ts";
import { checkTradeKey } from "./look-at-market.ts";

/** Waits between the first looks: at +2, +5 and +10 s after the sending. */
const EARLY_LOOKS_MS = [2 * SECOND_MS, 3 * SECOND_MS, 5 * SECOND_MS] as const;
/** Our clock may differ from Kraken's by this much. */
const SKEW_MS = SECOND_MS;
/** Orders turned up "below a minute" late in outages (veox/python3-krakenex #60). */
const GRACE_MS = MINUTE_MS;
// Test: a proof takes two looks, fifteen seconds apart
const BETWEEN_SWEEPS_MS = 15 * SECOND_MS;

/** In place of the barrier: far longer than any request is known to have been under way. */
const OTHER_KEY_GRACE_MS = 10 * MINUTE_MS;
const QUARANTINE_AFTER_MS = DAY_MS;

export async function resolve(ctx: RunContext, intent: Intent): Promise<void> {
  await needSameAccount(ctx, intent);
  if (ctx.sentInDoubt) {
    ctx.sentInDoubt = false;
    for (const waitMs of EARLY_LOOKS_MS) {
      await ctx.releaseKey();
      await ctx.deps.clock.sleep(waitMs);
      if (await lookOnce(ctx)) return;
    }
  }
  // Also when the early looks were made by an invocation that is gone.
  if (ctx.intent?.barrierAt === undefined && (await lookOnce(ctx))) return;
  await prove(ctx, ctx.intent ?? intent);
}

/** With a key of another Kraken account every look finds nothing, and a proof would be one of nothing. */
async function needSameAccount(ctx: RunContext, intent: Intent): Promise<void> {
  // Test: a key of another Kraken account is refused, and no order in doubt is looked for with it
  if (!(await isOtherAccount(ctx, intent))) return;
  await keepInDoubt(ctx, intent, OTHER_ACCOUNT, await ctx.publicly(() => ctx.deps.exchange.now()));
}

export const OTHER_ACCOUNT = "the key is of another Kraken account than the order";

export async function isOtherAccount(ctx: RunContext, { keyHash }: Intent): Promise<boolean> {
  if (keyHash === undefined || keyHash === ctx.keyHash) return false;
  await checkTradeKey(ctx, await ctx.publicly(() => ctx.deps.exchange.now()));
  return ctx.snapshot.keyCheck?.isOtherAccount === true;
}

/** One look. True when the intent is no longer in doubt, or no longer ours to write. */
async function lookOnce(ctx: RunContext): Promise<boolean> {
  const intent = ctx.intent;
  if (intent?.state !== "SUBMITTING") return true;
  const { found, answeredAt } = await look(ctx, intent);
  if (found.length > 0) {
    await adopt(ctx, intent, found, "found at Kraken, not sent again");
    return true;
  }
  ctx.step("reconcile", `${intent.clientOrderId} is not among Kraken's orders at ${isoOf(answeredAt)}`);
  if (intent.barrierAt !== undefined) return false;
  // Test: a look under another key is no barrier: the deadline alone must have been over for ten minutes
  const trustedAt = barrierFrom(ctx, intent);
  if (answeredAt < trustedAt) {
    const waitMs = trustedAt - answeredAt + SECOND_MS;
    throw new Postponed(
      later(ctx.deps.clock.now(), waitMs),
      "the key was replaced while an order is in doubt",
    );
  }
  const after = ctx.noted({ ...intent, barrierAt: answeredAt }, "barrier: a later call was accepted");
  return !(await ctx.write(intent, after));
}

/** From when on a later call that was accepted counts as a barrier. Each key has nonces of its own. */
function barrierFrom(ctx: RunContext, { keyHash, deadline, createdAt }: Intent): EpochMs {
  const isSameKey = keyHash === undefined || keyHash === ctx.keyHash;
  return isSameKey ? createdAt : later(deadline ?? createdAt, OTHER_KEY_GRACE_MS);
}

async function prove(ctx: RunContext, intent: Intent): Promise<void> {
  if (intent.state !== "SUBMITTING" || intent.deadline === undefined || intent.barrierAt === undefined)
    return;
  // Test: the barrier counts, not only the deadline: a crash long ago does not shorten the grace
  const fencedAt = Math.max(intent.deadline, intent.barrierAt) as EpochMs;
  // Test: no look counts as proof before deadline, barrier and grace have passed
  const provableAt = later(fencedAt, SKEW_MS + GRACE_MS);
  const now = await ctx.publicly(() => ctx.deps.exchange.now());
  if (now <= provableAt) {
    const waitMs = provableAt - now + SECOND_MS;
    throw new Postponed(
      later(ctx.deps.clock.now(), waitMs),
      "waiting until the order's absence can be proven",
    );
  }
  if (intent.absentAt !== undefined && now < later(intent.absentAt, BETWEEN_SWEEPS_MS)) {
    const waitMs = later(intent.absentAt, BETWEEN_SWEEPS_MS) - now;
    if (!ctx.hasTimeFor(waitMs))
      throw new Postponed(later(ctx.deps.clock.now(), waitMs), "between two looks");
    await ctx.releaseKey();
    await ctx.deps.clock.sleep(waitMs);
  }

  const { found, answeredAt } = await look(ctx, intent);
  if (found.length > 0) return adopt(ctx, intent, found, "found at Kraken, not sent again");
  const controlled = await control(ctx, intent);
  // Test: records that lag beyond the grace are caught by the balance: no second buy, adopted when it shows
  if (controlled.is === "doubt") return keepInDoubt(ctx, intent, controlled.why, now);
  if (controlled.is === "found") return adopt(ctx, intent, controlled.orders, IN_LEDGER);

  // Test: a proof takes two looks, fifteen seconds apart
  if (intent.absentAt === undefined) {
    ctx.step("reconcile", `first complete look after the grace found no ${intent.clientOrderId}`);
    await ctx.write(intent, ctx.noted({ ...intent, absentAt: answeredAt }, "absent: first look"));
    return;
  }
  ctx.step("reconcile", `proven: attempt ${intent.n} placed nothing`);
  const { claimId: _, barrierAt: __, absentAt: ___, ...rest } = intent;
  await ctx.write(
    intent,
    ctx.noted({ ...rest, state: "PLANNED" }, `PLANNED again: attempt ${intent.n} proven absent`),
  );
}

const IN_LEDGER = "found in Kraken's ledger, not sent again";

async function keepInDoubt(ctx: RunContext, intent: Intent, doubt: string, now: EpochMs): Promise<void> {
  const age = now - (intent.deadline ?? intent.createdAt);
  // Test: what can never be proven is quarantined after a day: reserved, on hold, and told
  if (age < QUARANTINE_AFTER_MS) {
    ctx.step("reconcile", `not proven: ${doubt}`);
    throw new Postponed(
      later(ctx.deps.clock.now(), age < 10 * MINUTE_MS ? MINUTE_MS : 10 * MINUTE_MS),
      doubt,
      { because: "doubtful" },
    );
  }
  await quarantine(ctx, intent, doubt);
}

/** From here on only its owner has it looked for again: `tide resolve`. */
export async function quarantine(ctx: RunContext, intent: Intent, doubt: string): Promise<void> {
  const reason = { code: "UNPROVEN", detail: doubt } as const;
  const after = ctx.noted({ ...intent, state: "QUARANTINED", reason }, `QUARANTINED: ${doubt}`);
  const text = quarantinedText(ctx.label, ctx.run.id, ctx.plan.id, intent.clientOrderId, doubt);
  const message = {
    id: `${ctx.run.id}#quarantined`,
    at: ctx.deps.clock.now(),
    run: ctx.run.id,
    outcome: "uncertain",
    ...text,
  } as const;
  ctx.step("reconcile", `quarantined: ${doubt}`, "uncertain");
  if (await ctx.quarantine(intent, after, message)) await deliver(ctx, message);
}

/** Once per run: the owner hears that an order is in doubt, and that nothing is sent again. */
export async function tellDoubt(ctx: RunContext, intent: Intent): Promise<void> {
  const at = localText(intent.deadline ?? intent.createdAt, ctx.plan.zone);
  const text = uncertainText(ctx.label, ctx.run.id, ctx.plan.id, intent.clientOrderId, at);
  const message = {
    id: `${ctx.run.id}#uncertain`,
    at: ctx.deps.clock.now(),
    run: ctx.run.id,
    outcome: "uncertain",
    ...text,
  } as const;
  if (await ctx.deps.books.addMessage(ctx.account.name, message)) await deliver(ctx, message);
}
