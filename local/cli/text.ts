/** How answers are written for people: aligned columns, and the label on every line about money. */
import { type EpochMs, epochMs } from "../../shared/domain/time.ts";
import { localText, wallOf } from "../../shared/domain/zone.ts";
import type { OrderView, RunView, WhyView } from "../desk/views.ts";

/** Columns as wide as their widest cell; what ends a line is not filled up. */
export function table(rows: readonly (readonly string[])[], indent = ""): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, cell.length);
    });
  return rows
    .map((row) => `${indent}${row.map((cell, at) => cell.padEnd(widths[at]!)).join("  ")}`.trimEnd())
    .map((line) => `${line}\n`)
    .join("");
}

/** As its owner would say it: `weekday 08:10`. */
export const everyText = (every: string): string =>
  every.replace("monday,tuesday,wednesday,thursday,friday", "weekday").replaceAll(",", ", ");

const instant = (iso: string): EpochMs => epochMs(Date.parse(iso));

/** `Mon 23 Nov 08:00 GMT+1` */
export const localOf = (iso: string, zone: string): string => localText(instant(iso), zone);

/** `08:00:03.120` */
export const timeOf = (iso: string, zone: string): string =>
  new Date(wallOf(instant(iso), zone)).toISOString().slice(11, 23);

/** The one line that tells how a run ended. */
export function outcomeLine({ label, run, outcome, reason, detail }: RunView): string {
  const code = reason === null ? "" : ` (${reason})`;
  return `${label}  ${run}: ${outcome}${code}${detail === "" ? "" : `, ${detail}`}\n`;
}

export const stepLines = (run: WhyView, zone: string): string =>
  table(
    run.steps.map(({ at, step, detail }) => [timeOf(at, zone), step, detail]),
    "  ",
  );

export const orderLines = (orders: readonly OrderView[], label: string): string =>
  table(
    orders.map(({ clOrdId, txid, state, volume, cost, fee }) => [
      label,
      clOrdId,
      txid ?? "not known at Kraken",
      state,
      `${volume} for ${cost} + ${fee} fee`,
    ]),
    "  ",
  );

/** What the owner can expect of a run that is not over. */
export function goesOnLine(
  { run, dueAt, label, orders }: RunView,
  zone: string,
  at: { aws?: boolean } = {},
): string {
  if (orders.some(({ state }) => state === "QUARANTINED"))
    return `${label}  in quarantine: tide resolve ${run}${at.aws ? " --aws" : ""} asks Kraken again\n`;
  if (dueAt === null) return "";
  const by = at.aws ? "by itself" : "while a machine runs here or with the next tide command";
  return `${label}  not over: it goes on at ${localOf(dueAt, zone)}, ${by}\n`;
}

export const print = (text: string): void => void process.stdout.write(text);
export const printJson = (value: unknown): void => print(`${JSON.stringify(value)}\n`);
