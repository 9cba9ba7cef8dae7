/** `npm run chaos`: one buy for each fault at each of its calls, and for pairs of them; says what became of every one. */
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { scriptOptions } from "../../local/options.ts";
import { type Case, caseOf, firstHalves, firstLook, secondHalves, singles } from "./cases.ts";
import { Crew } from "./crew.ts";
import { expectedOf, judge } from "./expect.ts";
import type { Played } from "./play.ts";
import { type Result, summaryOf, tables, writtenPage } from "./report.ts";

const HELP = `npm run chaos -- [options]

Runs one buy for every fault at every call that a buy makes to Kraken and to AWS, and for pairs of faults around the
order, in virtual time, and has each one audited at the exchange.

  --only WORD    cases whose name contains WORD, such as "AddOrder 1" or "throttle"
  --no-pairs     single faults only (--pairs is the default)
  --jobs N       processes at once (default: one for each core)
  --write        writes docs/chaos.md as well; needs the whole campaign
  --json         no tables, only the last line
  --help

The last line is {"cases","bad","doubleBuys","lostOrders","capBreaches"}. Ends with 1 when a case is bad.`;

const options = scriptOptions(HELP, {
  only: { type: "string" },
  pairs: { type: "boolean", default: true },
  jobs: { type: "string", default: String(availableParallelism()) },
  write: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
});
if (options.write && (options.only !== undefined || !options.pairs)) {
  console.error("--write needs the whole campaign: leave out --only and --no-pairs");
  process.exit(2);
}

const crew = new Crew(Math.max(1, Number(options.jobs) || 1));
const results: Result[] = [];

async function playAll(name: string, cases: readonly Case[], lookFrom: number): Promise<void> {
  const wanted = cases.filter(({ id }) => options.only === undefined || id.includes(options.only));
  let done = 0;
  const made = new Map<Case, Result>();
  await crew.playAll(wanted, (one, played) => {
    const wrong = judge(expectedOf(one, lookFrom), played);
    made.set(one, { ...one, ...played, wrong });
    done++;
    for (const line of wrong) console.error(`BAD  ${one.id}: ${line}`);
    if (done % 50 === 0 || done === wanted.length) console.error(`${name}: ${done} of ${wanted.length}`);
  });
  results.push(...wanted.map((one) => made.get(one)!));
}

const plainCase = caseOf();
const [plain] = (await crew.playAll([plainCase], () => {})) as [Played];
if (plain.wrong.length > 0) throw new Error(`a plain buy goes wrong: ${plain.wrong.join("; ")}`);
const calls = plain.heard;
const lookFrom = firstLook(calls);

await playAll("singles", singles(calls), lookFrom);
if (options.pairs) {
  const firsts = firstHalves(calls);
  const heard = await crew.playAll(firsts, () => {});
  const pairs = firsts.flatMap((first, index) => secondHalves(first, heard[index]!.heard));
  await playAll("pairs", pairs, lookFrom);
}
crew.close();

if (results.length === 0) {
  const names = [
    ...new Set(singles(calls).flatMap(({ injections }) => injections.map(({ fault }) => fault))),
  ];
  console.error(`no case has ${options.only} in its name; faults are ${names.sort().join(", ")}`);
  console.error(`calls are ${calls.map(({ call }) => call).join(", ")}`);
  process.exit(2);
}
if (!options.json) console.log(tables(results));
const summary = summaryOf(results);
if (options.write) {
  writeFileSync(join(import.meta.dirname, "../../docs/chaos.md"), writtenPage(plain, results, summary));
}
console.log(JSON.stringify(summary));
process.exitCode = summary.bad > 0 ? 1 : 0;
