/** `tide deploy` and `tide destroy` before anything exists: what they say, what they would start, and what stops them. */
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import deploy from "../../local/cli/deploy.ts";
import destroy from "../../local/cli/destroy.ts";
import { tickBoxes } from "../../local/deployment/key-steps.ts";
import { ROOT, tide } from "../support/cli-house.ts";

const PLANS = `
mode: live
timezone: Europe/Berlin
egress: none
acceptOpenAllowList: true
limits: { perOrder: 500 EUR, perDay: 500 EUR, perMonth: 2000 EUR, maxSlippage: 0.5% }
plans:
  - id: btc-nightly
    buy: 100 EUR of BTC
    every: day 02:30
  - id: core
    rebalance: { BTC: 50%, EUR: 50% }
    every: sunday 18:00
    trade: { minimum: 20 EUR, maxTurnover: 200 EUR }
`;

let dir: string;
let plans: string;
let outputs: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tidekeeper-deploy-"));
  plans = join(dir, "tide.yaml");
  outputs = join(dir, "cdk.outputs.json");
  await writeFile(plans, PLANS);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** In place of the CDK: what it was started with, and how it ends. */
function fakeCdk(...codes: number[]) {
  const started: (readonly string[])[] = [];
  const run = async (args: readonly string[]) => {
    started.push(args);
    return codes.shift() ?? 0;
  };
  return { started, run };
}

const given = (more: object = {}) => ({
  args: [],
  options: { state: ".tide", plans, outputs, yes: true, json: true, ...more },
});
const takenAway = ["-c", "tidekeeper:takenAway=true"];
const plansHere = () => `plans=${relative(ROOT, plans)}`;

