/** The machine on the real exchange, with a sandbox in its place: its keys, its passphrase, its clock, its shut doors. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { RealClock } from "../../local/machine/real-clock.ts";
import { realExchange } from "../../local/machine/real-exchange.ts";
import { type Addresses, openSandbox, type Sandbox } from "../../local/sandbox/sandbox.ts";
import { tide } from "../support/cli-house.ts";
import { filesUnder, placesOf } from "../support/durability-canary.ts";
import { newFolder } from "../support/durability-store.ts";

const ROOT = join(import.meta.dirname, "../..");
const PASSPHRASE = "sieben Möwen über der Elbe";
const KEY = randomBytes(42).toString("base64");
const SECRET = randomBytes(64).toString("base64");
const PLANS = `
mode: dry-run
timezone: Europe/Berlin
limits: { perOrder: 500 EUR, perDay: 500 EUR, perMonth: 2000 EUR, maxSlippage: 0.5% }
plans:
  - id: btc-weekly
    buy: 100 EUR of BTC
    every: monday 08:00
    ifMissed: catch-up within 2h
`;

// Programs one after the other, and a key whose counter is waited for.
vi.setConfig({ testTimeout: 120_000 });

const top = newFolder();
const state = join(top, "state");
const plans = join(top, "plans.yaml");
const reports = join(top, "reports");
/** All that any program said. */
const said = new Map<string, string>();
let clock: VirtualClock;
let sandbox: Sandbox;
let at: Addresses;

beforeAll(async () => {
  mkdirSync(reports);
  writeFileSync(plans, PLANS);
  clock = new VirtualClock({ startAt: Date.now(), rate: 1 });
  const permissions = [
    "query-funds",
    "query-open-trades",
    "query-closed-trades",
    "modify-trades",
    "close-trades",
  ] as const;
  const keys = [{ name: "mine", key: KEY, secret: SECRET, permissions: [...permissions] }];
  sandbox = await openSandbox({
    clock,
    seed: 1,
    accounts: [{ name: "main", balances: { ZEUR: "10000" }, tier: "pro", keys }],
  });
  at = await sandbox.listen(0);
});
afterAll(async () => {
  clock.stop();
  await sandbox.close();
  rmSync(top, { recursive: true, force: true });
});

type Started = {
  readonly pid: number;
  readonly page: string;
  end(signal: NodeJS.Signals): Promise<number | null>;
};

/** Starts a program with `input` as its standard input; resolves with it at its first line of JSON, or with its exit. */
function start(
  name: string,
  args: readonly string[],
  input: string,
  env = process.env,
): Promise<Started | number | null> {
  const flags = ["--report-uncaught-exception", "--report-on-signal", `--report-directory=${reports}`];
  const child = spawn(process.execPath, [...flags, ...args], { cwd: ROOT, env: { ...env, NO_COLOR: "1" } });
  const note = (text: Buffer) => said.set(name, (said.get(name) ?? "") + text.toString());
  child.stderr.on("data", note);
  child.stdin.end(input);
  return new Promise((resolve) => {
    const ended = new Promise<number | null>((tell) => child.once("close", tell));
    void ended.then(resolve);
    child.stdout.on("data", (text: Buffer) => {
      note(text);
      const line = /^\{"page":"([^"]+)"/m.exec(said.get(name)!);
      if (line === null) return;
      const end = (signal: NodeJS.Signals) => {
        child.kill(signal);
        return ended;
      };
      resolve({ pid: child.pid!, page: line[1]!, end });
    });
  });
}
const startMachine = (name: string, passphrase: string) =>
  start(name, ["test/support/durability-machine.ts", state, plans, at.rest], `${passphrase}\n`);

async function ask(name: string, words: readonly string[], input = "") {
  const ran = await tide([...words, "--state", state], input);
  said.set(name, ran.stdout + ran.stderr);
  return ran;
}

