/**
 * What Kraken has of this month: read through the key's gate, a page for each turn at the key, and told apart into orders
 * of our plans' slots, whose ids can be computed anew, and all others, which are never touched.
 */
import { ExchangeError } from "../../shared/app/errors.ts";
import type { KeyUse } from "../../shared/app/exchange.ts";
import { clientOrderIdOf } from "../../shared/app/ids.ts";
import { acquireKey } from "../../shared/app/key-gate.ts";
import type { Deps } from "../../shared/app/ports.ts";
import type { Credentials } from "../../shared/app/secret.ts";
import { checkKey } from "../../shared/domain/key-check.ts";
import { type Account, accountNameOf, type DcaPlan } from "../../shared/domain/plan.ts";
import { slotsBetween, slotText } from "../../shared/domain/schedule.ts";
import { DAY_MS, type EpochMs, later, MINUTE_MS, SECOND_MS } from "../../shared/domain/time.ts";
import { dayWindow } from "../../shared/domain/zone.ts";
import { closedOrders } from "../../shared/kraken/endpoints/closed-orders.ts";
import { getApiKeyInfo } from "../../shared/kraken/endpoints/get-api-key-info.ts";
import { openOrders } from "../../shared/kraken/endpoints/open-orders.ts";
import type { OrderRecord } from "../../shared/kraken/endpoints/order-record.ts";
import type { Rest } from "../../shared/kraken/rest.ts";

/** 25,000 orders in a month. More means that the answers do not fit together. */
const PAGES_MAX = 500;
/** Beyond the month and what a plan may catch up: for clocks that differ and runs that began late. */
const MARGIN_MS = DAY_MS;

export type OurOrders = {
  readonly plan: DcaPlan;
  readonly slot: EpochMs;
  readonly run: string;
  readonly clientOrderId: string;
  /** One, or a double buy. */
  readonly orders: readonly OrderRecord[];
};

export type MonthAtKraken = { readonly ours: readonly OurOrders[]; readonly foreign: readonly OrderRecord[] };

/** Throws when the key cannot be used or any part of the answers is missing: then nothing may be concluded. */
export async function monthAtKraken(
  deps: Deps,
  rest: Rest,
  account: Account,
  credentials: Credentials,
): Promise<MonthAtKraken> {
  const use = <T>(points: number, call: (key: KeyUse) => Promise<T>) =>
    withKey(deps, account, credentials, points, call);
  const now = await deps.exchange.now();
  const info = await use(1, (key) => rest.privateCall(getApiKeyInfo, undefined, key));
  const { problems } = checkKey(info, "trade", now, deps.keyExpectation("trade"));
  // A key that may not see all orders would make the month look empty.
  if (problems.length > 0) throw new Error(`the trade key is refused: ${problems.join("; ")}`);

  // Days of the month so far, and one more: a superset of the month in every zone.
  const dayOfMonth = Number(dayWindow(now, deps.settings.zone).slice(8));
  const since = later(now, -(dayOfMonth + 1) * DAY_MS);
  // Open before closed: what closes between the two is in both, the other way round it would be in neither.
  const open = await use(1, (key) => rest.privateCall(openOrders, {}, key));
  const closed = await closedSince(rest, use, since);
  const all = new Map([...open, ...closed].map((order) => [order.txid, order]));
  return toldApart(deps, account, since, now, [...all.values()]);
}

async function closedSince(
  rest: Rest,
  use: <T>(points: number, call: (key: KeyUse) => Promise<T>) => Promise<T>,
  since: EpochMs,
): Promise<readonly OrderRecord[]> {
  const found = new Map<string, OrderRecord>();
  for (let page = 0; page < PAGES_MAX; page++) {
    // Newest first: an order that closes meanwhile moves the others back by a place, so that none is passed over.
    const args = { by: "both", after: since, offset: found.size } as const;
    const { orders, count } = await use(closedOrders.cost, (key) =>
      rest.privateCall(closedOrders, args, key),
    );
    for (const order of orders) found.set(order.txid, order);
    if (found.size >= count) return [...found.values()];
    if (orders.length === 0) break;
  }
  throw new Error(`Kraken's list of closed orders ended after ${found.size}, before it was whole`);
}

function toldApart(
  deps: Deps,
  account: Account,
  since: EpochMs,
  now: EpochMs,
  orders: readonly OrderRecord[],
): MonthAtKraken {
  const byId = new Map<string, OrderRecord[]>();
  const foreign: OrderRecord[] = [];
  for (const order of orders) {
    const id = plainId(order.clientOrderId ?? "");
    if (id === "") foreign.push(order);
    else byId.set(id, [...(byId.get(id) ?? []), order]);
  }
  const ours: OurOrders[] = [];
  for (const plan of deps.settings.plans) {
    if (plan.kind !== "dca" || accountNameOf(plan, deps.settings.accounts) !== account.name) continue;
    const lateMs = plan.ifMissed.is === "catch-up" ? plan.ifMissed.withinMs : 0;
    const from = later(since, -lateMs - MARGIN_MS);
    for (const slot of slotsBetween(plan.schedule, plan.zone, from, later(now, MINUTE_MS))) {
      const run = `${plan.id}@${slotText(slot)}`;
      const clientOrderId = clientOrderIdOf(account.name, run, 0);
      const placed = byId.get(plainId(clientOrderId));
      if (placed === undefined) continue;
      byId.delete(plainId(clientOrderId));
      ours.push({ plan, slot, run, clientOrderId, orders: placed });
    }
  }
  foreign.push(...[...byId.values()].flat());
  return {
    // The newest last: the ledger keeps it as the order that Kraken is known to have.
    ours: ours.sort((a, b) => a.orders[0]!.openedAt - b.orders[0]!.openedAt),
    foreign: foreign.sort((a, b) => a.openedAt - b.openedAt),
  };
}

/** Kraken may write a UUID back with or without dashes. */
const plainId = (id: string): string => id.replaceAll("-", "").toLowerCase();

/** One turn at the key: its rate counter is waited for, and what Kraken limits becomes a rest of the key. */
async function withKey<T>(
  { gates, clock, chance }: Deps,
  account: Account,
  credentials: Credentials,
  points: number,
  call: (key: KeyUse) => Promise<T>,
): Promise<T> {
  const lease = await acquireKey({ store: gates, clock, chance }, credentials, account.tier, points);
  if ("is" in lease) throw new Error(`the trade key cannot be used now: ${lease.why}`);
  try {
    return await call(lease);
  } catch (error) {
    if (error instanceof ExchangeError) {
      if (error.code === "RATE_LIMITED") await lease.coolDown();
      if (error.code === "LOCKED_OUT") await lease.keepAway();
      if (error.code === "THROTTLED" || error.code === "TOO_MANY_REQUESTS") {
        await lease.keepAway((error.waitUntil as EpochMs | undefined) ?? later(clock.now(), 30 * SECOND_MS));
      }
    }
    throw error;
  } finally {
    await lease.release();
  }
}
