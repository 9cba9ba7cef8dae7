/** An exchange that answers by endpoint: normally, but where a test has its own idea. */
import type { OrderRequest } from "../../shared/app/exchange.ts";
import { price, volume } from "../../shared/domain/money.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { createExchange } from "../../shared/kraken/client.ts";
import type { HttpReply, HttpRequest } from "../../shared/kraken/transport.ts";
import { errorReply, resultReply, START_AT, scriptedRest } from "./kraken-rest.ts";

export const ID = "6d1b345e-2821-50e2-ad83-4ecb18a06876";
export const BTC_EUR = { base: "BTC", quote: "EUR" };
export const PAIR_ROW = {
  altname: "XBTEUR",
  wsname: "XBT/EUR",
  base: "XXBT",
  quote: "ZEUR",
  pair_decimals: 1,
  lot_decimals: 8,
  cost_decimals: 5,
  tick_size: "0.1",
  ordermin: "0.00005",
  costmin: "0.45",
  status: "online",
  fees: [],
  fees_maker: [],
};
const TICK = {
  a: ["50000.1", "1", "1.0"],
  b: ["49999.9", "1", "1.0"],
  c: ["50000.0", "1"],
  v: ["1", "1"],
  l: ["1", "1"],
  h: ["1", "1"],
  o: "1",
};

export const order = (clientOrderId: string | undefined, fields: object = {}) => ({
  ...(clientOrderId === undefined ? {} : { cl_ord_id: clientOrderId }),
  status: "closed",
  opentm: 1795417200.5,
  closetm: 1795417201.25,
  reason: null,
  descr: { pair: "XBTEUR", type: "buy", ordertype: "limit", order: "buy 0.00100000 XBTEUR @ limit 50000.1" },
  vol: "0.00100000",
  vol_exec: "0.00100000",
  cost: "50.00010",
  fee: "0.20000",
  price: "50000.1",
  ...fields,
});

export type Script = Record<string, (fields: URLSearchParams, request: HttpRequest) => HttpReply>;

const NORMAL: Script = {
  Time: () => resultReply({ unixtime: START_AT / 1000 }),
  SystemStatus: () => resultReply({ status: "online" }),
  AssetPairs: () => resultReply({ XXBTZEUR: PAIR_ROW }),
  Ticker: () => resultReply({ XXBTZEUR: TICK }),
  TradeVolume: () =>
    resultReply({
      currency: "ZUSD",
      volume: "0",
      fees: { XXBTZEUR: { fee: "0.4000" } },
      fees_maker: { XXBTZEUR: { fee: "0.2500" } },
    }),
  BalanceEx: () => resultReply({ ZEUR: { balance: "100.0000", hold_trade: "1.0000" } }),
  OpenOrders: () => resultReply({ open: {} }),
  ClosedOrders: () => resultReply({ closed: {}, count: 0 }),
  AddOrder: () => resultReply({ descr: { order: "buy" }, txid: ["O1"] }),
  QueryOrders: () => resultReply({ O1: order(ID) }),
  CancelOrder: () => resultReply({ count: 1 }),
  GetApiKeyInfo: () =>
    resultReply({
      api_key_name: "tidekeeper-t-trade",
      nonce_window: "0",
      permissions: [],
      ip_allowlist: [],
      valid_until: "0",
      query_from: "0",
      query_to: "0",
      iban: "AA",
    }),
};

export function house(script: Script = {}) {
  const made = scriptedRest((request) => {
    const [path = "", query = ""] = request.path.split("?");
    const name = path.split("/").at(-1) ?? "";
    const answer = script[name] ?? NORMAL[name];
    return (
      answer?.(new URLSearchParams(request.body ?? query), request) ?? errorReply("EGeneral:Unknown method")
    );
  });
  const exchange = createExchange(made);
  return { ...made, exchange, account: exchange.as(made.key) };
}

export const buy = async (
  exchange: ReturnType<typeof house>["exchange"],
  fields: Partial<OrderRequest> = {},
): Promise<OrderRequest> => ({
  rules: await exchange.pairRules(BTC_EUR),
  side: "buy",
  clientOrderId: ID,
  volume: volume("0.00100000"),
  limitPrice: price("50000.1"),
  timeInForce: "IOC",
  postOnly: false,
  deadline: epochMs(START_AT + 10_000),
  ...fields,
});
