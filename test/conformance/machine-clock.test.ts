/** The clock of a machine: moved by hand, over a change of daylight saving, and run at another speed. */
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  type BookedRun,
  disagreements,
  endAll,
  MachineProcess,
  newFolder,
} from "../support/machine-process.ts";

vi.setConfig({ testTimeout: 90_000 });
afterEach(endAll);

const plans = (list: string, zone = "UTC") => `
timezone: ${zone}
limits: { perOrder: 50 EUR, perDay: 1000 EUR, perMonth: 20000 EUR }
plans:
${list}`;
const HOURLY = plans(`
  - { id: hourly, buy: 10 EUR of BTC, every: "hour at :30" }`);
const DAILY = plans(`
  - { id: daily, buy: 10 EUR of BTC, every: day 08:00 }`);
const HOUR_S = 3600;
const DAY_S = 86_400;

describe("advance", () => {
  test("three hours run exactly the three slots in them, one order each, before it answers", async () => {
    const at = "2027-02-01T10:00:00Z";
    const machine = await MachineProcess.start(await newFolder(), { plans: HOURLY, at });
    expect(machine.stderr).not.toMatch(/demo/);
    const before = await machine.now();
    expect(Math.abs(before - Date.parse(at))).toBeLessThan(5_000);
    await machine.advance(3 * HOUR_S);
    const ended = machine.events.filter((event) => event.step === "notify");
    expect(ended.map(({ run, outcome }) => [run, outcome])).toEqual([
      ["hourly@2027-02-01T10:30Z", "bought"],
      ["hourly@2027-02-01T11:30Z", "bought"],
      ["hourly@2027-02-01T12:30Z", "bought"],
    ]);
    const orders = await machine.orders();
    // The minute of each order is the slot's: the clock did not run on while it was placed.
    expect(orders.map((order) => order.acceptedAt.slice(0, 16))).toEqual([
      "2027-02-01T10:30",
      "2027-02-01T11:30",
      "2027-02-01T12:30",
    ]);
    expect(Math.abs((await machine.now()) - before - 3 * HOUR_S * 1000)).toBeLessThan(10_000);
    const history = (await machine.tide("history")).json as BookedRun[];
    expect(history).toHaveLength(3);
    expect(disagreements(history, orders)).toEqual([]);
  });

  test("seven days of a daily plan are seven orders, each in the minute of its slot", async () => {
    const machine = await MachineProcess.start(await newFolder(), {
      plans: DAILY,
      at: "2027-02-01T10:00:00Z",
    });
    await machine.advance(7 * DAY_S);
    const orders = await machine.orders();
    expect(orders.map((order) => order.acceptedAt.slice(0, 16))).toEqual(
      ["02", "03", "04", "05", "06", "07", "08"].map((day) => `2027-02-${day}T08:00`),
    );
  });

  test("a machine that is stopped for moments on the way misses no slot for it", async () => {
    const machine = await MachineProcess.start(await newFolder(), {
      plans: HOURLY,
      at: "2027-02-01T10:00:00Z",
    });
    let isOver = false;
    const stalls = (async () => {
      // Longer than any moment of quiet that could be taken for the end of the work.
      while (!isOver) {
        machine.signal("SIGSTOP");
        await new Promise((resolve) => setTimeout(resolve, 40));
        machine.signal("SIGCONT");
        await new Promise((resolve) => setTimeout(resolve, 7));
      }
    })();
    await machine.advance(4 * HOUR_S).finally(() => {
      isOver = true;
    });
    await stalls;
    expect((await machine.orders()).map((order) => order.acceptedAt.slice(0, 16))).toEqual(
      ["10", "11", "12", "13"].map((hour) => `2027-02-01T${hour}:30`),
    );
  });

  test("where clocks go forward, the time that does not exist is skipped and all others fire once", async () => {
    const night = plans(
      `
  - { id: half-past-two, buy: 10 EUR of BTC, every: day 02:30 }
  - { id: half-past-three, buy: 10 EUR of BTC, every: day 03:30 }
  - { id: hourly, buy: 5 EUR of ETH, every: "hour at :15" }`,
      "Europe/Berlin",
    );
    const machine = await MachineProcess.start(await newFolder(), {
      plans: night,
      at: "2027-03-27T23:50:00Z",
    });
    await machine.advance(3 * HOUR_S);
    await machine.ask("pause", { plan: "hourly" });
    await machine.advance(23 * HOUR_S);
    const bought = machine.events.filter(({ step, outcome }) => step === "notify" && outcome === "bought");
    const slotsOf = (plan: string) =>
      bought.filter((event) => event.plan === plan).map(({ run }) => run.split("@")[1]);
    // 02:30 of the 28th does not exist; of the 29th it is 00:30 in UTC. 03:30 is 01:30 in UTC on both days.
    expect(slotsOf("half-past-two")).toEqual(["2027-03-29T00:30Z"]);
    expect(slotsOf("half-past-three")).toEqual(["2027-03-28T01:30Z", "2027-03-29T01:30Z"]);
    expect(slotsOf("hourly")).toEqual(["2027-03-28T00:15Z", "2027-03-28T01:15Z", "2027-03-28T02:15Z"]);
    expect(await machine.orders()).toHaveLength(6);
  });

  test("where clocks go back, the repeated time fires once", async () => {
    const night = plans(
      `
  - { id: half-past-two, buy: 10 EUR of BTC, every: day 02:30 }`,
      "Europe/Berlin",
    );
    const machine = await MachineProcess.start(await newFolder(), {
      plans: night,
      at: "2027-10-30T22:00:00Z",
    });
    await machine.advance(5 * HOUR_S);
    expect(await machine.orders()).toHaveLength(1);
    expect(machine.events.filter((event) => event.step === "fire")).toHaveLength(1);
  });

  test("what cannot be advanced is refused in words, and nothing moves", async () => {
    const machine = await MachineProcess.start(await newFolder(), { plans: DAILY });
    const before = await machine.now();
    for (const seconds of [-1, "60", null, 1e12]) {
      await expect(machine.control("POST", "/advance", { seconds })).rejects.toThrow(/answered 400.*seconds/);
    }
    expect((await machine.now()) - before).toBeLessThan(10_000);
  });
});

