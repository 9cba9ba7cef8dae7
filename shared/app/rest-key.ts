/** What Kraken's refusal of a call means for its key: everybody who uses it rests, whoever met it. */
import { type EpochMs, later, SECOND_MS } from "../domain/time.ts";
import type { ExchangeError } from "./errors.ts";
import type { KeyLease } from "./key-gate.ts";
import type { Deps } from "./ports.ts";

/** The instant to come back at, the lease given back; undefined where the refusal says nothing of the key. */
export async function restKey(
  { clock, measure }: Pick<Deps, "clock" | "measure">,
  lease: KeyLease,
  { code, waitUntil }: ExchangeError,
): Promise<EpochMs | undefined> {
  switch (code) {
    case "RATE_LIMITED":
      measure("RateLimits", 1);
      return lease.coolDown();
    case "THROTTLED":
    case "TOO_MANY_REQUESTS":
      measure("RateLimits", 1);
      return lease.keepAway(
        waitUntil === undefined ? later(clock.now(), 30 * SECOND_MS) : later(waitUntil as EpochMs, SECOND_MS),
      );
    case "LOCKED_OUT":
      measure("KeysRefused", 1);
      return lease.keepAway();
    default:
      return undefined;
  }
}
