/** A newcomer's first minute, and what a machine goes on with when it is started again. */
import { afterAll, describe, expect, test, vi } from "vitest";
import {
  type BookedRun,
  disagreements,
  endAll,
  MachineProcess,
  newFolder,
  Program,
  SECRET,
  tide,
} from "../support/machine-process.ts";

// They mostly wait, so they do it side by side.
vi.setConfig({ testTimeout: 90_000 });
afterAll(endAll);

const MINUTE_MS = 60_000;
const DAILY = `
timezone: UTC
limits: { perOrder: 50 EUR, perDay: 100 EUR, perMonth: 1000 EUR }
plans:
  - { id: daily, buy: 10 EUR of BTC, every: day 08:00 }
`;

describe("the first start, with the example's plans", () => {
  test("tells its story within a minute: a buy, a buy whose answer is lost, and the count", async () => {
    const machine = new Program("local/main.ts", ["--state", await newFolder(), "--port", "0"]);
    await machine.line(/The demo clock starts 5 s before the first slot/);
    await machine.line(/reconcile .* BTC for /);
    await machine.line(/its reply gets lost on the way \(on purpose, once\)/);
    await machine.line(/found at Kraken, not sent again/, MINUTE_MS);
    await machine.line(/1 order each, 0 unexplained/, MINUTE_MS);
    await machine.line(/^Why .*npm run tide -- why/);
    await machine.line(/does not show: the real Kraken and real AWS/);
    expect(machine.stdout).toMatch(/^Tidekeeper .*PLAY MONEY/);
    expect(machine.stdout).toMatch(/^Page: +http:\/\/127\.0\.0\.1:\d+$/m);
    // Whose money it is stands on every line of a run.
    for (const line of machine.stdout.split("\n").filter((text) => /^\d\d:\d\d:\d\d /.test(text))) {
      expect(line).toMatch(/PLAY MONEY/);
    }
    expect(machine.stderr).toBe("");
    expect(machine.stdout).not.toContain(SECRET);
    expect(await machine.stop()).toEqual({ code: 0, signal: null });
  });
});

describe.concurrent("the first start, with the example's plans", () => {
  test("tells it on a Friday evening, too, when the next slot but one is more than a day away", async () => {
    const at = "2027-02-05T18:00:00Z";
    const machine = new Program("local/main.ts", ["--state", await newFolder(), "--port", "0"], { at });
    await machine.line(/1 order each, 0 unexplained/, MINUTE_MS);
  });

  test("with --json says JSON only: the addresses first, then each step of a run", async () => {
    const state = await newFolder();
    const machine = await MachineProcess.start(state);
    expect(machine.first).toEqual({
      page: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      rest: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      ws: expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+\/v2$/),
      control: `${machine.first.page}/_control`,
      state,
    });
    expect((await fetch(machine.first.page)).status).toBe(200);
    expect((await fetch(`${machine.first.rest}/0/public/Time`)).status).toBe(200);

    const { run } = await machine.told(/^btc-daily@/);
    const steps = machine.events.filter((event) => event.run === run);
    expect(steps.map(({ step }) => step)).toEqual([
      "fire",
      "plan",
      "quote",
      "size",
      "record",
      "submit",
      "reconcile",
      "reconcile",
      "notify",
    ]);
    for (const step of steps) expect(step).toMatchObject({ event: "run", run, plan: "btc-daily" });
    expect(steps.at(-1)!.outcome).toBe("bought");
    expect(steps[0]).toHaveProperty("outcome", null);
    await machine.line(/0 unexplained/, MINUTE_MS);
    expect(await machine.stop()).toEqual({ code: 0, signal: null });
    for (const line of machine.stdout.trimEnd().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
    expect(machine.stdout + machine.stderr).not.toContain(SECRET);
  });

  test.each([[/^\{/], [/"step":"submit"/], [/gets lost on the way/], [/no certain answer/]])(
    "is over soon after Ctrl-C, as when it said %s",
    async (moment) => {
      const machine = new Program("local/main.ts", ["--json", "--state", await newFolder(), "--port", "0"]);
      await machine.line(moment, MINUTE_MS);
      expect(await machine.stop()).toEqual({ code: 0, signal: null });
      expect(machine.stderr).not.toMatch(/tried again|\n {4}at /);
    },
  );
});

describe.concurrent("a start on a folder that is there", () => {
  test("goes on from it: no story, its clock, its history, and only what comes from now on", async () => {
    const state = await newFolder();
    const first = await MachineProcess.start(state);
    await first.line(/0 unexplained/, MINUTE_MS);
    const before = (await first.tide("history")).json as BookedRun[];
    expect(before.map((run) => run.outcome)).toEqual(["bought", "bought"]);
    const leftAt = await first.now();
    await first.stop();

    // While none runs, tide opens the folder by itself.
    expect((await tide(state, "history")).json).toEqual(before);

    const second = await MachineProcess.start(state);
    await second.line(/^Next: /);
    expect(second.stderr).not.toMatch(/demo|on purpose/);
    expect(await second.now()).toBeGreaterThanOrEqual(leftAt);
    expect((await second.tide("history")).json).toEqual(before);
    const [next] = (await second.tide("next", "--count", "1")).json as { slot: string }[];
    expect(Date.parse(next!.slot)).toBeGreaterThan(leftAt);
    expect(second.events).toEqual([]);
    await second.advance((Date.parse(next!.slot) - (await second.now())) / 1000 + 60);
    const after = (await second.tide("history")).json as BookedRun[];
    expect(after).toHaveLength(3);
    expect(disagreements(after, await second.orders())).toEqual([]);
    await second.stop();
    expect(second.stdout + second.stderr).not.toContain(SECRET);
  });

  test("goes on when nobody listens to it any more", async () => {
    const machine = await MachineProcess.start(await newFolder(), { plans: DAILY });
    machine.deafen();
    await machine.advance(2 * 86_400);
    expect((await machine.tide("history")).json).toHaveLength(2);
    expect(await machine.stop()).toEqual({ code: 0, signal: null });
  });

  test("after days in which it did not run, each slot is accounted for and told", async () => {
    const state = await newFolder();
    const plans = `
timezone: UTC
limits: { perOrder: 50 EUR, perDay: 100 EUR, perMonth: 1000 EUR }
plans:
  - { id: late, buy: 10 EUR of BTC, every: day 08:00, ifMissed: catch-up within 2h }
  - { id: gone, buy: 10 EUR of BTC, every: day 06:00, ifMissed: skip }
`;
    const first = await MachineProcess.start(state, { plans, at: "2027-02-01T12:00:00Z" });
    await first.stop();
    const second = await MachineProcess.start(state, { plans, at: "2027-02-04T09:00:00Z" });
    // The last 08:00 is an hour old, and two are allowed.
    await second.told("late@2027-02-04T08:00Z");
    const history = (await second.tide("history")).json as BookedRun[];
    expect(Object.fromEntries(history.map(({ run, outcome }) => [run, outcome]))).toEqual({
      "late@2027-02-02T08:00Z": "missed",
      "late@2027-02-03T08:00Z": "missed",
      "late@2027-02-04T08:00Z": "bought",
      "gone@2027-02-02T06:00Z": "missed",
      "gone@2027-02-03T06:00Z": "missed",
      "gone@2027-02-04T06:00Z": "missed",
    });
    expect(disagreements(history, await second.orders())).toEqual([]);
  });
});
