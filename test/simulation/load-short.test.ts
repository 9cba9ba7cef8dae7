/** The load on one key, short: the long one is `npm run load`. */
import { expect, test } from "vitest";
import { type CampaignOptions, runCampaign } from "../load/campaign.ts";

const campaigns: readonly CampaignOptions[] = [
  { tier: "starter", calls: 300, seed: 11, store: "memory" },
  { tier: "pro", calls: 250, seed: 12, store: "memory" },
  { tier: "custom", calls: 100, seed: 13, store: "DynamoDB" },
];

test.each(campaigns)(
  "twenty workers on a key of tier $tier ($store): nothing refused, nobody left out",
  async (campaign) => {
    const report = await runCampaign(campaign);
    expect(report.violations).toEqual([]);
    expect(report.calls).toBeGreaterThanOrEqual(campaign.calls);
    if (campaign.store === "DynamoDB") return;
    // The load was one: workers had to wait, and Kraken did to them what it promises here.
    expect(report.notNow).toBeGreaterThan(0);
    expect(report.injected).toEqual({ "rate-limit": 3, throttled: 2, lockout: 1 });
    expect(report.peakOfCounter).toBeGreaterThan(0.5 * report.maxOfCounter);
  },
);
