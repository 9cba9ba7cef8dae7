/** Errors that cross a port. Made in adapters, routed on `code` and `retry`, never on text. */

/**
 * What may be done after a failed call:
 * `now` again at once with a new nonce, it was refused before it ran; `later` the same after a pause;
 * `lookUpFirst` it may have run, only the exchange's own records can tell; `never` something must change first.
 */
export type RetryRule = "now" | "later" | "lookUpFirst" | "never";

export type ExchangeErrorCode =
  | "NONCE_TOO_LOW"
  | "RATE_LIMITED"
  | "ENGINE_RATE_LIMITED"
  | "THROTTLED"
  | "TOO_MANY_REQUESTS"
  | "LOCKED_OUT"
  | "KEY_INVALID"
  | "SIGNATURE_INVALID"
  | "PERMISSION_DENIED"
  | "ARGUMENTS_INVALID"
  | "CLIENT_ORDER_ID_NOT_UNIQUE"
  | "FUNDS_INSUFFICIENT"
  | "VOLUME_BELOW_MINIMUM"
  | "COST_BELOW_MINIMUM"
  | "TICK_SIZE"
  | "PRICE_INVALID"
  | "PAIR_UNKNOWN"
  | "ASSET_UNKNOWN"
  | "MARKET_MODE"
  | "POST_ONLY_WOULD_TAKE"
  | "ORDER_UNKNOWN"
  | "ORDER_INVALID"
  | "ORDERS_LIMIT"
  | "ORDER_REFUSED"
  | "DEADLINE_ELAPSED"
  | "KRAKEN_INTERNAL"
  | "KRAKEN_BUSY"
  | "KRAKEN_UNAVAILABLE"
  | "ACCOUNT_RESTRICTED"
  | "METHOD_UNKNOWN"
  | "SESSION_INVALID"
  | "NO_CONNECTION"
  | "NO_ANSWER"
  | "HTTP_STATUS"
  | "ANSWER_NOT_JSON"
  | "ANSWER_TOO_LARGE"
  | "ANSWER_SHAPE"
  | "UNRECOGNISED";

export class ExchangeError extends Error {
  readonly code: ExchangeErrorCode;
  readonly retry: RetryRule;
  /** The last part of the path, `AddOrder`. */
  readonly endpoint: string;
  /** Kraken's own words, as they came; empty when Kraken said nothing. */
  readonly kraken: readonly string[];
  /** Only for THROTTLED: the instant Kraken named, in milliseconds. */
  readonly waitUntil: number | undefined;

  constructor(fields: {
    code: ExchangeErrorCode;
    retry: RetryRule;
    endpoint: string;
    message: string;
    kraken?: readonly string[];
    waitUntil?: number;
    cause?: unknown;
  }) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = "ExchangeError";
    this.code = fields.code;
    this.retry = fields.retry;
    this.endpoint = fields.endpoint;
    this.kraken = fields.kraken ?? [];
    this.waitUntil = fields.waitUntil;
  }
}
