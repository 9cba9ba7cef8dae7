/**
 * Requests to Kraken over undici, the only file that names it. Promises, each tested at a socket:
 * a request is written at most once; nothing is sent anew, redirected or proxied; after an error, or an answer that is
 * not Kraken's 200, its connection is not used again; `not-sent` is said only when no byte of the request was written.
 */
import type { Dispatcher, Pool } from "undici";
// @ts-expect-error The part alone has no types. It loads in half the time of undici's index.
import UndiciPool from "undici/lib/dispatcher/pool.js";
import {
  type HttpReply,
  type HttpRequest,
  type HttpTransport,
  KRAKEN_ORIGIN,
  TransportError,
} from "./transport.ts";

const BODY_BYTES_MAX = 5 * 1024 * 1024;
/** Callers end a call by their own signal, sooner. This ends one whose caller is gone. */
const SILENCE_MS_MAX = 60_000;
/** Shorter than any server's: a connection that the server is about to close is not picked for an order. */
const IDLE_MS_MAX = 4_000;

export type UndiciTransportOptions = {
  /** `https://api.kraken.com`, or an address of this machine. */
  readonly origin: string;
  readonly connectTimeoutMs?: number;
  readonly connections?: number;
  /** Certificate of a sandbox that speaks TLS. */
  readonly ca?: string;
};

/** Gives the origin back in its normal form. A setting must not be able to send signed orders anywhere else. */
export function assertOrigin(origin: string): string {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const isWeb = url?.protocol === "https:" || url?.protocol === "http:";
  const isLoopback = isWeb && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  const isBare = url?.pathname === "/" && !url.search && !url.hash && !url.username && !url.password;
  if (url === undefined || !isBare || (url.origin !== KRAKEN_ORIGIN && !isLoopback)) {
    throw new Error(
      `the exchange's address was ${isWeb ? url.origin : "no web address"}, expected ${KRAKEN_ORIGIN} or one of this machine, http://127.0.0.1:PORT`,
    );
  }
  return url.origin;
}

export function undiciTransport(options: UndiciTransportOptions): HttpTransport {
  const origin = assertOrigin(options.origin);
  const pools = new Set<Pool>();
  let current = openPool();

  function openPool(): Pool {
    const pool: Pool = new UndiciPool(origin, {
      connections: options.connections ?? 8,
      pipelining: 1,
      // HTTP/2 may hand a refused stream to another connection. One socket, one request, one answer.
      allowH2: false,
      headersTimeout: SILENCE_MS_MAX,
      bodyTimeout: SILENCE_MS_MAX,
      keepAliveTimeout: IDLE_MS_MAX,
      keepAliveMaxTimeout: IDLE_MS_MAX,
      connect: {
        timeout: options.connectTimeoutMs ?? 5_000,
        minVersion: "TLSv1.2",
        rejectUnauthorized: true,
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      },
    });
    pools.add(pool);
    return pool;
  }

  /** Calls under way on it come to their end, no new one starts. */
  function retire(pool: Pool): void {
    if (pool !== current) return;
    current = openPool();
    const forget = () => pools.delete(pool);
    pool.close().then(forget, forget);
  }

  return {
    send: (request) =>
      new Promise<HttpReply>((resolve, reject) => {
        const pool = current;
        const call = new Call(request, {
          answered: (reply) => {
            if (reply.status !== 200 || !isWhole(reply.body)) retire(pool);
            resolve(reply);
          },
          failed: (error) => {
            retire(pool);
            reject(error);
          },
        });
        call.dispatchOn(pool);
      }),
    async close() {
      await Promise.all([...pools].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

/** Whether the body ends as Kraken's answers do. What a broken one left behind must not be read as the next answer. */
const isWhole = (body: Uint8Array): boolean =>
  String.fromCharCode(...body.subarray(-8))
    .trimEnd()
    .endsWith("}");

type Outcome = { answered(reply: HttpReply): void; failed(error: TransportError): void };

/** One request on its way. undici calls the handler's methods; the first end counts. */
class Call implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest;
  readonly #outcome: Outcome;
  #controller: Dispatcher.DispatchController | undefined;
  #isEnded = false;
  #status = 0;
  #headers: Record<string, string> = {};
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(request: HttpRequest, outcome: Outcome) {
    this.#request = request;
    this.#outcome = outcome;
  }

  dispatchOn(pool: Pool): void {
    const { method, path, headers, body, signal } = this.#request;
    if (signal.aborted) {
      this.#fail("was ended before it was sent", signal.reason);
      return;
    }
    signal.addEventListener("abort", this.#onAbort, { once: true });
    try {
      pool.dispatch({ method, path, headers: { ...headers }, body: body ?? null, idempotent: false }, this);
    } catch (error) {
      this.#fail("could not be sent", error);
    }
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#request.signal.reason;
    this.#fail("was ended before an answer came", reason);
  };

  /** Called right before the bytes are written, so what throws here keeps them from being written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isEnded) throw new Error("the request had ended before a connection was there");
    // undici puts a request back in its queue when it closed the socket itself. An order must not leave twice.
    if (this.#controller !== undefined) throw new Error("the request has been written once already");
    this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: NodeJS.Dict<string | string[]>,
  ): void {
    if (status < 200) return;
    this.#status = status;
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) this.#headers[name] = String(value);
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > BODY_BYTES_MAX) {
      this.#fail(`had an answer of more than ${BODY_BYTES_MAX} bytes`, undefined, "too-large");
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (!this.#end()) return;
    const reply = {
      status: this.#status,
      headers: this.#headers,
      body: Buffer.concat(this.#chunks, this.#size),
    };
    // undici gives the connection free in the next turn of the event loop. Whoever asks again sooner, as the next
    // private call would, makes it open a second one, with another handshake.
    queueMicrotask(() => setImmediate(() => this.#outcome.answered(reply)));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(`failed (${error.message || error.name})`, error);
  }

  #fail(what: string, cause: unknown, kind?: "too-large"): void {
    if (!this.#end()) return;
    const wasSent = this.#controller !== undefined;
    const error = new TransportError(
      kind ?? (wasSent ? "no-answer" : "not-sent"),
      `${this.#request.method} ${this.#request.path.split("?")[0]} ${what}`,
      cause,
    );
    this.#outcome.failed(error);
    this.#controller?.abort(error);
  }

  #end(): boolean {
    if (this.#isEnded) return false;
    this.#isEnded = true;
    this.#request.signal.removeEventListener("abort", this.#onAbort);
    return true;
  }
}
