/** A worker stands still between any two of its steps while others go on, and wakes up much later: still one order. */
import { expect, test } from "vitest";
import { runPlan } from "../../shared/app/run-plan.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type FreezePlan, freezing } from "../support/freeze.ts";
import { openHouse, SLOT } from "../support/house.ts";

/** Longer than a lease without a sign of life, and longer than any proof of absence. */
const HALF_A_MINUTE = 30_000;
const EIGHT_MINUTES = 8 * 60_000;

const SCENARIOS = [
  { name: "a plain buy, eight minutes", faults: [], forMs: EIGHT_MINUTES },
  {
    name: "a buy whose reply is lost, half a minute",
    faults: ["drop-reply-after-accept"],
    forMs: HALF_A_MINUTE,
  },
  { name: "a buy that is proven absent, eight minutes", faults: ["drop-request"], forMs: EIGHT_MINUTES },
] as const;
const FIRING = { kind: "dca", account: "main", plan: "btc-weekly", slot: SLOT } as const;
const RUN = `btc-weekly@${SLOT}`;

async function play(faults: readonly string[], plan: FreezePlan | undefined, forMs: number) {
  const house = await openHouse();
  try {
    house.clock.moveTo(Date.parse("2026-11-23T07:00:00Z"));
    if (faults.length > 0)
      await house.faults(faults.map((fault) => ({ endpoint: "AddOrder", fault, times: 1 })));
    const ice = freezing(plan);
    const stuck = await house.boot(ice.around);
    const work = async () => {
      for (const firing of [FIRING, { kind: "resume", account: "main", run: RUN } as const]) {
        await runPlan(firing, stuck).catch(() => undefined);
        // The same worker takes up the run again when its time has come.
        const { intent } = await house.run();
        if (intent?.state !== "SUBMITTING") return;
        await stuck.clock.sleep(75_000);
      }
    };
    const sleeper = work();
    const where = await house.inTime(Promise.race([ice.frozen, sleeper.then(() => undefined)]));
    if (where !== undefined) {
      await house.fireSlot();
      const stepMs = Math.min(forMs, 60_000);
      for (let passed = 0; passed < forMs; passed += stepMs) {
        house.clock.moveTo(house.clock.now() + stepMs);
        await house.sweep();
      }
      ice.thaw();
    }
    await house.inTime(sleeper);
    await house.pass(6);
    const orders = (await house.control("GET", "/orders")) as ExchangeOrder[];
    const { run } = await house.run();
    return { where, calls: ice.calls, orders, outcome: run.outcome, wrong: await audit(house) };
  } finally {
    await house.close();
  }
}

for (const { name, faults, forMs } of SCENARIOS) {
  test(`${name}: a worker frozen before any step changes nothing when it wakes up`, async () => {
    const whole = await play(faults, undefined, 0);
    expect(whole.calls.length).toBeGreaterThan(15);
    const bad: string[] = [];
    const times = new Map<string, number>();
    for (const [index, call] of whole.calls.entries()) {
      times.set(call, (times.get(call) ?? 0) + 1);
      // The third time is like the second.
      if (times.get(call)! > 2) continue;
      const { where, orders, outcome, wrong } = await play(faults, { at: index + 1, when: "before" }, forMs);
      const problems = [
        ...(where === undefined ? ["the worker was not frozen"] : []),
        ...(orders.length === 1 ? [] : [`${orders.length} orders`]),
        ...(outcome === "bought" ? [] : [`outcome ${outcome}`]),
        ...wrong,
      ];
      if (problems.length > 0) bad.push(`${index + 1} ${where}: ${problems.join("; ")}`);
    }
    expect(bad).toEqual([]);
  }, 180_000);
}
