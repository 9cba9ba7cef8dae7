/** node:http and node:https in front of the door. */
import { once } from "node:events";
import * as http from "node:http";
import * as https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Clock } from "../../shared/app/clock.ts";
import type { Activity } from "./activity.ts";
import type { SandboxReply, SandboxRequest } from "./door.ts";

/** Larger than any request of the API; a longer one is cut off. */
const BODY_BYTES_MAX = 1024 * 1024;

export type TlsOptions = { readonly cert: string; readonly key: string };

export type ServerDeps = {
  answer: (request: SandboxRequest) => Promise<SandboxReply>;
  activity: Activity;
  clock: Clock;
  tls?: TlsOptions | undefined;
};

/** Listens on the loopback address only: the control door has no lock. */
export async function listen(
  deps: ServerDeps,
  port: number,
): Promise<{ port: number; close: () => Promise<void> }> {
  const onRequest: http.RequestListener = (request, response) => {
    void serve(deps, request, response).catch(() => response.destroy());
  };
  const server =
    deps.tls === undefined ? http.createServer(onRequest) : https.createServer(deps.tls, onRequest);
  // A client's pool must not meet a socket that is being closed: a lost order would be nobody's fault.
  server.keepAliveTimeout = 120_000;
  server.headersTimeout = 125_000;
  // Answers a WebSocket client with a clear no.
  server.on("upgrade", (_request: http.IncomingMessage, socket: Socket) => {
    socket.end("HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function serve(
  { answer, activity, clock }: ServerDeps,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  return activity.during(async () => {
    const body = await readBody(request);
    if (body === undefined) {
      response.destroy();
      return;
    }
    const headers = Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : (value ?? ""),
    ]);
    const reply = await answer({
      method: request.method ?? "GET",
      path: request.url ?? "/",
      headers: Object.fromEntries(headers),
      body,
      remoteAddress: request.socket.remoteAddress ?? "",
    });
    // The client may have gone while the request slept.
    if (response.destroyed) return;
    const closed = once(response, "close");
    await write(reply, request, response, (ms) => activity.asleep(clock, ms));
    await closed;
  });
}

async function write(
  reply: SandboxReply,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  sleep: (ms: number) => Promise<void>,
): Promise<void> {
  if (reply.is === "destroyed") {
    request.socket.destroy();
    return;
  }
  const length = reply.is === "partial" ? reply.contentLength : reply.body.length;
  response.writeHead(reply.status, { ...reply.headers, "content-length": length });
  if (reply.is === "partial") {
    response.write(reply.body, () => request.socket.destroy());
    return;
  }
  const half = reply.secondHalfAfterMs === undefined ? 0 : Math.floor(length / 2);
  if (half > 0) {
    response.write(reply.body.subarray(0, half));
    await sleep(reply.secondHalfAfterMs ?? 0);
  }
  if (!response.destroyed) response.end(reply.body.subarray(half));
}

/** `undefined`: too long, or the client went away. */
async function readBody(request: http.IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > BODY_BYTES_MAX) return undefined;
      parts.push(part);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(parts);
}
