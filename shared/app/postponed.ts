/** How an invocation ends when its run must wait. */
import type { ReasonCode } from "../domain/run.ts";
import type { EpochMs } from "../domain/time.ts";

/** Stops this invocation: the run goes on at `at`, from the ledger. Not an error. */
export class Postponed extends Error {
  readonly at: EpochMs;
  /** What the run ends with when it may not wait as long as that. */
  readonly code: ReasonCode;

  constructor(at: EpochMs, why: string, { code }: { readonly code?: ReasonCode } = {}) {
    super(why);
    this.name = "Postponed";
    this.at = at;
    this.code = code ?? "EXCHANGE_UNREACHABLE";
  }

  /** Waiting does not help, a person must look. */
  get isKeyStopped(): boolean {
    return this.code === "KEY_STOPPED";
  }
}
