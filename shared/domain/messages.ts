/** What the owner is told, in plain words: one thought, numbers first, always with the label of whose money it is. */
import { compare, divide, formatShort, isPositive, subtract } from "./decimal.ts";
import { addCost, addFee, addVolume, type Cost, costWithFee, type Price, type Volume } from "./money.ts";
import type { DcaPlan } from "./plan.ts";
import type { Fills, FrozenOrder, Intent, Label, Outcome, OwnerRequest, Reason } from "./run.ts";

export type MessageText = { readonly subject: string; readonly text: string };

const titled = (label: Label, subject: string, text: string): MessageText => ({
  // SNS takes up to 100 characters of ASCII as subject.
  subject: `[${label}] ${subject}`.replace(/[^\x20-\x7e]/g, "-").slice(0, 100),
  text: `${label}. ${text}`,
});

export const spentOf = (fills: Fills): Cost => costWithFee(fills.cost, fills.fee);

export const sumFills = (a: Fills, b: Fills): Fills => ({
  volume: addVolume(a.volume, b.volume),
  cost: addCost(a.cost, b.cost),
  fee: addFee(a.fee, b.fee),
});

/** What plans of a new ledger are on hold for, with real money, until the orders of the month are in. */
export const NEW_LEDGER = "this ledger is new, and what Kraken has of this month is not in it yet";

/** Cost ÷ volume with the digits of `like`, a price of the pair; for people only, nothing is computed from it. */
export function averagePrice(fills: Fills, like: Price): string {
  return formatShort(divide(fills.cost, fills.volume, like.scale, "down"));
}

export function boughtText(
  label: Label,
  run: string,
  plan: DcaPlan,
  order: FrozenOrder,
  fills: Fills,
  next: string,
): MessageText {
  const { base, quote } = plan.pair;
  const partly =
    compare(fills.volume, order.volume) < 0
      ? ` Only part of ${formatShort(order.volume)} ${base} could be had at the limit ${formatShort(order.limitPrice)}.`
      : "";
  return titled(
    label,
    `${plan.id}: bought ${formatShort(fills.volume)} ${base}`,
    `Bought ${formatShort(fills.volume)} ${base} for ${formatShort(fills.cost)} ${quote} + ${formatShort(fills.fee)} fee ` +
      `at ${averagePrice(fills, order.limitPrice)}.${partly}${leftText(plan, order, fills)} ${next} Run ${run}.`,
  );
}

/** For how many more slots of this plan the rest of the money is enough, as far as nothing else takes of it. */
function leftText(plan: DcaPlan, { freeBefore }: FrozenOrder, fills: Fills): string {
  if (freeBefore === undefined) return "";
  const { quote } = plan.pair;
  const left = subtract(freeBefore, spentOf(fills));
  const usable = plan.guards.keepFree === undefined ? left : subtract(left, plan.guards.keepFree);
  const missing = subtract(plan.spend, usable);
  if (isPositive(missing))
    return ` ${formatShort(left)} ${quote} left, too little for the next one: ${formatShort(missing)} ${quote} are missing.`;
  const more = formatShort(divide(usable, plan.spend, 0, "down"));
  return ` ${formatShort(left)} ${quote} left, enough for ${more} more of this plan.`;
}

export function rehearsedText(
  label: Label,
  run: string,
  plan: DcaPlan,
  order: { volume: FrozenOrder["volume"]; limitPrice: FrozenOrder["limitPrice"]; costMax: Cost },
  next: string,
): MessageText {
  const { base, quote } = plan.pair;
  return titled(
    label,
    `${plan.id}: would have bought ${formatShort(order.volume)} ${base}`,
    `Would have bought ${formatShort(order.volume)} ${base} at up to ${formatShort(order.limitPrice)} ${quote} for at most ` +
      `${formatShort(order.costMax)} ${quote}; Kraken checked the order and placed nothing. ${next} Run ${run}.`,
  );
}

const OPENING: Readonly<Record<Outcome, string>> = {
  bought: "Bought",
  traded: "Traded",
  rehearsed: "Rehearsed",
  skipped: "Skipped",
  carried: "Carried",
  refused: "Refused",
  waiting: "Waiting",
  abandoned: "Gave up on",
  uncertain: "Uncertain:",
  missed: "Missed",
};

/** Nothing was bought, and why. */
export function nothingBoughtText(
  label: Label,
  run: string,
  plan: string,
  outcome: Outcome,
  reason: Reason,
  next: string,
): MessageText {
  return titled(
    label,
    `${plan}: ${outcome} (${reason.code})`,
    `${OPENING[outcome]} ${plan}: ${reason.detail}. Nothing spent. ${next} Run ${run}.`,
  );
}

export function carriedText(
  label: Label,
  run: string,
  plan: DcaPlan,
  kept: Cost,
  reason: Reason,
  next: string,
): MessageText {
  return titled(
    label,
    `${plan.id}: carried ${formatShort(kept)} ${plan.pair.quote}`,
    `${reason.detail}. Nothing spent; ${formatShort(kept)} ${plan.pair.quote} are kept for next time. ${next} Run ${run}.`,
  );
}

/** Added to how a run ended, when the plan may not go on as if nothing were wrong. */
export const onHoldText = ({ subject, text }: MessageText, plan: string, why: string): MessageText => ({
  subject: `${subject.slice(0, 90)} (ON HOLD)`,
  text: `${text} The plan is ON HOLD: ${why}. When you have looked, tide resume ${plan} lets it go on.`,
});

