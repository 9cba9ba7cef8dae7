/** What the owner reads, to the letter. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { format } from "../../shared/domain/decimal.ts";
import {
  averagePrice,
  boughtText,
  carriedText,
  missedText,
  nothingBoughtText,
  quarantinedText,
  rehearsedText,
  spentOf,
  sumFills,
  uncertainText,
} from "../../shared/domain/messages.ts";
import { cost, fee, price, rate, volume } from "../../shared/domain/money.ts";
import type { Fills, FrozenOrder, Label, Outcome } from "../../shared/domain/run.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { planOf } from "../support/arbitraries.ts";

const RUN = "btc-weekly@2026-11-23T07:00Z";
const NEXT = "Next: Mon 30 Nov 08:00 CET.";
const CLIENT_ID = "3f0c9a52-8b5e-8c4d-9a51-0c6a54d1be20";
const plan = planOf({ base: "BTC", quote: "EUR" }, "100");

const order: FrozenOrder = {
  pair: plan.pair,
  baseId: "XXBT",
  quoteId: "ZEUR",
  side: "buy",
  volume: volume("0.00198212"),
  limitPrice: price("50250.0"),
  feeRate: rate("0.004"),
  costMax: cost("99.999940000"),
  ask: price("50000.0"),
  baseBefore: volume("0.5"),
  baseNetBefore: volume("0"),
  balanceAt: epochMs(0),
  unsettledBefore: [],
  terms: "",
};
const fills: Fills = { volume: volume("0.00198212"), cost: cost("99.10600"), fee: fee("0.39643") };

describe("golden texts", () => {
  test("bought", () => {
    // 99.106 ÷ 0.00198212 = 50000
    expect(boughtText("LIVE", RUN, plan, order, fills, NEXT)).toEqual({
      subject: "[LIVE] btc-weekly: bought 0.00198212 BTC",
      text:
        "LIVE. Bought 0.00198212 BTC for 99.106 EUR + 0.39643 fee at 50000. " +
        "Next: Mon 30 Nov 08:00 CET. Run btc-weekly@2026-11-23T07:00Z.",
    });
  });

  test("bought, with what is left and how far it reaches", () => {
    // Spent: 99.50243
    const withFree = (free: string, from = plan) =>
      boughtText("LIVE", RUN, from, { ...order, freeBefore: cost(free) }, fills, NEXT).text;
    expect(withFree("512.5")).toContain(
      " at 50000. 412.99757 EUR left, enough for 4 more of this plan. Next: ",
    );
    expect(withFree("111.50243")).toContain(
      " 12 EUR left, too little for the next one: 88 EUR are missing. Next: ",
    );
    const keeping = { ...plan, guards: { ...plan.guards, keepFree: cost("50") } };
    expect(withFree("299.50243", keeping)).toContain(" 200 EUR left, enough for 1 more of this plan.");
  });

  test("bought in part", () => {
    const part = { volume: volume("0.001"), cost: cost("50.00000"), fee: fee("0.2") };
    expect(boughtText("PLAY MONEY", RUN, plan, order, part, NEXT)).toEqual({
      subject: "[PLAY MONEY] btc-weekly: bought 0.001 BTC",
      text:
        "PLAY MONEY. Bought 0.001 BTC for 50 EUR + 0.2 fee at 50000. Only part of 0.00198212 BTC could be had at the " +
        "limit 50250. Next: Mon 30 Nov 08:00 CET. Run btc-weekly@2026-11-23T07:00Z.",
    });
  });

  test("bought a cheap coin: the average price keeps the digits of the pair", () => {
    const shib = planOf({ base: "SHIB", quote: "EUR" }, "10");
    const cheap = { ...order, pair: shib.pair, volume: volume("810000"), limitPrice: price("0.00001240") };
    // 9.98244 ÷ 810000 = 0.0000123240…
    const bought = { volume: volume("810000"), cost: cost("9.98244"), fee: fee("0.03993") };
    expect(boughtText("LIVE", RUN, shib, cheap, bought, NEXT).text).toContain(
      "+ 0.03993 fee at 0.00001232. Next",
    );
    expect(averagePrice(bought, cheap.limitPrice)).toBe("0.00001232");
  });

  test("rehearsed", () => {
    expect(rehearsedText("DRY RUN", RUN, plan, order, NEXT)).toEqual({
      subject: "[DRY RUN] btc-weekly: would have bought 0.00198212 BTC",
      text:
        "DRY RUN. Would have bought 0.00198212 BTC at up to 50250 EUR for at most 99.99994 EUR; Kraken checked the order " +
        "and placed nothing. Next: Mon 30 Nov 08:00 CET. Run btc-weekly@2026-11-23T07:00Z.",
    });
  });

  test.each<readonly [Outcome, string]>([
    ["skipped", "Skipped btc-weekly: the spread is 2 %. Nothing spent."],
    ["refused", "Refused btc-weekly: the spread is 2 %. Nothing spent."],
    ["missed", "Missed btc-weekly: the spread is 2 %. Nothing spent."],
    ["abandoned", "Gave up on btc-weekly: the spread is 2 %. Nothing spent."],
  ])("nothing bought, %s", (outcome, sentence) => {
    const reason = { code: "SPREAD_TOO_WIDE", detail: "the spread is 2 %" } as const;
    expect(nothingBoughtText("LIVE", RUN, "btc-weekly", outcome, reason, NEXT)).toEqual({
      subject: `[LIVE] btc-weekly: ${outcome} (SPREAD_TOO_WIDE)`,
      text: `LIVE. ${sentence} ${NEXT} Run ${RUN}.`,
    });
  });

  test("carried", () => {
    const reason = {
      code: "VOLUME_BELOW_MINIMUM",
      detail: "2 EUR buys 0.00003964 BTC, Kraken's minimum is 0.00005",
    } as const;
    expect(carriedText("LIVE", RUN, plan, cost("2.0000000000"), reason, NEXT)).toEqual({
      subject: "[LIVE] btc-weekly: carried 2 EUR",
      text:
        "LIVE. 2 EUR buys 0.00003964 BTC, Kraken's minimum is 0.00005. Nothing spent; 2 EUR are kept for next time. " +
        "Next: Mon 30 Nov 08:00 CET. Run btc-weekly@2026-11-23T07:00Z.",
    });
  });

  test("uncertain", () => {
    expect(uncertainText("LIVE", RUN, "btc-weekly", CLIENT_ID, "2026-11-23T07:00:10.000Z")).toEqual({
      subject: "[LIVE] btc-weekly: an order is in doubt",
      text:
        "LIVE. Kraken did not answer for certain at 2026-11-23T07:00:10.000Z. Nothing was sent again. Tidekeeper keeps " +
        `looking for the order ${CLIENT_ID} and will adopt it, or prove that it does not exist, by itself. Run ${RUN}.`,
    });
  });

  test("quarantined", () => {
    expect(quarantinedText("LIVE", RUN, "btc-weekly", CLIENT_ID, "Kraken does not show O-1 either")).toEqual({
      subject: "[LIVE] btc-weekly: please look, an order stays in doubt",
      text:
        `LIVE. For 24 hours neither the order ${CLIENT_ID} nor its absence could be proven (Kraken does not show O-1 ` +
        "either). Nothing was sent again, its amount stays reserved, and btc-weekly is on hold. Look for the order at " +
        "Kraken; tide resolve btc-weekly@2026-11-23T07:00Z asks Kraken again.",
    });
  });

  test("missed, one slot, a few, and many", () => {
    const told = (slots: readonly string[]) => missedText("LIVE", "btc-weekly", slots, "Nothing ran", NEXT);
    expect(told(["Mon 23 Nov"])).toEqual({
      subject: "[LIVE] btc-weekly: missed 1 slot",
      text: `LIVE. Missed 1 slot of btc-weekly: Mon 23 Nov. Nothing ran. Nothing spent. ${NEXT}`,
    });
    expect(told(["a", "b", "c"]).text).toContain("Missed 3 slots of btc-weekly: a, b, c.");
    expect(told(["a", "b", "c", "d"]).text).toContain("Missed 4 slots of btc-weekly: a … d.");
  });
});

describe("every message", () => {
  const labels = fc.constantFrom<Label>("PLAY MONEY", "DRY RUN", "LIVE");

  test("names whose money it is, and has a subject that SNS takes", () => {
    fc.assert(
      fc.property(
        labels,
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 150, size: "max" }),
        (label, name) => {
          const odd = { ...plan, id: name };
          const reason = { code: "LATE", detail: name } as const;
          for (const { subject, text } of [
            boughtText(label, RUN, odd, order, fills, NEXT),
            rehearsedText(label, RUN, odd, order, NEXT),
            nothingBoughtText(label, RUN, name, "skipped", reason, NEXT),
            carriedText(label, RUN, odd, cost("1"), reason, NEXT),
            uncertainText(label, RUN, name, CLIENT_ID, "now"),
            quarantinedText(label, RUN, name, CLIENT_ID, "why"),
            missedText(label, name, [name], "why", NEXT),
          ]) {
            expect(subject).toMatch(/^[\x20-\x7e]{1,100}$/);
            expect(subject.startsWith(`[${label}] `)).toBe(true);
            expect(text.startsWith(`${label}. `)).toBe(true);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

test("what was spent is cost and fee, and fills of two orders add up", () => {
  expect(format(spentOf(fills))).toBe("99.50243"); // 99.10600 + 0.39643
  const both = sumFills(fills, { volume: volume("0.001"), cost: cost("50.1"), fee: fee("0.2004") });
  expect([both.volume, both.cost, both.fee].map(format)).toEqual(["0.00298212", "149.20600", "0.59683"]);
});
