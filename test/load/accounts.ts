/**
 * `npm run load:accounts [-- --accounts N --runs R --workers W --seed K --sweeps no --public-per-second P]`: N accounts that
 * all fire in the same minute, R weeks long, and what a sweep costs as accounts and plans grow. Progress and tables on
 * stderr; the last line of stdout is JSON. Ends with 1 when anything was broken.
 */
import { scriptOptions } from "../../local/options.ts";
import { runAccounts } from "./accounts-campaign.ts";
import { costOfSweeps, type SweepCost } from "./sweep-cost.ts";

const HELP = `npm run load:accounts -- [--accounts 1000] [--runs 1] [--workers 50] [--seed 1] [--sweeps no] [--public-per-second N]

Accounts that all fire in the same minute, some weeks long, in virtual time; and what a sweep costs as accounts and plans grow.
The last line is JSON; ends with 1 when anything was broken.`;
const values = scriptOptions(HELP, {
  accounts: { type: "string", default: "1000" },
  runs: { type: "string", default: "1" },
  workers: { type: "string", default: "50" },
  seed: { type: "string", default: "1" },
  sweeps: { type: "string", default: "yes" },
  "public-per-second": { type: "string" },
});
const [accounts, runs, workers, seed] = [values.accounts, values.runs, values.workers, values.seed].map(
  Number,
);
const publicPerSecond = values["public-per-second"];
if (
  ![accounts, runs, workers].every((number) => Number.isInteger(number) && number! >= 1) ||
  seed! % 1 !== 0
) {
  console.error("--accounts, --runs and --workers are whole numbers from 1 on, --seed a whole number");
  process.exit(2);
}

const report = await runAccounts({
  accounts: accounts!,
  runs: runs!,
  workers: workers!,
  seed: seed!,
  ...(publicPerSecond === undefined ? {} : { publicPerSecond: Number(publicPerSecond) }),
  progress: (over, of, virtualMs) =>
    console.error(`${over} of ${of} runs over, ${Math.round(virtualMs / 1000)} s after the slot`),
});
for (const violation of report.violations) console.error(`VIOLATION: ${violation}`);

const { firstBuy, laterBuy, sweepMost } = report;
const table: readonly (readonly [string, unknown])[] = [
  ["accounts, weeks, workers", `${report.accounts}, ${report.runs}, ${report.workers}`],
  ["deliveries, orders", `${report.deliveries}, ${report.orders}`],
  ["outcomes", JSON.stringify(report.outcomes)],
  ["double orders", report.doubleOrders],
  ["cap breaches", report.capBreaches],
  ["invalid nonces", report.invalidNonces],
  ["rate-limit errors", report.rateLimitErrors],
  ["writes across accounts", report.strayWrites.length],
  ["ledger and exchange disagree", report.wrong.length],
  ["public calls refused", report.publicRefused],
  ["conflicts retried, conditions refused", `${report.conflictsRetried}, ${report.conditionsRefused}`],
  ["past the gate: reserved, of", `${report.rush.reserved}, ${report.rush.reservations}`],
  ["past the gate: breaches, conflicts", `${report.rush.capBreaches}, ${report.rush.conflictsRetried}`],
  ["bought within ten minutes", `${report.buysIn10Min} of ${report.buys}`],
  ["last run over, seconds after the slot", report.weekMs.map((ms) => Math.round(ms / 1000)).join(", ")],
  ["trips of a buy: first, later", `${firstBuy?.trips}, ${laterBuy?.trips}`],
  ["write units of a buy", `${firstBuy?.writeUnits}, ${laterBuy?.writeUnits}`],
  ["index writes of a buy", `${firstBuy?.indexUnits}, ${laterBuy?.indexUnits}`],
  ["read units of a buy", `${firstBuy?.readUnits}, ${laterBuy?.readUnits}`],
  ["public, private calls of a buy", `${laterBuy?.publicCalls}, ${laterBuy?.privateCalls}`],
  ["requests of the dearest sweep", sweepMost?.requests],
  ["firings and runs sent again by sweeps", report.resentBySweep],
  [
    "wall s, CPU s, CPU ms per buy",
    `${seconds(report.wallMs)}, ${seconds(report.cpuMs)}, ${report.cpuMsPerBuy}`,
  ],
  ["memory MB: resident, heap", `${report.rssMb}, ${report.heapMb}`],
];
console.error(table.map(([name, value]) => `${name.padEnd(40)} ${value}`).join("\n"));

const costs: SweepCost[] = [];
if (values.sweeps !== "no") {
  console.error("\nsweep        accounts plans   requests reads  writes index  CPU ms  ms at 4 ms a request");
  for await (const cost of costOfSweeps(accounts!)) {
    costs.push(cost);
    const { kind, accounts: of, plans, requests, readUnits, writeUnits, indexUnits, cpuMs, tookMs } = cost;
    const cells = [kind, of, plans, requests, readUnits, writeUnits, indexUnits, Math.round(cpuMs), tookMs];
    const widths = [12, 8, 7, 8, 6, 6, 6, 7, 0];
    console.error(cells.map((cell, column) => String(cell).padEnd(widths[column]!)).join(" "));
  }
}
console.log(JSON.stringify({ ...report, wrong: report.wrong.length, seed, sweepCosts: costs }));
process.exit(report.violations.length === 0 ? 0 : 1);

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
