/** Who may talk to the page's server: this machine only, and in a browser only the page itself. */
import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** Told as an HTTP answer; the text goes to the caller. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "Refusal";
    this.status = status;
  }
}

const BODY_MAX = 64 * 1024;
const LOOPBACK = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/i;

export const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

/**
 * A name that someone points at 127.0.0.1 reaches this server with that name as Host; another site's script reaches it with
 * that site as Origin. Neither may read or change anything here.
 */
export function checkCaller(request: IncomingMessage): void {
  const { host = "", origin } = request.headers;
  if (!LOOPBACK.test(host)) {
    throw new Refusal(
      403,
      `the host was ${JSON.stringify(host)}, expected 127.0.0.1, localhost or [::1]: this server answers its own machine only`,
    );
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    throw new Refusal(403, `the origin was ${JSON.stringify(origin)}, expected none or http://${host}`);
  }
  const site = request.headers["sec-fetch-site"];
  const isFollowedLink = request.headers["sec-fetch-mode"] === "navigate";
  if ((site === "cross-site" || site === "same-site") && !isFollowedLink) {
    throw new Refusal(403, "another site asked for this; only the page itself may");
  }
}

/** Compares in constant time, so that a wrong guess tells nothing. */
export function hasToken(request: IncomingMessage, header: string, token: string): boolean {
  const given = Buffer.from(String(request.headers[header] ?? ""));
  const expected = Buffer.from(token);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > BODY_MAX) throw new Refusal(413, `the body is longer than ${BODY_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const body = await readBody(request);
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told below, with what was expected.
  }
  throw new Refusal(400, "the body is no JSON object");
}
