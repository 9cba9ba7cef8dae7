/** The control door: what a test or a person does to the sandbox, and what it tells of itself. */
import { type Decimal, multiply, toScale, tryDecimal } from "../../shared/domain/decimal.ts";
import { json, type SandboxReply, type SandboxRequest, urlOf } from "./door.ts";
import { PUBLIC_ENDPOINTS } from "./endpoints/market-data.ts";
import { fixed } from "./engine/sentence.ts";
import { FAULTS, faultsSchema } from "./faults.ts";
import { PRIVATE_ENDPOINTS } from "./gateway.ts";
import type { Keeper } from "./keeper.ts";
import { findPair, PAIRS, type Pair, pairByAnyName, pairOf } from "./market/catalogue.ts";
import type { Order, State } from "./state.ts";

export type ControlDeps = {
  keeper: Keeper;
  now: () => number;
  /** Moves time; answers when what fell due has run. */
  advance: (seconds: number) => Promise<void>;
  reset: () => Promise<void>;
};

const ENDPOINTS: readonly string[] = [...Object.keys(PUBLIC_ENDPOINTS), ...Object.keys(PRIVATE_ENDPOINTS)];

export async function handleControl(deps: ControlDeps, request: SandboxRequest): Promise<SandboxReply> {
  const name = urlOf(request.path).pathname.replace("/_control/", "");
  if (request.method === "GET") {
    const state = deps.keeper.stateAt(deps.now());
    if (name === "orders") return json(200, auditOf(state));
    if (name === "faults") return json(200, { armed: state.faults.length, faults: state.faults });
    if (name === "state") return json(200, summaryOf(state, deps.now()));
    return json(404, { error: `GET /_control/${name} is not known; there are orders, faults and state` });
  }
  if (request.method !== "POST")
    return json(405, { error: `${request.method} is not known, GET and POST are` });
  try {
    return await change(deps, name, readBody(request.body));
  } catch (cause) {
    return json(500, { error: `not done: ${cause instanceof Error ? cause.message : String(cause)}` });
  }
}

function readBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return new SyntaxError("the body is not JSON");
  }
}

async function change(deps: ControlDeps, name: string, body: unknown): Promise<SandboxReply> {
  if (body instanceof SyntaxError) return json(400, { error: body.message });
  switch (name) {
    case "faults":
      return arm(deps, body);
    case "price":
      return setPrice(deps, body);
    case "advance":
      return advance(deps, body);
    case "reset":
      await deps.reset();
      return json(200, { now: new Date(deps.now()).toISOString() });
    default:
      return json(404, {
        error: `POST /_control/${name} is not known; there are faults, price, advance and reset`,
      });
  }
}

function arm({ keeper, now }: ControlDeps, body: unknown): SandboxReply {
  const read = faultsSchema.safeParse(body);
  if (!read.success) {
    const [issue] = read.error.issues;
    const where = issue?.path.join(".") ?? "";
    return json(400, {
      error: `faults${where === "" ? "" : `.${where}`}: ${issue?.message ?? "not readable"}`,
      expected: 'a list of {"endpoint","fault","times"?,"seconds"?,"pair"?,"key"?}; [] clears',
      faults: Object.keys(FAULTS),
    });
  }
  const state = keeper.state;
  const keys = [...state.keys.values()].map(({ setup }) => setup);
  for (const { endpoint, pair, key } of read.data) {
    if (!ENDPOINTS.includes(endpoint))
      return json(400, {
        error: `endpoint: not known, was ${JSON.stringify(endpoint)}`,
        endpoints: ENDPOINTS,
      });
    if (pair !== undefined && pairByAnyName(pair) === undefined)
      return json(400, {
        error: `pair: not known, was ${JSON.stringify(pair)}`,
        pairs: PAIRS.map(({ name }) => name),
      });
    if (key !== undefined && !keys.some((known) => known.name === key || known.key === key))
      return json(400, {
        error: `key: not known, was ${JSON.stringify(key)}`,
        keys: keys.map(({ name }) => name),
      });
  }
  const lag = read.data.find(
    (fault) => fault.fault === "visibility-lag" && !["OpenOrders", "ClosedOrders"].includes(fault.endpoint),
  );
  if (lag !== undefined) {
    return json(400, {
      error: `visibility-lag is armed on OpenOrders or ClosedOrders, was ${lag.endpoint}`,
      faults: Object.keys(FAULTS),
    });
  }
  keeper.apply({ do: "arm", faults: read.data }, now());
  return json(200, { armed: keeper.state.faults.length });
}

function setPrice({ keeper, now }: ControlDeps, body: unknown): SandboxReply {
  const { pair: name, price: text } = (body ?? {}) as { pair?: unknown; price?: unknown };
  const pair = typeof name === "string" ? findPair(name)?.pair : undefined;
  if (pair === undefined) return json(400, { error: `pair: not known, was ${JSON.stringify(name)}` });
  const price = typeof text === "string" ? tryDecimal(text) : undefined;
  if (price === undefined || price.units <= 0n) {
    return json(400, {
      error: `price: a plain decimal number in quotes above zero, was ${JSON.stringify(text)}`,
    });
  }
  const halfTicks = halfTicksOf(pair, price);
  if (halfTicks < 4) return json(400, { error: `price: too small for the tick size of ${pair.name}` });
  keeper.apply({ do: "price", pair: pair.id, halfTicks }, now());
  return json(200, { pair: pair.name, price: text });
}

/** The nearest half tick downwards: the middle between two prices that stand on the tick. */
const halfTicksOf = (pair: Pair, price: Decimal): number =>
  Number(toScale(multiply(price, { units: 2n, scale: 0 }), pair.pairDecimals, "down").units);

async function advance(deps: ControlDeps, body: unknown): Promise<SandboxReply> {
  const seconds = (body as { seconds?: unknown } | undefined)?.seconds;
  if (typeof seconds !== "number" || !(seconds >= 0 && seconds <= 315_360_000)) {
    return json(400, { error: `seconds: a number from 0 to ten years, was ${JSON.stringify(seconds)}` });
  }
  await deps.advance(seconds);
  deps.keeper.apply({ do: "tick" }, deps.now());
  return json(200, { now: new Date(deps.now()).toISOString() });
}

export type AuditedOrder = {
  clOrdId: string | null;
  txid: string;
  /** Name of the key that placed it. */
  key: string;
  pair: string;
  side: "buy" | "sell";
  status: Order["status"];
  vol: string;
  volExec: string;
  cost: string;
  fee: string;
  acceptedAt: string;
};

/** Every order ever accepted, in that order. Orders that were only checked (`validate`) are none. */
export const auditOf = (state: State): AuditedOrder[] =>
  [...state.orders.values()].map((order) => {
    const pair = pairOf(order.pair);
    return {
      clOrdId: order.clOrdId ?? null,
      txid: order.txid,
      key: order.keyName,
      pair: pair.name,
      side: order.side,
      status: order.status,
      vol: fixed(order.volume, pair.lotDecimals),
      volExec: fixed(order.volumeFilled, pair.lotDecimals),
      cost: fixed(order.cost, pair.costDecimals),
      fee: order.feeInBase ? fixed(order.fee, pair.base.decimals) : fixed(order.fee, pair.costDecimals),
      acceptedAt: new Date(order.acceptedAt).toISOString(),
    };
  });

const summaryOf = (state: State, now: number) => ({
  now: new Date(now).toISOString(),
  startedAt: new Date(state.startedAt).toISOString(),
  seed: state.seed,
  orders: state.orders.size,
  open: state.live.size,
  trades: state.fills.size,
  armed: state.faults.length,
});
