/** quote: everything that Kraken must say before a buy can be sized, and whether the key may be used at all. */
import { CAP_SCALE } from "../../domain/caps.ts";
import { checkMarketOpen } from "../../domain/dca.ts";
import { subtract } from "../../domain/decimal.ts";
import type { Cost, Volume } from "../../domain/money.ts";
import type { Reason } from "../../domain/run.ts";
import { type EpochMs, HOUR_MS } from "../../domain/time.ts";
import { BUY_POINTS, KEY_CHECK_POINTS } from "../call-points.ts";
import { keepVerdict, keyCheckOf } from "../check-key.ts";
import { ExchangeError } from "../errors.ts";
import type { RunContext } from "../run-context.ts";
import { checkForeign } from "./foreign.ts";

/** A key that was found good stays good for this long (design: checked hourly). */
const KEY_CHECK_MS_MAX = HOUR_MS;

/** Kraken's state, the key, fees and balances, and last the quote, so that it is fresh. */
export async function lookAtMarket(ctx: RunContext, now: EpochMs) {
  const { deps, plan } = ctx;
  const system = await ctx.publicly(() => deps.exchange.systemStatus());
  const rules = await ctx.publicly(() => deps.exchange.pairRules(plan.pair));
  const closed = checkMarketOpen(system, rules);
  // Test: maintenance is seen before anything is planned, and the slot is told
  if (closed !== undefined) return { is: "shut", reason: closed } as const;

  const checkedBefore = ctx.snapshot.keyCheck;
  const badKey = await checkTradeKey(ctx, now);
  // Test: a key that can withdraw is refused by the name of its tick box
  if (badKey !== undefined) return { is: "closed", outcome: "refused", reason: badKey } as const;
  // Hourly with the key, so that looking costs next to nothing; each time when it decides.
  if (deps.settings.manualOrders === "stop" || ctx.snapshot.keyCheck !== checkedBefore) {
    const open = await ctx.withAccount(BUY_POINTS + 1, 1, (account) => account.openOrders());
    const foreign = await checkForeign(ctx, open);
    if (foreign !== undefined) return { is: "closed", outcome: "skipped", reason: foreign } as const;
  }

  const { fees, balances, head, fence } = await ctx.withAccount(BUY_POINTS, 2, async (account) => ({
    fees: await account.feeRates(rules),
    // Test: an order of ours that the balance holds already is not counted a second time when it is settled
    head: await ctx.headOfLease(),
    balances: await account.balances(),
    fence: ctx.fence,
  }));
  const quote = await ctx.publicly(() => deps.exchange.quote(rules));
  const zero = subtract(plan.spend, plan.spend);
  const paying = balances.get(rules.quoteId);
  const free = (paying === undefined ? zero : subtract(paying.total, paying.held)) as Cost;
  const base = {
    freeBefore: free,
    baseBefore: (balances.get(rules.baseId)?.total ?? zero) as unknown as Volume,
    baseNetBefore: { units: head.net.get(rules.baseId) ?? 0n, scale: CAP_SCALE } as Volume,
    unsettledBefore: [...head.unsettled],
    ...(fence === undefined ? {} : { balanceFence: fence, balanceKeyHash: ctx.keyHash }),
  };
  return { is: "open", market: { system, rules, quote, fees, free }, base } as const;
}

/** Fails closed: without a good check of this very secret, under an hour old, nothing is ordered. */
export async function checkTradeKey(ctx: RunContext, now: EpochMs): Promise<Reason | undefined> {
  const known = ctx.snapshot.keyCheck;
  const isCurrent =
    known !== undefined &&
    known.secretVersion === ctx.credentials.version &&
    known.checkedAt <= now &&
    now - known.checkedAt < KEY_CHECK_MS_MAX;
  let problems = known?.problems ?? [];
  if (!isCurrent || problems.length > 0) {
    const info = await ctx.withAccount(BUY_POINTS + KEY_CHECK_POINTS, 1, (account) => account.keyInfo());
    const verdict = keyCheckOf(ctx.deps, "trade", ctx.credentials, info, now, {
      known,
      head: ctx.snapshot.head,
    });
    const keyCheck = await keepVerdict(ctx.deps, ctx.account.name, "trade", verdict);
    problems = keyCheck.problems;
    ctx.snapshot = { ...ctx.snapshot, keyCheck };
  }
  if (problems.length === 0) return undefined;
  return { code: "KEY_REFUSED", detail: `the trade key is refused: ${problems.join("; ")}` };
}

/** What a failed call at this stage means for the run, where it will not get better by waiting. */
export function reasonOf(error: unknown): Reason | undefined {
  if (!(error instanceof ExchangeError) || error.retry !== "never") return undefined;
  switch (error.code) {
    case "PAIR_UNKNOWN":
      return { code: "PAIR_UNKNOWN", detail: error.message };
    case "KEY_INVALID":
    case "SIGNATURE_INVALID":
    case "PERMISSION_DENIED":
    case "ACCOUNT_RESTRICTED":
      return { code: "KEY_REFUSED", detail: error.message };
    // Our own check before the order has the same codes; Kraken's word is newer.
    case "FUNDS_INSUFFICIENT":
    case "VOLUME_BELOW_MINIMUM":
    case "COST_BELOW_MINIMUM":
      return { code: error.code, detail: error.message };
    default:
      return { code: "KRAKEN_REFUSED", detail: error.message };
  }
}

/** An order that Kraken refused for what the account or the amount is: nothing is wrong with plan or key. */
export const outcomeOf = ({ code }: Reason): "skipped" | "refused" =>
  OF_THE_AMOUNT.includes(code) ? "skipped" : "refused";

const OF_THE_AMOUNT: readonly Reason["code"][] = [
  "FUNDS_INSUFFICIENT",
  "VOLUME_BELOW_MINIMUM",
  "COST_BELOW_MINIMUM",
];
