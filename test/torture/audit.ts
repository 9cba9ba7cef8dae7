/** What must hold in the end, whatever was killed: one order each, all known, budgets equal, every slot in one outcome. */
import { add, compare, type Decimal, decimal, formatShort } from "../../shared/domain/decimal.ts";
import { type BookedRun, disagreements, type MachineProcess } from "../support/machine-process.ts";

export type Verdict = {
  readonly runs: number;
  readonly orders: number;
  readonly wrong: readonly string[];
};

type Overview = { readonly caps: readonly { readonly period: string; readonly used: string }[] };
type History = (BookedRun & { readonly slot: string | null; readonly closedAt: string | null })[];

export async function auditLane(machine: MachineProcess, startedAt: number): Promise<Verdict> {
  const orders = await machine.orders();
  const history = (await machine.tide("history")).json as History;
  const { caps } = (await (await fetch(`${machine.first.page}/api/state`)).json()) as Overview;
  const wrong = [...disagreements(history, orders)];

  for (const run of history) if (run.closedAt === null) wrong.push(`${run.run} is not over: ${run.outcome}`);
  const known = new Set(history.map((run) => run.run));
  for (const slot of slotsBetween(startedAt, await machine.now())) {
    if (!known.has(slot)) wrong.push(`${slot} left no run`);
  }
  const month = new Date(await machine.now()).toISOString().slice(0, 7);
  const spent = orders
    .filter(({ acceptedAt }) => new Date(acceptedAt).toISOString().startsWith(month))
    .reduce<Decimal>((sum, order) => add(sum, add(decimal(order.cost), decimal(order.fee))), decimal("0"));
  const used = caps.find(({ period }) => period === "month")?.used ?? "0";
  if (compare(decimal(used), spent) !== 0)
    wrong.push(`the month's cap counts ${used}, the exchange ${formatShort(spent)}`);
  return { runs: history.length, orders: orders.length, wrong };
}

/** Run ids of all slots that are over by a five minutes: `at-5@2026-11-23T07:05Z`. */
function slotsBetween(from: number, until: number): readonly string[] {
  const step = 5 * 60_000;
  const slots: string[] = [];
  for (let at = Math.ceil((from + 60_000) / step) * step; at <= until - step; at += step) {
    const text = new Date(at).toISOString();
    slots.push(`at-${Number(text.slice(14, 16))}@${text.slice(0, 16)}Z`);
  }
  return slots;
}
