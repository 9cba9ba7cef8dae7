import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { formatMistake } from "../../shared/config/mistake.ts";
import { parseTideYaml } from "../../shared/config/tide-yaml.ts";
import { format } from "../../shared/domain/decimal.ts";
import type { Settings } from "../../shared/domain/plan.ts";

function settings(text: string): Settings {
  const result = parseTideYaml(text, "tide.yaml");
  if ("mistakes" in result) throw new Error(result.mistakes.map(formatMistake).join("\n"));
  return result.settings;
}

const example = (): string => readFileSync(new URL("../../tide.example.yaml", import.meta.url), "utf8");

const FULL = `
mode: live
timezone: Europe/Berlin
egress: none
acceptOpenAllowList: true
accounts: { main: { tier: { max: 100, decay: 5 }, tradingAgreement: agree } }
limits: { perOrder: [500 EUR, 600.50 USD], perDay: 500 EUR, perMonth: [2000 EUR, 700 USD], maxSlippage: 0.25% }
manualOrders: stop
notify: { email: [owner@example.org, two@example.org] }
plans:
  - id: btc-weekly
    buy: 100.50 EUR of XBT
    every: monday 08:00
    order: { style: maker-then-taker }
    guards: { maxPrice: 120000 EUR, keepFree: 50 EUR, maxSpread: 2% }
    ifTooSmall: skip
    ifMissed: catch-up within 2h
  - id: core
    rebalance: { BTC: 50%, ETH: 30.5%, EUR: 19.5% }
    every: sunday 18:00
    band: 20% relative
    trade: { to: centre, minimum: 20 EUR, maxTurnover: 1000 EUR, sells: never, approval: above 500 EUR }
alerts:
  - id: btc-high
    when: BTC/EUR crosses above 120000
    repeat: cooldown 6h
    note: take profit?
`;

test("every key of the file arrives in the settings", () => {
  expect(settings(FULL)).toEqual({
    mode: "live",
    zone: "Europe/Berlin",
    egress: "none",
    acceptOpenAllowList: true,
    accounts: [
      {
        name: "main",
        tier: { name: "custom", max: 100, decayPerSecond: { units: 5n, scale: 0 } },
        tradingAgreement: "agree",
      },
    ],
    limits: {
      perOrder: [
        { amount: { units: 500n, scale: 0 }, asset: "EUR" },
        { amount: { units: 60050n, scale: 2 }, asset: "USD" },
      ],
      perDay: [{ amount: { units: 500n, scale: 0 }, asset: "EUR" }],
      perMonth: [
        { amount: { units: 2000n, scale: 0 }, asset: "EUR" },
        { amount: { units: 700n, scale: 0 }, asset: "USD" },
      ],
      maxSlippage: { units: 25n, scale: 4 }, // 0.25 % is 0.0025
    },
    manualOrders: "stop",
    notifyEmails: ["owner@example.org", "two@example.org"],
    plans: [
      {
        kind: "dca",
        id: "btc-weekly",
        pair: { base: "BTC", quote: "EUR" },
        spend: { units: 10050n, scale: 2 },
        schedule: { is: "weekly", days: ["monday"], time: { hour: 8, minute: 0 } },
        zone: "Europe/Berlin",
        order: { style: "maker-then-taker" },
        guards: {
          maxPrice: { units: 120000n, scale: 0 },
          keepFree: { units: 50n, scale: 0 },
          maxSpread: { units: 2n, scale: 2 },
        },
        ifTooSmall: "skip",
        ifMissed: { is: "catch-up", withinMs: 7_200_000 },
      },
      {
        kind: "rebalance",
        id: "core",
        targets: [
          { asset: "BTC", weight: { units: 50n, scale: 2 } },
          { asset: "ETH", weight: { units: 305n, scale: 3 } },
          { asset: "EUR", weight: { units: 195n, scale: 3 } },
        ],
        schedule: { is: "weekly", days: ["sunday"], time: { hour: 18, minute: 0 } },
        zone: "Europe/Berlin",
        band: { is: "relative", rate: { units: 20n, scale: 2 } },
        trade: {
          to: "centre",
          minimum: { amount: { units: 20n, scale: 0 }, asset: "EUR" },
          maxTurnover: { amount: { units: 1000n, scale: 0 }, asset: "EUR" },
          sells: "never",
          approval: { is: "above", money: { amount: { units: 500n, scale: 0 }, asset: "EUR" } },
        },
        ifMissed: { is: "skip" },
      },
    ],
    alerts: [
      {
        id: "btc-high",
        when: {
          is: "level",
          pair: { base: "BTC", quote: "EUR" },
          crosses: true,
          direction: "above",
          price: { units: 120000n, scale: 0 },
        },
        repeat: { is: "cooldown", ms: 21_600_000 },
        note: "take profit?",
      },
    ],
  });
});