/** What the verbs print in this process is not among the results. */
beforeEach(() => {
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, "write").mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("deploy --explain", () => {
  test("says mode, plans, caps, egress, cost and what is kept, warns, and does nothing", async () => {
    const { code, stdout } = await tide(["deploy", "--explain", "--plans", plans, "--outputs", outputs]);
    expect(code).toBe(0);
    for (const text of [
      "nothing deployed is known here",
      /^Known {5}nothing: no \S*cdk\.outputs\.json here\. If Tidekeeper is deployed already, bring that file or name it with --outputs FILE/m,
      "live: once armed, orders are placed with your money",
      "none: the functions have no fixed address, so your API keys work from ANY address",
      /LIVE {2}btc-nightly +100 EUR of BTC +every day 02:30 +Europe\/Berlin +next /,
      /core +rebalance +every sunday 18:00 .*read, not run by this version/,
      "LIVE  perMonth 2000 EUR",
      /about \d+\.\d\d USD a month/,
      "they come after, with tide keys set --aws",
      "Kept for ever, also by tide destroy",
      /does not exist in Europe\/Berlin on days when clocks go forward/,
      "notify names nobody",
    ])
      expect(stdout).toMatch(text);
  });

  test("prints one JSON object for programs", async () => {
    const { stdout } = await tide(["deploy", "--explain", "--json", "--plans", plans, "--outputs", outputs]);
    expect(JSON.parse(stdout)).toMatchObject({
      mode: "live",
      egress: "none",
      deployment: null,
      notKnown: expect.stringMatching(/^nothing: no \S*cdk\.outputs\.json here/),
      withoutKey: null,
      plans: [
        { id: "btc-nightly", runs: true },
        { id: "core", runs: false },
      ],
      usdPerMonth: expect.stringMatching(/^\d+\.\d\d$/),
    });
  });

  test("says so, and goes on, when what an earlier deploy wrote is broken", async () => {
    await writeFile(outputs, "{");
    const { code, stdout } = await tide(["deploy", "--explain", "--plans", plans, "--outputs", outputs]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Known {5}nothing: \S*cdk\.outputs\.json is not JSON/m);
  });
});

describe("deploy", () => {
  test("starts the CDK once, with exactly these arguments, and ends with 1 when it fails", async () => {
    const { started, run } = fakeCdk(7);
    expect(await deploy(given(), run)).toBe(1);
    const file = relative(ROOT, outputs);
    expect(started).toEqual([
      ["deploy", "--all", "--require-approval", "never", "--outputs-file", file, "-c", plansHere()],
    ]);
  });

  test.each([
    ["a mistake in the plans", PLANS.replace("100 EUR", "1,000 EUR"), "1,000 EUR"],
    ["an egress that there is not", PLANS.replace("egress: none", "egress: vpn"), "vpn"],
    [
      "a plan whose firings are all over",
      PLANS.replace("every: day 02:30", "every: cron(0 8 ? * MON 2020)"),
      /tide\.yaml:10:12 {2}plans\[0\]\.every: read "cron\(0 8 \? \* MON 2020\)", expected a schedule that fires after 20\d\d-\d\d-\d\d: all firings of btc-nightly are over; change it, or take the plan out/,
    ],
    [
      "an open allow-list that was not accepted",
      PLANS.replace("acceptOpenAllowList: true", ""),
      "acceptOpenAllowList",
    ],
  ])("stops at %s before anything", async (_, text, told) => {
    await writeFile(plans, text);
    const { code, stdout, stderr } = await tide(["deploy", "--yes", "--plans", plans]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(told);
  });

  test("says of what year a firing is that is far away", async () => {
    await writeFile(plans, PLANS.replace("every: day 02:30", "every: 2 weeks monday 08:00 from 2150-01-01"));
    const { code, stdout } = await tide(["deploy", "--explain", "--plans", plans, "--outputs", outputs]);
    expect(code).toBe(0);
    expect(stdout).toContain("next Mon 5 Jan 2150 08:00 GMT+1");
  });

  test.each(["deploy", "destroy"])("%s does nothing unless its own word is typed", async (verb) => {
    const { code, stderr } = await tide([verb, "--plans", plans, "--outputs", outputs], "yes\n");
    expect(code).toBe(3);
    expect(stderr).toMatch(new RegExp(`"yes" was typed, expected ${verb}; nothing was ${verb}ed`));
  });
});

describe("with a deployment that is there", () => {
  const state = { TableName: "t", DcaQueueUrl: "q", DcaDeadLettersUrl: "d", MessagesTopicArn: "a" };
  const known = {
    ...state,
    Region: "eu-west-1",
    Deployment: "x1",
    TradeKeyName: "k",
    KrakenAddresses: "203.0.113.7",
  };
  const write = () =>
    writeFile(
      outputs,
      JSON.stringify({
        TidekeeperState: known,
        TidekeeperAutomation: { SettingsHash: "h" },
        TidekeeperNetwork: {},
      }),
    );
  /** An AWS account that has no such table: the ledger cannot be asked, which is said. */
  const empty = createServer((_, response) => {
    response.writeHead(400, { "content-type": "application/x-amz-json-1.0" });
    response.end(
      '{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no table"}',
    );
  });
  beforeAll(async () => {
    await once(empty.listen(0, "127.0.0.1"), "listening");
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${(empty.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    delete process.env.AWS_ENDPOINT_URL;
    empty.closeAllConnections();
    empty.close();
  });
  const writeEgress = (Egress: string, KrakenAddresses = known.KrakenAddresses) =>
    writeFile(
      outputs,
      JSON.stringify({ TidekeeperState: { ...known, KrakenAddresses }, TidekeeperNetwork: { Egress } }),
    );
  const through = (egress: string) =>
    writeFile(
      plans,
      PLANS.replace("egress: none\nacceptOpenAllowList: true", `egress: ${egress}`).replace(
        / {2}- id: core[\s\S]*/,
        "",
      ),
    );

  test.each([
    ["nat-instance", "nat-gateway"],
    ["nat-gateway", "nat-instance"],
  ])(
    "from %s to %s the address is let go of first, and nothing more is done when that fails",
    async (from, to) => {
      await through(to);
      await writeEgress(from);
      const { started, run } = fakeCdk(0, 7);
      expect(await deploy(given(), run)).toBe(1);
      expect(started.map(([verb, ...args]) => [verb, args[0], args.at(-1)])).toEqual([
        ["deploy", "TidekeeperNetwork", "tidekeeper:egressOff=true"],
        ["deploy", "--all", plansHere()],
      ]);
      const failing = fakeCdk(7);
      expect(await deploy(given(), failing.run)).toBe(1);
      expect(failing.started).toHaveLength(1);
    },
  );

  test.each([
    ["none", "nat-gateway"],
    ["nat-instance", "nat-instance"],
  ])("from %s to %s it is one step", async (from, to) => {
    await through(to);
    await writeEgress(from);
    const { started, run } = fakeCdk(7);
    await deploy(given(), run);
    expect(started.map(([, what]) => what)).toEqual(["--all"]);
  });

  test("an address that Kraken knows is never given up", async () => {
    await through("nat-gateway");
    await writeEgress("nat-gateway", "203.0.113.7,203.0.113.8");
    const { started, run } = fakeCdk();
    await expect(deploy(given(), run)).rejects.toThrow(
      'an address is never given up; leave "tidekeeper:natZones" at 2',
    );
    expect(started).toEqual([]);
  });

  test("keeps the state, says what that costs, and forgets what is gone", async () => {
    await write();
    const { started, run } = fakeCdk();
    expect(await destroy(given(), run)).toBe(0);
    expect(started).toEqual([
      ["destroy", "TidekeeperAutomation", "TidekeeperNetwork", "--force", "-c", plansHere(), ...takenAway],
    ]);
    expect(JSON.parse(await readFile(outputs, "utf8"))).toEqual({ TidekeeperState: known });
  });

  test("with the state names what AWS keeps all the same, and the command for each", async () => {
    await write();
    const words = ["destroy", "--with-state", "--plans", plans, "--outputs", outputs];
    const { stdout } = await tide(words);
    for (const text of [
      "update-termination-protection --no-enable-termination-protection --stack-name TidekeeperState",
      "aws dynamodb update-table --table-name t --no-deletion-protection-enabled --region eu-west-1",
      "aws dynamodb delete-table --table-name t",
      "aws ec2 describe-addresses --public-ips 203.0.113.7",
      "aws secretsmanager delete-secret --secret-id tidekeeper/main/trade",
      "aws kms schedule-key-deletion",
      "whether orders are still open could not be asked: AWS has no such thing in eu-west-1 (no table)",
    ])
      expect(stdout).toContain(text);
  });

  test("with the state destroys it last, and tells of its protection when that fails", async () => {
    await write();
    const { started, run } = fakeCdk(0, 1);
    expect(await destroy(given({ withState: true }), run)).toBe(1);
    expect(started.map((args) => args.slice(1, -5))).toEqual([
      ["TidekeeperAutomation", "TidekeeperNetwork"],
      ["TidekeeperState"],
    ]);
    expect(existsSync(outputs)).toBe(true);
  });
});

test("the tick boxes that are told are those that the key check asks for", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  for (const box of tickBoxes("trade")) expect(readme).toContain(`   - ${box}\n`);
  expect(tickBoxes("trade")).toEqual([
    "Funds permissions: Query",
    "Orders and trades: Query open orders & trades",
    "Orders and trades: Query closed orders & trades",
    "Orders and trades: Create & modify orders",
    "Orders and trades: Cancel & close orders",
  ]);
});
