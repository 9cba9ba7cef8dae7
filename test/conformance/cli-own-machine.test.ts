/** `tide` without a running machine: each command opens the state folder itself. One story, told in order. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_ACCOUNTS, readAccounts } from "../../local/sandbox/accounts.ts";
import { type CliHouse, openCliHouse, tide } from "../support/cli-house.ts";

let house: CliHouse;

beforeAll(async () => {
  house = await openCliHouse();
});
afterAll(() => house.close());

const keys = readAccounts(DEFAULT_ACCOUNTS)[0]!.keys;

test("a mistake in the plans is told with its place and its fix, and nothing is made", async () => {
  const plans = join(house.dir, "wrong.yaml");
  await writeFile(plans, "plans:\n  - id: a\n    buy: 1,000 EUR of BTC\n    every: day 08:00\n");
  const { code, stdout, stderr } = await house.tide(["status", "--json", "--plans", plans]);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/wrong\.yaml:3:\d+ .*1,000 EUR.*expected.*write/);
  expect(existsSync(house.state)).toBe(false);
});

test("the first buy makes the folder, buys, and prints one JSON object", async () => {
  const { code, stdout } = await house.tide(["buy", "btc-daily", "--yes", "--json", "--key", "first"]);
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    run: "btc-daily@first",
    plan: "btc-daily",
    outcome: "bought",
    orders: [
      {
        clOrdId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
        txid: expect.stringMatching(/^O[A-Z0-9]{5}-/),
        state: "DONE",
        volume: expect.stringMatching(/^0\.000\d+$/),
        cost: expect.stringMatching(/^\d+\.\d+$/),
        fee: expect.stringMatching(/^0\.\d+$/),
      },
    ],
  });
});

test("the same key is the same run: nothing more is bought", async () => {
  const again = await house.tide(["buy", "btc-daily", "--yes", "--json", "--key", "first"]);
  expect(again.code).toBe(0);
  const history = await house.tide(["history", "--json"]);
  const runs = JSON.parse(history.stdout);
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatchObject({ run: "btc-daily@first", outcome: "bought", reason: "FILLED" });
  expect(JSON.parse(again.stdout).orders).toEqual(runs[0].orders);
});

test("why tells the same for programs and, with its steps, for people", async () => {
  const json = await house.tide(["why", "btc-daily@first", "--json"]);
  const why = JSON.parse(json.stdout);
  expect(why).toMatchObject({
    run: "btc-daily@first",
    plan: "btc-daily",
    outcome: "bought",
    reason: "FILLED",
  });
  const text = await house.tide(["why", "btc-daily@first"]);
  expect(text.stdout).toMatch(/^PLAY MONEY {2}btc-daily@first: bought \(FILLED\), 0\.000\d+ BTC for /);
  expect(text.stdout).toContain(why.orders[0].txid);
  expect(text.stdout).toMatch(/ {2}\d\d:\d\d:\d\d\.\d{3} {2}submit +attempt 1: buy /);
});

test("a run that does not exist is told with those that there are", async () => {
  const run = await house.tide(["why", "btc-daily@none"]);
  expect(run).toMatchObject({ code: 2, stdout: "" });
  expect(run.stderr).toContain("btc-daily@first");
});

test("without --yes and without a terminal nothing is bought", async () => {
  const { code, stdout, stderr } = await house.tide(["buy", "btc-daily"]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("--yes");
});

test("a paused plan is skipped, and says how it goes on", async () => {
  expect((await house.tide(["pause", "eth-weekdays"])).stdout).toContain(
    "PLAY MONEY  eth-weekdays is paused",
  );
  const { code, stdout } = await house.tide(["buy", "eth-weekdays", "--yes", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ outcome: "skipped", reason: "PAUSED", orders: [] });
});

test("the kill switch stops every plan until it is turned off", async () => {
  const kill = await house.tide(["kill"]);
  expect(kill.stdout).toMatch(/kill switch is on[\s\S]*Settings, API/);
  const bought = await house.tide(["buy", "btc-payday", "--yes"]);
  expect(bought.stdout).toMatch(/^PLAY MONEY {2}btc-payday@\S+: skipped \(KILLED\), .*tide resume/);
  const resumed = await house.tide(["resume"]);
  expect(resumed).toMatchObject({ code: 0, stdout: expect.stringContaining("the kill switch is off") });
});

test("a key that can withdraw is refused with its tick box; the good one is taken again", async () => {
  const [trade, , withdraw] = keys;
  const bad = await house.tide(["keys", "set"], `${withdraw!.key}\n${withdraw!.secret}\n`);
  expect(bad.code).toBe(3);
  expect(bad.stdout).toContain('"Funds permissions: Withdraw" is on; turn it off');
  const bought = await house.tide(["buy", "btc-payday", "--yes", "--json"]);
  expect(bought.code).toBe(3);
  expect(JSON.parse(bought.stdout)).toMatchObject({ outcome: "refused", reason: "KEY_REFUSED" });
  const good = { apiKey: trade!.key, privateKey: trade!.secret };
  expect((await house.tide(["keys", "set", "--json"], JSON.stringify(good))).code).toBe(0);
  const check = await house.tide(["keys", "check"]);
  expect(check.code).toBe(0);
  expect(check.stdout).toMatch(/main trade key \S+: good\n[\s\S]*main read key \S+: good/);
  for (const { stdout, stderr } of [bad, bought, check]) expect(stdout + stderr).not.toContain(trade!.secret);
});

test("each account of tide.yaml has play money of its own, and its plan buys with that", async () => {
  const plans = join(house.dir, "family.yaml");
  await writeFile(
    plans,
    `timezone: UTC
accounts: { anna: {}, ben: {} }
limits: { perOrder: 50 EUR, perDay: 50 EUR }
plans:
  - { id: anna-btc, account: anna, buy: 50 EUR of BTC, every: day 08:00 }
  - { id: ben-btc, account: ben, buy: 50 EUR of BTC, every: day 08:00 }
`,
  );
  for (const plan of ["anna-btc", "ben-btc"]) {
    const args = ["buy", plan, "--yes", "--json", "--plans", plans, "--state", join(house.dir, "family")];
    const { code, stdout } = await tide(args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ plan, outcome: "bought" });
  }
});

test("doctor names what is right, and ends with 3 for what must be mended", async () => {
  const well = await house.tide(["doctor"]);
  expect(well.code).toBe(0);
  for (const text of [
    /^ok +plans file +.*: 3 plans$/m,
    /^ok +caps +btc-daily: 20 EUR is under every cap$/m,
    /^ok +firings +btc-payday fires next /m,
    /^ok +state folder +.* can be worked in; exchange: sandbox at /m,
    /^note +mode +play money/m,
    /^note +plan +eth-weekdays is paused; tide resume eth-weekdays/m,
    /^ok +market +btc-daily: BTC\/EUR is traded; the smallest order of BTC costs about \d+\.\d+ EUR$/m,
    /^ok +trade key +main, tidekeeper-sandbox-trade: good$/m,
    /^All is well\.$/m,
  ])
    expect(well.stdout).toMatch(text);
  const mistaken = await house.tide(["doctor", "--json", "--plans", join(house.dir, "wrong.yaml")]);
  expect(mistaken.code).toBe(3);
  expect(JSON.parse(mistaken.stdout)).toMatchObject({
    fine: false,
    checks: [{ what: "plans file", state: "bad", text: expect.stringContaining("1,000 EUR") }],
  });
});
