/**
 * `npm run bench [-- --json --rounds N]`: our figures beside a yardstick of the same run. Absolute figures are this machine's,
 * ratios travel. A table; with `--json`, the last line of stdout is a list with an entry for each measure.
 */
import { scriptOptions } from "../../local/options.ts";
import { calls } from "./calls.ts";
import { coldStart } from "./cold-start.ts";
import type { Measure } from "./measure.ts";
import { ccxt } from "./peers.ts";
import { signing } from "./signing.ts";
import { trips } from "./trips.ts";

const HELP = `npm run bench -- [--rounds 11] [--json]

Our figures beside a yardstick of the same run, as a table; with --json the last line is a list with an entry for each measure.`;
const values = scriptOptions(HELP, {
  json: { type: "boolean", default: false },
  rounds: { type: "string", default: "11" },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error("--rounds is a whole number from 1 on");
  process.exit(2);
}
if ((await ccxt("key", "c2VjcmV0")) === undefined) {
  console.error(
    "ccxt is not installed, its figures stay empty. To have them: (cd test/peers && npm ci --ignore-scripts)",
  );
}

const measures: readonly Measure[] = [
  ...(await signing(rounds)),
  ...(await calls(rounds)),
  ...(await trips()),
  ...(await coldStart(rounds)),
];

const number = (value: number | null): string => (value === null ? "–" : value.toLocaleString("en"));
const verdict = ({ isMet }: Measure): string => (isMet === null ? "not measured" : isMet ? "met" : "NOT MET");
const rows = measures.map((measure) => [
  measure.name,
  measure.unit,
  number(measure.ours),
  measure.peerName === null ? "–" : `${number(measure.peer)} (${measure.peerName})`,
  `${number(measure.limit)} (${measure.limitName})`,
  `${number(measure.ratio)} ${measure.ratioOf}`,
  `${measure.goal}: ${verdict(measure)}`,
]);
const table = [["measure", "unit", "ours", "peer", "limit", "ratio", "goal"], ...rows];
const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
for (const row of table) {
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}
if (values.json) console.log(JSON.stringify(measures));
process.exit(0);
