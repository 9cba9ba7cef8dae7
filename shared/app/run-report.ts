/** What is told of a run to whoever set it going. */
import type { Fills, Intent, Label, Outcome, Reason, Run } from "../domain/run.ts";
import type { EpochMs } from "../domain/time.ts";

export type RunReport = {
  readonly run: string;
  readonly plan: string;
  readonly label: Label;
  /** Of a run that is not over yet: `uncertain` with an order in doubt, else `waiting`. */
  readonly outcome: Outcome;
  readonly reason: Reason | undefined;
  readonly orders: readonly {
    readonly clientOrderId: string;
    readonly txids: readonly string[];
    readonly state: Intent["state"];
    readonly fills: Fills | undefined;
  }[];
  readonly dueAt: EpochMs | undefined;
};

/** Of a run that is not over: the last thing that is known of it. */
function openReason(run: Run, intent: Intent | undefined): Reason | undefined {
  if (run.closedAt !== undefined) return undefined;
  const detail = intent?.history.at(-1)?.what ?? run.steps.at(-1)?.detail ?? "";
  return { code: intent?.state === "SUBMITTING" ? "IN_DOUBT" : "WAITING", detail };
}

export function reportOf(run: Run, intent: Intent | undefined): RunReport {
  const open: Outcome =
    intent?.state === "SUBMITTING" || intent?.state === "QUARANTINED" ? "uncertain" : "waiting";
  return {
    run: run.id,
    plan: run.plan,
    label: run.label,
    outcome: run.outcome ?? open,
    reason: run.reason ?? openReason(run, intent),
    orders:
      intent === undefined
        ? []
        : [
            {
              clientOrderId: intent.clientOrderId,
              txids: intent.txids,
              state: intent.state,
              fills: intent.fills,
            },
          ],
    // What is in quarantine goes on when its owner asks, and not before.
    dueAt:
      run.closedAt === undefined && intent?.state !== "QUARANTINED"
        ? (intent?.dueAt ?? run.dueAt)
        : undefined,
  };
}
