/** `tide doctor --aws`, and `tide deploy` onto a deployment that is there, against the embedded AWS. */
import { join } from "node:path";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import deploy from "../../local/cli/deploy.ts";
import { doctorText } from "../../local/cli/doctor.ts";
import type { Check } from "../../local/doctor/check.ts";
import { checkDeployment } from "../../local/doctor/deployment.ts";
import { keyCheckItem } from "../../shared/aws/items.ts";
import { type AwsHouse, openAwsHouse } from "../support/aws-house.ts";

let house: AwsHouse;
beforeAll(async () => {
  house = await openAwsHouse();
  process.env.AWS_ENDPOINT_URL = house.endpoint;
  await house.sweep();
});
afterAll(() => house.close());

async function looked(): Promise<{ readonly checks: readonly Check[]; readonly told: readonly string[] }> {
  const { desk, at, told } = await house.desk();
  const checks = await checkDeployment(at, desk);
  at.close();
  return { checks, told };
}
const wrong = ({ checks }: { checks: readonly Check[] }) =>
  checks.filter(({ state }) => state === "bad").map(({ what, text }) => `${what}: ${text}`);

const cdk = async () => 0;
const given = () => ({
  args: [],
  options: { state: ".tide", plans: house.plansFile, outputs: house.outputsFile, yes: true, json: true },
});

test("a new deployment without a key is all well, and says what is not there yet", async () => {
  const { code, stdout } = await house.tide(["doctor", "--aws"]);
  expect(code).toBe(0);
  for (const text of [
    /^ok +plans file +tide\.yaml: 1 plans$/m,
    /^ok +firings +btc-weekly fires next Mon /m,
    /^ok +plans +what is deployed is this plans file$/m,
    /^ok +addresses +127\.0\.0\.1: /m,
    /^ok +table +tidekeeper answers$/m,
    /^ok +queue +answers; 0 waiting, 0 in work$/m,
    /^ok +dead letters +none$/m,
    /^note +mode +dry-run: /m,
    /^ok +kill switch +off$/m,
    /^ok +sweep +has told of every day up to /m,
    /^note +trade key +main: none is set; tide keys set --aws takes one$/m,
    /^ok +messages +all are told$/m,
    /^ok +mailboxes +owner@example\.org hear messages and alarms$/m,
    /^All is well\.$/m,
  ])
    expect(stdout).toMatch(text);
});

test("a deploy without a key ends well, and says which key to make", async () => {
  const { code, stdout } = await house.tide(["deploy", "--explain"]);
  expect(code).toBe(0);
  expect(stdout).toContain("in eu-central-1: deployment sandbox is brought up to it");
  expect(stdout).toContain("no trade key yet for main; tide keys set --aws takes it");
  expect(await deploy(given(), cdk)).toBe(0);
});

describe("with a key", () => {
  test("a verdict under an hour old is taken, and an older one is asked for anew", async () => {
    const { desk } = await house.desk();
    await desk.setKey("main", "trade", house.key("trade"));
    const fresh = await looked();
    expect(wrong(fresh)).toEqual([]);
    expect(fresh.told).toEqual([]);
    const known = (await house.deps.books.keyCheck("main", "trade"))!;
    const old = { ...known, checkedAt: (known.checkedAt - 3_600_000) as typeof known.checkedAt };
    // By hand: the ledger itself takes no verdict that is older than the one it has.
    const { dynamo } = (await house.desk()).at;
    await dynamo.send(
      new PutItemCommand({ TableName: "tidekeeper", Item: keyCheckItem("main", "trade", old) }),
    );
    const again = await looked();
    expect(wrong(again)).toEqual([]);
    expect(again.told.filter((text) => text.startsWith("asked"))).toEqual([
      "asked the functions to check the trade key of main",
    ]);
  });

  test("a deploy has it checked, and ends with 3 and the tick box when it is refused", async () => {
    expect(await deploy(given(), cdk)).toBe(0);
    const { desk } = await house.desk();
    expect(await desk.setKey("main", "trade", house.key("withdraw"))).toMatchObject({ state: "refused" });
    expect(await deploy(given(), cdk)).toBe(3);
    expect(wrong(await looked())).toEqual([expect.stringContaining('"Funds permissions: Withdraw" is on')]);
    // The next one says so before it does anything.
    const { stdout } = await house.tide(["deploy", "--explain"]);
    expect(stdout).toContain("Keys      the trade key of main is refused; the warnings below say why\n");
    expect(stdout).toMatch(
      /Warnings\n(.*\n)* {2}the trade key of main is refused, and nothing is bought with it: .*"Funds permissions: Withdraw" is on/,
    );
    await desk.setKey("main", "trade", house.key("trade"));
    expect((await house.tide(["deploy", "--explain"])).stdout).toContain("every account has a trade key\n");
  });
});

