/** Repeats of calls to AWS: ours, on our own clock, and nothing hidden below. */
import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import type { Chance, Clock } from "../app/clock.ts";

/** The clock to wait on, and the chance that spreads the waits. */
export type Patience = { readonly clock: Clock; readonly chance: Chance };

/** Full jitter, 50 ms to 5 s, eight times. */
const BASE_MS = 50;
const CAP_MS = 5_000;
const RETRIES_MAX = 8;

const PASSING = new Set([
  "TransactionConflictException",
  "TransactionInProgressException",
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "ThrottledException",
  "RequestThrottled",
  "TooManyRequestsException",
  "RequestLimitExceeded",
  "InternalServerError",
  "ServiceUnavailable",
  "ServiceUnavailableException",
  "TimeoutError",
  "NetworkingError",
]);

const PASSING_REASON = new Set(["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]);

const PASSING_SOCKET = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "EPIPE",
  "ETIMEDOUT",
  "ECONNABORTED",
  "EAI_AGAIN",
]);

/**
 * Repeats what may pass: throttling, server errors, lost answers, conflicts. The command is the same each time, so a
 * transaction keeps its ClientRequestToken and cannot be applied twice; for a single conditional write the caller must tell
 * its own earlier write from another's (`oldItem`).
 */
export async function repeated<T>({ clock, chance }: Patience, run: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await run();
    } catch (error) {
      if (failures >= RETRIES_MAX || !isPassing(error)) throw error;
      const capMs = Math.min(CAP_MS, BASE_MS * 2 ** failures);
      await clock.sleep(chance.fraction() * capMs);
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof TransactionCanceledException) {
    // A conflict with another transaction, or load; a failed condition among the reasons is an answer and does not pass.
    const codes = (error.CancellationReasons ?? []).map((reason) => reason.Code ?? "");
    return codes.some((code) => PASSING_REASON.has(code)) && !codes.includes("ConditionalCheckFailed");
  }
  if (!(error instanceof Error)) return false;
  const { name, code, $metadata } = error as Error & {
    code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  return PASSING.has(name) || PASSING_SOCKET.has(code ?? "") || ($metadata?.httpStatusCode ?? 0) >= 500;
}
