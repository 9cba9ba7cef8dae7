/** The one port, and the same door for clients in this process that need no socket. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CloudError } from "./errors.ts";
import type { Reply, Request } from "./protocol.ts";

/** `"lost"`: the request was carried out and its caller must not hear of it. */
export type Answer = (request: Request, signal?: AbortSignal) => Promise<Reply | "lost">;

const BODY_MAX = 16 * 1024 * 1024;

export class Port {
  readonly #server: Server;
  #listening = false;

  constructor(answer: Answer) {
    this.#server = createServer((request, response) => {
      response.once("finish", () => this.#endIdle());
      serve(request, response, answer).catch(() => response.destroy());
    });
  }

  listen(port: number): Promise<string> {
    if (this.#listening) throw new CloudError("the embedded AWS endpoint is listening already");
    this.#listening = true;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => {
        this.#listening = false;
        const why = error.code === "EADDRINUSE" ? "it is in use" : error.message;
        reject(new CloudError(`cannot listen on port ${port}: ${why}`, { cause: error }));
      });
      this.#server.listen(port, "127.0.0.1", () => {
        resolve(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
      });
    });
  }

  /** Resolves when requests in flight have their answers. */
  close(): Promise<void> {
    if (!this.#listening) return Promise.resolve();
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  /** A connection kept for further requests would hold up `close`. */
  #endIdle(): void {
    if (!this.#server.listening) setImmediate(() => this.#server.closeIdleConnections());
  }
}

async function serve(incoming: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_MAX) {
      response.writeHead(413, { connection: "close" }).end();
      return;
    }
    chunks.push(chunk);
  }
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const request = {
    method: incoming.method ?? "",
    path: incoming.url ?? "",
    headers: incoming.headers as Record<string, string | undefined>,
    body: Buffer.concat(chunks).toString("utf8"),
  };
  const reply = await answer(request, gone.signal);
  if (reply === "lost") {
    incoming.socket.destroy();
    return;
  }
  response.writeHead(reply.status, { ...reply.headers, "content-length": Buffer.byteLength(reply.body) });
  response.end(reply.body);
}

/** The shape that SDK v3 clients take as `requestHandler`. */
export interface SdkRequestHandler {
  readonly metadata: { readonly handlerProtocol: string };
  handle(request: SdkRequest, options?: { abortSignal?: unknown }): Promise<{ response: SdkResponse }>;
  updateHttpClientConfig(key: never, value: never): void;
  httpHandlerConfigs(): Record<string, never>;
  destroy(): void;
}
type SdkRequest = {
  readonly method: string;
  readonly path: string;
  /** Apart from the path, and not encoded. */
  readonly query?: Readonly<Record<string, string | string[] | null>>;
  readonly hostname: string;
  readonly port?: number;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
};
type SdkResponse = { statusCode: number; reason?: string; headers: Record<string, string>; body: Uint8Array };

export function sdkRequestHandler(answer: Answer): SdkRequestHandler {
  return {
    metadata: { handlerProtocol: "http/1.1" },
    async handle(request, options = {}) {
      const signal = options.abortSignal as AbortSignal | undefined;
      if (signal?.aborted) throw aborted();
      const reply = await untilAborted(answer(plain(request), signal), signal);
      // As Node's own client has it, under the name that the SDK's handler gives it; the SDK retries it.
      if (reply === "lost") {
        throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET", name: "TimeoutError" });
      }
      return {
        response: { statusCode: reply.status, headers: { ...reply.headers }, body: Buffer.from(reply.body) },
      };
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
    destroy() {},
  };
}

function plain(request: SdkRequest): Request {
  const { hostname, port, body } = request;
  const headers = Object.entries(request.headers).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  return {
    method: request.method,
    path: request.path + queryText(request.query ?? {}),
    headers: { host: port === undefined ? hostname : `${hostname}:${port}`, ...Object.fromEntries(headers) },
    body:
      body === undefined
        ? ""
        : typeof body === "string"
          ? body
          : new TextDecoder().decode(body as Uint8Array),
  };
}

function queryText(query: NonNullable<SdkRequest["query"]>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, one ?? ""] as [string, string]),
  );
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(aborted());
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

const aborted = () => Object.assign(new Error("Request aborted"), { name: "AbortError" });