describe("what must be mended is named, one by one:", () => {
  test("the kill switch, and a firing that was put aside", async () => {
    const { books, deadLetters } = house.deps;
    await books.setKilled("main", true);
    await deadLetters.send("main", { refused: "test" }, "one");
    const found = wrong(await looked());
    expect(found).toEqual([
      expect.stringMatching(/^dead letters: 1 .*docs\/runbook\.md/),
      "kill switch: on: nothing is bought; tide resume --aws turns it off",
    ]);
    const { code, stdout } = await house.tide(["doctor", "--aws", "--json"]);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ fine: false });
    await books.setKilled("main", false);
  });

  test("a sweep that has left no sign of life, and a plan that it has not seen", async () => {
    const { desk, at } = await house.desk();
    const { books } = at.deps;
    const head = await house.deps.books.head("main");
    const [state] = await house.deps.books.plans("main");
    const activeFrom = state!.activeFrom - 600_000;
    Object.assign(books, {
      head: async () => ({ ...head, dailyTo: undefined }),
      plans: async () => [{ ...state, id: "another", activeFrom }],
    });
    const found = wrong({ checks: await checkDeployment(at, desk) });
    expect(found).toContainEqual(expect.stringMatching(/^sweep: has left no sign of life since .*; look at/));
    expect(found).toContainEqual(expect.stringMatching(/^plan: btc-weekly is not in the ledger/));
  });

  test("a slot of which nothing is known, and a plan on hold", async () => {
    const { desk, at } = await house.desk();
    const [state] = await house.deps.books.plans("main");
    const longAgo = state!.accountedTo - 8 * 86_400_000;
    Object.assign(at.deps.books, {
      plans: async () => [{ ...state, accountedTo: longAgo, blocked: "look" }],
    });
    const found = wrong({ checks: await checkDeployment(at, desk) });
    expect(found).toContainEqual(
      "plan: btc-weekly is on hold: look; tide resume btc-weekly --aws lets it go on",
    );
    expect(found).toContainEqual(
      expect.stringMatching(/^slots: btc-weekly: nothing is known of its slot Mon /),
    );
  });

  test("a missing outputs file, and other plans than the deployed ones", async () => {
    const none = await house.tide(["doctor", "--aws", "--outputs", "none.json"]);
    expect(none).toMatchObject({
      code: 3,
      stdout: expect.stringMatching(/^MEND +outputs +none\.json is not there/m),
    });
    const plans = join(import.meta.dirname, "../../tide.example.yaml");
    const other = await house.tide(["doctor", "--aws", "--plans", plans]);
    expect(other.code).toBe(3);
    expect(other.stdout).toMatch(/^MEND +plans +.*is not what was deployed.*npm run deploy/m);
  });
});

test("the list is green and red where there are colors, and plain elsewhere", () => {
  const checks = [
    { what: "a", state: "good", text: "fine" },
    { what: "b", state: "bad", text: "mend it" },
  ] as const;
  expect(doctorText(checks, { colors: false })).toBe("ok    a  fine\nMEND  b  mend it\n\n1 thing to mend.\n");
  expect(doctorText(checks, { colors: true })).toContain("\u001b[31mMEND\u001b[39m  b  mend it");
});

test("a mail that nobody confirmed is to be mended: the topic would publish to nobody and say nothing", async () => {
  const other = await openAwsHouse({ confirmed: false });
  try {
    process.env.AWS_ENDPOINT_URL = other.endpoint;
    await other.sweep();
    const { desk, at } = await other.desk();
    const checks = await checkDeployment(at, desk);
    at.close();
    expect(wrong({ checks })).toEqual([
      expect.stringContaining("mailboxes: not confirmed: owner@example.org on tidekeeper-messages"),
    ]);
  } finally {
    process.env.AWS_ENDPOINT_URL = house.endpoint;
    await other.close();
  }
});
