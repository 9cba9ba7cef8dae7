/** One account at Kraken, through one key, for as long as its KeyUse holds. */
import { ORDERS_AT_ONCE } from "../app/call-points.ts";
import { ExchangeError } from "../app/errors.ts";
import type { ExchangeAccount, KeyUse, OrderReport, OrderRequest } from "../app/exchange.ts";
import { sameClientOrderId } from "../app/ids.ts";
import { subtract } from "../domain/decimal.ts";
import type { FeeRates, PairRules } from "../domain/market.ts";
import { type EpochMs, epochMs } from "../domain/time.ts";
import type { Cache } from "./cache.ts";
import { type AddOrderArgs, addOrder, type OrderFlag } from "./endpoints/add-order.ts";
import { balanceEx } from "./endpoints/balance-ex.ts";
import { cancelOrder } from "./endpoints/cancel-order.ts";
import { closedOrders } from "./endpoints/closed-orders.ts";
import { getApiKeyInfo } from "./endpoints/get-api-key-info.ts";
import { ledgers } from "./endpoints/ledgers.ts";
import { openOrders } from "./endpoints/open-orders.ts";
import type { OrderRecord } from "./endpoints/order-record.ts";
import { queryOrders } from "./endpoints/query-orders.ts";
import { queryTrades } from "./endpoints/query-trades.ts";
import { tradeVolume } from "./endpoints/trade-volume.ts";
import { badAnswer } from "./errors.ts";
import type { Rest } from "./rest.ts";

/** 1,000 closed orders. One client order id has a few; more means that the filter did not work. */
const PAGES_MAX = 20;

export type AccountOptions = {
  readonly rest: Rest;
  readonly key: KeyUse;
  /** By API key and pair: KeyUse objects are short-lived, what they learned is not. */
  readonly feesOf: Cache<FeeRates>;
  /** Kraken refused an order by rules that are others than those it was made by. */
  readonly onStale: (rules: PairRules) => void;
};

const BY_THE_RULES: readonly string[] = [
  "VOLUME_BELOW_MINIMUM",
  "COST_BELOW_MINIMUM",
  "TICK_SIZE",
  "PAIR_UNKNOWN",
];

