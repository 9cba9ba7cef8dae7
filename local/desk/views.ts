/** What the owner's tools print and the page shows: plain JSON, amounts as exact decimal text. */
import type { Event } from "../../shared/app/ports.ts";
import { reportOf } from "../../shared/app/run-plan.ts";
import { formatShort } from "../../shared/domain/decimal.ts";
import type { Intent, Label, Outcome, Run } from "../../shared/domain/run.ts";
import { isoOf } from "../../shared/domain/time.ts";

export type OrderView = {
  readonly clOrdId: string;
  /** Of the order at Kraken; null while none is known. */
  readonly txid: string | null;
  readonly state: Intent["state"];
  /** What was filled. */
  readonly volume: string;
  readonly cost: string;
  readonly fee: string;
};

export type RunView = {
  readonly run: string;
  readonly plan: string;
  readonly label: Label;
  readonly outcome: Outcome;
  /** A code; `detail` has its numbers. */
  readonly reason: string | null;
  readonly detail: string;
  readonly orders: readonly OrderView[];
  readonly slot: string | null;
  readonly openedAt: string;
  readonly closedAt: string | null;
  /** When a run that is not over goes on. */
  readonly dueAt: string | null;
};

export type WhyView = RunView & {
  readonly steps: readonly { readonly at: string; readonly step: string; readonly detail: string }[];
  readonly history: readonly { readonly at: string; readonly what: string }[];
};

export function runView(run: Run, intent: Intent | undefined): RunView {
  const report = reportOf(run, intent);
  return {
    run: run.id,
    plan: run.plan,
    label: run.label,
    outcome: report.outcome,
    reason: report.reason?.code ?? null,
    detail: report.reason?.detail ?? run.steps.at(-1)?.detail ?? "",
    orders: report.orders.map(({ clientOrderId, txids, state, fills }) => ({
      clOrdId: clientOrderId,
      txid: txids[0] ?? null,
      state,
      volume: fills === undefined ? "0" : formatShort(fills.volume),
      cost: fills === undefined ? "0" : formatShort(fills.cost),
      fee: fills === undefined ? "0" : formatShort(fills.fee),
    })),
    slot: run.slot === undefined ? null : isoOf(run.slot),
    openedAt: isoOf(run.openedAt),
    closedAt: run.closedAt === undefined ? null : isoOf(run.closedAt),
    dueAt: report.dueAt === undefined ? null : isoOf(report.dueAt),
  };
}

export const whyView = (run: Run, intent: Intent | undefined): WhyView => ({
  ...runView(run, intent),
  steps: run.steps.map(({ at, step, detail }) => ({ at: isoOf(at), step, detail })),
  history: (intent?.history ?? []).map(({ at, what }) => ({ at: isoOf(at), what })),
});

/** The line of `--json`, one for each step. */
export const eventLine = (event: Event): string =>
  JSON.stringify({
    event: "run",
    run: event.run,
    plan: event.plan,
    step: event.step,
    outcome: event.outcome ?? null,
    label: event.label,
    at: isoOf(event.at),
    detail: event.detail,
  });

/** How `tide` and scripts tell outcomes apart. */
export const EXIT_CODE: Readonly<Record<Outcome, number>> = {
  bought: 0,
  traded: 0,
  rehearsed: 0,
  skipped: 0,
  carried: 0,
  waiting: 0,
  missed: 1,
  abandoned: 1,
  refused: 3,
  uncertain: 4,
};
