/** An order that Kraken has and the ledger lacks, as the run and the intent that it would have left there. */

import type { ImportedRun } from "../../shared/aws/import-runs.ts";
import { CAP_SCALE, reservedUnits, windowsOf } from "../../shared/domain/caps.ts";
import { compare, decimal, format, formatShort, toScale, unitsAt } from "../../shared/domain/decimal.ts";
import type { PairRules } from "../../shared/domain/market.ts";
import { spentOf, sumFills } from "../../shared/domain/messages.ts";
import {
  addVolume,
  type Cost,
  costOf,
  costWithFee,
  feeOf,
  type Price,
  price,
  rate,
  type Volume,
} from "../../shared/domain/money.ts";
import type { Limits } from "../../shared/domain/plan.ts";
import type { Fills, Intent, Reason, Run } from "../../shared/domain/run.ts";
import { type EpochMs, later, MINUTE_MS } from "../../shared/domain/time.ts";
import { dayWindow, monthWindow } from "../../shared/domain/zone.ts";
import type { OrderRecord } from "../../shared/kraken/endpoints/order-record.ts";
import type { OurOrders } from "./month-at-kraken.ts";

/** More than Kraken's highest fee: what an open order may still cost is never reserved too small. */
const FEE_RATE_MAX = rate("0.01");

/** Undefined when the plan has traded another pair since: its amounts would be counted in the wrong currency. */
export function importedRun(
  { plan, slot, run: id, clientOrderId, orders }: OurOrders,
  rules: PairRules,
  account: string,
  limits: Limits,
  zone: string,
  now: EpochMs,
): ImportedRun | undefined {
  if (orders.some((order) => order.pair !== rules.altname || order.side !== "buy")) return undefined;
  const [first] = orders as [OrderRecord, ...OrderRecord[]];
  const txids = orders.map((order) => order.txid);
  const fills = orders
    .map((order): Fills => ({ volume: order.filled, cost: order.cost, fee: order.fee }))
    .reduce(sumFills);
  const volume = orders.map((order) => order.volume).reduce(addVolume);
  const limitPrice = limitOf(first);
  const isOpen = orders.some(({ status }) => status === "open" || status === "pending");
  const atMost = costWithFee(
    costOf(volume, limitPrice),
    feeOf(costOf(volume, limitPrice), FEE_RATE_MAX, CAP_SCALE),
  );
  const costMax = isOpen ? (toScale(atMost, CAP_SCALE, "up") as Cost) : spentOf(fills);
  const usedUnits = reservedUnits(costMax);
  const reason = isOpen ? undefined : reasonOf(fills, volume, plan.pair);
  const found = `imported into a new ledger: found at Kraken as ${txids.join(", ")}`;
  const day = dayWindow(first.openedAt, zone);
  const intent: Intent = {
    run: id,
    leg: 0,
    clientOrderId,
    // One that is still open is settled by the run itself, as after any crash.
    state: isOpen ? "ACKED" : "DONE",
    n: 1,
    order: {
      pair: plan.pair,
      baseId: rules.baseId,
      quoteId: rules.quoteId,
      side: "buy",
      volume,
      limitPrice,
      feeRate: FEE_RATE_MAX,
      costMax,
      ask: limitPrice,
      baseBefore: decimal("0") as Volume,
      baseNetBefore: decimal("0") as Volume,
      balanceAt: first.openedAt,
      unsettledBefore: [],
      terms: "",
    },
    windows: windowsOf(limits, plan.pair.quote, day, monthWindow(first.openedAt, zone)).map(
      ({ name }) => name,
    ),
    carryUsed: decimal("0") as Cost,
    createdAt: first.openedAt,
    lateAfter: later(first.openedAt, MINUTE_MS),
    nonceRefusals: 0,
    ...(isOpen ? { dueAt: now } : { fills }),
    txids,
    ...(reason === undefined ? {} : { reason }),
    history: [{ at: now, what: `${isOpen ? "ACKED" : "DONE"}: ${found}` }],
  };
  const run: Run = {
    id,
    account,
    plan: plan.id,
    kind: "dca",
    slot,
    trigger: "schedule",
    label: "LIVE",
    openedAt: first.openedAt,
    ...(reason === undefined
      ? {}
      : { closedAt: now, outcome: reason.code === "NOT_FILLED" ? "skipped" : "bought", reason }),
    steps: [{ step: "reconcile", at: now, detail: found }],
  };
  const bought = !isOpen && fills.volume.units > 0n;
  return {
    run,
    intent,
    usedUnits,
    net: bought
      ? [
          { asset: rules.baseId, units: unitsAt(fills.volume, CAP_SCALE) },
          { asset: rules.quoteId, units: -usedUnits },
        ]
      : [],
    ...(orders.length > 1
      ? { block: `${orders.length} orders exist under ${clientOrderId}: ${txids.join(", ")}` }
      : {}),
  };
}

function reasonOf(
  fills: Fills,
  wanted: Volume,
  pair: { readonly base: string; readonly quote: string },
): Reason {
  if (fills.volume.units === 0n)
    return { code: "NOT_FILLED", detail: "Kraken has the order; it ended unfilled" };
  return {
    code: compare(fills.volume, wanted) < 0 ? "FILLED_PARTLY" : "FILLED",
    detail: `${format(fills.volume)} ${pair.base} for ${format(fills.cost)} + ${format(fills.fee)} ${pair.quote}`,
  };
}

/** From Kraken's sentence, `buy 0.00100000 XBTEUR @ limit 50000.0`; else the average price of what was filled. */
function limitOf({ description, price: average }: OrderRecord): Price {
  const limit = /@ limit (\d+(?:\.\d+)?)/.exec(description)?.[1];
  return limit === undefined ? average : price(limit);
}

/** For the owner: `btc-weekly@2026-11-23T07:00Z 0.00199 BTC for 99.6 + 0.39 fee EUR (O5N6…)`. */
export function importedLine({ run, intent }: ImportedRun): string {
  const { base, quote } = intent.order.pair;
  const { fills, txids } = intent;
  const what =
    fills === undefined
      ? "still open, followed from here on"
      : fills.volume.units === 0n
        ? "ended unfilled"
        : `${formatShort(fills.volume)} ${base} for ${formatShort(fills.cost)} + ${formatShort(fills.fee)} fee ${quote}`;
  return `${run.id} ${what} (${txids.join(", ")})`;
}
