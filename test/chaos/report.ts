/** The results as text: tables for people, one line for programs, and the page of the docs. */
import type { Case } from "./cases.ts";
import { illText } from "./faults.ts";
import type { Played } from "./play.ts";
import { type Injection, type Place, placeText } from "./tap.ts";

export type Result = Case & Played;

export type Summary = {
  readonly cases: number;
  readonly bad: number;
  readonly doubleBuys: number;
  readonly lostOrders: number;
  readonly capBreaches: number;
};

export function summaryOf(results: readonly Result[]): Summary {
  const having = (pattern: RegExp) =>
    results.filter(({ wrong }) => wrong.some((line) => pattern.test(line))).length;
  return {
    cases: results.length,
    bad: having(/./),
    doubleBuys: results.filter(({ orders }) => orders > 1).length,
    lostOrders: having(/^order .* (is unknown to the ledger|exists, the ledger says)|other txids/),
    capBreaches: having(/^CAP|^window/),
  };
}

/** Cases of the same end. `cells` says which: lists of calls and of faults, all of which were combined. */
type Row = {
  readonly cells: readonly (readonly string[])[];
  readonly end: string;
  readonly attempts: number;
  readonly seconds: readonly [number, number];
  readonly cases: number;
};

const endText = ({ outcome, reason, wrong }: Result): string => {
  const said =
    outcome === "bought" && reason === "FILLED" ? "bought" : `${outcome} (${reason || "no reason"})`;
  return wrong.length === 0 ? said : `${said} BAD: ${wrong.join("; ")}`;
};

const rowOf = (result: Result, cells: readonly string[]): Row => ({
  cells: cells.map((cell) => [cell]),
  end: endText(result),
  attempts: result.attempts,
  seconds: [result.seconds, result.seconds],
  cases: 1,
});

/** Rows that differ in one cell only, and in their time, become one. */
function collapsed(rows: readonly Row[], by: number): readonly Row[] {
  const groups = Map.groupBy(rows, ({ cells, end, attempts }) =>
    JSON.stringify([cells.filter((_, index) => index !== by), end, attempts]),
  );
  return [...groups.values()].map((group) => ({
    ...group[0]!,
    cells: group[0]!.cells.map((cell, index) =>
      index === by ? [...new Set(group.flatMap(({ cells }) => cells[by]!))] : cell,
    ),
    seconds: [
      Math.min(...group.map(({ seconds }) => seconds[0])),
      Math.max(...group.map(({ seconds }) => seconds[1])),
    ] as const,
    cases: group.reduce((sum, { cases }) => sum + cases, 0),
  }));
}

const isPair = ({ injections }: Case): boolean => injections.length > 1;
const firstOf = ({ injections }: Case): Injection => injections[0]!;
const lastOf = ({ injections }: Case): Injection => injections.at(-1)!;

const singleRows = (results: readonly Result[]): readonly Row[] =>
  results
    .filter((result) => !isPair(result))
    .map((result) => rowOf(result, [placeText(firstOf(result)), illText(firstOf(result))]));

const pairRows = (results: readonly Result[]): readonly Row[] =>
  results
    .filter(isPair)
    .map((result) =>
      rowOf(result, [illText(firstOf(result)), placeText(lastOf(result)), illText(lastOf(result))]),
    );

const secondsText = ([least, most]: Row["seconds"]): string =>
  least === most ? `${least}` : `${least}–${most}`;

export function tables(results: readonly Result[]): string {
  const lineOf = ({ cells, end, attempts, seconds }: Row) =>
    `${cells.map((cell) => cell.join(", ")).join("  |  ")}  |  ${end}  |  ${attempts}  |  ${secondsText(seconds)}`;
  const part = (title: string, rows: readonly Row[]) =>
    rows.length === 0 ? [] : [`${title}  |  outcome  |  attempts  |  seconds`, "", ...rows.map(lineOf), ""];
  return [
    ...part("call  |  fault", collapsed(singleRows(results), 1)),
    ...part("fault of AddOrder 1  |  later call  |  its fault", collapsed(pairRows(results), 2)),
  ].join("\n");
}

