/** Many accounts at once, short: the long one is `npm run load:accounts`. */
import { expect, test } from "vitest";
import { runAccounts } from "../load/accounts-campaign.ts";
import { costsIn } from "../load/sweep-cost.ts";

test("thirty accounts fire in the same minute: each buys once, within its cap, in its own partition", async () => {
  const report = await runAccounts({ accounts: 30, runs: 1, workers: 10, seed: 21 });
  expect(report.violations).toEqual([]);
  expect(report).toMatchObject({
    orders: 60, // Two plans each
    doubleOrders: 0,
    capBreaches: 0,
    invalidNonces: 0,
    rateLimitErrors: 0,
    strayWrites: [],
    // And one by hand each, which finds no room in the day's cap.
    outcomes: { bought: 60, refused: 30 },
  });
  // The load was one: deliveries met each other, at the gate and past it.
  expect(report.conditionsRefused).toBeGreaterThan(0);
  expect(report.rush).toMatchObject({ reservations: 24, reserved: 6, room: 6, capBreaches: 0, gaveUp: 0 });
  expect(report.rush.conflictsRetried).toBeGreaterThan(0);
  expect(report.laterBuy).toMatchObject({ trips: 8, conflicts: 0 });
});

test("behind an address whose public calls are limited, plans come later, and none buys twice", async () => {
  const report = await runAccounts({ accounts: 6, runs: 1, workers: 3, seed: 22, publicPerSecond: 0.1 });
  expect(report.violations).toEqual([]);
  expect(report.publicRefused).toBeGreaterThan(0);
});

test("what a sweep asks for grows with accounts in a straight line, and when nothing is due not with plans", async () => {
  const quiet = async (accounts: number, plansPerAccount: number): Promise<number> => {
    for await (const { kind, requests } of costsIn(accounts, plansPerAccount))
      if (kind === "quiet") return requests;
    throw new Error("there was no quiet sweep");
  };
  const [five, twenty] = [await quiet(5, 1), await quiet(20, 1)];
  const perAccount = (twenty - five) / 15;
  // Three or less: plans, head, and the key's last check.
  expect(perAccount).toBeLessThanOrEqual(3);
  // The rest is the index, the same for any number.
  expect(five - 5 * perAccount).toBeLessThanOrEqual(12);
  expect(await quiet(5, 10)).toBe(five);
});
