/** One HTTP exchange with Kraken: bytes there, bytes back. No retry, no redirect, no cookies, no proxy. */

export const KRAKEN_ORIGIN = "https://api.kraken.com";

export type HttpRequest = {
  readonly method: "GET" | "POST";
  /** Path with query, `/0/public/Ticker?pair=XXBTZEUR`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The exact text that was signed. */
  readonly body?: string;
  /** Ends the call; from then on its outcome is unknown. */
  readonly signal: AbortSignal;
};

export type HttpReply = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

export interface HttpTransport {
  /** Throws TransportError. Bodies over 5 MB are cut off with `too-large`. */
  send(request: HttpRequest): Promise<HttpReply>;
  close(): Promise<void>;
}

/**
 * `not-sent`: it provably never left (no address, connection refused, no TLS); `no-answer`: it may have arrived;
 * `too-large`: an answer came and was over the limit.
 */
export class TransportError extends Error {
  readonly kind: "not-sent" | "no-answer" | "too-large";

  constructor(kind: TransportError["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "TransportError";
    this.kind = kind;
  }
}
