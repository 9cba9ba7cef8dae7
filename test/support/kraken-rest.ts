/** What tests of the REST client share: a transport that answers by script, a key that counts, a line of chance. */

import { createHash, createHmac } from "node:crypto";
import { VirtualClock } from "../../local/clock.ts";
import type { Chance } from "../../shared/app/clock.ts";
import type { KeyUse } from "../../shared/app/exchange.ts";
import { Secret } from "../../shared/app/secret.ts";
import { createRest } from "../../shared/kraken/rest.ts";
import type { HttpReply, HttpRequest, HttpTransport } from "../../shared/kraken/transport.ts";

/** The sample that Kraken publishes. */
export const SAMPLE_SECRET =
  "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";

/** The way Kraken's docs describe it, word by word. */
export function documentedSign(secret: string, path: string, nonce: string, body: string): string {
  const digest = createHash("sha256")
    .update(nonce + body)
    .digest();
  return createHmac("sha512", Buffer.from(secret, "base64")).update(path).update(digest).digest("base64");
}

export const START_AT = Date.UTC(2026, 10, 23, 7, 0, 0);

export type Answering = (request: HttpRequest, index: number) => HttpReply | Promise<HttpReply>;

export const textReply = (text: string, status = 200): HttpReply => ({
  status,
  headers: {},
  body: new TextEncoder().encode(text),
});
export const jsonReply = (value: unknown, status = 200): HttpReply =>
  textReply(JSON.stringify(value), status);
export const resultReply = (result: unknown): HttpReply => jsonReply({ error: [], result });
export const errorReply = (...error: string[]): HttpReply => jsonReply({ error });

export class ScriptedTransport implements HttpTransport {
  readonly requests: HttpRequest[] = [];
  readonly #answer: Answering;

  constructor(answer: Answering) {
    this.#answer = answer;
  }

  async send(request: HttpRequest): Promise<HttpReply> {
    this.requests.push(request);
    return this.#answer(request, this.requests.length - 1);
  }

  async close(): Promise<void> {}

  /** `Ticker`, `AddOrder`: the endpoints in the order they were asked. */
  get endpoints(): readonly string[] {
    return this.requests.map(({ path }) => path.split("?")[0]?.split("/").at(-1) ?? "");
  }
}

export class CountingKey implements KeyUse {
  readonly credentials: KeyUse["credentials"];
  readonly taken: { readonly endpoint: string; readonly cost: number; readonly nonce: string }[] = [];
  #next: bigint;

  constructor(options: { apiKey?: string; secret?: string; otp?: string; firstNonce?: bigint } = {}) {
    this.#next = options.firstNonce ?? 1_000n;
    this.credentials = {
      apiKey: options.apiKey ?? "test-key",
      privateKey: new Secret(options.secret ?? SAMPLE_SECRET),
      version: "1",
      ...(options.otp === undefined ? {} : { otp: options.otp }),
    };
  }

  nextNonce(endpoint: string, cost: number): string {
    const nonce = String(this.#next++);
    this.taken.push({ endpoint, cost, nonce });
    return nonce;
  }
}

/** Fractions in the given order, then the last one again and again. */
export const chanceOf = (...fractions: number[]): Chance => {
  let index = 0;
  return {
    fraction: () => fractions[Math.min(index++, fractions.length - 1)] ?? 0,
    id: () => "0".repeat(32),
  };
};

export function scriptedRest(answer: Answering, fractions: number[] = [0.5]) {
  const transport = new ScriptedTransport(answer);
  const clock = new VirtualClock({ startAt: START_AT, rate: 0 });
  const rest = createRest({ transport, clock, chance: chanceOf(...fractions), userAgent: "tidekeeper-test" });
  return { transport, clock, rest, key: new CountingKey() };
}

/** Lets everything that waits for no timer run to its end. */
export const settle = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** Moves the clock from timer to timer until the promise is done. Gives back the waits it moved over. */
export async function runOut<T>(
  clock: VirtualClock,
  promise: Promise<T>,
): Promise<{ value: T; waitsMs: number[] }> {
  const waitsMs: number[] = [];
  let isDone = false;
  const watched = promise.finally(() => {
    isDone = true;
  });
  watched.catch(() => undefined);
  for (let moves = 0; moves < 100; moves++) {
    await settle();
    if (isDone) break;
    const due = clock.nextDue();
    if (due === undefined) continue;
    waitsMs.push(due - clock.now());
    clock.moveTo(due);
  }
  return { value: await watched, waitsMs };
}

export const thrownBy = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a throw");
};
