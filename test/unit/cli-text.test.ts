/** What `tide` prints for people, and what it refuses before it opens anything. */
import { describe, expect, test } from "vitest";
import { newKey, previewText } from "../../local/cli/buy.ts";
import { refuseKeysIn } from "../../local/cli/given-keys.ts";
import { historyText } from "../../local/cli/history.ts";
import { keyText } from "../../local/cli/keys-check.ts";
import { keyIn } from "../../local/cli/keys-set.ts";
import { killText } from "../../local/cli/kill.ts";
import { nextText } from "../../local/cli/next.ts";
import { statusText } from "../../local/cli/status.ts";
import { table } from "../../local/cli/text.ts";
import { whyText } from "../../local/cli/why.ts";
import type { StatusView, WhyView } from "../../local/desk/views.ts";
import { tide } from "../support/cli-house.ts";

const PRIVATE_KEY =
  "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";
const API_KEY = "tKsbT0rade1zQ8vWm4YkLrX2nHcUe7JpDs9AoFiGb5RtVwE3xK6MyNqB";

const status: StatusView = {
  label: "PLAY MONEY",
  mode: "dry-run",
  armed: null,
  exchange: "sandbox",
  now: "2026-11-22T12:00:00.000Z",
  local: "Sun 22 Nov 13:00 GMT+1",
  killed: false,
  accounts: [{ name: "main", killed: false, key: null }],
  plans: [
    {
      id: "btc-daily",
      account: "main",
      kind: "dca",
      buys: "20 EUR of BTC",
      every: "day 08:00",
      zone: "Europe/Berlin",
      paused: true,
      blocked: null,
      carry: "3.1",
      next: "Mon 23 Nov 08:00 GMT+1",
    },
  ],
  caps: [
    { account: "main", asset: "EUR", period: "day", used: "19.8999", cap: "100" },
    { account: "main", asset: "EUR", period: "month", used: "0.0000000001", cap: "1000" },
  ],
  openRuns: ["btc-daily@a"],
  plansEdited: false,
};

const run: WhyView = {
  run: "btc-daily@a",
  plan: "btc-daily",
  label: "PLAY MONEY",
  outcome: "waiting",
  reason: null,
  detail: "20 EUR of BTC, fee included",
  orders: [{ clOrdId: "8f03", txid: null, state: "PLANNED", volume: "0", cost: "0", fee: "0" }],
  slot: null,
  openedAt: "2026-11-22T12:00:00.000Z",
  closedAt: null,
  dueAt: "2026-11-22T12:01:00.000Z",
  steps: [{ at: "2026-11-22T12:00:00.120Z", step: "fire", detail: "by hand" }],
  history: [{ at: "2026-11-22T12:00:00.250Z", what: "PLANNED: 20 EUR reserved" }],
};

test("columns are as wide as their widest cell, and no line ends in spaces", () => {
  expect(
    table([
      ["a", "b", ""],
      ["long", "c", "d"],
    ]),
  ).toBe("a     b\nlong  c  d\n");
});

test("next names label, local time, plan and amount, and what will be skipped", () => {
  const firing = {
    plan: "btc",
    slot: "2026-11-23T07:00Z",
    local: "Mon 23 Nov 08:00 GMT+1",
    amount: "20 EUR of BTC",
  };
  for (const willSkip of ["paused", "kill switch", "on hold"] as const)
    expect(nextText("DRY RUN", [{ ...firing, paused: true, willSkip }])).toBe(
      `DRY RUN  Mon 23 Nov 08:00 GMT+1  btc  20 EUR of BTC  ${willSkip}: will be skipped\n`,
    );
  expect(nextText("LIVE", [])).toBe("LIVE  no plan has a firing in the next year\n");
});

test("status shows amounts to the last digit, and what holds a plan back", () => {
  const text = statusText(status, "Europe/Berlin");
  expect(text).toContain(
    "PLAY MONEY  btc-daily  20 EUR of BTC  every day 08:00  next Mon 23 Nov 08:00 GMT+1  paused, carries 3.1",
  );
  expect(text).toContain("PLAY MONEY  EUR this month  0.0000000001 of 1000 EUR used");
  const killed = [{ ...status.accounts[0]!, killed: true }];
  expect(statusText({ ...status, accounts: killed }, "Europe/Berlin")).toContain(
    "PLAY MONEY  KILLED: nothing is ordered;",
  );
});

