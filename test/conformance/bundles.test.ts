/** What Lambda will run: the built files, each event in a fresh process, against the embedded AWS and Kraken over HTTP. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bundle, FUNCTIONS, type FunctionName } from "../../infra/bundle.ts";
import { armingHash, clientOrderIdOf } from "../../shared/app/ids.ts";
import { METRIC_NAMESPACE } from "../../shared/config/names.ts";
import { readSettingsText, SETTINGS_FILE, settingsText } from "../../shared/config/settings-file.ts";
import { format } from "../../shared/domain/decimal.ts";
import { slotText } from "../../shared/domain/schedule.ts";
import { epochMs, MINUTE_MS } from "../../shared/domain/time.ts";
import { templateEnvironments } from "../support/bundle-environment.ts";
import {
  type Built,
  type BundleHouse,
  delivered,
  openBundleHouse,
  RECORDED,
  SCHEDULER_CALL,
} from "../support/bundle-house.ts";
import { settingsIn } from "../support/house.ts";
import { ROOT } from "../support/machine-process.ts";

const BYTES_MAX = 1_000_000;
const isWritten = (name: FunctionName) => existsSync(join(ROOT, "functions", `${name}.ts`));
const BUNDLES = FUNCTIONS.filter(isWritten);

/** The functions have the machine's clock: their slots are of this very hour. */
const THIS_MINUTE = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
const minutesAgo = (count: number) => epochMs(THIS_MINUTE - count * MINUTE_MS);
const hourlyAt = (at: number) => `hour at :${String(new Date(at).getUTCMinutes()).padStart(2, "0")}`;

const PLANS = `
mode: dry-run
timezone: UTC
limits: { perOrder: 500 EUR, perDay: 500 EUR, perMonth: 2000 EUR, maxSlippage: 0.5% }
plans:
  - { id: btc-weekly, buy: 100 EUR of BTC, every: monday 07:00, ifMissed: catch-up within 2h }
  - { id: now, buy: 20 EUR of BTC, every: "${hourlyAt(minutesAgo(0))}", ifMissed: catch-up within 30m }
  - { id: late, buy: 20 EUR of ETH, every: "${hourlyAt(minutesAgo(5))}", ifMissed: catch-up within 30m }
  - { id: lost, buy: 20 EUR of ETH, every: "${hourlyAt(minutesAgo(15))}", ifMissed: skip }
`;
const RUN = `now@${slotText(minutesAgo(0))}`;
/** As Scheduler prints the planned time: with seconds. */
const FIRING = {
  kind: "dca",
  account: "main",
  plan: "now",
  slot: new Date(THIS_MINUTE).toISOString().replace(".000Z", "Z"),
};
const DONE = { batchItemFailures: [] };

let temp: string;
let built: Built;

beforeAll(() => {
  temp = mkdtempSync(join(tmpdir(), "tidekeeper-bundles-"));
  const settings = settingsIn(PLANS);
  const folders = new Map(BUNDLES.map((name) => [name, bundle(name, settingsText(settings), temp)]));
  const folderOf = (name: FunctionName) => folders.get(name)!;
  built = { settings, folderOf, variablesOf: templateEnvironments(folderOf("dca"), join(temp, "cdk.out")) };
});
afterAll(() => rmSync(temp, { recursive: true, force: true }));

