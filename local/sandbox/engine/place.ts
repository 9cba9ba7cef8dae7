/** AddOrder: the checks of the matching engine in its order, then the order itself. */
import { compare, type Decimal, divide, multiply, toScale } from "../../../shared/domain/decimal.ts";
import { charge, engineLimits } from "../counters.ts";
import type { FaultName } from "../faults.ts";
import { levelsOf } from "../market/book.ts";
import { findPair, type Pair } from "../market/catalogue.ts";
import { midAt, priceOfTicks, touchAt } from "../market/path.ts";
import { lastTrade } from "../market/tape.ts";
import type { Fields } from "../request.ts";
import type { Account, Key, Order, State } from "../state.ts";
import { isWaitingForTrigger } from "./advance.ts";
import { placeClosing } from "./closing.ts";
import { feeRate, NO_FEE } from "./fees.ts";
import { isDeadlineInRange, type OrderForm, readDeadline, readOrderForm, sameClientId } from "./form.ts";
import { hasFunds, type Need, needFor } from "./funds.ts";
import { type Levels, levelsFor, shown, tickErrorOf } from "./given-levels.ts";
import { idOf } from "./ids.ts";
import { cutsFor, takeFromBook, ticksOf } from "./match.ts";
import { closeSentence, sentenceOf } from "./sentence.ts";
import { closeOrder } from "./settle.ts";

export type Reply = { readonly error: string } | { readonly result: unknown };
/** What a fault changes about the engine for one request. */
export type World = { readonly fault: FaultName | undefined; readonly gatewayAt: number };

const MODES: Readonly<Partial<Record<FaultName, "cancel_only" | "post_only">>> = {
  "market-cancel-only": "cancel_only",
  "market-post-only": "post_only",
};

export function addOrder(state: State, key: Key, fields: Fields, at: number, world: World): Reply {
  const account = state.accounts.get(key.account)!;
  const deadline = readDeadline(fields);
  if (typeof deadline === "string") return { error: deadline };
  const late = deadlineError(deadline, at, world.gatewayAt);
  if (late !== undefined) return { error: late };

  const form = readOrderForm(fields, at);
  if (typeof form === "string") return { error: form };
  const pair = findPair(fields.pair ?? "")?.pair;
  if (pair === undefined || world.fault === "pair-delisted") {
    return {
      error: fields.pair === undefined ? "EGeneral:Invalid arguments:pair" : "EQuery:Unknown asset pair",
    };
  }
  const isWithinRate = form.validate || chargeEngine(account, pair, 1, at);
  const modeError = marketModeError(pair, form, world.fault);
  if (modeError !== undefined) return { error: modeError };
  if (!isWithinRate) return { error: "EOrder:Rate limit exceeded" };

  const last = priceOfTicks(pair, lastTrade(state, pair, at).ticks);
  const situation = { pair, last, mid: midAt(state, pair, at) };
  const levels = levelsFor(situation, {
    side: form.side,
    type: form.type,
    price: fields.price ?? "",
    price2: fields.price2,
  });
  if (levels === undefined) return { error: "EOrder:Invalid price" };
  const draft = draftOf(state, key, { form, pair, levels, at });
  const refusal = checkDraft(state, account, draft, { pair, form, levels, at, fault: world.fault });
  if (refusal !== undefined) return { error: refusal };

  const descr = { order: sentenceOf(pair, draft) };
  const shown = draft.close === undefined ? descr : { ...descr, close: closeSentence(draft.close) };
  if (form.validate) return { result: { descr: shown } };
  accept(state, draft, at, world.fault === "partial-fill");
  return { result: { txid: [draft.txid], descr: shown } };
}

/**
 * The gateway looks whether the deadline is near enough and far enough; the engine, which may see the request later,
 * whether it has passed.
 */
export function deadlineError(
  deadline: number | undefined,
  at: number,
  gatewayAt: number,
): string | undefined {
  // Without a deadline the engine still does not take an order for ever; one minute is the longest one can ask for.
  if (at >= (deadline ?? gatewayAt + 60_000)) return "EService:Deadline elapsed";
  const isWrong = deadline !== undefined && !isDeadlineInRange(deadline, gatewayAt);
  return isWrong ? "EGeneral:Invalid arguments:deadline" : undefined;
}

