/** Plays a buy once for each of its steps, and lets the process die there. What came out wrong, in sentences. */
import { expect } from "vitest";
import { audit, type ExchangeOrder } from "./audit.ts";
import { type CrashPlan, crashing } from "./crash.ts";
import { openHouse } from "./house.ts";

/** Calls that only look, and leave nothing behind: whoever dies after one has left what he had left before it. */
const LOOKS =
  /^(exchange|secrets)\.|\.read$|^books\.(openWork|accounts|plans|head|keyCheck|runs?|unsentMessages)$/;

/**
 * Each call of a port is found by playing the buy once, so a new step is enumerated without anybody thinking of it. The
 * process dies before the first, and after each that leaves something behind, its answer unread: there it has left the
 * same as anywhere up to the next of them.
 */
export async function crashEverywhere(faults: readonly string[]): Promise<readonly string[]> {
  const { report: whole } = await play(faults, undefined);
  expect(whole.calls.length).toBeGreaterThan(15);
  let leaseWrites = 0;
  const places = whole.calls.flatMap((call, index): CrashPlan[] => {
    // A lease that a dead process holds is the same at every step; each other call is tried under one.
    const isSeen = call === "gates.write" && ++leaseWrites > 2;
    return isSeen || LOOKS.test(call) ? [] : [{ at: index + 1, when: "after" }];
  });
  expect(places.length).toBeGreaterThan(10);
  places.unshift({ at: 1, when: "before" });
  const bad: string[] = [];
  for (const place of places) {
    const { report, orders, outcome, wrong } = await play(faults, place);
    const problems = [
      ...(report.crashedAt === undefined ? ["the crash did not happen"] : []),
      ...(orders.length === 1 ? [] : [`${orders.length} orders`]),
      ...(outcome === "bought" ? [] : [`outcome ${outcome}`]),
      ...wrong,
    ];
    if (problems.length > 0) bad.push(`${place.at} ${report.crashedAt}: ${problems.join("; ")}`);
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
