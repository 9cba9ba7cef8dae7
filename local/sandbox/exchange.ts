/**
 * The embedded Kraken as a state machine: one command and one instant in, one outcome out. It has no clock, no chance and
 * no I/O of its own, so the same commands at the same instants lead to the same state, to the last digit.
 *
 * A private request passes two stages: the gateway (key, signature, nonce, permission, rate counter) and the engine
 * (deadline, arguments, market, funds, matching).
 */
import type { AccountSetup } from "./accounts.ts";
import * as account from "./endpoints/account.ts";
import { PUBLIC_ENDPOINTS } from "./endpoints/market-data.ts";
import { closedOrders, type DateRange, openOrders, queryOrders } from "./endpoints/orders.ts";
import { bringTo, touchPair } from "./engine/advance.ts";
import { amendOrder, cancelAll, cancelAllAfter, cancelOrder, editOrder } from "./engine/change.ts";
import { addOrder, type Reply, type World } from "./engine/place.ts";
import { printTrade } from "./engine/settle.ts";
import { type Fault, type FaultName, faultFor, placeOf, secondsOf, useFault } from "./faults.ts";
import { admit, PRIVATE_ENDPOINTS } from "./gateway.ts";
import { eatenKey } from "./market/book.ts";
import { pairOf } from "./market/catalogue.ts";
import { type Fields, fieldsOf, type PrivateRequest } from "./request.ts";
import { type Key, openAccount, type State } from "./state.ts";

export type Command =
  /** `engine`: the gateway let it through before, at `gatewayAt`. `late`: its fault has had its turn. */
  | {
      readonly do: "call";
      readonly request: PrivateRequest;
      readonly stage: "arrival" | "late" | "engine";
      readonly gatewayAt?: number;
    }
  | { readonly do: "read"; readonly endpoint: string; readonly query: Fields; readonly late?: true }
  | { readonly do: "price"; readonly pair: string; readonly halfTicks: number }
  | { readonly do: "arm"; readonly faults: readonly Fault[] }
  | { readonly do: "open-account"; readonly account: AccountSetup }
  | { readonly do: "tick" };

export type Outcome =
  /** `mangled`: what happens to the answer on its way. */
  | { readonly is: "answer"; readonly reply: Reply; readonly mangled?: { fault: FaultName; seconds: number } }
  /** The connection is destroyed; nothing ran. */
  | { readonly is: "dropped" }
  | { readonly is: "html-520" }
  /** The request stands still for so long, then goes on as `next`. */
  | { readonly is: "wait"; readonly ms: number; readonly next: Command };

const answer = (reply: Reply): Outcome => ({ is: "answer", reply });
const refuse = (error: string): Outcome => answer({ error });

export function apply(state: State, command: Command, at: number): Outcome {
  bringTo(state, at);
  const now = state.at;
  switch (command.do) {
    case "call":
      return call(state, command, now);
    case "read":
      return read(state, command, now);
    case "price":
      setPrice(state, command.pair, command.halfTicks, now);
      return answer({ result: {} });
    case "arm":
      state.faults = command.faults.length === 0 ? [] : [...state.faults, ...structuredClone(command.faults)];
      return answer({ result: {} });
    case "open-account":
      openAccount(state, command.account);
      return answer({ result: {} });
    case "tick":
      return answer({ result: {} });
  }
}

/** The fault that a public request would take, so that only such requests need a record. */
export const waitsForRead = (state: State, endpoint: string, query: Fields): boolean =>
  faultFor(state.faults, { endpoint, pair: query.pair, keys: [] }) !== undefined;

/** A public request that no fault waits for: it changes nothing. */
export function readOnly(state: State, endpoint: string, query: Fields, at: number): Reply {
  bringTo(state, at);
  return (
    PUBLIC_ENDPOINTS[endpoint]?.(state, query, state.at, undefined) ?? { error: "EGeneral:Unknown method" }
  );
}

