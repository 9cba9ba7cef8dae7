/** What the owner's tools print and the page shows: plain JSON, amounts as exact decimal text. */
import type { Event, KeyCheck } from "../../shared/app/ports.ts";
import { reportOf } from "../../shared/app/run-report.ts";
import { formatShort } from "../../shared/domain/decimal.ts";
import type { KeyUseKind } from "../../shared/domain/key-check.ts";
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

export type NextView = {
  readonly plan: string;
  readonly slot: string;
  readonly local: string;
  readonly amount: string;
  readonly paused: boolean;
  /** Why nothing would be bought then, as things stand. */
  readonly willSkip: "kill switch" | "paused" | "on hold" | null;
};

export type BalanceView = {
  readonly account: string;
  readonly asset: string;
  readonly total: string;
  readonly held: string;
};

/** Only of a deployment on AWS. */
export type DeploymentView = {
  readonly name: string;
  readonly region: string;
  /** What the API keys must be bound to at Kraken; none where nothing has a fixed address. */
  readonly addresses: readonly string[];
  /** What the trade key must be called at Kraken. */
  readonly keyName: string;
  readonly egress: string;
  readonly dashboard: string | null;
  /** Whether the functions carry the very plans that were read here. */
  readonly plans: "deployed" | "other" | "not known";
};

export type AccountView = {
  readonly name: string;
  /** The kill switch. */
  readonly killed: boolean;
  /** The last verdict on the trade key. */
  readonly key: {
    readonly name: string;
    readonly problems: readonly string[];
    readonly checkedAt: string;
  } | null;
};

export type StatusView = {
  readonly label: string;
  readonly mode: string;
  /** Null in dry run, which needs no arming. */
  readonly armed: ArmingView["armed"] | null;
  readonly exchange: string;
  readonly now: string;
  readonly local: string;
  /** The kill switch is on for one of the accounts at least; normally it is for all or for none. */
  readonly killed: boolean;
  readonly accounts: readonly AccountView[];
  readonly plans: readonly {
    readonly id: string;
    readonly account: string;
    readonly kind: string;
    readonly buys: string;
    readonly every: string;
    readonly zone: string;
    readonly paused: boolean;
    readonly blocked: string | null;
    readonly carry: string;
    readonly next: string | null;
  }[];
  /** Of each account: caps hold for every account by itself. */
  readonly caps: readonly {
    readonly account: string;
    readonly asset: string;
    readonly period: "day" | "month";
    readonly used: string;
    readonly cap: string;
  }[];
  readonly openRuns: readonly string[];
  /** The plans file was edited since the machine was started, which goes on with what it read then. */
  readonly plansEdited: boolean;
  readonly deployment?: DeploymentView;
};

export type KillView = {
  readonly cancelled: readonly string[];
  /** Orders of ours that could not be cancelled: perhaps filled, perhaps not there. */
  readonly remaining: readonly string[];
  /** Kraken's ids of open orders that are the owner's own; not touched. */
  readonly foreign: readonly string[];
  /** Accounts of which it could not be asked which orders are open. */
  readonly notLooked?: readonly string[];
  /** Only of a deployment: who was asked to cancel, and whose request could not be sent. */
  readonly asked?: readonly string[];
  readonly notAsked?: readonly { readonly account: string; readonly why: string }[];
};

export type ArmingView = {
  readonly mode: string;
  readonly armed: "yes" | "no" | "other plans or caps";
  readonly typeBack: string;
  readonly plans: readonly string[];
  readonly caps: readonly string[];
};

export type KeyView = {
  readonly use: KeyUseKind;
  readonly account: string;
  /** `no-key`: the secret is empty. */
  readonly state: "good" | "refused" | "no-key";
  readonly name: string | null;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
};

/** Of the last check; null when there has been none. */
export const verdictView = (check: KeyCheck | undefined): AccountView["key"] =>
  check === undefined
    ? null
    : { name: check.keyName, problems: check.problems, checkedAt: isoOf(check.checkedAt) };

/** Of a check, or of a secret without a value. */
export const keyView = (account: string, use: KeyUseKind, check: KeyCheck | undefined): KeyView =>
  check === undefined
    ? {
        use,
        account,
        state: "no-key",
        name: null,
        problems: ["no API key is set; tide keys set takes one"],
        warnings: [],
      }
    : {
        use,
        account,
        state: check.problems.length === 0 ? "good" : "refused",
        name: check.keyName === "" ? null : check.keyName,
        problems: check.problems,
        warnings: check.warnings,
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

/** As the sandbox's control door lists it. */
export type ExchangeOrder = { readonly clOrdId: string | null; readonly txid: string };

export type AuditView = {
  readonly orders: number;
  /** Kraken's ids of orders that the ledger does not know. */
  readonly unexplained: readonly string[];
  /** Client order ids with more than one order. */
  readonly doubles: readonly string[];
};

export function auditView(orders: readonly ExchangeOrder[], runs: readonly RunView[]): AuditView {
  const known = new Set(runs.flatMap((run) => run.orders.map((order) => order.clOrdId)));
  const times = new Map<string, number>();
  for (const { clOrdId } of orders) if (clOrdId) times.set(clOrdId, (times.get(clOrdId) ?? 0) + 1);
  return {
    orders: orders.length,
    unexplained: orders.filter(({ clOrdId }) => !clOrdId || !known.has(clOrdId)).map(({ txid }) => txid),
    doubles: [...times].filter(([, count]) => count > 1).map(([id]) => id),
  };
}
