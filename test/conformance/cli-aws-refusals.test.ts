/** What `tide --aws` refuses: other plans than the deployed ones, and what was asked wrongly. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AwsHouse, openAwsHouse } from "../support/aws-house.ts";

let house: AwsHouse;

beforeAll(async () => {
  house = await openAwsHouse();
});
afterAll(() => house.close());

const aws = (words: readonly string[], input?: string) => house.tide([...words, "--aws"], input);

describe("other plans than the deployed ones", () => {
  const other = () => join(house.dir, "other.yaml");
  beforeAll(async () => {
    const text = `
mode: dry-run
timezone: Europe/Berlin
limits: { perOrder: 500 EUR, perDay: 500 EUR, perMonth: 2000 EUR, maxSlippage: 0.5% }
plans: [{ id: btc-weekly, buy: 200 EUR of BTC, every: monday 08:00 }]
`;
    await writeFile(other(), text);
  });

  test("are warned about where nothing is spent", async () => {
    const next = await aws(["next", "--plans", other()]);
    expect(next).toMatchObject({ code: 0, stdout: expect.stringContaining("200 EUR of BTC") });
    expect(next.stderr).toMatch(/warning: .*other\.yaml is not what was deployed.*npm run deploy/);
  });

  test.each([["buy", "btc-weekly", "--yes"], ["arm"]])("are refused by %s", async (...words) => {
    const { code, stdout, stderr } = await aws([...words, "--plans", other()]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain("is not what was deployed");
  });
});

describe("what was asked wrongly", () => {
  beforeAll(async () => {
    const { TidekeeperState } = house.outputs;
    const { DcaQueueUrl: _, ...rest } = TidekeeperState!;
    await writeFile(join(house.dir, "broken.json"), JSON.stringify({ TidekeeperState: rest }));
  });

  test.each([
    [
      ["status", "--outputs", "none.json"],
      "none.json is not there: no deployment was made from this folder; run npm run deploy",
    ],
    [["status", "--exchange", "sandbox"], "--exchange is of one machine"],
    [["status", "--plans", "none.yaml"], "none.yaml cannot be read"],
    [["buy", "gold", "--yes"], 'there is no plan "gold"; there is btc-weekly'],
    [["why", "btc-weekly@none"], "there is none yet"],
    [["resolve", "btc-weekly@first"], 'there is no run "btc-weekly@first" to resolve; in quarantine none is'],
    [["keys", "set", "--account", "second"], 'there is no account "second"; there is main'],
    [
      ["keys", "set", "--outputs", "broken.json"],
      "broken.json lacks TidekeeperState.DcaQueueUrl; run npm run deploy",
    ],
    [["pause", "gold"], 'there is no plan "gold"'],
    [["keys", "set", "a-key"], "a key is not taken as an argument"],
  ])("%j", async (words, text) => {
    const { code, stdout, stderr } = await aws(words, JSON.stringify(house.key("trade")));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(text);
  });
});

describe("when a part of the deployment is gone", () => {
  const without = async (name: string, to: string): Promise<string> => {
    const { TidekeeperState, ...others } = house.outputs;
    const file = join(house.dir, `without-${name}.json`);
    await writeFile(file, JSON.stringify({ ...others, TidekeeperState: { ...TidekeeperState, [name]: to } }));
    return file;
  };

  test("kill fails loudly, still has open orders cancelled, and says how to shut the key out at Kraken", async () => {
    const { code, stdout, stderr } = await aws(["kill", "--outputs", await without("TableName", "gone")]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("the kill switch could not be set for main: ");
    expect(stderr).toContain("Settings, API, the key's menu, Disable or Delete");
    await expect.poll(async () => house.deps.books.messages("main")).not.toEqual([]);
  });

  test("without the queue kill holds all the same, and ends with 1; a buy says under which key to ask again", async () => {
    const outputs = await without("DcaQueueUrl", `${house.endpoint}/000000000000/gone.fifo`);
    const kill = await aws(["kill", "--outputs", outputs]);
    expect(kill.code).toBe(1);
    expect(kill.stdout).toMatch(/the kill switch is on[\s\S]*main: what of ours is open was NOT cancelled/);
    expect((await house.deps.books.head("main")).killed).toBe(true);
    const buy = await aws(["buy", "btc-weekly", "--yes", "--key", "mine", "--outputs", outputs]);
    expect(buy).toMatchObject({ code: 2, stdout: "" });
    expect(buy.stderr).toMatch(/ask again with --key mine[\s\S]*AWS has no such thing in eu-central-1/);
  });
});