function read(state: State, command: Command & { do: "read" }, at: number): Outcome {
  const { endpoint, query } = command;
  const target = { endpoint, pair: query.pair, keys: [] };
  const fault = command.late ? undefined : faultFor(state.faults, target);
  if (fault !== undefined) useFault(state, fault);
  const stopped = fault === undefined ? undefined : stopAtDoor(fault, { ...command, late: true });
  if (stopped !== undefined) return stopped;
  if (fault !== undefined && placeOf(fault) === "refusal")
    return refuse(refusalOf(fault, endpoint, at, true));
  const world = fault?.fault;
  if (world === "maintenance" && endpoint !== "SystemStatus") return refuse("EService:Unavailable");
  const reply = PUBLIC_ENDPOINTS[endpoint]?.(state, query, at, world) ?? { error: "EGeneral:Unknown method" };
  return deliver(reply, fault);
}

function call(state: State, command: Command & { do: "call" }, at: number): Outcome {
  const { request } = command;
  if (!Object.hasOwn(PRIVATE_ENDPOINTS, request.endpoint)) return refuse("EGeneral:Unknown method");
  const fields = fieldsOf(request.body, request.contentType);
  if (fields === undefined) return refuse("EGeneral:Invalid arguments");
  const known = state.keys.get(request.apiKey);
  if (command.stage === "engine") {
    if (known === undefined) return refuse("EAPI:Invalid key");
    const world = { fault: undefined, gatewayAt: command.gatewayAt ?? at };
    return answer(run(state, known, request.endpoint, fields, at, world));
  }

  const keys = known === undefined ? [] : [known.setup.name, known.setup.key];
  const target = { endpoint: request.endpoint, pair: pairNamed(state, fields), keys };
  const fault = command.stage === "late" ? undefined : faultFor(state.faults, target);
  if (fault !== undefined) useFault(state, fault);
  const stopped = fault === undefined ? undefined : stopAtDoor(fault, { ...command, stage: "late" });
  if (stopped !== undefined) return stopped;
  if (fault?.fault === "lockout" && known !== undefined) known.lockedUntil = at + secondsOf(fault) * 1000;
  if (fault?.fault === "ip-refused") return refuse(state.settings.ipRefusedError);
  if (fault !== undefined && placeOf(fault) === "refusal") {
    return refuse(refusalOf(fault, request.endpoint, at, false));
  }

  const key = admit(state, request, fields, at);
  if (typeof key === "string") return deliver({ error: key }, fault);
  if (fault?.fault === "delay-past-deadline") {
    const deadline = Date.parse(fields.deadline ?? "") || at + 60_000;
    const ms = Math.max(0, deadline - at) + secondsOf(fault) * 1000;
    return { is: "wait", ms, next: { ...command, stage: "engine", gatewayAt: at } };
  }
  return deliver(
    run(state, key, request.endpoint, fields, at, { fault: fault?.fault, gatewayAt: at }),
    fault,
  );
}

/** A cancel names its pair only through its order. */
function pairNamed(state: State, fields: Fields): string | undefined {
  return fields.pair ?? state.orders.get(fields.txid ?? "")?.pair;
}

function stopAtDoor(fault: Fault, next: Command): Outcome | undefined {
  if (fault.fault === "drop-request") return { is: "dropped" };
  if (fault.fault === "html-520-before-accept") return { is: "html-520" };
  return fault.fault === "delay" ? { is: "wait", ms: secondsOf(fault) * 1000, next } : undefined;
}

const ENGINE_CALLS = ["AddOrder", "AmendOrder", "EditOrder", "CancelOrder"];

function refusalOf(fault: Fault, endpoint: string, at: number, isPublic: boolean): string {
  switch (fault.fault) {
    case "internal-error-before-accept":
      return "EGeneral:Internal error";
    case "invalid-nonce":
      return "EAPI:Invalid nonce";
    case "rate-limit":
      if (isPublic) return "EGeneral:Too many requests";
      return ENGINE_CALLS.includes(endpoint) ? "EOrder:Rate limit exceeded" : "EAPI:Rate limit exceeded";
    case "lockout":
      return "EGeneral:Temporary lockout";
    case "throttled":
      return `EService: Throttled: ${Math.ceil(at / 1000 + secondsOf(fault))}`;
    case "busy":
      return "EService:Busy";
    case "key-revoked":
      return "EAPI:Invalid key";
    default:
      return "EService:Unavailable";
  }
}

