/** The REST door without a socket: a request in, Kraken's envelope out, or what a fault makes of it. */
import type { Clock } from "../../shared/app/clock.ts";
import type { Activity } from "./activity.ts";
import { PUBLIC_ENDPOINTS } from "./endpoints/market-data.ts";
import type { Reply } from "./engine/place.ts";
import { type Command, type Outcome, readOnly, waitsForRead } from "./exchange.ts";
import type { FaultName } from "./faults.ts";
import type { Keeper } from "./keeper.ts";
import { fieldsOf } from "./request.ts";

export type SandboxRequest = {
  method: string;
  /** With its query: `/0/public/Ticker?pair=XBTUSD`. */
  path: string;
  /** Names in any letter case. */
  headers: Record<string, string>;
  body: Buffer;
  remoteAddress: string;
};

export type SandboxReply =
  | {
      is: "reply";
      status: number;
      headers: Record<string, string>;
      body: Buffer;
      /** The second half of the body comes so much later. In process, `handle` has already waited. */
      secondHalfAfterMs?: number;
    }
  /** Not a byte of answer. */
  | { is: "destroyed" }
  /** `body` is what is sent before the connection is destroyed. */
  | { is: "partial"; status: number; headers: Record<string, string>; body: Buffer; contentLength: number };

export type Door = { keeper: Keeper; clock: Clock; activity: Activity; lenient: boolean };

const OVERSIZE_BYTES = 6 * 1024 * 1024;

export const json = (status: number, value: unknown): SandboxReply => ({
  is: "reply",
  status,
  headers: { "content-type": "application/json" },
  body: Buffer.from(JSON.stringify(value)),
});

const HTML_520: SandboxReply = {
  is: "reply",
  status: 520,
  headers: { "content-type": "text/html; charset=UTF-8" },
  body: Buffer.from(
    "<!DOCTYPE html>\n<html><head><title>api.kraken.com | 520: Web server is returning an unknown error</title></head>" +
      "<body><h1>Error 520</h1><p>Web server is returning an unknown error</p></body></html>\n",
  ),
};

const NOT_ALLOWED: SandboxReply = {
  is: "reply",
  status: 405,
  headers: { "content-type": "text/html", allow: "GET, HEAD" },
  body: Buffer.from("<html><head><title>405 Not Allowed</title></head><body>405 Not Allowed</body></html>\n"),
};

const UNKNOWN_METHOD: Reply = { error: "EGeneral:Unknown method" };

/** HTTP 200, also for errors; on an error there is no result. */
const envelope = (reply: Reply): unknown =>
  "error" in reply ? { error: [reply.error] } : { error: [], result: reply.result };

/** A path that is none leads to the front page, which knows no method. */
export function urlOf(path: string): URL {
  const text = `http://sandbox${path}`;
  return new URL(path.startsWith("/") && URL.canParse(text) ? text : "http://sandbox/");
}

export async function handleApi(door: Door, request: SandboxRequest): Promise<SandboxReply> {
  const { pathname, searchParams } = urlOf(request.path);
  const [, version, area, ...rest] = pathname.split("/");
  const endpoint = rest.join("/");
  if (version !== "0" || (area !== "public" && area !== "private"))
    return json(200, envelope(UNKNOWN_METHOD));
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const contentType = (headers["content-type"] ?? "").toLowerCase();
  const body = request.body.toString("utf8");

  if (area === "private") {
    if (request.method !== "POST") return json(200, envelope(UNKNOWN_METHOD));
    const call = {
      endpoint,
      apiKey: headers["api-key"] ?? "",
      sign: headers["api-sign"] ?? "",
      body,
      contentType,
      remoteAddress: request.remoteAddress,
    };
    return follow(door, { do: "call", stage: "arrival", request: call });
  }

  const isGet = request.method === "GET" || request.method === "HEAD";
  // POST on public endpoints ended on 2024-01-31; two old clients still send it.
  if (!isGet && !door.lenient) return NOT_ALLOWED;
  const query = { ...Object.fromEntries(searchParams), ...(isGet ? {} : fieldsOf(body, contentType)) };
  if (!Object.hasOwn(PUBLIC_ENDPOINTS, endpoint)) return json(200, envelope(UNKNOWN_METHOD));
  if (waitsForRead(door.keeper.state, endpoint, query)) return follow(door, { do: "read", endpoint, query });
  return json(200, envelope(readOnly(door.keeper.state, endpoint, query, door.clock.now())));
}

/** Runs a command, and whatever it turns into after a wait. */
async function follow(door: Door, command: Command): Promise<SandboxReply> {
  let outcome: Outcome;
  try {
    outcome = door.keeper.apply(command, door.clock.now());
  } catch {
    // It could not be recorded, so it did not run: refused rather than accepted and forgotten.
    return json(200, envelope({ error: "EService:Unavailable" }));
  }
  switch (outcome.is) {
    case "dropped":
      return { is: "destroyed" };
    case "html-520":
      return HTML_520;
    case "wait":
      await door.activity.asleep(door.clock, outcome.ms);
      return follow(door, outcome.next);
    case "answer": {
      const { mangled } = outcome;
      return mangled === undefined
        ? json(200, envelope(outcome.reply))
        : mangle(outcome.reply, mangled.fault, mangled.seconds);
    }
  }
}

function mangle(reply: Reply, fault: FaultName, seconds: number): SandboxReply {
  const whole = json(200, envelope(reply)) as SandboxReply & { is: "reply" };
  const half = whole.body.subarray(0, Math.floor(whole.body.length / 2));
  switch (fault) {
    case "drop-reply-after-accept":
      return { is: "destroyed" };
    case "html-520-after-accept":
      return HTML_520;
    case "internal-error-after-accept":
      return json(200, envelope({ error: "EGeneral:Internal error" }));
    case "reset-mid-reply":
      return { ...whole, is: "partial", body: half, contentLength: whole.body.length };
    case "truncate-json":
      return { ...whole, body: half };
    case "wrong-shape":
      return json(200, { error: [], result: [42] });
    case "oversize":
      return { ...whole, body: Buffer.concat([whole.body, Buffer.alloc(OVERSIZE_BYTES, " ")]) };
    case "slow-body":
      return { ...whole, secondHalfAfterMs: seconds * 1000 };
    default:
      return whole;
  }
}
