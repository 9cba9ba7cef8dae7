/** An endpoint's two sides as texts that are easy to compare. */
import { format } from "../../shared/domain/decimal.ts";
import type { Price } from "../../shared/domain/money.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { formOf } from "../../shared/kraken/body.ts";
import type { Endpoint } from "../../shared/kraken/endpoints/endpoint.ts";
import { readReply } from "../../shared/kraken/envelope.ts";
import { resultReply } from "./kraken-rest.ts";

export const AT = epochMs(Date.UTC(2026, 10, 23, 7, 0, 5, 250)); // 1795417205.25

export const asked = <Args>(endpoint: Endpoint<Args, unknown>, args: Args): string =>
  formOf(endpoint.fields(args));

/** Decimals as their text, maps as objects: what an answer says, easy to compare. */
export function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Map) return plain(Object.fromEntries(value));
  if (Array.isArray(value)) return value.map(plain);
  if ("units" in value && "scale" in value) return format(value as Price);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

export const answered = <Answer>(endpoint: Endpoint<never, Answer>, result: unknown): unknown =>
  plain(readReply(endpoint, resultReply(result)));