export function chargeEngine(account: Account, pair: Pair, points: number, at: number): boolean {
  const counter = account.engineCounters.get(pair.id) ?? { points: 0, at };
  account.engineCounters.set(pair.id, counter);
  return charge(counter, engineLimits(account.setup.tier), points, at);
}

function marketModeError(pair: Pair, form: OrderForm, fault: FaultName | undefined): string | undefined {
  const status = (fault === undefined ? undefined : MODES[fault]) ?? pair.status;
  if (status === "cancel_only") return "EService:Market in cancel_only mode";
  if (status === "post_only" && !form.flags.includes("post")) return "EService:Market in post_only mode";
  if (status === "limit_only" && form.type !== "limit") return "EService:Market in limit_only mode";
  return status === "reduce_only" ? "EOrder:Reduce only:No position exists" : undefined;
}

type Draft = { pair: Pair; form: OrderForm; levels: Levels; at: number };

function draftOf(state: State, key: Key, { form, pair, levels, at }: Draft): Order {
  const account = state.accounts.get(key.account)!;
  const normal = (value: Decimal | undefined) =>
    value === undefined || tickErrorOf(pair, levels) !== undefined
      ? value
      : toScale(value, pair.pairDecimals, "down");
  const inQuote = form.flags.includes("viqc");
  const feeFlag = form.flags.includes("fcib") ? "fcib" : "fciq";
  const others = form.flags.filter((flag) => flag !== "fcib" && flag !== "fciq");
  return {
    ...levels,
    limit: normal(levels.limit),
    trigger: normal(levels.trigger),
    txid: "",
    account: key.account,
    keyName: key.setup.name,
    pair: pair.id,
    side: form.side,
    type: form.type,
    clOrdId: form.clOrdId,
    userref: form.userref,
    volume: form.volume,
    inQuote,
    displayVolume: form.displayVolume,
    triggered: false,
    tif: form.tif,
    postOnly: form.flags.includes("post"),
    feeInBase: feeFlag === "fcib",
    flags: [...others, feeFlag],
    startsAt: form.startsAt > at ? form.startsAt : 0,
    expiresAt: form.expiresAt,
    close: closeOf(form, pair),
    refid: undefined,
    takerRate: feeRate(account, pair, "taker", at),
    makerRate: feeRate(account, pair, "maker", at),
    leverageShown: "none",
    status: form.startsAt > at ? "pending" : "open",
    reason: undefined,
    acceptedAt: at,
    changedAt: at,
    closedAt: undefined,
    volumeFilled: { units: 0n, scale: pair.lotDecimals },
    cost: { units: 0n, scale: pair.costScale },
    fee: NO_FEE,
    turnover: NO_FEE,
    misc: [],
    trades: [],
    hiddenUntil: {},
  };
}

function closeOf(form: OrderForm, pair: Pair): Order["close"] {
  if (form.close === undefined) return undefined;
  const { type, priceText, price2Text } = form.close;
  const price2 = price2Text === undefined ? undefined : shown(price2Text, pair.pairDecimals);
  return { type, price: shown(priceText, pair.pairDecimals), price2 };
}

/** Argument values, minimums, tick, id, cap on open orders, funds: in this order. */
function checkDraft(
  state: State,
  account: Account,
  draft: Order,
  { pair, form, levels, at, fault }: Draft & { fault: FaultName | undefined },
): string | undefined {
  if (compare(toScale(draft.volume, pair.lotDecimals, "down"), draft.volume) !== 0) {
    return "EGeneral:Invalid arguments:volume";
  }
  draft.volume = toScale(draft.volume, pair.lotDecimals, "down");
  if (isTaken(state, account, draft.clOrdId)) return "EGeneral:Invalid arguments:cl_ord_id not unique";

  const touch = touchAt(state, pair, at);
  const market = priceOfTicks(pair, draft.side === "buy" ? touch.ask : touch.bid);
  const price = draft.limit ?? draft.trigger ?? market;
  const volume = draft.inQuote ? divide(draft.volume, price, pair.lotDecimals, "down") : draft.volume;
  const raised: Decimal = { units: pair.orderMin.units * 1000n, scale: pair.orderMin.scale };
  const orderMin = fault === "ordermin-raised" ? raised : pair.orderMin;
  if (compare(volume, orderMin) < 0) return "EOrder:Order minimum not met";
  if (compare(multiply(volume, price), pair.costMin) < 0) return "EOrder:Cost minimum not met";
  const offTick = tickErrorOf(pair, levels);
  if (offTick !== undefined) return offTick;
  if (draft.postOnly && draft.status === "open" && state.settings.postOnlyCrossing === "refused") {
    if (wouldTake(state, draft, pair, at)) return "EOrder:Post only order";
  }
  if (openOn(state, account, pair) >= engineLimits(account.setup.tier).openOrders) {
    return "EOrder:Orders limit exceeded";
  }
  if (form.close !== undefined && closeIsOffTick(state, pair, draft.side, form.close, at))
    return "EOrder:Invalid price";
  const need = marketNeed(state, draft, pair, at) ?? needFor(pair, { ...draft, price });
  const isEmpty = fault === "insufficient-funds";
  return isEmpty || !hasFunds(state, account, need) ? "EOrder:Insufficient funds" : undefined;
}

