/** A part of the chaos campaign (`npm run chaos`, docs/chaos.md): one fault of each kind where an order is at stake. */
import { describe, expect, test } from "vitest";
import { caseOf, firstLook } from "../chaos/cases.ts";
import { expectedOf, judge } from "../chaos/expect.ts";
import { illsOf, injectionOf } from "../chaos/faults.ts";
import { play } from "../chaos/play.ts";

const PLACES = ["AddOrder", "TransactWriteItems claim", "PutItem ack", "TransactWriteItems settle"];

const plain = await play([]);
const lookFrom = firstLook(plain.heard);

test("a plain buy is one order, found in order, and makes each call that is tried below", () => {
  expect(judge(expectedOf(caseOf(), lookFrom), plain)).toEqual([]);
  expect(plain.orders).toBe(1);
  const calls = plain.heard.map(({ call }) => call);
  expect(PLACES.filter((place) => !calls.includes(place))).toEqual([]);
});

for (const place of PLACES) {
  describe(place, () => {
    const heard = plain.heard.find(({ call }) => call === place)!;
    const brief = illsOf(heard).filter(({ forSeconds }) => forSeconds === undefined);
    const oneOfEach = [...Map.groupBy(brief, ({ fault }) => fault).values()].map((ills) => ills.at(-1)!);
    const cases = oneOfEach.map((ill) => caseOf(injectionOf(heard, ill)));

    test.each(cases)("$id", async (one) => {
      const played = await play(one.injections);
      expect(judge(expectedOf(one, lookFrom), played)).toEqual([]);
    });
  });
}

test("the judge finds fault: a second order, a wrong outcome, a call that was not made", () => {
  const good = expectedOf(caseOf(), lookFrom);
  expect(judge(good, { ...plain, wrong: ["DOUBLE BUY: 2 orders"] })).toHaveLength(1);
  expect(judge(good, { ...plain, outcome: "skipped" })).toHaveLength(1);
  expect(judge(good, { ...plain, attempts: 2 })).toHaveLength(1);
  expect(judge(good, { ...plain, seconds: 9_999 })).toHaveLength(1);
  const unmet = [injectionOf(plain.heard[0]!, { fault: "throttle" })];
  expect(judge(good, { ...plain, unmet })).toHaveLength(1);
});