function markdown(titles: readonly string[], rows: readonly Row[]): string {
  const all = [...titles, "outcome", "attempts", "seconds", "cases"];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(all),
    line(all.map(() => "---")),
    ...rows.map(({ cells, end, attempts, seconds, cases }) =>
      line([
        ...cells.map((cell) => cell.join(", ")),
        end,
        String(attempts),
        secondsText(seconds),
        String(cases),
      ]),
    ),
  ].join("\n");
}

const LABELS: Readonly<Record<Place["service"], string>> = {
  kraken: "Kraken",
  dynamodb: "DynamoDB",
  secretsmanager: "Secrets Manager",
  sns: "SNS",
  sqs: "SQS",
};

function callsText(plain: Played): string {
  const sent = plain.heard.findIndex(({ call }) => call === "DeleteMessage");
  return plain.heard
    .slice(0, sent + 1)
    .map((heard) => `${LABELS[heard.service]} ${placeText(heard)}`)
    .join(" → ");
}

export function writtenPage(plain: Played, results: readonly Result[], summary: Summary): string {
  const byKind = [1, 0].reduce((rows, cell) => collapsed(rows, cell), singleRows(results));
  const pairs = [2, 1, 0].reduce((rows, cell) => collapsed(rows, cell), pairRows(results));
  const singleCount = results.filter((result) => !isPair(result)).length;
  return `# The chaos campaign

One buy for each fault, at each call that a buy makes; then one for each pair of faults around the order. The whole program
runs, with its real handlers and adapters, against the embedded Kraken and the embedded AWS, in virtual time. Written by
\`npm run chaos -- --write\`.

**${summary.cases} cases (${singleCount} single faults, ${summary.cases - singleCount} pairs): ${summary.bad} bad, ${summary.doubleBuys} double buys, ${summary.lostOrders} lost orders, ${summary.capBreaches} breaches of a cap.**

## What each case is held to

A case is good when the exchange's own records and the ledger agree, and when it ended as it must:

- at most one order at the exchange, whatever went wrong; every order in the ledger, with the same id and cost, and every
  cap window equal to what the exchange says was spent;
- the run is over, with one outcome, which was published once (SNS delivers at least once: where its own answer is lost,
  it may be twice); an order whose absence had to be proven was told as in doubt, if the ledger was there to tell it from;
- the outcome, its reason and the number of attempts are those that belong to this fault, and the run ended in the time
  that belongs to it. A fault that hides what became of an order costs no second attempt if the order was placed, and one
  if it was not; a refusal ends the run; the rest costs only time. \`test/chaos/expect.ts\` is the table;
- Kraken was not called while it had asked to be left alone, and no nonce was refused and no limit met that was not
  injected;
- nothing is in the dead-letter queue. Only outages of five minutes and more may leave the firing there; its run goes on
  from the ledger all the same.

Three more minutes pass after the end of each run, so that whatever was still on its way arrives.

What it does not show: the real exchange and the real AWS; two runs at once; crashes and frozen processes (there are
tests of their own in \`test/simulation\`); records that lag behind for a day, which end in quarantine.

## How to run it

\`\`\`
npm run chaos                          # everything; some minutes
npm run chaos -- --only "AddOrder 1"   # cases with this in their name
npm run chaos -- --no-pairs --json
\`\`\`

It ends with 1 when a case is bad. Calls and faults are found by listening to a plain buy, so a new call is in the campaign
without anybody thinking of it. \`test/simulation/chaos-short.test.ts\` is the part that runs with every change.

## A plain buy

${callsText(plain)}; then the sweep, each minute.

## Single faults

A number behind a call says which one of its name it is. \`n s\` is how late or how long; \`for n min\`: every call to the
same service meets the fault, from this one on. Seconds are virtual, from the firing to the end of the run.

${markdown(["calls", "faults"], byKind)}

## Pairs

First the fault of the first AddOrder, then that of a later call on the way of the order. After \`drop-request\` and
\`drop-reply-after-accept\` each later call meets all its faults, the first time it is made and the last; after the other
faults, which lead the same ways, it meets a sample, the first time only.

${markdown(["fault of AddOrder 1", "later calls", "their faults"], pairs)}
`;
}