test("status of several accounts says of each switch, cap and key whose it is", () => {
  const key = { name: "b-trade", problems: ["untick Withdraw"], checkedAt: "2026-11-22T12:00:00.000Z" };
  const text = statusText(
    {
      ...status,
      killed: true,
      accounts: [
        { name: "anna", killed: true, key: null },
        { name: "ben", killed: false, key },
      ],
      plans: [{ ...status.plans[0]!, account: "ben" }],
      caps: [{ account: "ben", asset: "EUR", period: "day", used: "1", cap: "100" }],
    },
    "Europe/Berlin",
  );
  expect(text).toContain("KILLED for anna ONLY: nothing is ordered there;");
  expect(text).toContain("btc-daily  ben  20 EUR of BTC");
  expect(text).toContain("PLAY MONEY  ben  EUR today  1 of 100 EUR used");
  expect(text).toContain("  anna: not checked yet");
  expect(text).toContain("  ben: b-trade: refused, checked Sun 22 Nov 13:00 GMT+1\n    untick Withdraw");
});

test("five working days are one word", () => {
  const plans = [{ ...status.plans[0]!, every: "monday,tuesday,wednesday,thursday,friday 08:10" }];
  expect(statusText({ ...status, plans }, "Europe/Berlin")).toContain("every weekday 08:10");
});

test("the preview of a buy says what is left under each cap, exactly", () => {
  // 100 − 19.8999 = 80.1001; 1000 − 0.0000000001 = 999.9999999999.
  expect(previewText(status, "btc-daily")).toContain(
    "left under your caps: 80.1001 of 100 EUR today, 999.9999999999 of 1000 EUR this month\n",
  );
  expect(previewText({ ...status, caps: [] }, "btc-daily")).toContain(
    "none is set for EUR, so it would be refused",
  );
  expect(() => previewText(status, "gold")).toThrow('there is no plan "gold"; there is btc-daily');
});

test("why tells when an open run goes on, in the owner's zone", () => {
  const text = whyText(run, "Europe/Berlin");
  expect(text).toContain("PLAY MONEY  not over: it goes on at Sun 22 Nov 13:01 GMT+1");
  expect(text).toContain("  13:00:00.120  fire  by hand\n");
  expect(text).toContain("not known at Kraken");
});

test("history without a run says when there will be one", () => {
  expect(historyText([], "PLAY MONEY", "UTC")).toContain("tide next");
});

test("kill names what remains and how to shut the key out at Kraken", () => {
  const text = killText({ cancelled: ["8f03"], remaining: ["9a11"], foreign: [] }, "LIVE");
  expect(text).toContain("LIVE  cancelled 8f03\n");
  expect(text).toContain("look at Kraken for 9a11\n");
  expect(text).toContain("Settings, API");
});

test("a refused key is told with each thing to change", () => {
  const key = { use: "trade", account: "main", state: "refused", name: "mine" } as const;
  expect(keyText({ ...key, problems: ["turn it off"], warnings: ["it expires"] }, "LIVE")).toBe(
    "LIVE  main trade key mine: refused, nothing is done with it until this is changed at Kraken\n" +
      "  turn it off\n  note: it expires\n",
  );
});

test("a made key sorts by time and differs within a second", () => {
  const at = new Date("2026-11-22T12:42:05.815Z");
  expect(newKey(at)).toMatch(/^20261122-124205-[0-9a-f]{4}$/);
});

