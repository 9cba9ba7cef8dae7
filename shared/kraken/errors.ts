/**
 * Kraken's error texts and what follows from them, on one page.
 *
 * `retry` holds for reads. For a write it holds only where Kraken proves by this text that it did not do it
 * (`refusal`); after every other text, known or not, the order may exist, and the rule is `lookUpFirst`.
 */
import { ExchangeError, type ExchangeErrorCode, type RetryRule } from "../app/errors.ts";
import type { TransportError } from "./transport.ts";

type Meaning = {
  readonly code: ExchangeErrorCode;
  readonly retry: RetryRule;
  readonly proves: "refusal" | "nothing";
  readonly hint?: string;
};

const refusal = (code: ExchangeErrorCode, retry: RetryRule, hint?: string): Meaning =>
  hint === undefined ? { code, retry, proves: "refusal" } : { code, retry, proves: "refusal", hint };
const unclear = (code: ExchangeErrorCode, retry: RetryRule, hint?: string): Meaning =>
  hint === undefined ? { code, retry, proves: "nothing" } : { code, retry, proves: "nothing", hint };

const ALLOW_LIST_HINT = "or the key's IP allow-list does not hold the address this call came from";

/** By the beginning of the text; the longest that fits counts. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  "EAPI:Invalid key": refusal(
    "KEY_INVALID",
    "never",
    `expected a key that exists: it was deleted, has expired or was copied with a mistake, ${ALLOW_LIST_HINT}`,
  ),
  "EAPI:Invalid signature": refusal(
    "SIGNATURE_INVALID",
    "never",
    "expected a private key that belongs to the API key: copy both anew from Kraken",
  ),
  "EAPI:Invalid nonce": refusal(
    "NONCE_TOO_LOW",
    "now",
    "expected a nonce above the last one: another program uses this key, or a call arrived late; make a key of its own",
  ),
  "EAPI:Rate limit exceeded": refusal("RATE_LIMITED", "later", "the key's call counter is over its maximum"),
  "EAPI:Bad request": unclear("ARGUMENTS_INVALID", "never"),
  "EAPI:Feature disabled": unclear("ACCOUNT_RESTRICTED", "never"),

  "EGeneral:Permission denied": refusal(
    "PERMISSION_DENIED",
    "never",
    `tick the missing box of this key at Kraken (Settings, API), ${ALLOW_LIST_HINT}`,
  ),
  "EGeneral:Invalid arguments": refusal("ARGUMENTS_INVALID", "never"),
  // Expected between 2 and 60 s ahead: it left late.
  "EGeneral:Invalid arguments:deadline": refusal("DEADLINE_ELAPSED", "later"),
  // Reads like a refusal and proves the opposite: an open order has this id.
  "EGeneral:Invalid arguments:cl_ord_id not unique": unclear(
    "CLIENT_ORDER_ID_NOT_UNIQUE",
    "lookUpFirst",
    "an open order has this client order id: find it and adopt it",
  ),
  "EGeneral:Temporary lockout": unclear(
    "LOCKED_OUT",
    "later",
    "too many calls with a wrong key or nonce: Kraken listens again after some 15 minutes without a call",
  ),
  "EGeneral:Too many requests": unclear("TOO_MANY_REQUESTS", "later", "public calls are counted by address"),
  "EGeneral:Internal error": unclear("KRAKEN_INTERNAL", "later"),
  "EGeneral:Unknown method": unclear("METHOD_UNKNOWN", "never"),
  "EGeneral:Bad data": unclear("ARGUMENTS_INVALID", "never"),
  "EGeneral:Unknown order": unclear("ORDER_UNKNOWN", "never"),
  "EGeneral:Invalid User": unclear("ACCOUNT_RESTRICTED", "never"),

  "EAuth:Account temporary disabled": unclear("ACCOUNT_RESTRICTED", "never"),
  "EAuth:Account unconfirmed": unclear("ACCOUNT_RESTRICTED", "never"),
  "EAuth:Failed": unclear("ACCOUNT_RESTRICTED", "never"),
  "EAuth:Rate limit exceeded": unclear("RATE_LIMITED", "later"),
  "EAuth:Too many requests": unclear("LOCKED_OUT", "later"),
  "EAccount:Invalid permissions": unclear(
    "ACCOUNT_RESTRICTED",
    "never",
    "Kraken does not offer this to the account: its country, its verification or the product",
  ),
  "ESession:Invalid session": unclear(
    "SESSION_INVALID",
    "now",
    "expected a WebSocket token under 15 minutes old",
  ),
  EDatabase: unclear("KRAKEN_INTERNAL", "later"),

  "EQuery:Unknown asset pair": unclear("PAIR_UNKNOWN", "never"),
  "EQuery:Invalid asset pair": unclear("PAIR_UNKNOWN", "never"),
  "EQuery:Unknown asset": unclear("ASSET_UNKNOWN", "never"),

  "EService:Unavailable": unclear("KRAKEN_UNAVAILABLE", "later"),
  "EService:Busy": unclear("KRAKEN_BUSY", "later"),
  "EService:Timeout": unclear("KRAKEN_BUSY", "later"),
  "EService:Market in cancel_only mode": refusal("MARKET_MODE", "later"),
  "EService:Market in post_only mode": refusal("MARKET_MODE", "later"),
  "EService:Market in limit_only mode": refusal("MARKET_MODE", "later"),
  "EService:Market in reduce_only mode": refusal("MARKET_MODE", "later"),
  "EService:Deadline elapsed": unclear("DEADLINE_ELAPSED", "later"),
  "EService:Throttled": unclear("THROTTLED", "later", "too many calls at the same time"),

  "EOrder:Insufficient funds": refusal(
    "FUNDS_INSUFFICIENT",
    "never",
    "the account has less than the order costs, or other orders hold it",
  ),
  "EOrder:Order minimum not met": refusal("VOLUME_BELOW_MINIMUM", "never"),
  "EOrder:Cost minimum not met": refusal("COST_BELOW_MINIMUM", "never"),
  "EOrder:Tick size check failed": refusal(
    "TICK_SIZE",
    "never",
    "expected a multiple of the pair's tick size",
  ),
  "EOrder:Invalid price": refusal("PRICE_INVALID", "never"),
  "EOrder:Invalid order": refusal("ORDER_INVALID", "never"),
  // It did exist: it is filled or cancelled by now.
  "EOrder:Unknown order": unclear("ORDER_UNKNOWN", "never", "the order is not open any more, or never was"),
  "EOrder:Orders limit exceeded": refusal("ORDERS_LIMIT", "later", "too many open orders on this pair"),
  "EOrder:Scheduled orders limit exceeded": refusal("ORDERS_LIMIT", "later"),
  "EOrder:Rate limit exceeded": refusal("ENGINE_RATE_LIMITED", "later"),
  "EOrder:Domain rate limit exceeded": refusal("ENGINE_RATE_LIMITED", "later"),
  "EOrder:Post only order": refusal(
    "POST_ONLY_WOULD_TAKE",
    "never",
    "expected a price that does not cross the book",
  ),
  "EOrder:Unknown position": refusal("ORDER_REFUSED", "never"),
  "EOrder:Positions limit exceeded": refusal("ORDER_REFUSED", "never"),
  "EOrder:Reduce only": refusal("ORDER_REFUSED", "never"),
  "EOrder:Cannot open position": refusal("ORDER_REFUSED", "never"),
  "EOrder:Cannot open opposing position": refusal("ORDER_REFUSED", "never"),
  "EOrder:Margin allowance exceeded": refusal("ORDER_REFUSED", "never"),
  "EOrder:Margin level too low": refusal("ORDER_REFUSED", "never"),
  "EOrder:Margin position size exceeded": refusal("ORDER_REFUSED", "never"),
  "EOrder:Insufficient margin": refusal("ORDER_REFUSED", "never"),
  "EOrder:Cancel pending": unclear("ORDER_REFUSED", "later"),
  "EOrder:Batch failed": unclear("KRAKEN_INTERNAL", "later"),
  "EOrder:Cancel all failed": unclear("KRAKEN_INTERNAL", "later"),
  "ETrade:Invalid request": unclear("ORDER_REFUSED", "never"),
  "ETrade:User Locked": unclear("ACCOUNT_RESTRICTED", "never"),
  "EBM:limit exceeded": unclear("ACCOUNT_RESTRICTED", "never", "the account's own buying limit"),
};

const UNRECOGNISED = unclear("UNRECOGNISED", "lookUpFirst", "this text is new to us");
const LONGEST_FIRST = Object.entries(MEANINGS).sort(([a], [b]) => b.length - a.length);

/** The code and rule of one error text, for a read or a write. */
export function meaningOf(text: string, isWrite: boolean): { code: ExchangeErrorCode; retry: RetryRule } {
  const { code, retry, proves } = findMeaning(text);
  return { code, retry: isWrite && proves === "nothing" ? "lookUpFirst" : retry };
}

