/** What cannot be done is refused in one sentence and with exit code 2; nothing is started and nothing is lost. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { createServer as createWebServer } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import {
  type BookedRun,
  endAll,
  MachineProcess,
  newFolder,
  ownPort,
  Program,
  plansFile,
  tide,
} from "../support/machine-process.ts";

afterEach(endAll);

const PLANS = `
timezone: UTC
limits: { perOrder: 50 EUR, perDay: 100 EUR, perMonth: 1000 EUR }
plans:
  - { id: daily, buy: 10 EUR of BTC, every: day 08:00 }
`;
const WRONG = PLANS.replace("10 EUR of BTC", "1,000 EUR of BTC");

/** Runs a program that must refuse; answers what it said. */
async function refused(args: readonly string[], script = "local/main.ts"): Promise<string> {
  const program = new Program(script, args);
  expect(await program.exited).toEqual({ code: 2, signal: null });
  expect(program.stdout).toBe("");
  const said = program.stderr.trimEnd();
  expect(said).not.toMatch(/\n {4}at /);
  return said;
}

const newPath = async () => join(await newFolder(), "state");

async function portInUse(): Promise<{ port: number; release(): void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as { port: number }).port, release: () => server.close() };
}

describe("a machine is not started", () => {
  test("on a port in use, and then a new folder is still new", async () => {
    const taken = await portInUse();
    const state = await newPath();
    const said = await refused(["--port", String(taken.port), "--state", state]);
    expect(said).toMatch(/^port \d+ is in use by another program; choose another one with --port N .*$/);
    expect(said.split("\n")).toHaveLength(1);
    taken.release();
    const machine = new Program("local/main.ts", ["--port", "0", "--state", state]);
    await machine.line(/The demo clock starts/);
    await machine.kill();
  });

  test("with a mistake in the plans: it names file, line and column, and makes no folder", async () => {
    const file = await plansFile(WRONG);
    const state = await newPath();
    const said = await refused(["--port", "0", "--state", state, "--plans", file]);
    expect(said.startsWith(`${file}:5:`)).toBe(true);
    expect(said).toMatch(/:5:\d+.*1,000 EUR of BTC/);
    expect(existsSync(state)).toBe(false);
  });

  test("with plans that cannot be read", async () => {
    const state = await newPath();
    const nowhere = join(await newFolder(), "nowhere.yaml");
    expect(await refused(["--port", "0", "--state", state, "--plans", nowhere])).toBe(
      `${nowhere} cannot be read (ENOENT); name a plans file with --plans FILE`,
    );
    expect(await refused(["--port", "0", "--state", state, "--plans", await newFolder()])).toMatch(/EISDIR/);
    expect(existsSync(state)).toBe(false);
  });

  test.each([
    [["--unknown"], /^Unknown option '--unknown'; there are --port, .*--json, --help$/],
    [["--port", "99999"], /--port was 99999, expected a number from 0 to 65535/],
    [["--speed", "0"], /--speed was 0, expected a number from 1 to 100000/],
    [["--exchange", "https://api.kraken.com"], /--exchange was https:\/\/api\.kraken\.com, expected/],
    [["--exchange", "http://10.0.0.1:80"], /--exchange was http:\/\/10\.0\.0\.1:80, expected/],
    [["--exchange", "kraken"], /the real exchange is refused/],
    [["--exchange", "kraken", "--speed", "2"], /--speed is refused with the real exchange/],
  ])("with %j", async (args, why) => {
    const state = await newPath();
    const said = await refused([...args, "--state", state]);
    expect(said).toMatch(why);
    expect(said.split("\n")).toHaveLength(1);
    expect(existsSync(state)).toBe(false);
  });

  test("where no separate exchange answers, and then no folder is made", async () => {
    const state = await newPath();
    const nobody = `http://127.0.0.1:${ownPort(0)}`;
    const said = await refused(["--port", "0", "--state", state, "--exchange", nobody]);
    expect(said).toMatch(/^no sandbox answers at http:\/\/127\.0\.0\.1:\d+: start one with npm run sandbox/);
    expect(existsSync(state)).toBe(false);
  });

  test("where something else answers in the exchange's place", async () => {
    for (const page of ["<html>not found</html>", '{"error":["EGeneral:Unknown method"]}']) {
      const server = createWebServer((_, response) => response.end(page));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as { port: number };
      const state = await newPath();
      const said = await refused(["--port", "0", "--state", state, "--exchange", `http://127.0.0.1:${port}`]);
      expect(said).toBe(
        `what answers at http://127.0.0.1:${port} is not a sandbox; start one with npm run sandbox -- --port PORT`,
      );
      expect(existsSync(state)).toBe(false);
      server.close();
    }
  });

  test("in a folder that cannot be made, or is a file", async () => {
    const file = join(await newFolder(), "file");
    await writeFile(file, "mine");
    for (const state of [file, join(file, "under", "it")]) {
      const said = await refused(["--port", "0", "--state", state]);
      expect(said).toBe(`${state} is not a folder; choose another one with --state DIR`);
    }
    expect(await readFile(file, "utf8")).toBe("mine");
  });

  test("on a folder of another version, which stays as it is", async () => {
    const state = await newFolder();
    const kept = JSON.stringify({
      version: 7,
      future: true,
      seed: 1,
      clockAt: 1,
      clockStart: 1,
      exchange: "sandbox",
    });
    await writeFile(join(state, "machine.json"), kept);
    const said = await refused(["--port", "0", "--state", state]);
    expect(said).toMatch(
      /machine\.json is of version 7, this program reads version 2; choose another folder/,
    );
    expect(await readdir(state)).toEqual(["machine.json"]);
    expect(await readFile(join(state, "machine.json"), "utf8")).toBe(kept);
    // As it says.
    const anew = new Program("local/main.ts", ["--json", "--port", "0", "--state", state, "--reset"]);
    await anew.line(/^\{/);
    await anew.stop();
  });
});

describe("what a folder holds is kept", () => {
  /** A folder with one run in it, and no machine. */
  async function usedFolder(): Promise<string> {
    const state = await newPath();
    const machine = await MachineProcess.start(state, { plans: PLANS });
    expect((await machine.tide("buy", "daily", "--yes", "--key", "one")).code).toBe(0);
    await machine.stop();
    return state;
  }
  const runsOf = async (state: string) =>
    ((await tide(state, "history", "--plans", await plansFile(PLANS))).json as BookedRun[]).map(
      ({ run }) => run,
    );

  test("by a second machine: it is refused, and the first goes on", async () => {
    const state = await newPath();
    const first = await MachineProcess.start(state, { plans: PLANS });
    for (const more of [[], ["--reset"]]) {
      const said = await refused([
        "--port",
        "0",
        "--state",
        state,
        "--plans",
        await plansFile(PLANS),
        ...more,
      ]);
      expect(said).toMatch(new RegExp(`^.* is in use by process ${first.pid}; stop it`));
      expect(said.split("\n")).toHaveLength(1);
    }
    expect((await first.tide("buy", "daily", "--yes")).code).toBe(0);
    expect(await first.stop()).toEqual({ code: 0, signal: null });
  });

  test("by two machines that start at once: one works, the other is refused", async () => {
    const state = await newPath();
    const file = await plansFile(PLANS);
    const both = [1, 2].map(
      () => new Program("local/main.ts", ["--json", "--port", "0", "--state", state, "--plans", file]),
    );
    const lost = await Promise.race(both.map(async (program) => ({ program, exit: await program.exited })));
    expect(lost.exit).toEqual({ code: 2, signal: null });
    expect(lost.program.stderr).toMatch(/ is in use by /);
    expect(lost.program.stderr.trimEnd().split("\n")).toHaveLength(1);
    const winner = both.find((program) => program !== lost.program)!;
    await winner.line(/^\{/);
    const bought = await tide(state, "buy", "daily", "--yes");
    expect(bought).toMatchObject({ code: 0, json: { outcome: "bought" } });
    expect(await winner.stop()).toEqual({ code: 0, signal: null });
  });

  test("by a command that reads other plans: it is refused, and the folder's own are the default", async () => {
    const state = await usedFolder();
    const other = await plansFile(PLANS.replace("daily", "another"));
    for (const verb of ["next", "status", "history"]) {
      const { code, stderr } = await tide(state, verb, "--plans", other);
      expect(code).toBe(2);
      expect(stderr).toMatch(/was started with --plans .*, this command says /);
    }
    const [next] = (await tide(state, "next", "--count", "1")).json as { plan: string }[];
    expect(next!.plan).toBe("daily");
    expect((await tide(state, "doctor")).stdout).toContain("daily");
  });

  test("a plans file that is edited under a running machine is said to be", async () => {
    const file = await plansFile(PLANS);
    const machine = new Program("local/main.ts", [
      ...["--json", "--port", "0", "--plans", file, "--state", await newPath()],
    ]);
    const { page } = JSON.parse(await machine.line(/^\{/)) as { page: string };
    const edited = async () => {
      const reply = await fetch(`${page}/api/state`);
      return ((await reply.json()) as { plansEdited: boolean }).plansEdited;
    };
    expect(await edited()).toBe(false);
    await writeFile(file, PLANS.replace("10 EUR", "20 EUR"));
    expect(await edited()).toBe(true);
    await machine.stop();
  });

  test("by a command while its plans file is not there: it is refused, and its plans stay", async () => {
    const state = await newPath();
    const file = await plansFile(PLANS);
    const start = (...args: string[]) =>
      new Program("local/main.ts", ["--json", "--port", "0", "--state", state, ...args]);
    const first = start("--plans", file);
    await first.line(/^\{/);
    await first.stop();
    await rename(file, `${file}.away`);
    for (const words of [["next"], ["status", "--plans", await plansFile(PLANS)]]) {
      const { code, stderr } = await tide(state, ...words);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/the plans file of .* is not there any more/),
      ]);
    }
    const lost = start();
    expect(await lost.exited).toEqual({ code: 2, signal: null });
    expect(lost.stderr).toMatch(/the plans file of .* is not there any more/);
    await rename(`${file}.away`, file);
    // A start that names none works with the one that was named.
    const again = start();
    await again.line(/^\{/);
    const [next] = (await tide(state, "next", "--count", "1")).json as { plan: string }[];
    expect(next!.plan).toBe("daily");
    await again.stop();
  });

  test("by --reset together with anything that is refused", async () => {
    const state = await usedFolder();
    const taken = await portInUse();
    const reset = ["--reset", "--state", state];
    await refused([...reset, "--port", "0", "--plans", await plansFile(WRONG)]);
    await refused([...reset, "--port", "0", "--exchange", "kraken"]);
    await refused([...reset, "--port", "0", "--unknown"]);
    await refused([...reset, "--port", String(taken.port), "--plans", await plansFile(PLANS)]);
    taken.release();
    expect(await runsOf(state)).toEqual(["daily@one"]);
  });

  test("--reset alone forgets it", async () => {
    const state = await usedFolder();
    const machine = await MachineProcess.start(state, { plans: PLANS, args: ["--reset"] });
    expect((await machine.tide("history")).json).toEqual([]);
    expect(await machine.orders()).toEqual([]);
  });

  test("by --reset of a folder that is not ours", async () => {
    const mine = await newFolder();
    await mkdir(join(mine, "photos"));
    expect(await refused(["--port", "0", "--reset", "--state", mine])).toMatch(
      /not a state folder of Tidekeeper/,
    );
    expect(await readdir(mine)).toEqual(["photos"]);
  });

  test("by a start with another exchange", async () => {
    const state = await usedFolder();
    const sandbox = new Program("local/sandbox/main.ts", ["--port", "0"]);
    const { rest } = JSON.parse(await sandbox.line(/^\{/)) as { rest: string };
    expect(await refused(["--port", "0", "--state", state, "--exchange", rest])).toMatch(
      /belongs to the exchange sandbox; state is kept apart for each exchange/,
    );
    expect(await runsOf(state)).toEqual(["daily@one"]);
  });

  test("after kill -9 the folder is free again", async () => {
    const state = await newPath();
    const first = await MachineProcess.start(state, { plans: PLANS });
    await first.kill();
    const second = await MachineProcess.start(state, { plans: PLANS });
    expect((await second.tide("buy", "daily", "--yes")).code).toBe(0);
  });

  test("after kill -9, when another program has got the number of the old process", async () => {
    const state = await newPath();
    const first = await MachineProcess.start(state, { plans: PLANS });
    await first.kill();
    const file = join(state, "running.json");
    const left = JSON.parse(await readFile(file, "utf8")) as { pid: number };
    // This test's own process is alive and is no machine.
    await writeFile(file, JSON.stringify({ ...left, pid: process.pid }));
    const second = await MachineProcess.start(state, { plans: PLANS });
    expect((await second.tide("buy", "daily", "--yes")).code).toBe(0);
  });
});

describe("the sandbox is not started", () => {
  test("on a port in use", async () => {
    const taken = await portInUse();
    expect(await refused(["--port", String(taken.port)], "local/sandbox/main.ts")).toMatch(
      /^Port \d+ is in use/,
    );
    taken.release();
  });

  test("with an unknown option", async () => {
    expect(await refused(["--unknown"], "local/sandbox/main.ts")).toMatch(
      /^Unknown option '--unknown'; there are --port, .*--help\.$/,
    );
  });
});
