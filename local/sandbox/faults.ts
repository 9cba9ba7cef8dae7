/** Troubles on order: one table of what each fault does, and which request takes it. */
import * as z from "zod";
import { findPair, pairByAnyName } from "./market/catalogue.ts";

/**
 * Where a fault acts.
 * `door`: before the exchange sees the request. `refusal`: the exchange answers an error, nothing changes.
 * `world`: the exchange runs with one thing changed. `reply`: the request runs as always, its answer goes wrong.
 */
type Place = "door" | "refusal" | "world" | "reply";

type FaultRow = {
  readonly place: Place;
  readonly effect: string;
  /** What `seconds` means, and its default. */
  readonly seconds?: { readonly means: string; readonly usual: number };
  /** Where the behaviour is described or was seen. */
  readonly source: string;
};

export const FAULTS = {
  "drop-request": {
    place: "door",
    effect: "The connection is destroyed; the exchange never saw the request, its nonce stays unused.",
    source: "krakenex #60: a request that timed out was never executed",
  },
  "drop-reply-after-accept": {
    place: "reply",
    effect: "The request runs, then the connection is destroyed without a byte of answer.",
    source: "npm-kraken-api #37, XChange #1758, BitBot #27: timed out, and executed",
  },
  "html-520-before-accept": {
    place: "door",
    effect: "HTTP 520 with an HTML page; the exchange never saw the request.",
    source: "krakenex #66: Cloudflare page, order not executed",
  },
  "html-520-after-accept": {
    place: "reply",
    effect: "The request runs, then HTTP 520 with an HTML page is the answer.",
    source: "krakenex #98: Cloudflare page, order executed; the repeat doubled it",
  },
  "internal-error-before-accept": {
    place: "refusal",
    effect: "EGeneral:Internal error, nothing ran.",
    source: "docs.kraken.com, spot errors: fault inside Kraken, outcome not told",
  },
  "internal-error-after-accept": {
    place: "reply",
    effect: "The request runs, and EGeneral:Internal error is the answer.",
    source: "docs.kraken.com, spot errors: fault inside Kraken, outcome not told",
  },
  "delay-past-deadline": {
    place: "door",
    effect:
      "The gateway takes the request (its nonce is used), then it waits until after its deadline; the engine refuses with EService:Deadline elapsed.",
    seconds: { means: "how long after the deadline", usual: 1 },
    source: "docs.kraken.com, AddOrder: the engine refuses an order after its deadline",
  },
  delay: {
    place: "door",
    effect: "The request reaches the gateway late: an older nonce may by then be too low.",
    seconds: { means: "how late", usual: 5 },
    source: "krakenex #60: effect of a request up to a minute late",
  },
  "reset-mid-reply": {
    place: "reply",
    effect: "The request runs; the connection is destroyed after half of the answer.",
    source: "RFC 9112 section 8: an incomplete message",
  },
  "truncate-json": {
    place: "reply",
    effect: "The request runs; the answer ends in the middle of its JSON, as if it were whole.",
    source: "blackbird #248: answers that could not be parsed during an outage",
  },
  "wrong-shape": {
    place: "reply",
    effect: "The request runs; `result` is a list with a number in it.",
    source: "docs.kraken.com, changelog: shapes changed between versions",
  },
  oversize: {
    place: "reply",
    effect: "The request runs; the answer is larger than 5 MB.",
    source: "a proxy's or a captive portal's page in place of the answer",
  },
  "slow-body": {
    place: "reply",
    effect: "The request runs; the answer starts at once and its second half comes late.",
    seconds: { means: "how late", usual: 10 },
    source: "Toxiproxy kind `slicer`",
  },
  "invalid-nonce": {
    place: "refusal",
    effect: "EAPI:Invalid nonce, nothing ran.",
    source: "docs.kraken.com, spot errors; krakenex #21, btcTransmuter #37",
  },
  "rate-limit": {
    place: "refusal",
    effect:
      "EOrder:Rate limit exceeded for orders, EAPI:Rate limit exceeded for other private calls, EGeneral:Too many requests for public ones.",
    source: "docs.kraken.com, spot rate limits; ccxt #20648",
  },
  lockout: {
    place: "refusal",
    effect: "EGeneral:Temporary lockout; the key stays locked for `seconds`.",
    seconds: { means: "how long the key stays locked", usual: 0 },
    source: "docs.kraken.com, spot errors",
  },
  throttled: {
    place: "refusal",
    effect: "EService: Throttled: <unix seconds>, the instant from which on calls are welcome.",
    seconds: { means: "how far ahead the named instant is", usual: 5 },
    source: "docs.kraken.com, spot rate limits",
  },
  unavailable: {
    place: "refusal",
    effect: "EService:Unavailable, nothing ran.",
    source: "docs.kraken.com, spot errors",
  },
  busy: {
    place: "refusal",
    effect: "EService:Busy, nothing ran.",
    source: "listed by ccxt and node-kraken-api; outcome not told",
  },
  "market-cancel-only": {
    place: "world",
    effect: "Orders: EService:Market in cancel_only mode. SystemStatus and AssetPairs say cancel_only.",
    source: "docs.kraken.com, spot errors and SystemStatus",
  },
  "market-post-only": {
    place: "world",
    effect:
      "Orders that are not post-only: EService:Market in post_only mode. SystemStatus and AssetPairs say post_only.",
    source: "docs.kraken.com, spot errors and SystemStatus",
  },
  maintenance: {
    place: "world",
    effect: "SystemStatus says maintenance; every other call answers EService:Unavailable.",
    source: "docs.kraken.com, SystemStatus: nothing is accepted, not even cancels",
  },
  "visibility-lag": {
    place: "world",
    effect:
      "Armed on OpenOrders or ClosedOrders: `times` orders are not shown there until `seconds` after their acceptance. QueryOrders shows them.",
    seconds: { means: "counted from the order's acceptance", usual: 5 },
    source: "krakenex #60 (effects up to a minute late)",
  },
  "partial-fill": {
    place: "world",
    effect:
      "Half of the order's volume finds a counterpart; what happens with the rest is up to its time in force.",
    source: "docs.kraken.com, order types",
  },
  "insufficient-funds": {
    place: "world",
    effect: "EOrder:Insufficient funds, as if the balance were empty.",
    source: "docs.kraken.com, spot errors",
  },
  "ordermin-raised": {
    place: "world",
    effect: "The pair's ordermin is a thousand times higher: AssetPairs shows it, orders below are refused.",
    source: "docs.kraken.com, changelog: minimums change without a version",
  },
  "pair-delisted": {
    place: "world",
    effect:
      "The pair is not known: EQuery:Unknown asset pair, also to Ticker and its like, and AssetPairs leaves it out.",
    source: "docs.kraken.com, spot errors",
  },
  "key-revoked": {
    place: "refusal",
    effect: "EAPI:Invalid key.",
    source: "docs.kraken.com, spot errors",
  },
  "key-date-limit": {
    place: "world",
    effect:
      "The key has a query end date in the past: queries answer empty results without an error, GetApiKeyInfo says so.",
    source: "kraken-sdk-rust #28",
  },
  "ip-refused": {
    place: "refusal",
    effect:
      "The address is not on the key's allow-list: EGeneral:Permission denied (the live text is not known; a setting).",
    source: "docs.kraken.com, API keys",
  },
} as const satisfies Readonly<Record<string, FaultRow>>;