const SMALL = `
limits: { perOrder: 5 EUR, perDay: 5 EUR }
plans:
  - { id: btc, buy: 5 EUR of BTC, every: day 08:00 }
  - { id: core, rebalance: { BTC: 50%, EUR: 50% } }
alerts:
  - { id: low, when: BTC/EUR below 50000 }
`;

test("what is left out is the cautious choice: a dry run, takers with 0.5% room, no catching up", () => {
  const { mode, zone, egress, acceptOpenAllowList, accounts, limits, manualOrders, plans, alerts } =
    settings(SMALL);
  expect({ mode, zone, egress, acceptOpenAllowList, manualOrders }).toEqual({
    mode: "dry-run",
    zone: "UTC",
    egress: "nat-instance",
    acceptOpenAllowList: false,
    manualOrders: "warn",
  });
  expect(accounts).toEqual([
    { name: "main", tier: { name: "starter", max: 15, decayPerSecond: { units: 33n, scale: 2 } } },
  ]);
  expect(format(limits.maxSlippage)).toBe("0.005");
  expect(plans[0]).toMatchObject({
    order: { style: "taker" },
    guards: { maxSpread: { units: 1n, scale: 2 } },
    ifTooSmall: "carry",
    ifMissed: { is: "skip" },
  });
  expect(plans[0]).not.toHaveProperty("account");
  expect(plans[1]).toMatchObject({
    band: { is: "5/25" },
    trade: { to: "edge", sells: "allowed", approval: { is: "never" } },
  });
  expect(plans[1]).not.toHaveProperty("schedule");
  expect(alerts[0]).toMatchObject({ repeat: { is: "after-back", rate: { units: 1n, scale: 2 } } });
});

const firing = (every: string) =>
  settings(SMALL.replace("every: day 08:00", `every: "${every}"`)).plans[0]!.schedule;

test.each([
  ["hour at :05", { is: "hourly", minute: 5 }],
  ["day 23:59", { is: "daily", time: { hour: 23, minute: 59 } }],
  ["DAY 08:00", { is: "daily", time: { hour: 8, minute: 0 } }],
  [
    "weekdays 08:00",
    {
      is: "weekly",
      days: ["monday", "tuesday", "wednesday", "thursday", "friday"],
      time: { hour: 8, minute: 0 },
    },
  ],
  [
    "fri,Mon,sunday 08:00",
    { is: "weekly", days: ["sunday", "monday", "friday"], time: { hour: 8, minute: 0 } },
  ],
  ["month 28 08:00", { is: "monthly", day: 28, time: { hour: 8, minute: 0 } }],
  ["month last day 08:00", { is: "monthly", day: "last", time: { hour: 8, minute: 0 } }],
  [
    "3 days 08:00 from 2026-01-31",
    { is: "days", count: 3, time: { hour: 8, minute: 0 }, from: "2026-01-31" },
  ],
  [
    "2 weeks fri 08:00 from 2026-01-31",
    { is: "weeks", count: 2, day: "friday", time: { hour: 8, minute: 0 }, from: "2026-01-31" },
  ],
  ["cron(0 8 ? * mon-fri *)", { is: "cron", expression: "cron(0 8 ? * MON-FRI *)" }],
])("every: %s", (every, schedule) => {
  expect(firing(every)).toEqual(schedule);
});

