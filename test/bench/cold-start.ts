/**
 * How long a container of each function takes until its first answer, from the start of its process, over bare Node's own
 * start. The worker is asked to check its key: that reads the secret, works on the table, and asks Kraken, each as a buy does
 * and without a price that moves. The sweep and plan-sync find nothing to do, which is what they do nearly always.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle, FUNCTIONS, type FunctionName } from "../../infra/bundle.ts";
import { deploymentOf } from "../../shared/config/deployment.ts";
import { ENVIRONMENT } from "../../shared/config/names.ts";
import { SETTINGS_FILE } from "../../shared/config/settings-file.ts";
import { settingsIn } from "../support/house.ts";
import type { World } from "./cold-start-world.ts";
import { inRounds, type Measure, median, ratioOf, round } from "./measure.ts";
import { type Plain, plainBundle } from "./plain.ts";

const ROOT = join(import.meta.dirname, "../..");
const RUNTIME = join(ROOT, "test/support/bundle-runtime.cjs");
const BARE = join(import.meta.dirname, "cold-start-bare.cjs");
const FLOOR = join(import.meta.dirname, "cold-start-floor.cjs");
const BYTES_MAX = 1_000_000;

/** Against SDK and ccxt. Functions that never talk to an exchange are held against the SDK alone, too: what our code may add. */
const WHOLE_MAX = 0.6;
const SDK_ALONE_MAX = 1.3;

const KEY_CHECK = {
  Records: [
    {
      messageId: "1",
      body: JSON.stringify({ kind: "check-key", account: "main", use: "trade" }),
      attributes: { MessageGroupId: "main" },
    },
  ],
};

/** As Lambda's runtime and the template give it. */
const ENV = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };
const OURS = { NODE_OPTIONS: "--enable-source-maps" };

/** Milliseconds from before the process is started until its answer is read. */
async function timed(args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const start = performance.now();
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit", "pipe"] });
  const closed = once(child, "close");
  const [told] = (await once(child.stdio[3]!, "data")) as [Buffer];
  const took = performance.now() - start;
  await closed;
  const { errorMessage } = JSON.parse(told.toString()) as { errorMessage?: string };
  if (errorMessage !== undefined) throw new Error(errorMessage);
  return took;
}

async function ask(world: ChildProcess, what: "again" | "counts"): Promise<World> {
  const answered = once(world, "message");
  world.send(what);
  return ((await answered) as [World])[0];
}

export async function coldStart(rounds: number): Promise<readonly Measure[]> {
  const temp = mkdtempSync(join(tmpdir(), "tidekeeper-bench-"));
  const world = fork(join(import.meta.dirname, "cold-start-world.ts"));
  try {
    const [{ env }] = (await once(world, "message")) as [World];
    const floor = join(temp, "floor");
    mkdirSync(floor);
    copyFileSync(FLOOR, join(floor, "index.js"));
    const measures: Measure[] = [];
    for (const name of FUNCTIONS.filter((each) => existsSync(join(ROOT, `functions/${each}.ts`)))) {
      const whole = await plainBundle(name, temp, true);
      const alone = name === "dca" ? undefined : await plainBundle(name, temp);
      measures.push(...(await startOf(name, { world, env, temp, floor, whole, alone, rounds })));
    }
    return measures;
  } finally {
    world.disconnect();
    rmSync(temp, { recursive: true, force: true });
  }
}

type Surroundings = {
  readonly world: ChildProcess;
  readonly env: World["env"];
  readonly temp: string;
  readonly floor: string;
  /** With SDK and ccxt; undefined where ccxt is not installed. */
  readonly whole: Plain | undefined;
  /** With the SDK alone; undefined where the exchange is needed. */
  readonly alone: Plain | undefined;
  readonly rounds: number;
};

async function startOf(name: FunctionName, around: Surroundings): Promise<readonly Measure[]> {
  const { world, temp, floor, whole, alone, rounds } = around;
  const { settingsText } = deploymentOf(settingsIn(readFileSync(join(ROOT, "tide.example.yaml"), "utf8")));
  const folder = bundle(name, settingsText, temp);
  const event = JSON.stringify(name === "dca" ? KEY_CHECK : {});
  const base = { ...ENV, ...around.env };
  const ours = () =>
    timed([RUNTIME, folder, event], {
      ...base,
      ...OURS,
      [ENVIRONMENT.plans]: join(folder, SETTINGS_FILE),
    });

  // What is done only once is done, and what is done each time is counted: the others do as much.
  for (let first = 0; first < 2; first++) await ours();
  await ask(world, name === "dca" ? "again" : "counts");
  await ours();
  const { counts } = await ask(world, "counts");
  const { Kraken: _, ...table } = counts;
  const asOurs = { ...base, PLAIN_COUNTS: JSON.stringify(table) };
  const ways = {
    bare: () => timed([BARE], {}),
    ours,
    floor: () => timed([RUNTIME, floor, event], asOurs),
    ...(whole === undefined ? {} : { whole: () => timed([RUNTIME, whole.folder, event], asOurs) }),
    ...(alone === undefined ? {} : { alone: () => timed([RUNTIME, alone.folder, event], asOurs) }),
  };
  const taken = await inRounds(ways, rounds, async (way) => {
    if (name === "dca") await ask(world, "again");
    else await ask(world, "counts");
    const took = (await way()) as number;
    const done = (await ask(world, "counts")).counts;
    if (way !== ways.bare && !isAlike(done, counts))
      throw new Error(`${name}: ${JSON.stringify(done)} is not what ours does, ${JSON.stringify(counts)}`);
    return took;
  });
  const bare = median(taken.bare);
  const over = (values: readonly number[]) => values.map((value) => value - bare);
  const peers = taken as Partial<Record<"whole" | "alone", readonly number[]>>;
  const beside = (peer: readonly number[] | undefined, peerName: string, max: number): Measure => {
    const ratio = peer === undefined ? null : ratioOf(over(taken.ours), over(peer));
    return {
      name: `cold start of ${name}, to its first answer`,
      unit: "ms over bare Node",
      ours: round(median(over(taken.ours)), 1),
      peer: peer === undefined ? null : round(median(over(peer)), 1),
      peerName,
      limit: round(median(over(taken.floor)), 1),
      limitName: "node:http, signed by hand",
      ratio,
      ratioOf: "ours / peer",
      goal: `<= ${max}`,
      isMet: ratio === null ? null : ratio <= max,
    };
  };
  return [
    beside(peers.whole, "SDK as it comes and ccxt, bundled", WHOLE_MAX),
    ...(alone === undefined ? [] : [beside(peers.alone, "SDK as it comes, bundled", SDK_ALONE_MAX)]),
    sizeOf(name, statSync(join(folder, "index.js")).size, whole ?? alone),
  ];
}

const isAlike = (a: World["counts"], b: World["counts"]): boolean =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => (a[name] ?? 0) === (b[name] ?? 0));

const sizeOf = (name: FunctionName, ours: number, plain: Plain | undefined): Measure => ({
  name: `bundle size of ${name}`,
  unit: "bytes",
  ours,
  peer: plain?.bytes ?? null,
  peerName: "the same, not minified",
  limit: BYTES_MAX,
  limitName: "what the design allows",
  ratio: round(ours / BYTES_MAX, 2),
  ratioOf: "ours / limit",
  goal: "<= 1",
  isMet: ours <= BYTES_MAX,
});