test("a key is sealed, used, and found again with the passphrase; no file and no word of any program holds it", async () => {
  const first = (await startMachine("first", PASSPHRASE)) as Started;
  const set = await ask("set", ["keys", "set"], `${KEY}\n${SECRET}\n`);
  expect([set.code, set.stdout]).toEqual([0, expect.stringMatching(/^DRY RUN {2}main trade key mine: good/)]);
  expect((await ask("broken", ["keys", "set"], `${KEY}\n${SECRET}x\n`)).code).toBe(2);
  const swapped = await ask(
    "swapped",
    ["keys", "set", "--use", "read"],
    `${KEY}\n${randomBytes(64).toString("base64")}\n`,
  );
  expect(swapped.code).toBe(3);
  // What it does and does not tell when it crashes: a report on demand, and one of an error that nobody caught.
  process.kill(first.pid, "SIGUSR2");
  await expect.poll(() => filesUnder(reports).size).toBe(1);
  await first.end("SIGUSR1");
  expect(said.get("first")).toContain("a bug");
  expect(filesUnder(reports).size).toBe(2);

  const second = (await startMachine("second", PASSPHRASE)) as Started;
  await expect
    .poll(() => said.get("second"), { timeout: 10_000 })
    .toMatch(/Kraken has no order of this month/);
  const bought = await ask("buy", ["buy", "btc-weekly", "--yes", "--key", "one", "--json"]);
  expect(JSON.parse(bought.stdout)).toMatchObject({ run: "btc-weekly@one", outcome: "rehearsed" });
  expect(sandbox.orders()).toEqual([]);
  for (const path of ["/api/state", "/", "/api/why?run=btc-weekly@one"])
    said.set(path, await (await fetch(`${second.page}${path}`)).text());
  said.set("status", (await ask("status", ["status", "--json"])).stdout);
  await second.end("SIGKILL");

  const files = filesUnder(top);
  expect([...files.keys()]).toEqual(expect.arrayContaining(["state/keys.sealed", "state/machine.json"]));
  expect([...files.keys()].filter((name) => name.includes("secrets"))).toEqual([]);
  expect(statSync(join(state, "keys.sealed")).mode & 0o777).toBe(0o600);
  const everything = new Map([...files, ...said]);
  expect(placesOf([KEY, SECRET, PASSPHRASE], everything)).toEqual([]);
  // The same look finds what is there.
  const there = new Map([
    ["log", `before ${Buffer.from(`{"privateKey":"${SECRET}"}`).toString("base64")} after`],
  ]);
  expect(placesOf([SECRET], there)).not.toEqual([]);
  expect(placesOf([SECRET], new Map([["log", encodeURIComponent(SECRET).slice(20, 50)]]))).not.toEqual([]);
});

test("its control door is shut: time, prices, faults and the world stay as they are", async () => {
  const machine = (await startMachine("doors", PASSPHRASE)) as Started;
  const seenAt = sandbox.lastAt;
  const ledger = (await ask("history", ["history", "--json"])).stdout;
  for (const [path, body] of [
    ["advance", '{"seconds":3600}'],
    ["reset", ""],
    ["price", '{"pair":"BTC/EUR","price":"1"}'],
    ["faults", "[]"],
  ] as const) {
    const reply = await fetch(`${machine.page}/_control/${path}`, { method: "POST", body });
    expect([path, reply.status, await reply.text()]).toEqual([
      path,
      403,
      expect.stringContaining("no control door"),
    ]);
  }
  expect(sandbox.lastAt - seenAt).toBeLessThan(60_000);
  const { now } = (await (await fetch(`${machine.page}/api/state`)).json()) as { now: string };
  expect(Math.abs(Date.parse(now) - Date.now())).toBeLessThan(5_000);
  expect((await ask("history", ["history", "--json"])).stdout).toBe(ledger);
  await machine.end("SIGINT");
});