const alerting = (when: string) =>
  settings(SMALL.replace("when: BTC/EUR below 50000", `when: ${when}`)).alerts[0]!.when;

const pair = { base: "BTC", quote: "EUR" };

test.each([
  [
    "btc/eur above 1.5",
    { is: "level", pair, crosses: false, direction: "above", price: { units: 15n, scale: 1 } },
  ],
  [
    "XBT/EUR crosses below 5",
    { is: "level", pair, crosses: true, direction: "below", price: { units: 5n, scale: 0 } },
  ],
  ["BTC/EUR crosses either 5", { is: "crosses-either", pair, price: { units: 5n, scale: 0 } }],
  [
    "BTC/EUR moves 5% within 1h",
    { is: "moves", pair, by: { units: 5n, scale: 2 }, withinMs: 3_600_000, direction: "either" },
  ],
  [
    "BTC/EUR moves 0.5% within 90s down",
    { is: "moves", pair, by: { units: 5n, scale: 3 }, withinMs: 90_000, direction: "down" },
  ],
  ["balance eur < 100", { is: "balance-below", asset: "EUR", amount: { units: 100n, scale: 0 } }],
])("when: %s", (when, condition) => {
  expect(alerting(when)).toEqual(condition);
});

test.each([
  ["once", { is: "once" }],
  ["every time", { is: "every-time" }],
  ["after 2% back", { is: "after-back", rate: { units: 2n, scale: 2 } }],
  ["cooldown 30m", { is: "cooldown", ms: 1_800_000 }],
])("repeat: %s", (repeat, expected) => {
  const text = SMALL.replace("below 50000 }", `below 50000, repeat: ${repeat} }`);
  expect(settings(text).alerts[0]!.repeat).toEqual(expected);
});

test.each([
  ["5/25", { is: "5/25" }],
  ["auto", { is: "auto" }],
  ["5% absolute", { is: "absolute", rate: { units: 5n, scale: 2 } }],
  ["20% RELATIVE", { is: "relative", rate: { units: 20n, scale: 2 } }],
])("band: %s", (band, expected) => {
  const text = SMALL.replace("{ BTC: 50%, EUR: 50% }", `{ BTC: 50%, EUR: 50% }, band: ${band}`);
  expect(settings(text).plans[1]).toMatchObject({ band: expected });
});

test("values are the text in the file, however YAML would like to read them", () => {
  const quoted = SMALL.replace("5 EUR of BTC", "'5 EUR of BTC'")
    .replace("08:00", '08:00"')
    .replace("day", '"day');
  expect(settings(quoted)).toEqual(settings(SMALL));
  expect(settings(`%YAML 1.1\n---${SMALL}`)).toEqual(settings(SMALL));
  expect(settings(`\ufeff${SMALL.replaceAll("\n", "\r\n")}`)).toEqual(settings(SMALL));
});

test("the zone of the file is spelled as the zone database does", () => {
  expect(settings(`timezone: europe/berlin${SMALL}`).zone).toBe("Europe/Berlin");
  expect(settings(`timezone: Asia/Kolkata${SMALL}`).zone).toBe("Asia/Kolkata");
  expect(settings(`timezone: utc${SMALL}`).zone).toBe("UTC");
});

test("the example is right, cautious, and without a warning", () => {
  const result = parseTideYaml(example(), "tide.example.yaml");
  expect(result).toMatchObject({ settings: { mode: "dry-run" }, warnings: [] });
});

test("the parts of the example that are commented out are right, too", () => {
  const text = example().replace(/^# (?= {2,}| *alerts:)/gm, "");
  const { plans, alerts } = settings(text);
  expect([...plans, ...alerts].map(({ id }) => id)).toEqual([
    "btc-daily",
    "eth-weekdays",
    "btc-payday",
    "core",
    "btc-high",
  ]);
});