describe("a key from standard input", () => {
  const both = { apiKey: API_KEY, privateKey: PRIVATE_KEY };

  test.each([
    ["two lines", `${API_KEY}\n${PRIVATE_KEY}\n`],
    ["lines that end as on Windows", `${API_KEY}\r\n${PRIVATE_KEY}\r\n`],
    ["JSON", JSON.stringify(both)],
    ["JSON with the sandbox's names", JSON.stringify({ name: "x", key: API_KEY, secret: PRIVATE_KEY })],
  ])("is read from %s", (_, input) => {
    expect(keyIn(input)).toEqual(both);
  });

  test.each([
    ["nothing", "", "held 0 lines"],
    ["one line", API_KEY, "held 1 lines"],
    ["broken JSON", `{"apiKey": "${API_KEY}`, "broken JSON"],
    ["JSON without the private key", JSON.stringify({ apiKey: API_KEY }), "one of the two was empty"],
    ["a private key that was cut", `${API_KEY}\n${PRIVATE_KEY.slice(0, -3)}`, "not whole base64"],
  ])("%s is refused without being repeated", (_, input, text) => {
    expect(() => keyIn(input)).toThrow(text);
    expect(() => keyIn(input)).not.toThrow(API_KEY);
  });
});

describe("a key as an argument", () => {
  test.each([
    ["an API key", ["keys", "set", API_KEY]],
    ["a private key", ["keys", "set", "--use", "read", PRIVATE_KEY]],
    ["an option that a key would follow", ["keys", "set", "--api-key", "abc"]],
    ["a word after --aws", ["keys", "set", "--aws", "abc"]],
    ["an option with its value", ["keys", "set", `--private-key=${PRIVATE_KEY}`]],
    ["anything at all after keys set", ["keys", "set", "abc"]],
    ["a key where a plan belongs", ["buy", PRIVATE_KEY]],
  ])("%s is refused without being repeated", (_, words) => {
    expect(() => refuseKeysIn(words)).toThrow("a key is not taken as an argument");
    for (const key of [API_KEY, PRIVATE_KEY]) expect(() => refuseKeysIn(words)).not.toThrow(key);
  });

  test.each([
    [["keys", "set", "--account", "main", "--use", "trade", "--json"]],
    [["keys", "check", "--state", "/a/b", "--json"]],
    [["keys", "set", "--aws", "--outputs", `/${"abcdef/".repeat(8)}`.slice(0, 56)]],
    [["buy", "btc-daily", "--yes", "--key", "a".repeat(56)]],
    [["status", "--state", `/${"abcdef/".repeat(8)}`.slice(0, 56)]],
    [["why", "btc-daily@2026-11-23T07:00Z"]],
  ])("%j is fine", (words) => {
    expect(() => refuseKeysIn(words)).not.toThrow();
  });
});

describe("usage", () => {
  test("help is on stdout and names only verbs that exist", async () => {
    const { code, stdout } = await tide(["--help"]);
    expect(code).toBe(0);
    const verbs = [...stdout.matchAll(/^ {2}([a-z]+) .*$/gm)].map(([, verb]) => verb);
    expect(verbs).toEqual([
      "next",
      "buy",
      "status",
      "why",
      "history",
      "pause",
      "resume",
      "kill",
      "arm",
      "disarm",
      "resolve",
      "cost",
      "doctor",
      "deploy",
      "destroy",
      "keys",
      "help",
    ]);
  });

  test.each([
    [["sell"], "\nthere are next, buy, status, "],
    [["keys", "burn"], "unknown command 'burn'\nthere are set, check"],
    [["next", "--hours", "3"], "unknown option '--hours'\nthere are --count, --state, "],
    [["next", "--count", "many"], "expected a whole number from 1 to 200"],
    [["status", "--exchange", "https://evil.example"], "expected sandbox, kraken, or http://127.0.0.1:PORT"],
    [["keys", "set", "--use", "withdraw"], "Allowed choices are trade, read"],
    [["why"], "missing required argument 'run'"],
    [["buy", "a", "b"], "too many arguments"],
    [["keys", "set", API_KEY], "a key is not taken as an argument"],
    [["status", "--exchange", "kraken", "--state", "/nonexistent/state"], "the real exchange is refused"],
  ])("%j is a mistake in what was asked", async (words, text) => {
    const { code, stdout, stderr } = await tide(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(text);
  });
});
