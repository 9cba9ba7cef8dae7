/**
 * `npm run load [-- --calls N --seed K]`: N private calls of twenty workers on one key, for each tier. Progress and a table
 * on stderr; the last line of stdout is JSON. Ends with 1 when anything was broken.
 */
import { scriptOptions } from "../../local/options.ts";
import { type CampaignOptions, type Report, runCampaign } from "./campaign.ts";

const HELP = `npm run load -- [--calls 10000] [--seed 1]

Private calls of twenty workers on one key, for each tier, in virtual time. The last line is JSON; ends with 1 when a nonce or a
call was refused.`;
const values = scriptOptions(HELP, {
  calls: { type: "string", default: "10000" },
  seed: { type: "string", default: "1" },
});
const [calls, seed] = [Number(values.calls), Number(values.seed)];
if (!(calls >= 100) || !Number.isInteger(seed)) {
  console.error("--calls is a number from 100 on, --seed a whole number");
  process.exit(2);
}

const campaigns: readonly CampaignOptions[] = [
  { tier: "starter", calls, seed, store: "memory" },
  { tier: "intermediate", calls, seed, store: "memory" },
  { tier: "pro", calls, seed, store: "memory" },
  { tier: "custom", calls, seed, store: "memory" },
  // The same through the adapter and the embedded database: slower, and so fewer.
  { tier: "custom", calls: Math.ceil(calls / 10), seed, store: "DynamoDB" },
];

const reports: Report[] = [];
for (const campaign of campaigns) {
  let told = 0;
  const progress = (done: number, virtualMs: number): void => {
    if (done < told + campaign.calls / 10) return;
    told = done;
    const at = `${campaign.tier} on ${campaign.store}: ${done} of ${campaign.calls} calls`;
    console.error(`${at}, ${(virtualMs / 3_600_000).toFixed(1)} virtual hours`);
  };
  const report = await runCampaign({ ...campaign, progress });
  for (const violation of report.violations) console.error(`VIOLATION (${report.tier}): ${violation}`);
  reports.push(report);
}

console.error(
  [
    [
      "tier",
      "store",
      "calls",
      "calls/h",
      "nonce errors",
      "rate errors",
      "counter",
      "wait s: resolve/buy/read",
    ],
  ]
    .concat(
      reports.map((report) => [
        report.tier,
        report.store,
        String(report.calls),
        String(report.callsPerVirtualHour),
        String(report.invalidNonces),
        String(report.rateLimitErrors),
        `${report.peakOfCounter} of ${report.maxOfCounter}`,
        Object.values(report.longestWaitOfMs)
          .map((ms) => Math.round(ms / 1000))
          .join("/"),
      ]),
    )
    .map((row) => row.map((cell, column) => cell.padEnd([13, 9, 7, 8, 13, 12, 14, 0][column]!)).join(" "))
    .join("\n"),
);
const sum = (of: (report: Report) => number): number =>
  reports.reduce((total, report) => total + of(report), 0);
console.log(
  JSON.stringify({
    calls: sum(({ calls }) => calls),
    invalidNonces: sum(({ invalidNonces }) => invalidNonces),
    rateLimitErrors: sum(({ rateLimitErrors }) => rateLimitErrors),
    longestWaitMs: Math.max(...reports.map(({ longestWaitMs }) => longestWaitMs)),
    callsInPauses: sum(({ callsInPauses }) => callsInPauses),
    violations: sum(({ violations }) => violations.length),
    seed,
    tiers: reports,
  }),
);
process.exit(reports.every(({ violations }) => violations.length === 0) ? 0 : 1);
