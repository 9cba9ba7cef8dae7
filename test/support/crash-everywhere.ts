/** Plays a buy once for each of its steps, and lets the process die there. What came out wrong, in sentences. */
import { expect } from "vitest";
import { audit, type ExchangeOrder } from "./audit.ts";
import { type CrashPlan, crashing } from "./crash.ts";
import { openHouse } from "./house.ts";

/** Each call of a port is found by playing the buy once, so a new step is enumerated without anybody thinking of it. */
export async function crashEverywhere(faults: readonly string[]): Promise<readonly string[]> {
  const { report: whole } = await play(faults, undefined);
  expect(whole.calls.length).toBeGreaterThan(15);
  const bad: string[] = [];
  const times = new Map<string, number>();
  for (const [index, call] of whole.calls.entries()) {
    const at = index + 1;
    times.set(call, (times.get(call) ?? 0) + 1);
    // The sweep asks the same again each minute; the second time is like the third.
    if (call.startsWith("books.") && times.get(call)! > 2) continue;
    for (const when of ["before", "after"] as const) {
      const { report, orders, outcome, wrong } = await play(faults, { at, when });
      const problems = [
        ...(report.crashedAt === undefined ? ["the crash did not happen"] : []),
        ...(orders.length === 1 ? [] : [`${orders.length} orders`]),
        ...(outcome === "bought" ? [] : [`outcome ${outcome}`]),
        ...wrong,
      ];
      if (problems.length > 0) bad.push(`${at} ${report.crashedAt}: ${problems.join("; ")}`);
    }
  }
  return bad;
}

async function play(faults: readonly string[], plan: CrashPlan | undefined) {
  const house = await openHouse();
  try {
    const { around, report } = crashing(plan);
    if (faults.length > 0) {
      await house.faults(faults.map((fault) => ({ endpoint: "AddOrder", fault, times: 1 })));
    }
    await house.restart(around);
    await house.fireSlot();
    for (let minute = 0; minute < 4 && report.crashedAt === undefined; minute++) await house.pass(1);
    await house.restart();
    await house.pass(6);
    const orders = (await house.control("GET", "/orders")) as ExchangeOrder[];
    const { run } = await house.run();
    return { report, orders, outcome: run.outcome, wrong: await audit(house) };
  } finally {
    await house.close();
  }
}
