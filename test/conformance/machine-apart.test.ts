/** A machine and an exchange that are programs of their own: one clock, and one world that is made anew. */
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  controlOf,
  disagreements,
  type ExchangeOrder,
  endAll,
  MachineProcess,
  newFolder,
  ownPort,
  Program,
} from "../support/machine-process.ts";

vi.setConfig({ testTimeout: 90_000 });
afterEach(endAll);

const PLANS = `
timezone: UTC
limits: { perOrder: 50 EUR, perDay: 1000 EUR, perMonth: 20000 EUR }
plans:
  - { id: hourly, buy: 10 EUR of BTC, every: "hour at :30" }
`;
const HOUR_S = 3600;

type Sandbox = {
  readonly program: Program;
  readonly rest: string;
  readonly ws: string;
  readonly control: string;
};

async function startSandbox(port = 0): Promise<Sandbox> {
  const program = new Program("local/sandbox/main.ts", ["--port", String(port)]);
  return { program, ...(JSON.parse(await program.line(/^\{/)) as Omit<Sandbox, "program">) };
}

/** How far the two clocks are apart, at most, as long as asking for one of them takes. */
async function apartMs(sandbox: Sandbox, machine: MachineProcess): Promise<number> {
  const before = await machine.now();
  const { now } = (await controlOf(sandbox.control, "GET", "/state")) as { now: string };
  const after = await machine.now();
  return Math.max(before - Date.parse(now), Date.parse(now) - after, 0);
}

const againstIt = (sandbox: Sandbox, args: readonly string[] = []) => ({
  plans: PLANS,
  args: ["--exchange", sandbox.rest, ...args],
});

/** They are moved one after the other, some hundred times; a wrong move would be minutes. */
const NEAR_MS = 2_000;

describe("with a separate exchange", () => {
  test("advance moves both clocks together, also far and with runs on the way", async () => {
    const sandbox = await startSandbox();
    const machine = await MachineProcess.start(await newFolder(), againstIt(sandbox));
    const { rest, ws } = sandbox;
    expect(machine.first).toMatchObject({ rest, ws });
    const before = await machine.now();
    for (const hours of [0.01, 3, 8]) {
      await machine.advance(hours * HOUR_S);
      expect(await apartMs(sandbox, machine)).toBeLessThan(NEAR_MS);
    }
    expect((await machine.now()) - before - 11.01 * HOUR_S * 1000).toBeLessThan(40_000);
    const history = await machine.history();
    expect(history).toHaveLength(11);
    expect(history.every((run) => run.outcome === "bought")).toBe(true);
    const orders = (await controlOf(sandbox.control, "GET", "/orders")) as ExchangeOrder[];
    expect(disagreements(history, orders)).toEqual([]);
    // By the exchange's clock, each in the minute of its slot.
    for (const order of orders) expect(order.acceptedAt).toMatch(/T\d\d:30:/);
    expect(await machine.orders()).toEqual(orders);
  });

  test("what cannot be advanced is refused in the same words", async () => {
    const machine = await MachineProcess.start(await newFolder(), againstIt(await startSandbox()));
    await machine.advance(0);
    for (const seconds of [-1, "60", null, 1e12]) {
      await expect(machine.control("POST", "/advance", { seconds })).rejects.toThrow(/answered 400.*seconds/);
    }
  });

  test("a machine that was killed comes back to the time of the exchange", async () => {
    const sandbox = await startSandbox();
    const state = await newFolder();
    const first = await MachineProcess.start(state, againstIt(sandbox));
    await first.advance(2 * HOUR_S);
    await first.kill();
    await controlOf(sandbox.control, "POST", "/advance", { seconds: 6 * HOUR_S });
    const second = await MachineProcess.start(state, againstIt(sandbox));
    expect(await apartMs(sandbox, second)).toBeLessThan(NEAR_MS);
    await second.until(
      () => second.events.find((event) => event.outcome === "missed"),
      "the slots that passed meanwhile",
    );
    expect((await second.tide("buy", "hourly", "--yes")).code).toBe(0);
  });

  test("an exchange that goes away and comes back is a run that waits, and then buys", async () => {
    const port = ownPort(1);
    const sandbox = await startSandbox(port);
    const machine = await MachineProcess.start(await newFolder(), againstIt(sandbox));
    await sandbox.program.kill();
    const asked = machine.tide("buy", "hourly", "--yes", "--key", "away");
    await machine.line(/"run":"hourly@away".*goes on later/);
    await startSandbox(port);
    await machine.advance(180);
    expect((await asked).code).toBe(0);
    expect((await machine.tide("why", "hourly@away")).json).toMatchObject({ outcome: "bought" });
    expect(await machine.orders()).toHaveLength(1);
  });

  test("reset makes both anew", async () => {
    const sandbox = await startSandbox();
    const machine = await MachineProcess.start(await newFolder(), againstIt(sandbox));
    await aWorldMadeAnew(machine);
    expect(await apartMs(sandbox, machine)).toBeLessThan(NEAR_MS);
  });
});

test("reset makes the embedded exchange and the machine anew", async () => {
  await aWorldMadeAnew(await MachineProcess.start(await newFolder(), { plans: PLANS }));
});

async function aWorldMadeAnew(machine: MachineProcess): Promise<void> {
  const balances = async () => {
    const state = (await (await fetch(`${machine.first.page}/api/state`)).json()) as {
      balances: { asset: string; total: string }[];
    };
    return Object.fromEntries(state.balances.map(({ asset, total }) => [asset, Number(total)]));
  };
  const atStart = await balances();
  expect(atStart).toMatchObject({ ZEUR: 10_000, XXBT: 0.5 });
  const startedAt = await machine.now();
  await machine.advance(2 * HOUR_S);
  expect((await machine.tide("buy", "hourly", "--yes", "--key", "same")).code).toBe(0);
  expect(await machine.orders()).toHaveLength(3);
  await machine.control("POST", "/faults", [{ endpoint: "AddOrder", fault: "lockout", times: 9 }]);

  await machine.control("POST", "/reset");
  expect(await machine.orders()).toEqual([]);
  expect(await machine.control("GET", "/faults")).toMatchObject({ armed: 0 });
  expect(await machine.history()).toEqual([]);
  expect(Math.abs((await machine.now()) - startedAt)).toBeLessThan(30_000);
  expect(await balances()).toEqual(atStart);

  // Nothing comes of a run that was under way.
  await machine.control("POST", "/faults", [
    { endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1 },
  ]);
  const cut = machine.tide("buy", "hourly", "--yes", "--key", "cut");
  await machine.line(/"run":"hourly@cut".*no certain answer/);
  await machine.control("POST", "/reset");
  await cut;
  expect(await machine.orders()).toEqual([]);
  expect(await machine.history()).toEqual([]);

  // The same key is a new run in a new world, and the schedule goes on.
  expect(await machine.tide("buy", "hourly", "--yes", "--key", "same")).toMatchObject({
    code: 0,
    json: { outcome: "bought" },
  });
  await machine.advance(HOUR_S);
  const history = await machine.history();
  expect(history.map((run) => run.outcome)).toEqual(["bought", "bought"]);
  expect(disagreements(history, await machine.orders())).toEqual([]);
  expect(Object.keys(await balances())).toEqual(Object.keys(atStart));
}
