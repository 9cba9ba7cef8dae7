/** Which faults a call can meet. Every fault of the sandbox and of the embedded AWS is used somewhere. */
import type { FaultName } from "../../local/sandbox/faults.ts";
import type { Heard, Injection, Place } from "./tap.ts";

export type Ill = Pick<Injection, "seconds" | "forSeconds"> & { readonly fault: string };
type KrakenIll = Ill & { readonly fault: FaultName };

const MINUTE_S = 60;

/** What can happen to any request, public or private. */
const ANY_CALL: readonly KrakenIll[] = [
  { fault: "drop-request" },
  { fault: "drop-reply-after-accept" },
  { fault: "html-520-before-accept" },
  { fault: "html-520-after-accept" },
  { fault: "internal-error-before-accept" },
  { fault: "internal-error-after-accept" },
  { fault: "delay", seconds: 5 },
  { fault: "delay", seconds: 12 },
  { fault: "reset-mid-reply" },
  { fault: "truncate-json" },
  { fault: "wrong-shape" },
  { fault: "oversize" },
  { fault: "slow-body", seconds: 3 },
  { fault: "slow-body", seconds: 12 },
  { fault: "rate-limit" },
  { fault: "throttled", seconds: 5 },
  { fault: "throttled", seconds: 300 },
  { fault: "unavailable" },
  { fault: "busy" },
  { fault: "maintenance" },
];

const PRIVATE_CALL: readonly KrakenIll[] = [
  { fault: "invalid-nonce" },
  { fault: "lockout", seconds: 600 },
  { fault: "key-revoked" },
  { fault: "ip-refused" },
];

const ORDER: readonly KrakenIll[] = [
  // Past the call's time-out of 8 s and before the order's deadline of 10 s.
  { fault: "delay", seconds: 9 },
  { fault: "delay-past-deadline", seconds: 1 },
  { fault: "delay-past-deadline", seconds: 60 },
  { fault: "market-cancel-only" },
  { fault: "market-post-only" },
  { fault: "partial-fill" },
  { fault: "insufficient-funds" },
  { fault: "ordermin-raised" },
  { fault: "pair-delisted" },
];

const MARKET: readonly KrakenIll[] = [{ fault: "market-cancel-only" }, { fault: "market-post-only" }];
const DATE_LIMIT: readonly KrakenIll[] = [{ fault: "key-date-limit" }];

const OF_ENDPOINT: Readonly<Record<string, readonly KrakenIll[]>> = {
  Time: [],
  SystemStatus: MARKET,
  AssetPairs: [...MARKET, { fault: "ordermin-raised" }, { fault: "pair-delisted" }],
  Ticker: [],
  GetApiKeyInfo: [...PRIVATE_CALL, ...DATE_LIMIT],
  TradeVolume: PRIVATE_CALL,
  BalanceEx: PRIVATE_CALL,
  OpenOrders: [...PRIVATE_CALL, ...DATE_LIMIT],
  ClosedOrders: [...PRIVATE_CALL, ...DATE_LIMIT],
  QueryOrders: [...PRIVATE_CALL, ...DATE_LIMIT],
  AddOrder: [...PRIVATE_CALL, ...ORDER],
};

/** For the looks after a sending in doubt: they hide the order until so long after its acceptance. */
export const LAGS: readonly KrakenIll[] = [5, 45, 100].map((seconds) => ({
  fault: "visibility-lag",
  seconds,
}));

/** From this call on, nothing goes for a while. */
const KRAKEN_OUTAGES: readonly KrakenIll[] = [
  { fault: "drop-request", forSeconds: 5 * MINUTE_S },
  { fault: "html-520-after-accept", forSeconds: 5 * MINUTE_S },
  { fault: "unavailable", forSeconds: 5 * MINUTE_S },
  { fault: "rate-limit", forSeconds: 2 * MINUTE_S },
];

/** Longer than the two hours within which the plan may still be caught up. */
const OVER_LATE_S = 150 * MINUTE_S;
const OVER_LATE: readonly KrakenIll[] = [
  { fault: "drop-request", forSeconds: OVER_LATE_S },
  { fault: "html-520-after-accept", forSeconds: OVER_LATE_S },
];
const KEY_GONE: KrakenIll = { fault: "key-revoked", forSeconds: OVER_LATE_S };

export const LONG_OUTAGES: readonly {
  readonly call: string;
  readonly at: number;
  readonly ills: readonly Ill[];
}[] = [
  { call: "SystemStatus", at: 1, ills: OVER_LATE },
  { call: "BalanceEx", at: 1, ills: OVER_LATE },
  { call: "OpenOrders", at: 2, ills: [...OVER_LATE, KEY_GONE] },
  { call: "AddOrder", at: 1, ills: OVER_LATE },
  { call: "QueryOrders", at: 1, ills: [...OVER_LATE, KEY_GONE] },
];

/** One fault of each kind, by its text: for places that behave like others. */
export const SAMPLE: readonly string[] = [
  "drop-request",
  "drop-reply-after-accept",
  "invalid-nonce",
  "rate-limit",
  "visibility-lag 45 s",
  "throttle",
  "applied-but-reply-lost",
  "slow 20 s",
];

const AWS_ILLS: readonly Ill[] = [
  { fault: "throttle" },
  { fault: "unavailable" },
  { fault: "applied-but-reply-lost" },
  { fault: "slow", seconds: 3 },
  // Longer than a lease on the key may be held.
  { fault: "slow", seconds: 20 },
  { fault: "unavailable", forSeconds: 5 * MINUTE_S },
  { fault: "applied-but-reply-lost", forSeconds: 2 * MINUTE_S },
];

const CONFLICT: Ill = { fault: "transaction-conflict" };

export function illsOf({ service, call, operation }: Heard): readonly Ill[] {
  if (service === "kraken") {
    const own = OF_ENDPOINT[call];
    if (own === undefined) throw new Error(`the campaign does not know what can happen to ${call}`);
    return [...ANY_CALL, ...own, ...KRAKEN_OUTAGES];
  }
  const isWrite = service === "dynamodb" && /^(Put|Update|Transact)/.test(operation);
  return isWrite ? [...AWS_ILLS, CONFLICT] : AWS_ILLS;
}

export const injectionOf = ({ service, call, at }: Place, ill: Ill): Injection => ({
  service,
  call,
  at,
  ...ill,
});

export function illText({ fault, seconds, forSeconds }: Ill): string {
  if (forSeconds !== undefined) return `${fault} for ${forSeconds / MINUTE_S} min`;
  return seconds === undefined ? fault : `${fault} ${seconds} s`;
}