export function uncertainText(
  label: Label,
  run: string,
  plan: string,
  clientOrderId: string,
  at: string,
): MessageText {
  return titled(
    label,
    `${plan}: an order is in doubt`,
    `Kraken did not answer for certain at ${at}. Nothing was sent again. Tidekeeper keeps looking for the order ` +
      `${clientOrderId} and will adopt it, or prove that it does not exist, by itself. Run ${run}.`,
  );
}

export function standsStillText(
  label: Label,
  run: string,
  plan: string,
  intent: Pick<Intent, "state" | "clientOrderId"> | undefined,
  why: string,
): MessageText {
  const order =
    intent?.state === "ACKED"
      ? ` Kraken accepted the order ${intent.clientOrderId}; what it bought is booked as soon as Kraken shows it.`
      : intent?.state === "SUBMITTING"
        ? ` Whether the order ${intent.clientOrderId} exists is not known; nothing is sent again before it is.`
        : " Nothing was bought.";
  return titled(
    label,
    `${plan}: a run stands still`,
    `A run of ${plan} stands still: ${why}.${order} Tidekeeper tries again by itself. Run ${run}.`,
  );
}

export function quarantinedText(
  label: Label,
  run: string,
  plan: string,
  clientOrderId: string,
  why: string,
): MessageText {
  return titled(
    label,
    `${plan}: please look, an order stays in doubt`,
    `For 24 hours neither the order ${clientOrderId} nor its absence could be proven (${why}). Nothing was sent again, ` +
      `its amount stays reserved, and ${plan} is on hold. Look for the order at Kraken; tide resolve ${run} asks Kraken again.`,
  );
}

export function missedText(
  label: Label,
  plan: string,
  slots: readonly string[],
  why: string,
  next: string,
): MessageText {
  const named = slots.length <= 3 ? slots.join(", ") : `${slots[0]} … ${slots.at(-1)}`;
  return titled(
    label,
    `${plan}: missed ${slots.length} ${slots.length === 1 ? "slot" : "slots"}`,
    `Missed ${slots.length} ${slots.length === 1 ? "slot" : "slots"} of ${plan}: ${named}. ${why}. Nothing spent. ${next}`,
  );
}

/** The day's account. A slot without a run is the one thing that must never be; it is named. */
export function dailyText(
  label: Label,
  day: {
    readonly day: string;
    readonly planned: number;
    readonly accounted: number;
    readonly silent: readonly string[];
    readonly byHand: number;
    readonly ended: readonly string[];
    readonly spent: readonly string[];
  },
): MessageText {
  const slots = `${day.accounted} of ${day.planned} ${day.planned === 1 ? "slot" : "slots"} accounted for`;
  const ended = day.ended.length === 0 ? "" : `: ${day.ended.join(", ")}`;
  const byHand = day.byHand === 0 ? "" : ` (${day.byHand} by hand)`;
  const spent = day.spent.length === 0 ? "Nothing spent." : `Spent ${day.spent.join(", ")}, fees included.`;
  const silent = day.silent.length === 0 ? "" : ` WITHOUT A RUN: ${day.silent.join(", ")}.`;
  return titled(label, `${day.day}: ${slots}`, `${day.day}: ${slots}${ended}${byHand}. ${spent}${silent}`);
}

/** Somebody else has an order on the account: the owner, another program, or a thief. */
export function foreignText(
  label: Label,
  txid: string,
  side: "buy" | "sell",
  volume: Volume,
  meaning: "warn" | "stop",
): MessageText {
  const then = meaning === "stop" ? "Nothing is bought while it is open." : "Buying goes on.";
  return titled(
    label,
    `an order that is not ours: ${txid}`,
    `Open on your account and not placed by Tidekeeper: ${side} ${formatShort(volume)}, Kraken's id ${txid}. It is not touched. ${then} ` +
      "If it is not yours either, disable the API key at Kraken now. manualOrders: expect makes this message go away.",
  );
}

/** The answer to the owner's kill switch: what became of orders at Kraken. */
export function cancelledText(
  label: Label,
  orders: {
    readonly cancelled: readonly string[];
    readonly remaining: readonly string[];
    readonly foreign: readonly string[] | undefined;
  },
): MessageText {
  const listed = (what: string, ids: readonly string[]) =>
    ids.length === 0 ? "" : ` ${what}: ${ids.join(", ")}.`;
  return titled(
    label,
    "the kill switch: what became of open orders",
    `The kill switch is on: no order leaves until tide resume.${listed("Cancelled", orders.cancelled)}` +
      `${listed("Not known to be open, look at Kraken for", orders.remaining)}${orders.foreign === undefined ? " Which other orders are open could not be asked." : listed("Not ours and not touched", orders.foreign)}` +
      `${orders.cancelled.length + orders.remaining.length === 0 ? " No order of ours was open." : ""} ` +
      "To shut it out at Kraken, too: Settings, API, the key's menu, Disable or Delete.",
  );
}

/** The answer to `tide resolve` where it is not given at once. */
export const resolutionText = (label: Label, run: string, answer: string): MessageText =>
  titled(label, `${run}: asked Kraken again`, `You asked about ${run} again: ${answer}.`);

/** The price of `egress: none`, said every week. */
export const openAllowListText = (label: Label): MessageText =>
  titled(
    label,
    "your API keys work from any address",
    "tide.yaml says egress: none, so Kraken cannot bind the API keys to an address: whoever gets hold of one can trade with it " +
      "from anywhere, though not withdraw. egress: nat-instance and npm run deploy change that; tide cost says for how much.",
  );

/** To a request of the owner that Kraken, or the key's gate, could not answer now. */
export const unansweredText = (label: Label, kind: OwnerRequest["kind"], why: string): MessageText =>
  titled(
    label,
    `${kind} could not be answered`,
    `Your ${kind} could not be answered now: ${why}. Nothing was changed; ask again.`,
  );
