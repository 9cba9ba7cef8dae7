/** The process dies between any two steps. Whatever was going on: one order or an honest no, and nothing forgotten. */
import { expect, test } from "vitest";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type CrashPlan, crashing } from "../support/crash.ts";
import { openHouse } from "../support/house.ts";

const SCENARIOS: readonly { readonly name: string; readonly faults: readonly string[] }[] = [
  { name: "a plain buy", faults: [] },
  { name: "a buy whose reply is lost after acceptance", faults: ["drop-reply-after-accept"] },
  { name: "a buy that is proven absent and sent again", faults: ["html-520-before-accept"] },
];

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

for (const { name, faults } of SCENARIOS) {
  // Each call of a port is found by running the scenario, so a new step is enumerated without anybody thinking of it.
  test(`${name}: a crash before or after any step ends with one order`, async () => {
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
    expect(bad).toEqual([]);
  }, 180_000);
}