export type FaultName = keyof typeof FAULTS;

const names = Object.keys(FAULTS) as [FaultName, ...FaultName[]];

export const faultsSchema = z.array(
  z.strictObject({
    endpoint: z.string().min(1),
    fault: z.enum(names),
    times: z.number().int().positive().default(1),
    seconds: z.number().nonnegative().optional(),
    /** Any name of the pair. */
    pair: z.string().optional(),
    /** Name of the key, or the public key itself. */
    key: z.string().optional(),
  }),
);

export type Fault = {
  readonly endpoint: string;
  readonly fault: FaultName;
  times: number;
  readonly seconds?: number | undefined;
  readonly pair?: string | undefined;
  readonly key?: string | undefined;
};

export type FaultTarget = { endpoint: string; pair: string | undefined; keys: readonly string[] };

export const secondsOf = (fault: Fault): number => {
  const row: FaultRow = FAULTS[fault.fault];
  return fault.seconds ?? row.seconds?.usual ?? 0;
};

export const placeOf = (fault: Fault): Place => FAULTS[fault.fault].place;

const isOfPair = (armed: string, asked: string | undefined): boolean =>
  (asked ?? "")
    .split(",")
    .some((name) => name === armed || pairByAnyName(armed) === (findPair(name)?.pair ?? null));

/**
 * The first fault that waits for this request. `visibility-lag` is not taken by requests but by orders, see
 * `takeVisibilityLag`.
 */
export function faultFor(faults: readonly Fault[], target: FaultTarget): Fault | undefined {
  return faults.find(
    (fault) =>
      fault.fault !== "visibility-lag" &&
      fault.endpoint === target.endpoint &&
      (fault.pair === undefined || isOfPair(fault.pair, target.pair)) &&
      (fault.key === undefined || target.keys.includes(fault.key)),
  );
}

/** Uses a fault once; what is used up is no longer armed. */
export function useFault(state: { faults: Fault[] }, fault: Fault): void {
  fault.times--;
  if (fault.times <= 0) state.faults = state.faults.filter((other) => other !== fault);
}