describe("a bundle at work", () => {
  let house: BundleHouse;

  beforeEach(async () => {
    house = await openBundleHouse(built);
    await house.storeKey();
  });
  afterEach(async () => {
    await house.close();
    const { key, secret } = house.key;
    const bytes = Buffer.from(secret, "base64");
    const spellings = [
      key,
      secret,
      ...(["hex", "latin1", "base64url"] as const).map((as) => bytes.toString(as)),
    ];
    for (const spelling of spellings) expect(house.said()).not.toContain(spelling);
  });

  test("a firing buys once, and ledger, exchange and message agree", async () => {
    const { answer, stdout, stderr } = await house.invoke("dca", delivered(FIRING));
    expect(answer).toEqual(DONE);
    expect(stderr).toBe("");
    const { run, intent } = (await house.run(RUN))!;
    expect(run).toMatchObject({ outcome: "bought", label: "PLAY MONEY" });
    expect(intent).toMatchObject({ state: "DONE", n: 1, clientOrderId: clientOrderIdOf("main", RUN, 0) });
    const [order, ...others] = house.orders();
    expect(others).toEqual([]);
    expect(order!.clOrdId).toBe(intent!.clientOrderId);
    expect([order!.txid]).toEqual(intent!.txids);
    for (const [ours, theirs] of [
      [intent!.fills!.volume, order!.volExec],
      [intent!.fills!.cost, order!.cost],
      [intent!.fills!.fee, order!.fee],
    ] as const)
      expect(Number(format(ours))).toBe(Number(theirs));
    const [message, ...more] = house.cloud.published();
    expect(more).toEqual([]);
    expect(message!.message).toMatch(/^PLAY MONEY\. Bought 0\.00\d+ BTC for /);
    expect(message!.message).toContain(RUN);
    expect(stepsIn(stdout)).toEqual([..."fire plan quote size record submit reconcile notify".split(" ")]);
  });

  test("the same firing delivered again, to another container, buys nothing more", async () => {
    await house.invoke("dca", delivered(FIRING));
    const again = await house.invoke("dca", delivered(FIRING, 2));
    expect(again.answer).toEqual(DONE);
    expect(house.orders()).toHaveLength(1);
    expect(house.cloud.published()).toHaveLength(1);
  });

  test("the recorded firing, delivered long after its slot, is missed and told, and nothing is bought", async () => {
    expect((await house.invoke("dca", RECORDED)).answer).toEqual(DONE);
    expect((await house.run("btc-weekly@2026-11-23T07:00Z"))?.run).toMatchObject({ outcome: "missed" });
    expect(house.orders()).toEqual([]);
    expect(house.cloud.published()).toHaveLength(1);
  });

  test("a refused message lands in the dead-letter queue, and its batch is not failed", async () => {
    const body = { ...FIRING, plan: "unknown" };
    expect((await house.invoke("dca", delivered(body))).answer).toEqual(DONE);
    expect(await house.inQueue("dead letters")).toEqual([
      { refused: 'there is no plan "unknown"', body: JSON.stringify(body) },
    ]);
    expect(house.orders()).toEqual([]);
  });

  test("a firing whose reply is lost with its container is found by the next one, not sent again", async () => {
    await house.arm([{ endpoint: "AddOrder", fault: "drop-reply-after-accept" }]);
    const first = await house.invoke("dca", delivered(FIRING), /not sending again/);
    expect(first.answer).toBeUndefined();
    expect((await house.run(RUN))?.intent?.state).toBe("SUBMITTING");
    const next = await house.invoke("dca", delivered(FIRING, 2));
    expect(next.answer).toEqual(DONE);
    expect(next.stdout).toContain("found at Kraken, not sent again");
    const { run, intent } = (await house.run(RUN))!;
    expect(run.outcome).toBe("bought");
    expect(intent!.n).toBe(1);
    expect(house.orders().map(({ txid }) => txid)).toEqual(intent!.txids);
  });

  test("a key that Kraken refuses ends the run as refused, and nothing printed names it", async () => {
    await house.arm([{ endpoint: "BalanceEx", fault: "key-revoked", times: 10 }]);
    expect((await house.invoke("dca", delivered(FIRING))).answer).toEqual(DONE);
    expect((await house.run(RUN))?.run).toMatchObject({ outcome: "refused" });
    expect(house.orders()).toEqual([]);
  });

  test("the sweep writes down the slot that is lost, fires the one that is late, and counts in lines of metrics", async () => {
    for (const plan of ["late", "lost"]) await house.registerPlan(plan, minutesAgo(30));
    const [late, lost] = [`late@${slotText(minutesAgo(5))}`, `lost@${slotText(minutesAgo(15))}`];
    const { answer, stdout, stderr } = await house.invoke("sweep", SCHEDULER_CALL);
    expect(answer).toEqual({ resumed: [], fired: [late], missed: [lost], told: 1 });
    expect(stderr).toBe("");
    expect((await house.run(lost))?.run).toMatchObject({ outcome: "missed" });
    expect(house.cloud.published()).toHaveLength(1);
    // docs.aws.amazon.com, CloudWatch embedded metric format: a line is one JSON object from its first character on.
    const lines = stdout.trimEnd().split("\n");
    for (const line of lines) expect(JSON.parse(line)).toBeTypeOf("object");
    const metrics = lines.filter((line) => line.startsWith('{"_aws":'));
    expect(metrics.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        _aws: {
          Timestamp: expect.closeTo(Date.now(), -5) as number,
          CloudWatchMetrics: [
            {
              Namespace: METRIC_NAMESPACE,
              Dimensions: [[]],
              Metrics: [{ Name: "SlotsMissed", Unit: "None" }],
            },
          ],
        },
        SlotsMissed: 1,
      },
    ]);

    const [firing, ...others] = await house.inQueue("firings");
    expect(others).toEqual([]);
    expect((await house.invoke("dca", delivered(firing))).answer).toEqual(DONE);
    expect((await house.run(late))?.run).toMatchObject({ outcome: "bought" });
    expect(house.orders()).toHaveLength(1);
  });

  test.runIf(isWritten("plan-sync"))(
    "plan-sync makes one schedule for each plan, and no other twice",
    async () => {
      for (const _ of [1, 2]) {
        const { errorType, stderr } = await house.invoke("plan-sync", SCHEDULER_CALL);
        expect([errorType, stderr]).toEqual([undefined, ""]);
      }
      const plans = (await house.schedules()).map((name) => name.split(".")[0]);
      expect(plans.sort()).toEqual(["btc-weekly", "late", "lost", "now"]);
    },
  );
});

