import { expect, test } from "vitest";
import { addOrder } from "../../shared/kraken/endpoints/add-order.ts";
import { amendOrder } from "../../shared/kraken/endpoints/amend-order.ts";
import { assetPairs } from "../../shared/kraken/endpoints/asset-pairs.ts";
import { assets } from "../../shared/kraken/endpoints/assets.ts";
import { balance } from "../../shared/kraken/endpoints/balance.ts";
import { balanceEx } from "../../shared/kraken/endpoints/balance-ex.ts";
import { cancelAll } from "../../shared/kraken/endpoints/cancel-all.ts";
import { cancelAllOrdersAfter } from "../../shared/kraken/endpoints/cancel-all-orders-after.ts";
import { cancelOrder } from "../../shared/kraken/endpoints/cancel-order.ts";
import { closedOrders } from "../../shared/kraken/endpoints/closed-orders.ts";
import { depth } from "../../shared/kraken/endpoints/depth.ts";
import { getApiKeyInfo } from "../../shared/kraken/endpoints/get-api-key-info.ts";
import { getWebSocketsToken } from "../../shared/kraken/endpoints/get-websockets-token.ts";
import { ledgers } from "../../shared/kraken/endpoints/ledgers.ts";
import { ohlc } from "../../shared/kraken/endpoints/ohlc.ts";
import { openOrders } from "../../shared/kraken/endpoints/open-orders.ts";
import { queryOrders } from "../../shared/kraken/endpoints/query-orders.ts";
import { systemStatus } from "../../shared/kraken/endpoints/system-status.ts";
import { ticker } from "../../shared/kraken/endpoints/ticker.ts";
import { time } from "../../shared/kraken/endpoints/time.ts";
import { tradeVolume } from "../../shared/kraken/endpoints/trade-volume.ts";
import { trades } from "../../shared/kraken/endpoints/trades.ts";
import { tradesHistory } from "../../shared/kraken/endpoints/trades-history.ts";

test("paths, costs and which calls change something", () => {
  const table = [
    time,
    systemStatus,
    assets,
    assetPairs,
    ticker,
    depth,
    ohlc,
    trades,
    balance,
    balanceEx,
    openOrders,
    closedOrders,
    queryOrders,
    tradesHistory,
    ledgers,
    tradeVolume,
    getApiKeyInfo,
    getWebSocketsToken,
    addOrder,
    amendOrder,
    cancelOrder,
    cancelAll,
    cancelAllOrdersAfter,
  ].map(({ path, cost, isWrite }) => `${path} ${cost}${isWrite ? " write" : ""}`);
  expect(table).toEqual([
    "/0/public/Time 0",
    "/0/public/SystemStatus 0",
    "/0/public/Assets 0",
    "/0/public/AssetPairs 0",
    "/0/public/Ticker 0",
    "/0/public/Depth 0",
    "/0/public/OHLC 0",
    "/0/public/Trades 0",
    "/0/private/Balance 1",
    "/0/private/BalanceEx 1",
    "/0/private/OpenOrders 1",
    "/0/private/ClosedOrders 2",
    "/0/private/QueryOrders 1",
    "/0/private/TradesHistory 2",
    "/0/private/Ledgers 2",
    "/0/private/TradeVolume 1",
    "/0/private/GetApiKeyInfo 1",
    "/0/private/GetWebSocketsToken 1",
    "/0/private/AddOrder 0 write",
    "/0/private/AmendOrder 0 write",
    "/0/private/CancelOrder 0 write",
    "/0/private/CancelAll 1 write",
    "/0/private/CancelAllOrdersAfter 1 write",
  ]);
});