function deliver(reply: Reply, fault: Fault | undefined): Outcome {
  if (fault === undefined || placeOf(fault) !== "reply") return answer(reply);
  return { is: "answer", reply, mangled: { fault: fault.fault, seconds: secondsOf(fault) } };
}

const ORDERS_ONLY: readonly FaultName[] = ["market-cancel-only", "market-post-only"];

/** The engine, and everything else behind the gateway. */
function run(state: State, key: Key, endpoint: string, fields: Fields, at: number, world: World): Reply {
  if (world.fault === "maintenance") return { error: "EService:Unavailable" };
  if (world.fault === "insufficient-funds" && endpoint !== "AddOrder")
    return { error: "EOrder:Insufficient funds" };
  if (world.fault !== undefined && ORDERS_ONLY.includes(world.fault) && endpoint === "AmendOrder") {
    const mode = world.fault === "market-cancel-only" ? "cancel_only" : "post_only";
    return { error: `EService:Market in ${mode} mode` };
  }
  const range = rangeOf(key, world.fault, at);
  switch (endpoint) {
    case "AddOrder":
      return addOrder(state, key, fields, at, world);
    case "AmendOrder":
      return amendOrder(state, key, fields, at, world);
    case "EditOrder":
      return editOrder(state, key, fields, at, world);
    case "CancelOrder":
      return cancelOrder(state, key, fields, at);
    case "CancelAll":
      return cancelAll(state, key, at);
    case "CancelAllOrdersAfter":
      return cancelAllAfter(state, key, fields, at);
    case "OpenOrders":
      return openOrders(state, key, fields, at, range);
    case "ClosedOrders":
      return closedOrders(state, key, fields, at, range);
    case "QueryOrders":
      return queryOrders(state, key, fields, range);
    case "Balance":
      return account.balance(state, key);
    case "BalanceEx":
      return account.balanceEx(state, key);
    case "TradeBalance":
      return account.tradeBalance(state, key, fields, at);
    case "TradesHistory":
      return account.tradesHistory(state, key, fields, range);
    case "QueryTrades":
      return account.queryTrades(state, key, fields, range);
    case "Ledgers":
      return account.ledgers(state, key, fields, range);
    case "QueryLedgers":
      return account.queryLedgers(state, key, fields, range);
    case "TradeVolume":
      return account.tradeVolume(state, key, fields, at);
    case "GetApiKeyInfo":
      return account.apiKeyInfo(state, key, queryToOf(key, world.fault, at));
    case "GetWebSocketsToken":
      return account.webSocketsToken(state);
    default:
      return { error: "EGeneral:Unknown method" };
  }
}

/** Unix seconds, 0 for none. The fault puts the end one hour back. */
const queryToOf = (key: Key, fault: FaultName | undefined, at: number): number =>
  fault === "key-date-limit" ? Math.floor(at / 1000) - 3_600 : key.setup.queryTo;

function rangeOf(key: Key, fault: FaultName | undefined, at: number): DateRange {
  // The fault hides everything: the answer is empty, without an error.
  if (fault === "key-date-limit") return { from: Number.POSITIVE_INFINITY, to: at };
  const { queryFrom, queryTo } = key.setup;
  return { from: queryFrom * 1000, to: queryTo === 0 ? Number.POSITIVE_INFINITY : queryTo * 1000 };
}

/** The path goes on from here. The mark on the tape makes `last` follow at once. */
function setPrice(state: State, pairId: string, halfTicks: number, at: number): void {
  const pair = pairOf(pairId);
  state.anchors.set(pairId, [...(state.anchors.get(pairId) ?? []), { at, halfTicks }]);
  state.eaten.delete(eatenKey(pair, "bid"));
  state.eaten.delete(eatenKey(pair, "ask"));
  printTrade(state, pair, { at, ticks: Math.round(halfTicks / 2), lots: 0n, side: "b" });
  touchPair(state, pair, at);
}
