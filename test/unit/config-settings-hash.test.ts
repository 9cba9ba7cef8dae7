/** How the owner's tools notice that another tide.yaml was deployed. */
import { expect, test } from "vitest";
import { readDeployment } from "../../shared/config/deployment.ts";

const PLANS = `
mode: dry-run
timezone: Europe/Berlin
limits: { perOrder: 500 EUR, perDay: 500 EUR, perMonth: 2000 EUR, maxSlippage: 0.5% }
plans: [{ id: btc, buy: 100 EUR of BTC, every: monday 08:00 }]
`;

function hashOf(text: string): string {
  const read = readDeployment(text, "tide.yaml");
  if ("mistakes" in read) throw new Error(read.mistakes.join("\n"));
  return read.deployment.settingsHash;
}

test("the hash is of what the file means, not of how it is written", () => {
  expect(hashOf(PLANS)).toMatch(/^[0-9a-f]{32}$/);
  expect(hashOf(`# a comment\n${PLANS}`)).toBe(hashOf(PLANS));
  expect(hashOf(PLANS.replace("BTC, every: monday", "XBT, every: mon"))).toBe(hashOf(PLANS));
});

test.each([
  ["an amount", PLANS.replace("100 EUR", "101 EUR")],
  ["a cap", PLANS.replace("2000 EUR", "2001 EUR")],
  ["the mode", PLANS.replace("dry-run", "live")],
  ["a time", PLANS.replace("08:00", "08:01")],
  ["the egress", `egress: nat-gateway${PLANS}`],
])("%s changes it", (_, text) => {
  expect(hashOf(text)).not.toBe(hashOf(PLANS));
});