test("without a key, a fresh container ends the run as refused with KEY_MISSING and tells it", async () => {
  const house = await openBundleHouse(built);
  try {
    expect((await house.invoke("dca", delivered(FIRING))).answer).toEqual(DONE);
    expect((await house.run(RUN))?.run).toMatchObject({
      outcome: "refused",
      reason: { code: "KEY_MISSING" },
    });
    expect(house.orders()).toEqual([]);
    expect(house.cloud.published().map(({ message }) => message)).toEqual([
      expect.stringContaining("no API key is set for account main"),
    ]);
  } finally {
    await house.close();
  }
});

describe.each(BUNDLES)("the bundle of %s", (name) => {
  const textOf = (file: string) => readFileSync(join(built.folderOf(name), file), "utf8");
  const bytes = (of: FunctionName) => statSync(join(built.folderOf(of), "index.js")).size;

  test("is at most a million bytes, and half of that without the exchange's client", () => {
    expect(bytes(name)).toBeLessThanOrEqual(BYTES_MAX);
    if (name !== "dca") expect(bytes(name)).toBeLessThanOrEqual(bytes("dca") / 2);
  });

  test("holds the exchange's client only where orders are made", () => {
    const found = ["API-Sign", "undici"].filter((word) => textOf("index.js").includes(word));
    expect(found).toEqual(name === "dca" ? ["API-Sign", "undici"] : []);
  });

  test("loads what it needs with require, nothing with import()", () => {
    expect(textOf("index.js")).not.toMatch(/\bimport\(/);
  });

  test("holds no secret, no host that packages come from, and no path of the machine it was built on", () => {
    const lock = readFileSync(join(ROOT, "package-lock.json"), "utf8");
    const hosts = [...lock.matchAll(/"resolved": "(https?:\/\/[^/"]+)/g)].map(
      ([, origin]) => new URL(origin!).host,
    );
    const forbidden = [...new Set(hosts), ROOT, ROOT.slice(1), `${homedir()}/`, temp];
    const files = readdirSync(built.folderOf(name));
    expect(files.sort()).toEqual(["index.js", "index.js.map", SETTINGS_FILE]);
    for (const file of files) {
      for (const word of forbidden) expect(textOf(file).includes(word), `${file} names ${word}`).toBe(false);
      expect(textOf(file)).not.toMatch(/-----BEGIN|\bAKIA[0-9A-Z]{16}\b|_authToken|\b[A-Za-z0-9+/]{86}==/);
    }
  });

  test("carries the settings of tide.yaml, to the hash that arming stores", () => {
    const read = readSettingsText(textOf(SETTINGS_FILE));
    expect(read).toStrictEqual(built.settings);
    expect(armingHash({ settings: read })).toBe(armingHash({ settings: built.settings }));
  });

  test("refuses settings of another schema in one sentence", async () => {
    const folder = bundle(
      name,
      settingsText(built.settings).replace('"schema":1', '"schema":2'),
      join(temp, "other"),
    );
    const house = await openBundleHouse({ ...built, folderOf: () => folder });
    try {
      const event = name === "dca" ? delivered(FIRING) : SCHEDULER_CALL;
      const { answer, errorMessage, stderr } = await house.invoke(name, event);
      expect(answer).toBeUndefined();
      expect(errorMessage).toBe("the bundle's settings have schema 2, expected 1: build it again");
      expect(JSON.parse(stderr)).toEqual({ level: "error", name: "Error", message: errorMessage });
      expect(house.orders()).toEqual([]);
    } finally {
      await house.close();
    }
  });
});

/** The eight words, each where it first comes. */
function stepsIn(stdout: string): readonly string[] {
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { step?: string });
  return [...new Set(lines.flatMap(({ step }) => (step === undefined ? [] : [step])))];
}
