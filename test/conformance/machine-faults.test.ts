/** Orders whose answer is lost or late, on a machine that runs: in the end one order, or an honest no, and `why` tells it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type Answer,
  type BookedRun,
  disagreements,
  endAll,
  MachineProcess,
  newFolder,
  type RunEvent,
} from "../support/machine-process.ts";

const PLANS = `
timezone: UTC
limits: { perOrder: 50 EUR, perDay: 1000 EUR, perMonth: 20000 EUR }
plans:
  - { id: by-hand, buy: 10 EUR of BTC, every: month 28 08:00 }
  - { id: hourly, buy: 5 EUR of ETH, every: "hour at :30" }
`;

type Why = BookedRun & {
  readonly steps: readonly { readonly step: string; readonly detail: string }[];
  readonly history: readonly { readonly what: string }[];
};

let machine: MachineProcess;
beforeAll(async () => {
  machine = await MachineProcess.start(await newFolder(), { plans: PLANS, at: "2027-02-01T10:00:00Z" });
});
beforeEach(async () => {
  // So that no test waits for Kraken's rate counter after the one before.
  await machine.advance(120);
});
afterEach(async () => {
  await machine.control("POST", "/faults", []);
});
afterAll(endAll);

const arm = (fault: string, more: object = {}) =>
  machine.control("POST", "/faults", [{ endpoint: "AddOrder", fault, times: 1, ...more }]);
/** Buys, and moves the clock over what such a buy waits for. */
async function buy(key: string): Promise<Answer> {
  const answered = machine.tide("buy", "by-hand", "--yes", "--key", key);
  const isSent = ({ run, step }: RunEvent) => run === `by-hand@${key}` && step === "submit";
  await machine.until(() => machine.events.find(isSent), "the order");
  await machine.advance(30);
  return answered;
}
const why = async (run: string) => (await machine.ask("why", { run })) as Why;
const ordersOf = async (run: BookedRun) => {
  const ids = run.orders.map((order) => order.clOrdId);
  return (await machine.orders()).filter(({ clOrdId }) => ids.includes(clOrdId ?? ""));
};
const agree = async () => expect(disagreements(await machine.history(), await machine.orders())).toEqual([]);

describe("a buy by hand", () => {
  test.each([
    "drop-reply-after-accept",
    "html-520-after-accept",
    "internal-error-after-accept",
    "truncate-json",
  ])("that was accepted and answered by %s is found and not sent again", async (fault) => {
    await arm(fault);
    const bought = await buy(fault);
    expect(bought).toMatchObject({ code: 0, json: { run: `by-hand@${fault}`, outcome: "bought" } });
    const told = await why(`by-hand@${fault}`);
    expect(await ordersOf(told)).toHaveLength(1);
    expect(told.steps.map((step) => step.detail).join("\n")).toMatch(
      /no certain answer.*\n.*found at Kraken, not sent again/,
    );
    expect(told.steps.filter(({ detail }) => /^attempt/.test(detail))).toHaveLength(1);
    // The same key once more reports it.
    const again = await machine.tide("buy", "by-hand", "--yes", "--key", fault);
    expect(again).toMatchObject({ code: 0, json: { outcome: "bought", orders: told.orders } });
    expect(await ordersOf(told)).toHaveLength(1);
    await agree();
  });

  test.each([
    "html-520-before-accept",
    "drop-request",
    "internal-error-before-accept",
    "delay-past-deadline",
  ])("that was not accepted, by %s, is bought once its absence is proven, or honestly not", async (fault) => {
    await arm(fault);
    const asked = await buy(fault);
    const run = (asked.json as BookedRun).run;
    if ((asked.json as BookedRun).outcome === "uncertain") {
      expect(asked.code).toBe(4);
      expect(await ordersOf(asked.json as BookedRun)).toEqual([]);
      // Deadline, grace and two looks: some two minutes.
      await machine.advance(240);
    }
    const told = await why(run);
    expect(["bought", "skipped", "refused"]).toContain(told.outcome);
    expect(await ordersOf(told)).toHaveLength(told.outcome === "bought" ? 1 : 0);
    expect(told.reason).not.toBeNull();
    await agree();
  });

  test("is refused in Kraken's words where Kraken says no", async () => {
    await arm("insufficient-funds");
    const asked = await machine.tide("buy", "by-hand", "--yes", "--key", "poor");
    expect(asked).toMatchObject({ json: { run: "by-hand@poor" } });
    expect((asked.json as BookedRun).outcome).not.toBe("bought");
    expect(JSON.stringify(await why("by-hand@poor"))).toMatch(/Insufficient funds/);
    expect(await ordersOf(asked.json as BookedRun)).toEqual([]);
    await agree();
  });

  test("waits in line with others: the same key five times at once is one order", async () => {
    await arm("drop-reply-after-accept");
    const all = await Promise.all(Array.from({ length: 5 }, () => buy("crowd")));
    for (const { json } of all) expect(json).toMatchObject({ run: "by-hand@crowd" });
    const told = await why("by-hand@crowd");
    expect(told.outcome).toBe("bought");
    expect(await ordersOf(told)).toHaveLength(1);
    await agree();
  });
});

describe("a slot that falls due while time is moved", () => {
  test("with faults in its way still has one order, placed in its time", async () => {
    const next = ((await machine.ask("next", { count: 3 })) as { plan: string; slot: string }[])
      .filter(({ plan }) => plan === "hourly")
      .map(({ slot }) => `hourly@${slot}`);
    await machine.control("POST", "/faults", [
      { endpoint: "AddOrder", fault: "html-520-before-accept", times: 1, pair: "ETH/EUR" },
      { endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1, pair: "ETH/EUR" },
      { endpoint: "ClosedOrders", fault: "visibility-lag", times: 1, seconds: 20 },
    ]);
    await machine.advance(3 * 3600);
    expect(next).toHaveLength(3);
    for (const run of next) {
      const told = await why(run);
      expect([run, told.outcome]).toEqual([run, "bought"]);
      expect(await ordersOf(told)).toHaveLength(1);
      const [order] = await ordersOf(told);
      // Four minutes are enough for the proof that nothing was placed, and the second attempt.
      expect(Date.parse(order!.acceptedAt) - Date.parse(run.replace(/^.*@/, ""))).toBeLessThan(240_000);
    }
    expect(await machine.control("GET", "/faults")).toMatchObject({ armed: 0 });
    await agree();
  });
});

test("faults of the embedded AWS are armed through the machine's own control door", async () => {
  const refused = await machine
    .control("POST", "/cloud/faults", [{ operation: "Nope", fault: "throttle" }])
    .catch(String);
  expect(refused).toMatch(/answered 400: .*Nope/);
  const armed = [{ operation: "TransactWriteItems", fault: "applied-but-reply-lost" }];
  expect(await machine.control("POST", "/cloud/faults", armed)).toEqual({ armed: 1 });
  await machine.advance(60);
  expect(await buy("cloudy")).toMatchObject({ code: 0, json: { outcome: "bought" } });
  expect(await machine.control("POST", "/cloud/faults", [])).toEqual({ armed: 0 });
  await agree();
});
