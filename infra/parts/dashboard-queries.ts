/**
 * What the dashboard asks of the log of `dca`, one JSON line for each step of a run (CloudWatch Logs Insights). For looking at,
 * never for deciding: sums here are a query's numbers, the exact ones are in the ledger and in `tide status --aws`.
 */
import { formatShort } from "../../shared/domain/decimal.ts";
import type { Limits } from "../../shared/domain/plan.ts";

/** How a run came to know its order: by which words its steps say so. Held against real steps in test/infra/dashboard.test.ts. */
export const RESOLVED = {
  "answer of Kraken": "accepted by Kraken",
  "found later": "found at Kraken, not sent again",
  "proven absent": "proven: attempt",
} as const;

/** A wait for the mirror of Kraken's rate counter. */
export const COUNTER_WAIT = "rest for Kraken's rate counter";

/** Of the step that books a fill: `0.1 BTC for 9.91 + 0.03 EUR`. */
export const SPENT = /for (?<cost>[0-9.]+) \+ (?<fee>[0-9.]+) (?<asset>[A-Z0-9.]+)/;

export const QUERIES = {
  outcomes: [
    "filter ispresent(outcome) and step = 'notify'",
    "stats count(*) as runs by outcome",
    "sort runs desc",
  ],
  ways: [
    "filter step = 'reconcile'",
    `parse detail /(?<way>${Object.values(RESOLVED).join("|")})/`,
    "filter ispresent(way)",
    "stats count(*) as orders by way",
  ],
  attempts: ["filter step = 'submit'", "stats count(*) as attempts by run", "sort attempts desc", "limit 20"],
  spent: [
    "filter step = 'reconcile' and outcome = 'bought'",
    `parse detail /${SPENT.source}/`,
    "fields cost + fee as paid",
    "stats sum(paid) as spent by asset, label, bin(1d) as day",
    "sort day desc",
  ],
  waits: [
    `filter detail like ${JSON.stringify(COUNTER_WAIT)}`,
    "stats count(*) as waits by bin(1d) as day",
    "sort day desc",
  ],
} as const;

/** Beside what was spent: what may be. */
export function capsText(limits: Limits): string {
  const rows = (["perOrder", "perDay", "perMonth"] as const).map((period) => {
    const caps = limits[period].map(({ amount, asset }) => `${formatShort(amount)} ${asset}`);
    return `| ${period} | ${caps.join(", ") || "none"} |`;
  });
  return ["### Caps, for each account", "| | |", "| --- | --- |", ...rows].join("\n");
}