export function createAccount({ rest, key, feesOf, onStale }: AccountOptions): ExchangeAccount {
  async function askFeeRates({ id }: PairRules): Promise<FeeRates> {
    const { takerRates, makerRates } = await rest.privateCall(tradeVolume, { pairs: [id] }, key);
    const taker = takerRates.get(id);
    if (taker === undefined) throw badAnswer(tradeVolume, "ANSWER_SHAPE", `the answer has no fee for ${id}`);
    // Kraken lists no maker fee where it is the taker's.
    return { taker, maker: makerRates.get(id) ?? taker };
  }

  /** All pages, and only if they fit together: an order that closes meanwhile moves every later one by a place. */
  async function findClosed(clientOrderId: string, since: EpochMs): Promise<readonly OrderRecord[]> {
    // Kraken's `start` leaves the second itself out.
    const after = since < 2000 ? undefined : epochMs(since - 1000);
    const found = new Map<string, OrderRecord>();
    let expected: number | undefined;
    for (let page = 0; page < PAGES_MAX; page++) {
      const { orders, count } = await rest.privateCall(
        closedOrders,
        { clientOrderId, by: "both", offset: found.size, ...(after === undefined ? {} : { after }) },
        key,
      );
      for (const order of orders) found.set(order.txid, order);
      expected ??= count;
      if (count !== expected) break;
      if (found.size >= count) return [...found.values()];
      if (orders.length === 0) break;
    }
    throw badAnswer(
      closedOrders,
      "ANSWER_SHAPE",
      `read ${found.size} of ${expected ?? 0} orders: the list changed`,
    );
  }

  /** The pair's rules are remembered for an hour; where Kraken refuses by newer ones, the next order is made by those. */
  async function withRules<T>({ rules }: OrderRequest, send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      if (error instanceof ExchangeError && BY_THE_RULES.includes(error.code)) onStale(rules);
      throw error;
    }
  }

  return {
    keyInfo: () => rest.privateCall(getApiKeyInfo, undefined, key),
    balances: () => rest.privateCall(balanceEx, undefined, key),
    feeRates: (rules) => feesOf.get(`${key.credentials.apiKey} ${rules.id}`, () => askFeeRates(rules)),

    async submit(order) {
      const { txids, description } = await withRules(order, () =>
        rest.privateCall(addOrder, orderArgs(order), key),
      );
      const [txid] = txids;
      if (txid === undefined || txids.length > 1) {
        throw badAnswer(addOrder, "ANSWER_SHAPE", `the answer has ${txids.length} txids, expected one`);
      }
      return { txid, description };
    },

    async rehearse(order) {
      const args = { ...orderArgs(order), validate: true };
      const answer = await withRules(order, () => rest.privateCall(addOrder, args, key));
      if (answer.txids.length > 0) {
        const placed = answer.txids.join(", ");
        throw badAnswer(
          addOrder,
          "ANSWER_SHAPE",
          `asked to check only, Kraken answered with an order: ${placed}`,
        );
      }
      return { description: answer.description };
    },

    async findOrders(clientOrderId, since) {
      // Open before closed: what closes between the two is in both, the other way round it would be in neither.
      const open = await rest.privateCall(openOrders, { clientOrderId }, key);
      const closed = await findClosed(clientOrderId, since);
      const byTxid = new Map([...open, ...closed].map((order) => [order.txid, order]));
      return [...byTxid.values()]
        .filter((order) => sameClientOrderId(order.clientOrderId, clientOrderId))
        .map(reportOf);
    },

    openOrders: async () => (await rest.privateCall(openOrders, {}, key)).map(reportOf),

    async orders(txids) {
      const found: OrderReport[] = [];
      const asked = [...new Set(txids)];
      for (let from = 0; from < asked.length; from += ORDERS_AT_ONCE) {
        const some = asked.slice(from, from + ORDERS_AT_ONCE);
        const orders = await rest.privateCall(queryOrders, { txids: some }, key);
        found.push(...orders.filter(({ txid }) => some.includes(txid)).map(reportOf));
      }
      return found;
    },

    async cancel(clientOrderId) {
      const { cancelled } = await rest.privateCall(cancelOrder, { clientOrderId }, key);
      return { cancelled };
    },

    async balanceChanges(assetId, since, offset) {
      // Kraken's `start` leaves the second itself out.
      const after = epochMs(since - 1000);
      const { entries, count } = await rest.privateCall(ledgers, { assets: [assetId], after, offset }, key);
      if (count === undefined) throw badAnswer(ledgers, "ANSWER_SHAPE", "the answer does not say how many");
      const changes = entries.map(({ ledgerId, refid, type, at, amount, fee }) => ({
        id: ledgerId,
        refid,
        isTrade: type === "trade",
        at,
        change: subtract(amount, fee),
      }));
      return { changes, count };
    },

    async ordersOfTrades(tradeIds) {
      const fills = await rest.privateCall(queryTrades, { tradeIds }, key);
      return new Map(fills.map(({ tradeId, orderTxid }) => [tradeId, orderTxid]));
    },
  };
}

function orderArgs(order: OrderRequest): AddOrderArgs {
  const flags: OrderFlag[] = order.postOnly ? ["fciq", "post"] : ["fciq"];
  return {
    orderType: "limit",
    pair: order.rules.id,
    side: order.side,
    volume: order.volume,
    price: order.limitPrice,
    flags,
    timeInForce: order.timeInForce,
    // Test: sends the order as it was decided
    deadline: order.deadline,
    clientOrderId: order.clientOrderId,
    ...(order.expiresAt === undefined ? {} : { expiresAt: order.expiresAt }),
    ...(order.tradingAgreement === undefined ? {} : { tradingAgreement: order.tradingAgreement }),
  };
}

function reportOf(record: OrderRecord): OrderReport {
  const {
    pair: _pair,
    orderType: _orderType,
    description: _description,
    trades: _trades,
    ...report
  } = record;
  return report;
}
