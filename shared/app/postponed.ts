/** How an invocation ends when its run must wait. */
import type { ReasonCode } from "../domain/run.ts";
import type { EpochMs } from "../domain/time.ts";

/** Stops this invocation: the run goes on at `at`, from the ledger. Not an error. */
export class Postponed extends Error {
  readonly at: EpochMs;
  /** What the run ends with when it may not wait as long as that. */
  readonly code: ReasonCode;
  /** `failed`: something did not answer, or not as it must. `doubtful`: all was answered, and it proves nothing. */
  readonly because: "waits" | "failed" | "doubtful";

  constructor(
    at: EpochMs,
    why: string,
    { code, because }: { readonly code?: ReasonCode; readonly because?: Postponed["because"] } = {},
  ) {
    super(why);
    this.name = "Postponed";
    this.at = at;
    this.code = code ?? "EXCHANGE_UNREACHABLE";
    this.because = because ?? "waits";
  }

  /** Waiting does not help, a person must look. */
  get isKeyStopped(): boolean {
    return this.code === "KEY_STOPPED";
  }
}

/** Something did not answer, or not as it must: the run tries again at `at`. */
export const failed = (at: EpochMs, why: string, code: ReasonCode = "EXCHANGE_UNREACHABLE"): Postponed =>
  new Postponed(at, why, { code, because: "failed" });