function findMeaning(text: string): Meaning {
  // Kraken writes some texts with a space behind the colon, `EService: Throttled: 1700000000`.
  const joined = text.replace(/:\s+/g, ":");
  const found = LONGEST_FIRST.find(
    ([start]) => joined.startsWith(start) && !/[A-Za-z]/.test(joined.charAt(start.length)),
  );
  return found?.[1] ?? UNRECOGNISED;
}

/** Which call an error belongs to. */
export type CallKind = { readonly name: string; readonly isWrite: boolean };

const mayHaveRun = ({ isWrite }: CallKind): RetryRule => (isWrite ? "lookUpFirst" : "later");
const warnOf = (retry: RetryRule): string =>
  retry === "lookUpFirst" ? "; it may have been done, only Kraken's own records can tell" : "";

/** What Kraken said in `error`. Of several texts, one that leaves the outcome open counts most. */
export function fromKraken(call: CallKind, texts: readonly string[], besideResult = false): ExchangeError {
  const read = texts.map((text) => ({ text, ...meaningOf(text, call.isWrite), ...hintOf(text) }));
  const first = read.find(({ retry }) => retry === "lookUpFirst") ?? read[0];
  const code = first?.code ?? "UNRECOGNISED";
  // An error beside a filled result of a write is no refusal, whatever it says.
  const retry = call.isWrite && besideResult ? "lookUpFirst" : (first?.retry ?? "lookUpFirst");
  const waitUntil = code === "THROTTLED" ? throttledUntil(first?.text ?? "") : undefined;
  const hint = first?.hint === undefined ? "" : `; ${first.hint}`;
  return new ExchangeError({
    code,
    retry,
    endpoint: call.name,
    message: `${call.name}: Kraken answered ${texts.map((text) => JSON.stringify(text)).join(", ")}${hint}${warnOf(retry)}`,
    kraken: texts,
    ...(waitUntil === undefined ? {} : { waitUntil }),
  });
}

