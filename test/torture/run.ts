/**
 * `npm run torture [-- --kills 2000 --freezes 200 --lanes 4 --seed 1]`: machines are killed (SIGKILL) and frozen (SIGSTOP)
 * at random moments of their runs, beside exchanges that go on. Time is virtual, so that weeks pass in minutes.
 */
import { scriptOptions } from "../../local/options.ts";
import { endAll } from "../support/machine-process.ts";
import { runLane } from "./lane.ts";

const HELP = `npm run torture -- [--kills 2000] [--freezes 200] [--lanes 4] [--seed 1]

Kills and freezes machines at random moments of their runs, beside exchanges that go on, in virtual time; then audits orders,
ledger, caps and slots. The last line is {"kills","freezes","runs","orders","doubleOrders","unknownOrders","wrong"}. Ends with 1
when anything is wrong.`;

const values = scriptOptions(HELP, {
  kills: { type: "string", default: "2000" },
  freezes: { type: "string", default: "200" },
  lanes: { type: "string", default: "4" },
  seed: { type: "string", default: "1" },
});
const [kills, freezes, lanes, seed] = [values.kills, values.freezes, values.lanes, values.seed].map(
  Number,
) as [number, number, number, number];
if (![kills, freezes, lanes, seed].every((value) => Number.isInteger(value) && value >= 0) || lanes < 1) {
  console.error("--kills, --freezes, --lanes and --seed take whole numbers");
  process.exit(2);
}

const share = (total: number, lane: number) => Math.floor(total / lanes) + (lane < total % lanes ? 1 : 0);
const done = { kill: 0, freeze: 0 };
const startedAt = performance.now();
const progress = setInterval(() => {
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  process.stderr.write(
    `${done.kill} of ${kills} kills, ${done.freeze} of ${freezes} freezes after ${seconds} s\n`,
  );
}, 10_000);
try {
  const verdicts = await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      runLane({
        seed: seed * 1000 + lane,
        kills: share(kills, lane),
        freezes: share(freezes, lane),
        onDone: (what) => done[what]++,
      }),
    ),
  );
  const wrong = verdicts.flatMap((verdict) => verdict.wrong);
  for (const line of wrong) console.error(line);
  const sum = (of: "runs" | "orders") => verdicts.reduce((total, verdict) => total + verdict[of], 0);
  console.log(
    JSON.stringify({
      kills: done.kill,
      freezes: done.freeze,
      runs: sum("runs"),
      orders: sum("orders"),
      doubleOrders: wrong.filter((line) => /has [2-9]\d* orders/.test(line)).length,
      unknownOrders: wrong.filter((line) => line.includes("is unknown")).length,
      wrong: wrong.length,
    }),
  );
  process.exitCode = wrong.length === 0 ? 0 : 1;
} finally {
  clearInterval(progress);
  await endAll();
}