const isTaken = (state: State, account: Account, clOrdId: string | undefined): boolean =>
  clOrdId !== undefined &&
  ordersWithClientId(state, account.setup.name, clOrdId).some((order) => state.live.has(order.txid));

export const ordersWithClientId = (state: State, account: string, clOrdId: string): Order[] =>
  (state.byClientId.get(`${account} ${sameClientId(clOrdId)}`) ?? []).map((txid) => state.orders.get(txid)!);

const openOn = (state: State, account: Account, pair: Pair): number =>
  [...state.live].filter((txid) => {
    const order = state.orders.get(txid)!;
    return order.pair === pair.id && order.account === account.setup.name;
  }).length;

export function wouldTake(state: State, order: Order, pair: Pair, at: number): boolean {
  if (order.limit === undefined) return true;
  const best = levelsOf(state, pair, order.side === "buy" ? "ask" : "bid", at).next().value;
  if (best === undefined) return false;
  const limit = ticksOf(pair, order.limit);
  return order.side === "buy" ? best.ticks <= limit : best.ticks >= limit;
}

function closeIsOffTick(
  state: State,
  pair: Pair,
  side: Order["side"],
  { type, priceText, price2Text }: NonNullable<OrderForm["close"]>,
  at: number,
): boolean {
  const last = priceOfTicks(pair, lastTrade(state, pair, at).ticks);
  const levels = levelsFor(
    { pair, last, mid: midAt(state, pair, at) },
    { side: side === "buy" ? "sell" : "buy", type, price: priceText, price2: price2Text },
  );
  return levels === undefined || tickErrorOf(pair, levels) !== undefined;
}

/** A market buy needs what the book asks of it, level by level; `undefined` for all orders with a price. */
function marketNeed(state: State, draft: Order, pair: Pair, at: number): Need | undefined {
  if (draft.type !== "market" || draft.side === "sell") return undefined;
  const cuts = cutsFor(state, draft, at);
  const units = cuts.reduce((sum, cut) => sum + BigInt(cut.ticks) * cut.lots, 0n);
  const paid: Decimal = { units, scale: pair.pairDecimals + pair.lotDecimals };
  const one: Decimal = { units: 1n, scale: 0 };
  return needFor(pair, { ...draft, volume: one, price: draft.inQuote ? draft.volume : paid });
}

/** From here on it exists. */
function accept(state: State, order: Order, at: number, partial: boolean): void {
  const placed: Order = Object.assign(order, { txid: idOf(state, "O") });
  state.orders.set(placed.txid, placed);
  state.live.add(placed.txid);
  if (placed.clOrdId !== undefined) {
    const name = `${placed.account} ${sameClientId(placed.clOrdId)}`;
    state.byClientId.set(name, [...(state.byClientId.get(name) ?? []), placed.txid]);
  }
  if (placed.status === "open" && !isWaitingForTrigger(placed)) {
    const pair = findPair(placed.pair)!.pair;
    if (placed.postOnly && wouldTake(state, placed, pair, at)) {
      closeOrder(state, placed, "canceled", at, "Post only order");
    } else takeFromBook(state, placed, at, partial);
  }
  placeClosing(state, placed, 0, at);
}
