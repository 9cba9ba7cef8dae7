/** `tide cost` as it is called: it answers from the plans file alone, and says what it cannot read. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import verb from "../../local/cli/cost.ts";
import { CHOICES_DEFAULT } from "../../shared/config/deployment.ts";
import { type CliHouse, openCliHouse } from "../support/cli-house.ts";

let house: CliHouse;

beforeAll(async () => {
  house = await openCliHouse();
});
afterAll(() => house.close());

const cost = (...words: string[]) => house.tide(["cost", ...words]);

test("prints the bill, what Kraken takes, and every way out with its total, and makes no state", async () => {
  const { code, stdout, stderr } = await cost("--plans", "tide.example.yaml");
  expect(code).toBe(0);
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^What these plans cost on AWS: .*us-east-1, egress nat-instance\n/);
  expect(stdout).toMatch(/\n {4}total +\d+\.\d\d\n/);
  expect(stdout).toMatch(/\n {2}EUR +\d+\.\d\d +\d+\.\d\d/);
  for (const mode of ["nat-gateway", "nat-instance", "none"])
    expect(stdout).toMatch(new RegExp(`\\n {2}${mode} +\\d+\\.\\d\\d +\\d+\\.\\d\\d`));
  expect(existsSync(house.state)).toBe(false);
});

test("prints one JSON object for programs, whose amounts are texts that add up", async () => {
  const { code, stdout } = await cost("--plans", "tide.example.yaml", "--json", "--egress", "nat-gateway");
  expect(code).toBe(0);
  expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  const bill = JSON.parse(stdout);
  expect(bill).toMatchObject({ currency: "USD", region: "us-east-1", egress: "nat-gateway", warnings: [] });
  const cents = (text: string) => Number(text.replace(".", ""));
  const sum = bill.lines.reduce((total: number, { amount }: { amount: string }) => total + cents(amount), 0);
  expect(cents(bill.total)).toBe(sum);
  expect(bill.modes).toHaveLength(3);
  expect(bill.breakEven).toEqual(bill.modes[0].breakEven);
  expect(bill.lines[0]).toEqual({
    stack: "TidekeeperState",
    item: "fixed address, kept in every egress",
    quantity: "730",
    unit: "hours",
    price: "0.005",
    per: "hour",
    free: null,
    amount: "3.65",
    source: expect.stringContaining("AWS"),
    toBeChecked: true,
  });
});

test("takes the egress of the plans file when none is asked for", async () => {
  const plans = join(house.dir, "open.yaml");
  await writeFile(
    plans,
    "egress: none\nacceptOpenAllowList: true\nlimits: { perOrder: 10 EUR, perDay: 10 EUR, perMonth: 400 EUR }\n" +
      "plans:\n  - { id: a, buy: 10 EUR of BTC, every: day 08:00 }\n",
  );
  expect((await cost("--plans", plans)).stdout).toContain("egress none\n");
});

test("a region of which nothing is known is priced as us-east-1, and the warning is in the JSON, too", async () => {
  const { code, stdout } = await cost("--region", "eu-central-1", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout).warnings).toEqual([
    expect.stringContaining("no prices are known for eu-central-1"),
  ]);
});

test.each([
  [["--egress", "vpn"], /'vpn' is invalid.*nat-gateway, nat-instance, none/],
  [["--nat-zones", "3"], /'3' is invalid.*1, 2/],
  [["--region", "us-eats-1"], /"us-eats-1" is no region of AWS.*write --region us-east-1/],
  [["--region", "the-moon"], /"the-moon" is no region of AWS, expected one like us-east-1/],
  [["--plans", "no-such.yaml"], /no-such\.yaml cannot be read \(ENOENT\)/],
])("%j is refused with what to write instead", async (words, told) => {
  const { code, stdout, stderr } = await cost(...words);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(told);
});

test("a mistake in the plans is told with its place and its fix, and nothing is printed", async () => {
  const plans = join(house.dir, "wrong.yaml");
  await writeFile(plans, "plans:\n  - id: a\n    buy: 1,000 EUR of BTC\n    every: day 08:00\n");
  const { code, stdout, stderr } = await cost("--json", "--plans", plans);
  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/wrong\.yaml:3:\d+ .*1,000 EUR.*expected.*write/);
});

test("--help names its options", async () => {
  const { code, stdout } = await cost("--help");
  expect(code).toBe(0);
  for (const option of ["--egress", "--region", "--nat-zones", "--json", "--plans"])
    expect(stdout).toContain(option);
});

test("it is the bill of this deployment: zones as cdk.json says, the region of its outputs, or else of the environment", async () => {
  const outputs = join(house.dir, "cdk.outputs.json");
  const said: string[] = [];
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
  const billed = async (options: object, env: Record<string, string>) => {
    const given = { args: [], options: { state: house.state, json: true, outputs, ...options } };
    await verb(given, { env, choices: () => ({ ...CHOICES_DEFAULT, natZones: 2 }) });
    const { region, natZones } = JSON.parse(said.pop()!);
    return [region, natZones];
  };
  try {
    expect(await billed({}, {})).toEqual(["us-east-1", 2]);
    expect(await billed({ natZones: "1" }, { AWS_REGION: "eu-west-1" })).toEqual(["eu-west-1", 1]);
    const State = { TableName: "t", DcaQueueUrl: "q", DcaDeadLettersUrl: "d", MessagesTopicArn: "a" };
    const more = { Region: "eu-north-1", Deployment: "x", TradeKeyName: "k", KrakenAddresses: "203.0.113.7" };
    await writeFile(outputs, JSON.stringify({ TidekeeperState: { ...State, ...more } }));
    expect(await billed({}, { AWS_REGION: "eu-west-1" })).toEqual(["eu-north-1", 2]);
    expect(await billed({ region: "us-west-2" }, {})).toEqual(["us-west-2", 2]);
  } finally {
    write.mockRestore();
  }
});
