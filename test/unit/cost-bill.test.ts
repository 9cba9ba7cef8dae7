/** The AWS bill of a plans file, and what Kraken takes of the same buys. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RegionInfo } from "aws-cdk-lib/region-info";
import Big from "big.js";
import { describe, expect, test } from "vitest";
import { type Bill, billOf, breakEvenOf, chargeOf, EGRESS_MODES, savedRate } from "../../local/cost/bill.ts";
import { HOME_REGION, pricesOf, REGIONS, TAKER_FEES } from "../../local/cost/rates.ts";
import { costText } from "../../local/cost/text.ts";
import { parseTideYaml } from "../../shared/config/tide-yaml.ts";
import { compare, decimal, format, multiply, subtract } from "../../shared/domain/decimal.ts";
import { epochMs } from "../../shared/domain/time.ts";

const NOW = epochMs(Date.UTC(2026, 10, 25, 12));
const EXAMPLE = readFileSync(join(import.meta.dirname, "../../tide.example.yaml"), "utf8");
const LIMITS =
  "limits: { perOrder: [500 EUR, 500 USD, 1 BTC], perDay: [500 EUR, 500 USD, 1 BTC], perMonth: [20000 EUR, 20000 USD, 1 BTC] }";

function settingsOf(text: string) {
  const read = parseTideYaml(text, "tide.yaml");
  if ("mistakes" in read) throw new Error(JSON.stringify(read.mistakes));
  return read.settings;
}

const plansOf = (...plans: readonly string[]): string =>
  `${LIMITS}\nplans:\n${plans.map((plan, index) => `  - id: p${index}\n    ${plan.replace("; ", "\n    ")}\n`).join("")}`;

const bill = (text: string, asked: Partial<Bill["asked"]> = {}): Bill =>
  billOf(settingsOf(text), { now: NOW, region: HOME_REGION, egress: "nat-instance", natZones: 1, ...asked });

const quantityOf = ({ lines }: Bill, item: string): string =>
  format(lines.find((line) => line.item.startsWith(item))!.quantity);

describe("the bill", () => {
  test("of the example is what the prices make of it", () => {
    // 3.65 address, 0.80 secrets, 1.00 key, 1.10 for 11 of 21 alarms, 0.01 each for reads of secrets, writes and recovery
    // of the table, 0.04 for its reads: 6.62. An instance: 730 × 0.0042 = 3.066, 8 × 0.08 = 0.64, and its own alarm 0.10. A gateway: 730 × 0.045
    // = 32.85, and 0.01 for what goes through it.
    const totals = bill(EXAMPLE).modes.map(({ egress, totalUsd }) => [egress, format(totalUsd)]);
    expect(totals).toEqual([
      ["nat-gateway", "39.48"],
      ["nat-instance", "10.43"],
      ["none", "6.62"],
    ]);
  });

  test.each(EGRESS_MODES)("is the sum of its lines with %s", (egress) => {
    const { lines, totalUsd } = bill(EXAMPLE, { egress });
    const sum = lines.reduce((total, { usd }) => total.plus(format(usd)), new Big(0));
    expect(format(totalUsd)).toBe(sum.toFixed(2));
  });

  test("asks for each line what is beyond the free amount, times the price, and not a cent begun less", () => {
    for (const { quantity, price, usd } of bill(EXAMPLE, { egress: "nat-gateway" }).lines) {
      const over = new Big(format(quantity)).minus(price.free === undefined ? 0 : format(price.free));
      const exact = over.lt(0)
        ? new Big(0)
        : over.times(format(price.usd)).div(new Big(10).pow(price.perScale));
      expect(format(usd)).toBe(exact.round(2, Big.roundUp).toFixed(2));
    }
  });

  test("charges nothing up to the free amount and a cent for the next one", () => {
    const { logs } = pricesOf(HOME_REGION).prices;
    expect(format(chargeOf(decimal("5"), logs))).toBe("0.00");
    expect(format(chargeOf(decimal("5.0001"), logs))).toBe("0.01");
    expect(format(chargeOf(decimal("7"), logs))).toBe("1.00"); // (7 − 5) × 0.50
  });

  test("is higher with a gateway than with an instance, and lowest with neither", () => {
    const [gateway, instance, none] = bill(EXAMPLE).modes.map(({ totalUsd }) => totalUsd);
    expect(compare(gateway!, instance!)).toBe(1);
    expect(compare(instance!, none!)).toBe(1);
  });

  test("is the same whether a mode is asked for or compared", () => {
    for (const egress of EGRESS_MODES) {
      const asked = bill(EXAMPLE, { egress });
      expect(bill(EXAMPLE).modes.find((mode) => mode.egress === egress)!.totalUsd).toEqual(asked.totalUsd);
    }
  });

  test("keeps the fixed address in every mode, and counts a second zone where it is one more", () => {
    for (const egress of EGRESS_MODES) {
      expect(quantityOf(bill(EXAMPLE, { egress }), "fixed address")).toBe("730");
      expect(quantityOf(bill(EXAMPLE, { egress, natZones: 2 }), "fixed address")).toBe("1460");
    }
    expect(quantityOf(bill(EXAMPLE, { egress: "nat-gateway", natZones: 2 }), "NAT gateway")).toBe("1460");
    expect(quantityOf(bill(EXAMPLE, { natZones: 2 }), "NAT instance")).toBe("730");
  });

  test("has two secrets for each account", () => {
    const plan = "plans:\n  - { id: a, account: one, buy: 10 EUR of BTC, every: day 08:00 }\n";
    expect(quantityOf(bill(`accounts: { one: {}, two: {} }\n${LIMITS}\n${plan}`), "secrets")).toBe("4");
  });
});

describe("the buys", () => {
  test("are counted slot by slot over the coming year, in exact amounts", () => {
    const { usage, buys } = bill(EXAMPLE);
    // 365 days, 261 working days and 12 last days of a month from 2026-11-25 on.
    expect(usage.slots).toBe(365 + 261 + 12);
    expect(usage.buys.map(({ asset, perYear }) => `${format(perYear)} ${asset}`)).toEqual([
      "9910 EUR", // 365 × 20 + 261 × 10
      "300 USD", // 12 × 25
    ]);
    // A month of EUR is 825.8333; 1 % of it 8.2583, 0.4 % 3.3033, 0.8 % 6.6067.
    const [eur] = buys;
    expect(format(eur!.perMonth)).toBe("825.83");
    expect(format(eur!.button)).toBe("8.25");
    expect(eur!.api.map(({ paid, saved }) => [format(paid), format(saved)])).toEqual([
      ["3.31", "4.94"],
      ["6.61", "1.64"],
    ]);
  });

  test("depend on the moment they are counted from", () => {
    const payday = plansOf("buy: 10 EUR of BTC; every: monday 08:00");
    const sunday = { now: epochMs(Date.UTC(2026, 10, 22)) };
    expect(bill(payday, sunday).usage.slots).toBe(52);
    // 365 days are 52 weeks and a day: from just before a slot on they hold 53 of them.
    expect(bill(payday, { now: epochMs(Date.UTC(2026, 10, 23, 7, 59)) }).usage.slots).toBe(53);
  });

  test("of a plan paid in bitcoin keep their small digits", () => {
    const { buys } = bill(plansOf("buy: 0.00012 BTC of ETH; every: day 08:00"));
    expect(format(buys[0]!.perMonth)).toBe("0.00365000"); // 0.00012 × 365 ÷ 12
  });

  test("are fewer than the firings where EventBridge has to fire each day", () => {
    const { usage } = bill(plansOf("buy: 10 EUR of BTC; every: 5 days 08:00 from 2026-11-01"));
    expect(usage.slots).toBe(73);
    expect(usage.firings).toBe(365);
    expect(usage.buys.map(({ perYear }) => format(perYear))).toEqual(["730"]);
  });

  test("of a rebalance plan are not guessed, but its firings and its queue are in the bill", () => {
    const dca = "buy: 10 EUR of BTC; every: day 08:00";
    const both = bill(plansOf(dca, "rebalance: { BTC: 50%, EUR: 50% }; every: sunday 18:00"));
    expect(both.usage.buys).toEqual(bill(plansOf(dca)).usage.buys);
    expect(both.usage.rebalanceSlots).toBe(52);
    // Two queues are polled: 1300000, more than the million that is free.
    expect(Number(quantityOf(both, "queue requests"))).toBeGreaterThan(1_300_000);
    expect(costText(both)).toContain("Rebalance plans: 52 firings");
  });
});

describe("the break-even", () => {
  test.each(EGRESS_MODES)("pays the bill with %s, and a cent less does not", (egress) => {
    const { totalUsd, breakEvens } = bill(EXAMPLE, { egress });
    for (const { fee, buysPerMonth } of breakEvens) {
      const saved = savedRate(fee);
      expect(compare(multiply(buysPerMonth!, saved), totalUsd)).not.toBe(-1);
      expect(compare(multiply(subtract(buysPerMonth!, decimal("0.01")), saved), totalUsd)).toBe(-1);
    }
  });

  test("lies three times as high at the fee that small accounts are asked since 2026", () => {
    // (1.0 − 0.4) ÷ (1.0 − 0.8): 10.43 ÷ 0.006 and 10.43 ÷ 0.002.
    expect(bill(EXAMPLE).breakEvens.map(({ buysPerMonth }) => format(buysPerMonth!))).toEqual([
      "1738.34",
      "5215.00",
    ]);
  });

  test("does not exist where nothing is saved", () => {
    expect(breakEvenOf(decimal("10"), decimal("0"))).toBeUndefined();
    expect(breakEvenOf(decimal("10"), decimal("-0.001"))).toBeUndefined();
  });

  test("is compared with buys in USD, and with no other currency", () => {
    const small = costText(bill(plansOf("buy: 10 USD of BTC; every: day 08:00")));
    expect(small.match(/do not pay the bill/g)).toHaveLength(2); // 304.16 USD, below 1738
    const large = costText(bill(plansOf("buy: 400 USD of BTC; every: day 08:00")));
    expect(large.match(/USD a month pay the bill/g)).toHaveLength(2); // 12166.66 USD, above 5215
    const euros = costText(bill(plansOf("buy: 400 EUR of BTC; every: day 08:00")));
    expect(euros).not.toContain("pay the bill.");
    expect(euros).toContain("No exchange rate is known here");
  });
});

describe("the prices", () => {
  test("name where they were read, and those not read at AWS say so on their line", () => {
    const { lines } = bill(EXAMPLE);
    const text = costText(bill(EXAMPLE)).split("\n");
    for (const { item, price } of lines) {
      expect(price.source).not.toBe("");
      const row = text.find((line) => line.trimStart().startsWith(item))!;
      expect(row.endsWith("to be checked"), row).toBe(!price.isChecked);
      if (price.source.includes("memory")) expect(price.isChecked).toBe(false);
    }
  });

  test("of Kraken are shown in both tiers that were found, each with its source", () => {
    const text = costText(bill(EXAMPLE));
    for (const { percent, source } of TAKER_FEES) expect(text).toContain(`${percent} %: ${source}`);
  });

  test("of eu-west-1 are known in part, and the rest is marked as us-east-1's", () => {
    const { lines, warning, totalUsd } = bill(EXAMPLE, { region: "eu-west-1" });
    expect(warning).toContain("only 3 prices are known for eu-west-1");
    const instance = lines.find(({ item }) => item.startsWith("NAT instance"))!;
    expect(format(instance.usd)).toBe("3.36"); // 730 × 0.0046 = 3.358
    for (const { price } of lines) {
      expect(price.isChecked).toBe(false);
      expect(price.source).toMatch(/^(from memory|us-east-1's: )/);
    }
    expect(compare(totalUsd, bill(EXAMPLE).totalUsd)).toBe(1);
  });

  test("of a region that nothing is known of are us-east-1's, with a warning above them", () => {
    const frankfurt = bill(EXAMPLE, { region: "eu-central-1" });
    expect(frankfurt.totalUsd).toEqual(bill(EXAMPLE).totalUsd);
    expect(costText(frankfurt)).toMatch(
      /^Warning: no prices are known for eu-central-1: all below are those of us-east-1/,
    );
    expect(costText(bill(EXAMPLE))).not.toContain("Warning");
  });

  test("can be asked for in every region that the CDK knows", () => {
    const known = RegionInfo.regions.filter(({ partition }) => partition === "aws").map(({ name }) => name);
    expect([...REGIONS].sort()).toEqual([...known].sort());
  });
});
