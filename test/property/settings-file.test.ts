/** Promise of shared/config/settings-file.ts: what the build writes is what the functions read, to the hash of the arming. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { armingHash } from "../../shared/app/ids.ts";
import { readSettingsText, settingsText } from "../../shared/config/settings-file.ts";
import { EVERY } from "../support/every.ts";
import { settingsIn } from "../support/house.ts";

const SCHEDULES = [
  ...EVERY,
  "cron(0 8 L * ? *)",
  "cron(30 6 15W 1-6 ? 2026-2030)",
  "cron(0 8 ? * 2#1 *)",
  "cron(0 8 ? * 6L *)",
];
/** Amounts keep their digits: 10 and 10.00 are two spellings, and stay two. */
const amount = fc
  .tuple(fc.integer({ min: 1, max: 400 }), fc.constantFrom("", ".5", ".00", ".10", ".00000001"))
  .map(([whole, fraction]) => `${whole}${fraction}`);
const percent = fc.constantFrom("0.5%", "1%", "2.50%", "0.01%");
const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const fields = (values: Readonly<Record<string, string | undefined>>): string =>
  Object.entries(values)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
    .join(", ");

const every = fc.constantFrom(...SCHEDULES).map((text) => `"${text}"`);
const account = fc.constantFrom("main", "second");
const ifMissed = some(fc.constantFrom("skip", "catch-up within 2h", "catch-up within 90m"));
const guards = fc
  .record({
    maxPrice: some(amount.map((text) => `${text} EUR`)),
    keepFree: some(amount.map((text) => `${text} EUR`)),
    maxSpread: some(percent),
  })
  .map((values) => `{ ${fields(values)} }`)
  .filter((text) => text !== "{  }");
const dca = fc.record({
  account,
  buy: fc.tuple(amount, fc.constantFrom("BTC", "ETH", "DOGE")).map(([spend, of]) => `${spend} EUR of ${of}`),
  every,
  guards: some(guards),
  ifTooSmall: some(fc.constantFrom("carry", "skip")),
  ifMissed,
});
const rebalance = fc.record({
  account,
  rebalance: fc.constantFrom(
    "{ BTC: 50%, ETH: 30%, EUR: 20% }",
    "{ BTC: 33.3%, EUR: 66.7% }",
    "{ BTC: 12.50%, ETH: 87.50% }",
  ),
  every,
  band: some(fc.constantFrom("5/25", "auto")),
  trade: some(fc.constantFrom("{ to: edge, minimum: 20 EUR }", "{ to: centre, approval: above 100.50 EUR }")),
  ifMissed,
});
const alert = fc.record({
  when: fc.constantFrom(
    "BTC/EUR crosses above 150000",
    "BTC/EUR moves 5.0% within 1h",
    "balance EUR < 50.10",
  ),
  repeat: some(fc.constantFrom("after 1% back", "once")),
  note: some(fc.constantFrom("take profit?", '"{$decimal: 1}"', "ü €")),
});

const list = (title: string, items: readonly string[]): string =>
  items.length === 0 ? "" : `${title}:\n${items.map((item, i) => `  - { id: x${i}, ${item} }\n`).join("")}`;

const files = fc
  .record({
    mode: fc.constantFrom("dry-run", "live"),
    timezone: fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"),
    slippage: percent,
    tier: fc.constantFrom("starter", "pro", "{ max: 100, decay: 3.75 }"),
    plans: fc.array(fc.oneof(dca, rebalance), { minLength: 1, maxLength: 6 }),
    alerts: fc.array(alert, { maxLength: 3 }),
  })
  .map(
    ({ mode, timezone, slippage, tier, plans, alerts }) => `
mode: ${mode}
timezone: ${timezone}
accounts: { main: { tier: ${tier} }, second: { tradingAgreement: agree } }
limits: { perOrder: [500.0 EUR, 1 BTC], perDay: 100000 EUR, perMonth: 900000.00000001 EUR, maxSlippage: ${slippage} }
notify: { email: owner@example.org }
${list("plans", plans.map(fields))}${list("alerts", alerts.map(fields))}`,
  );

function expectSame(file: string): void {
  const settings = settingsIn(file);
  const read = readSettingsText(settingsText(settings));
  expect(read).toStrictEqual(settings);
  expect(armingHash({ settings: read })).toBe(armingHash({ settings }));
  // Written again it is the same text: what was deployed can be told from a hash of it.
  expect(settingsText(read)).toBe(settingsText(settings));
}

test("settings come back out of their file as they were, and arming them has the same hash", () => {
  fc.assert(fc.property(files, expectSame), { numRuns: 300 });
});

test("the example comes back as it was, with all that it offers", () => {
  const example = readFileSync(new URL("../../tide.example.yaml", import.meta.url), "utf8");
  expectSame(example);
  expectSame(example.replace(/^# (?= {2,}| *alerts:)/gm, ""));
});

test("another amount or another cap is another hash, also after the file", () => {
  const hashOf = (text: string) => armingHash({ settings: readSettingsText(settingsText(settingsIn(text))) });
  const plans = (buy: string, cap: string) =>
    `limits: { perOrder: ${cap}, perDay: 900 EUR, perMonth: 900 EUR }\nplans: [{ id: a, buy: ${buy}, every: day 08:00 }]`;
  const hashes = [
    hashOf(plans("10 EUR of BTC", "100 EUR")),
    hashOf(plans("11 EUR of BTC", "100 EUR")),
    hashOf(plans("10 EUR of BTC", "101 EUR")),
  ];
  expect(new Set(hashes).size).toBe(3);
});

test.each(["", "null", "{}", '{"schema":1}', '{"schema":2,"settings":{}}', "mode: live"])(
  "text that it did not write is refused: %s",
  (text) => {
    expect(() => readSettingsText(text)).toThrow();
  },
);