describe("--speed 600", () => {
  test("runs fast between runs, and second by second during one", async () => {
    const machine = await MachineProcess.start(await newFolder(), {
      plans: HOURLY,
      at: "2027-02-01T10:29:00Z",
      args: ["--speed", "600"],
    });
    // 61 minutes are 6 s at this speed; the rest of its patience is for what is done on the way.
    await machine.told("hourly@2027-02-01T11:30Z");
    for (const hour of ["10", "11"]) {
      const run = machine.events.filter((event) => event.run === `hourly@2027-02-01T${hour}:30Z`);
      const at = run.map((event) => Date.parse(event.at));
      expect(run.at(-1)?.outcome).toBe("bought");
      // At 600 a run of half a second would show five minutes.
      expect(at.at(-1)! - at[0]!).toBeLessThan(5_000);
      expect(at[0]! - Date.parse(`2027-02-01T${hour}:30:00Z`)).toBeLessThan(5_000);
    }
    const orders = await machine.orders();
    expect(orders.map((order) => order.acceptedAt.slice(0, 16))).toEqual(
      ["10", "11"].map((hour) => `2027-02-01T${hour}:30`),
    );
  });

  test("as fast as it goes, no slot is passed over", async () => {
    const machine = await MachineProcess.start(await newFolder(), {
      plans: HOURLY,
      at: "2027-02-01T00:00:00Z",
      args: ["--speed", "100000"],
    });
    await machine.told("hourly@2027-02-01T11:30Z");
    const ended = machine.events.filter((event) => event.step === "notify").slice(0, 12);
    expect(ended.map((event) => event.outcome)).toEqual(Array.from({ length: 12 }, () => "bought"));
    for (const { run, at } of ended) {
      expect(Date.parse(at) - Date.parse(run.replace(/^.*@/, ""))).toBeLessThan(5_000);
    }
  });
});