const hintOf = (text: string): { hint?: string } => {
  const { hint } = findMeaning(text);
  return hint === undefined ? {} : { hint };
};

function throttledUntil(text: string): number | undefined {
  const seconds = Number(/(?<!\d)(\d{9,11}(?:\.\d+)?)\s*$/.exec(text)?.[1] ?? Number.NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : undefined;
}

export function fromTransport(
  call: CallKind,
  { kind, message, cause }: TransportError,
  timeoutMs?: number,
): ExchangeError {
  const code = {
    "not-sent": "NO_CONNECTION",
    "no-answer": "NO_ANSWER",
    "too-large": "ANSWER_TOO_LARGE",
  } as const;
  // Provably never left: no order can come of it.
  const retry = kind === "not-sent" ? "later" : mayHaveRun(call);
  return new ExchangeError({
    code: code[kind],
    retry,
    endpoint: call.name,
    message: `${call.name}: ${message}${timeoutMs === undefined ? "" : ` within ${timeoutMs} ms`}${warnOf(retry)}`,
    cause,
  });
}

type AnswerCode = "HTTP_STATUS" | "ANSWER_NOT_JSON" | "ANSWER_TOO_LARGE" | "ANSWER_SHAPE" | "NO_ANSWER";

/** Something came that is no answer of Kraken's, or not the one that was expected. */
export function badAnswer(call: CallKind, code: AnswerCode, what: string): ExchangeError {
  const retry = mayHaveRun(call);
  return new ExchangeError({
    code,
    retry,
    endpoint: call.name,
    message: `${call.name}: ${what}${warnOf(retry)}`,
  });
}

/** Refused by ourselves, before anything was sent. */
export function notSendable(
  call: CallKind,
  code: "KEY_INVALID" | "PAIR_UNKNOWN" | "ASSET_UNKNOWN",
  what: string,
): ExchangeError {
  return new ExchangeError({ code, retry: "never", endpoint: call.name, message: `${call.name}: ${what}` });
}