describe("the real program is stopped before it reaches anybody", () => {
  const guarded = ["--import", join(ROOT, "test/support/durability-no-network.ts"), "local/main.ts"];
  const kraken = ["--exchange", "kraken", "--port", "0", "--plans", plans];
  /** As outside of any test: only the guard on its sockets is left. */
  const { VITEST: _, ...outside } = process.env;
  const run = (name: string, args: readonly string[], input: string, env: NodeJS.ProcessEnv = outside) =>
    start(name, [...guarded, ...kraken, ...args], input, env);

  test.each([
    [
      "with a wrong passphrase",
      [],
      `${PASSPHRASE}!\n`,
      /^the passphrase does not open .*keys\.sealed: it is wrong, or the file has been changed; nothing was started\n$/,
    ],
    ["without a passphrase", [], "", /^no passphrase was given, .*; nothing was started\n$/],
    [
      "asked to go faster",
      ["--speed", "60"],
      `${PASSPHRASE}\n`,
      /^--speed is refused with the real exchange: .*\n$/,
    ],
    [
      "asked to forget real money",
      ["--reset"],
      `${PASSPHRASE}\n`,
      /^--reset is refused with the real exchange: .*\n$/,
    ],
  ] as const)("%s: one sentence, exit 2, and the folder as it was", async (name, args, input, sentence) => {
    const before = readFileSync(join(state, "keys.sealed"));
    expect(await run(name, ["--state", state, ...args], input)).toBe(2);
    expect(said.get(name)).toMatch(sentence);
    expect(readFileSync(join(state, "keys.sealed"))).toEqual(before);
  });

  test.each([
    ["new, without a passphrase", ""],
    ["new, with one that is too short", "short\n"],
  ])("%s: no folder is left behind that would then belong to Kraken", async (name, input) => {
    const fresh = join(top, "fresh");
    expect(await run(name, ["--state", fresh], input)).toBe(2);
    expect(existsSync(fresh)).toBe(false);
  });

  test("in a test, whatever it is told", async () => {
    expect(await run("in a test", ["--state", join(top, "other")], `${PASSPHRASE}\n`, process.env)).toBe(2);
    expect(said.get("in a test")).toMatch(/^the real exchange is refused in tests/);
  });

  test("a sandbox may not take or forget its folder", async () => {
    const asked = ["local/main.ts", "--port", "0", "--plans", plans, "--state", state];
    expect(await start("taken", asked, "")).toBe(2);
    expect(said.get("taken")).toMatch(/belongs to the exchange kraken/);
    expect(await start("forgotten", [...asked, "--reset"], "")).toBe(2);
    expect(said.get("forgotten")).toMatch(/would remove the ledger and the keys of real money/);
    expect(await start("apart", [...asked, "--exchange", at.rest], "")).toBe(2);
    expect(said.get("apart")).toMatch(/belongs to the exchange kraken/);
  });
});

test("only an address of this machine may stand for Kraken", () => {
  const stand = (standIn: string) => () => realExchange({ exchange: "kraken", speed: 1, standIn });
  expect(stand("http://127.0.0.1:9")()).toEqual({ origin: "http://127.0.0.1:9" });
  expect(stand("https://api.kraken.com")).toThrow("Kraken cannot stand for itself");
  expect(stand("https://api.kraken.com.example")).toThrow(
    "expected https://api.kraken.com or one of this machine",
  );
  expect(realExchange({ exchange: "sandbox", speed: 60 })).toBeUndefined();
});

test("its clock is the computer's own: set back with it, moved by nobody", async () => {
  let real = Date.parse("2026-11-23T07:00:00Z");
  const own = new RealClock(() => real);
  real -= 3_600_000;
  expect(own.now()).toBe(real);
  expect(() => own.moveTo(real + 1)).toThrow("cannot be moved");
  expect(() => own.resetTo(real)).toThrow("cannot be moved");
  expect(() => {
    own.rate = 60;
  }).toThrow("cannot be moved");
  const fired: string[] = [];
  own.after(5, () => fired.push("short"));
  own.after(5, () => fired.push("cancelled")).cancel();
  await expect.poll(() => fired).toEqual(["short"]);
  own.after(1, () => fired.push("stopped"));
  own.stop();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(fired).toEqual(["short"]);
});
