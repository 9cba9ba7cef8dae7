/** The promises of the bill, over generated plans. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { billOf, EGRESS_MODES, savedRate } from "../../local/cost/bill.ts";
import { BUTTON_FEE, REGIONS } from "../../local/cost/rates.ts";
import { parseTideYaml } from "../../shared/config/tide-yaml.ts";
import { add, compare, decimal, multiply, subtract } from "../../shared/domain/decimal.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { EVERY } from "../support/every.ts";

const LIMITS =
  "limits: { perOrder: [500 EUR, 500 USD, 1 BTC], perDay: [500 EUR, 500 USD, 1 BTC], perMonth: [500 EUR, 500 USD, 1 BTC] }";

const every = fc.constantFrom(...EVERY);
const cents = fc
  .integer({ min: 1, max: 50_000 })
  .map((count) => `${Math.floor(count / 100)}.${`${count % 100}`.padStart(2, "0")}`);
const buy = fc.oneof(
  fc.tuple(cents, fc.constantFrom("EUR", "USD")).map(([amount, asset]) => `buy: ${amount} ${asset} of BTC`),
  fc.integer({ min: 1, max: 99_999 }).map((units) => `buy: 0.${`${units}`.padStart(8, "0")} BTC of ETH`),
);
const plan = fc.tuple(
  fc.oneof(
    { weight: 5, arbitrary: buy },
    { weight: 1, arbitrary: fc.constant("rebalance: { BTC: 50%, EUR: 50% }") },
  ),
  every,
);

const settingsOf = (plans: readonly (readonly [string, string])[]): Settings => {
  const items = plans.map(([what, when], index) => `  - { id: p${index}, ${what}, every: "${when}" }\n`);
  const read = parseTideYaml(`timezone: Europe/Berlin\n${LIMITS}\nplans:\n${items.join("")}`, "tide.yaml");
  if ("mistakes" in read) throw new Error(JSON.stringify(read.mistakes));
  return read.settings;
};

const asked = fc.record({
  now: fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2030, 0, 1) }).map((at) => epochMs(at)),
  region: fc.constantFrom(...REGIONS),
  egress: fc.constantFrom(...EGRESS_MODES),
  natZones: fc.constantFrom(1, 2),
});

test("one plan more never costs less, in any region and with any way out", () => {
  fc.assert(
    fc.property(fc.array(plan, { minLength: 1, maxLength: 4 }), plan, asked, (plans, more, question) => {
      const before = billOf(settingsOf(plans), question);
      const after = billOf(settingsOf([...plans, more]), question);
      expect(compare(after.totalUsd, before.totalUsd)).not.toBe(-1);
      for (const [index, line] of before.lines.entries())
        expect(compare(after.lines[index]!.usd, line.usd), line.item).not.toBe(-1);
    }),
    { numRuns: 60 },
  );
});

test("the total is the sum of the lines, no line is below zero, and the ways out keep their order", () => {
  fc.assert(
    fc.property(fc.array(plan, { minLength: 1, maxLength: 4 }), asked, (plans, question) => {
      const { lines, totalUsd, modes } = billOf(settingsOf(plans), question);
      expect(
        compare(
          lines.reduce((sum, { usd }) => add(sum, usd), decimal("0")),
          totalUsd,
        ),
      ).toBe(0);
      for (const { usd } of lines) expect(usd.units >= 0n && usd.scale === 2).toBe(true);
      const [gateway, instance, none] = modes.map((mode) => mode.totalUsd);
      expect([compare(gateway!, instance!), compare(instance!, none!)]).toEqual([1, 1]);
    }),
    { numRuns: 60 },
  );
});

test("at the break-even the fees saved pay the bill, and a cent below it they do not", () => {
  fc.assert(
    fc.property(fc.array(plan, { minLength: 1, maxLength: 4 }), asked, (plans, question) => {
      const { modes } = billOf(settingsOf(plans), question);
      for (const { totalUsd, breakEvens } of modes) {
        for (const { fee, buysPerMonth } of breakEvens) {
          const saved = savedRate(fee);
          expect(compare(multiply(buysPerMonth!, saved), totalUsd)).not.toBe(-1);
          expect(compare(multiply(subtract(buysPerMonth!, decimal("0.01")), saved), totalUsd)).toBe(-1);
        }
      }
    }),
    { numRuns: 40 },
  );
});

test("what is saved is never more than the difference of the fees on a twelfth of the year's buys", () => {
  fc.assert(
    fc.property(fc.array(plan, { minLength: 1, maxLength: 4 }), asked, (plans, question) => {
      const { usage, buys } = billOf(settingsOf(plans), question);
      for (const [index, { api, button }] of buys.entries()) {
        const { perYear } = usage.buys[index]!;
        for (const { fee, paid, saved } of api) {
          expect(compare(add(paid, saved), button)).toBe(0);
          const twelve = decimal("12");
          expect(compare(multiply(saved, twelve), multiply(perYear, savedRate(fee)))).not.toBe(1);
          expect(compare(multiply(button, twelve), multiply(perYear, BUTTON_FEE.rate))).not.toBe(1);
        }
      }
    }),
    { numRuns: 40 },
  );
});
