/** `tide --aws` against a deployment in the embedded AWS, with a worker in place of Lambda. One story, told in order. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ADDRESS, type AwsHouse, openAwsHouse } from "../support/aws-house.ts";

let house: AwsHouse;

beforeAll(async () => {
  house = await openAwsHouse();
});
afterAll(() => house.close());

const aws = (words: readonly string[], input?: string) => house.tide([...words, "--aws"], input);

test("without a key the check says so, and a buy is refused", async () => {
  const check = await aws(["keys", "check"]);
  expect(check).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("DRY RUN  main trade key: missing"),
  });
  const buy = await aws(["buy", "btc-weekly", "--yes", "--json", "--key", "no-key"]);
  expect(buy.code).toBe(3);
  expect(JSON.parse(buy.stdout)).toMatchObject({ run: "btc-weekly@no-key", reason: "KEY_MISSING" });
});

test("a key that can withdraw is stored, judged by the functions, and refused with its tick box", async () => {
  const { apiKey, privateKey } = house.key("withdraw");
  const set = await aws(["keys", "set"], `${apiKey}\n${privateKey}\n`);
  expect(set.code).toBe(3);
  expect(set.stdout).toContain('"Funds permissions: Withdraw" is on; turn it off');
  expect(set.stdout).toContain("make a key named tidekeeper-sandbox-trade that nothing else uses");
  expect(set.stdout + set.stderr).not.toContain(privateKey);
});

test("the good key is taken, whatever was said of the one before", async () => {
  const set = await aws(["keys", "set", "--json"], JSON.stringify(house.key("trade")));
  expect(set.code).toBe(0);
  expect(JSON.parse(set.stdout)).toMatchObject({ account: "main", use: "trade", state: "good" });
});

test("a buy goes through the queue, and its end comes back out of the ledger", async () => {
  const buy = await aws(["buy", "btc-weekly", "--yes", "--json", "--key", "first"]);
  expect(buy.code).toBe(0);
  expect(JSON.parse(buy.stdout)).toMatchObject({
    run: "btc-weekly@first",
    outcome: "rehearsed",
    label: "DRY RUN",
  });
  expect(buy.stderr).toContain("sent btc-weekly@first to the functions");
  expect(house.sandbox.orders()).toEqual([]);
});

test("history and why read the ledger, and the same key is the same run", async () => {
  await aws(["buy", "btc-weekly", "--yes", "--key", "first"]);
  const history = JSON.parse((await aws(["history", "--json"])).stdout);
  expect(history.map(({ run }: { run: string }) => run)).toEqual(["btc-weekly@no-key", "btc-weekly@first"]);
  const why = await aws(["why", "btc-weekly@first"]);
  expect(why.stdout).toMatch(/^DRY RUN {2}btc-weekly@first: rehearsed/);
});

test("status says besides what belongs to the key at Kraken, and where to look", async () => {
  const { code, stdout } = await aws(["status"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^DRY RUN {2}Kraken, from AWS eu-central-1, /);
  expect(stdout).toMatch(new RegExp(`addresses +${ADDRESS} `));
  expect(stdout).toMatch(/key name +tidekeeper-sandbox-trade /);
  expect(stdout).toMatch(/egress +nat-instance/);
  expect(stdout).toContain("https://console.aws.example/dashboard");
});

test("kill turns the switch on at once, has the functions cancel, and resume turns it off", async () => {
  const kill = await aws(["kill"]);
  expect(kill.code).toBe(0);
  expect(kill.stdout).toContain("the kill switch is on");
  expect(kill.stdout).toContain("main: asked the functions to cancel");
  expect(kill.stdout).toContain("Settings, API");
  expect((await house.deps.books.head("main")).killed).toBe(true);
  await expect
    .poll(async () => (await house.deps.books.messages("main")).map(({ id }) => id))
    .toContainEqual(expect.stringMatching(/^asked#/));
  expect((await aws(["resume"])).stdout).toContain("the kill switch is off");
  expect((await house.deps.books.head("main")).killed).toBe(false);
});
