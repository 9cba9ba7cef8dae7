/** A small signing client for a sandbox in the same process: for tests, and for anybody who wants to try it by hand. */

import { signatureOf } from "./gateway.ts";
import type { Sandbox, SandboxReply } from "./sandbox.ts";

export type Envelope = { error: string[]; result?: unknown };

export type Caller = {
  /** What came back, as it came: also destroyed connections and pages that are not JSON. */
  send(endpoint: string, fields?: Record<string, string>): Promise<SandboxReply>;
  /** Kraken's envelope. Throws when the answer is none. */
  call(endpoint: string, fields?: Record<string, string>): Promise<Envelope>;
  /** The result. Throws Kraken's error. */
  ask<T = Record<string, unknown>>(endpoint: string, fields?: Record<string, string>): Promise<T>;
};

export function callerOf(
  sandbox: Pick<Sandbox, "handle" | "keys">,
  options: { keyName?: string; remoteAddress?: string; firstNonce?: number } = {},
): Caller {
  const { keyName = "tidekeeper-sandbox-trade", remoteAddress = "127.0.0.1" } = options;
  const key = sandbox.keys.find((one) => one.name === keyName);
  if (key === undefined) throw new Error(`the sandbox has no key named ${keyName}`);
  let nonce = options.firstNonce ?? 1;

  const send: Caller["send"] = (endpoint, fields = {}) => {
    const path = `/0/private/${endpoint}`;
    const body = new URLSearchParams({ nonce: String(nonce++), ...fields }).toString();
    const used = new URLSearchParams(body).get("nonce")!;
    return sandbox.handle({
      method: "POST",
      path,
      headers: {
        "API-Key": key.key,
        "API-Sign": signatureOf(key.secret, path, used, body),
        "Content-Type": "application/x-www-form-urlencoded",
      },
      body: Buffer.from(body),
      remoteAddress,
    });
  };
  const call: Caller["call"] = async (endpoint, fields) => {
    const reply = await send(endpoint, fields);
    if (reply.is !== "reply") throw new Error(`the connection was ${reply.is}`);
    return JSON.parse(reply.body.toString()) as Envelope;
  };
  return {
    send,
    call,
    ask: async <T>(endpoint: string, fields?: Record<string, string>) => {
      const { error, result } = await call(endpoint, fields);
      if (error.length > 0) throw new Error(error.join(", "));
      return result as T;
    },
  };
}

/** A public question, answered with the result. Throws Kraken's error. */
export async function askPublic<T = Record<string, unknown>>(
  sandbox: Pick<Sandbox, "handle">,
  endpointAndQuery: string,
): Promise<T> {
  const path = `/0/public/${endpointAndQuery}`;
  const reply = await sandbox.handle({
    method: "GET",
    path,
    headers: {},
    body: Buffer.alloc(0),
    remoteAddress: "127.0.0.1",
  });
  if (reply.is !== "reply") throw new Error(`the connection was ${reply.is}`);
  const { error, result } = JSON.parse(reply.body.toString()) as Envelope;
  if (error.length > 0) throw new Error(error.join(", "));
  return result as T;
}

/** The control door: status and answer. */
export async function control(
  sandbox: Pick<Sandbox, "handle">,
  name: string,
  body?: unknown,
): Promise<{ status: number; answer: unknown }> {
  const reply = await sandbox.handle({
    method: body === undefined ? "GET" : "POST",
    path: `/_control/${name}`,
    headers: { "content-type": "application/json" },
    body: Buffer.from(body === undefined ? "" : JSON.stringify(body)),
    remoteAddress: "127.0.0.1",
  });
  if (reply.is !== "reply") throw new Error(`the connection was ${reply.is}`);
  return { status: reply.status, answer: JSON.parse(reply.body.toString()) };
}
