/**
 * Calls to Kraken's REST door. Promises: a write is sent once and by no layer again; a read is asked again within
 * bounds, each time with a fresh nonce; the private calls of one KeyUse leave one after another, each after the answer
 * to the one before, because nonces must arrive in order; whatever goes wrong is an ExchangeError.
 */
import type { Chance, Clock } from "../app/clock.ts";
import { ExchangeError } from "../app/errors.ts";
import type { KeyUse } from "../app/exchange.ts";
import type { Credentials } from "../app/secret.ts";
import type { EpochMs } from "../domain/time.ts";
import { formOf, privateBody } from "./body.ts";
import type { Endpoint, PrivateEndpoint, PublicEndpoint } from "./endpoints/endpoint.ts";
import { readReply } from "./envelope.ts";
import { type CallKind, fromTransport, notSendable } from "./errors.ts";
import { RetryBudget, waitBeforeRetry } from "./retry.ts";
import { type Signer, signerOf } from "./sign.ts";
import { type HttpReply, type HttpRequest, type HttpTransport, TransportError } from "./transport.ts";

const READ_TIMEOUT_MS = 10_000;
/** Below the deadline of an order, so that the outcome is open for as short as possible. */
const WRITE_TIMEOUT_MS = 8_000;

/** No try begins later than this after the first one, and none after one that was not answered in time. */
const RETRYING_MS_MAX = 16_000;

export type RestOptions = {
  readonly transport: HttpTransport;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Kraken asks clients to say who they are. */
  readonly userAgent: string;
};

/** An answer, and when the request it belongs to left. */
export type Timed<Answer> = { readonly answer: Answer; readonly sentAt: EpochMs; readonly tookMs: number };

export interface Rest {
  publicCall<Args, Answer>(endpoint: PublicEndpoint<Args, Answer>, args: Args): Promise<Answer>;
  timedPublicCall<Args, Answer>(endpoint: PublicEndpoint<Args, Answer>, args: Args): Promise<Timed<Answer>>;
  /** Also throws what `keyUse.nextNonce` throws; then nothing was sent. */
  privateCall<Args, Answer>(
    endpoint: PrivateEndpoint<Args, Answer>,
    args: Args,
    keyUse: KeyUse,
  ): Promise<Answer>;
}

export function createRest({ transport, clock, chance, userAgent }: RestOptions): Rest {
  const budget = new RetryBudget(clock);
  const turns = new WeakMap<KeyUse, Promise<unknown>>();

  async function timedPublicCall<Args, Answer>(
    endpoint: PublicEndpoint<Args, Answer>,
    args: Args,
  ): Promise<Timed<Answer>> {
    const query = formOf(endpoint.fields(args));
    const path = query === "" ? endpoint.path : `${endpoint.path}?${query}`;
    return withRetries(endpoint, async () => {
      const sentAt = clock.now();
      const startMs = clock.monotonicMs();
      const reply = await send(endpoint, { method: "GET", path, headers: { "User-Agent": userAgent } });
      return { answer: readReply(endpoint, reply), sentAt, tookMs: clock.monotonicMs() - startMs };
    });
  }

  async function privateCall<Args, Answer>(
    endpoint: PrivateEndpoint<Args, Answer>,
    args: Args,
    keyUse: KeyUse,
  ): Promise<Answer> {
    const fields = endpoint.fields(args);
    const { apiKey, otp } = keyUse.credentials;
    const signer = signerFor(endpoint, keyUse.credentials);
    return withRetries(endpoint, () =>
      inTurn(keyUse, async () => {
        // From here to the send nothing is awaited: the nonce is the newest when it leaves.
        const nonce = keyUse.nextNonce(endpoint.name, endpoint.cost);
        const body = privateBody(nonce, fields, otp);
        const headers = {
          "User-Agent": userAgent,
          "Content-Type": "application/x-www-form-urlencoded",
          "API-Key": apiKey.trim(),
          "API-Sign": signer.sign(endpoint.path, nonce, body),
        };
        return readReply(
          endpoint,
          await send(endpoint, { method: "POST", path: endpoint.path, headers, body }),
        );
      }),
    );
  }

  /** A turn ends with its answer, whatever that is. Between the tries of a read, other calls may take theirs. */
  function inTurn<T>(keyUse: KeyUse, action: () => Promise<T>): Promise<T> {
    const turn = (turns.get(keyUse) ?? Promise.resolve()).then(action);
    turns.set(
      keyUse,
      turn.catch(() => undefined),
    );
    return turn;
  }

  async function withRetries<T>(call: CallKind, attempt: () => Promise<T>): Promise<T> {
    const startedAt = clock.monotonicMs();
    budget.countCall();
    for (let retries = 0; ; retries++) {
      const triedAt = clock.monotonicMs();
      try {
        return await attempt();
      } catch (error) {
        if (call.isWrite || !(error instanceof ExchangeError)) throw error;
        const waitMs = waitBeforeRetry(error, retries, clock, chance);
        const now = clock.monotonicMs();
        // Test: one that never answers leaves a run that waits in the ledger, in time
        const isMute = now - triedAt >= READ_TIMEOUT_MS;
        const isOver = waitMs === undefined || now - startedAt + waitMs > RETRYING_MS_MAX;
        if (isMute || isOver || !budget.takeRetry()) throw error;
        await clock.sleep(waitMs);
      }
    }
  }

  async function send(
    endpoint: Pick<Endpoint<never, unknown>, "name" | "isWrite">,
    request: Omit<HttpRequest, "signal">,
  ): Promise<HttpReply> {
    const timeoutMs = endpoint.isWrite ? WRITE_TIMEOUT_MS : READ_TIMEOUT_MS;
    const ending = new AbortController();
    const timer = clock.after(timeoutMs, () => ending.abort(new Error(`no answer within ${timeoutMs} ms`)));
    try {
      return await transport.send({ ...request, signal: ending.signal });
    } catch (error) {
      // A fault of the transport itself proves nothing about the request.
      const failure =
        error instanceof TransportError
          ? error
          : new TransportError("no-answer", "the transport failed in a way it should not", error);
      throw fromTransport(endpoint, failure, ending.signal.aborted ? timeoutMs : undefined);
    } finally {
      timer.cancel();
    }
  }

  return {
    timedPublicCall,
    privateCall,
    publicCall: async (endpoint, args) => (await timedPublicCall(endpoint, args)).answer,
  };
}

function signerFor(call: CallKind, { apiKey, privateKey, version }: Credentials): Signer {
  try {
    if (!/^[\x21-\x7e]+$/.test(apiKey.trim())) throw new Error("the API key is empty or no plain text");
    return signerOf(privateKey);
  } catch (error) {
    const reason = (error as Error).message;
    throw notSendable(call, "KEY_INVALID", `version ${version} of the key cannot be used: ${reason}`);
  }
}
