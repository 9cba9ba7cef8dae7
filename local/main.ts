/** `npm start`: everything on one machine, until Ctrl-C. */
import { randomBytes } from "node:crypto";
import { createRequire, enableCompileCache } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Event } from "../shared/app/ports.ts";
import type { Label } from "../shared/domain/run.ts";
import { plansToStart } from "./machine/plans-file.ts";
import { MachineError } from "./machine/state-dir.ts";
import { optionsIn } from "./options.ts";

// Half of a start is compiling. In the package's own folder, as `tide` does.
enableCompileCache(join(import.meta.dirname, "../node_modules/.cache/tide"));

const HELP = `npm start -- [options]     Runs Tidekeeper on this machine, with play money

  --port 4780          port of the page; 0 takes a free one
  --plans FILE         plans to run (else tide.yaml, else tide.example.yaml)
  --state DIR          where everything is kept (default .tide)
  --speed N            virtual seconds for each second while no run is going on
  --exchange WHERE     sandbox (default), http://127.0.0.1:PORT of a separate one (npm run sandbox), or kraken:
                       real money, with keys sealed by a passphrase that is asked for (or the first line of
                       standard input); nothing is ordered before mode: live and tide arm
  --reset              forget the state folder first
  --json               first a line with the addresses, then one line for each step of a run
  --help

With --plans, with kraken, or on a state folder that exists, there is no demo and the clock is not moved.
`;

type Options = ReturnType<typeof readOptions>;

function readOptions(argv: readonly string[]) {
  const values = optionsIn(
    {
      port: { type: "string", default: "4780" },
      plans: { type: "string" },
      state: { type: "string", default: ".tide" },
      speed: { type: "string", default: "1" },
      exchange: { type: "string", default: "sandbox" },
      reset: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
    argv,
  );
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN;
  if (!(port <= 65_535))
    throw new MachineError(`--port was ${values.port}, expected a number from 0 to 65535`);
  const speed = /^\d+(\.\d+)?$/.test(values.speed) ? Number(values.speed) : Number.NaN;
  if (!(speed >= 1 && speed <= 100_000)) {
    throw new MachineError(`--speed was ${values.speed}, expected a number from 1 to 100000`);
  }
  const isAddress = /^https?:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/.test(values.exchange);
  if (values.exchange !== "sandbox" && values.exchange !== "kraken" && !isAddress) {
    throw new MachineError(
      `--exchange was ${values.exchange}, expected sandbox, kraken or an address like http://127.0.0.1:4790`,
    );
  }
  if (values.exchange === "kraken" && speed !== 1) {
    throw new MachineError("--speed is refused with the real exchange: its time cannot be sped up");
  }
  return { ...values, port, speed };
}

/** Read late: a wish that is refused needs neither the database nor the AWS SDK. */
async function load() {
  const [wire, mistake, console, desk, views, machine, page, story] = await Promise.all([
    import("../functions/wire.ts"),
    import("../shared/config/mistake.ts"),
    import("./console.ts"),
    import("./desk/desk.ts"),
    import("./desk/views.ts"),
    import("./machine/machine.ts"),
    import("./page/server.ts"),
    import("./story.ts"),
  ]);
  return { ...wire, ...mistake, ...console, ...desk, ...views, ...machine, ...page, ...story };
}

const WHOSE_MONEY: Readonly<Record<Label, string>> = {
  "PLAY MONEY": "nothing here is real money, nothing leaves this machine.",
  "DRY RUN": "Kraken checks each order and places none.",
  LIVE: "once armed, orders are placed at Kraken with your money.",
};

async function run(options: Options): Promise<void> {
  const out = (text: string) => process.stdout.write(`${text}\n`);
  // With --json standard output holds JSON only; what is for people goes to standard error.
  const say = (text: string) => (options.json ? process.stderr : process.stdout).write(`${text}\n`);
  await checkPort(options.port);
  const { plansFile, starts } = plansToStart(options.reset ? undefined : options.state, options.plans);

  const {
    consoleLine,
    Desk,
    eventLine,
    formatMistake,
    Machine,
    setTheScene,
    startPage,
    systemChance,
    tellStory,
  } = await load();
  let zone = "UTC";
  let show: (event: Event) => void = () => {};
  const machine = await Machine.open({
    stateDir: options.state,
    reset: options.reset,
    plansFile,
    starts,
    exchange: options.exchange,
    speed: options.speed,
    chance: systemChance,
    realNow: Date.now,
    report: (event) => {
      out(options.json ? eventLine(event) : consoleLine(event, zone));
      show(event);
    },
    problem: (text) => process.stderr.write(`${text}\n`),
  });
  zone = machine.settings.zone;
  const desk = new Desk(machine);
  const token = randomBytes(32).toString("hex");
  const { version } = createRequire(import.meta.url)("../package.json") as { version: string };
  const page = await startPage({ machine, desk, port: options.port, token, version }).catch(async (error) => {
    await machine.close();
    throw error;
  });
  show = page.show;
  const url = page.url.replace(/\/$/, "");
  machine.state.announce({ pid: process.pid, page: url, token });
  stopOnSignal(async () => {
    await page.close();
    await machine.close();
  }, say);

  const { origin, ws } = machine.exchange;
  if (options.json)
    out(
      JSON.stringify({ page: url, rest: origin, ws, control: `${url}/_control`, state: machine.state.path }),
    );
  say(`Tidekeeper ${version} · ${desk.label}: ${WHOSE_MONEY[desk.label]}`);
  say(`Page:   ${url}`);
  say(`Plans:  ${plansFile}    State: ${join(options.state)}    Exchange: ${origin}`);
  for (const warning of machine.warnings) say(formatMistake(warning as never));
  const unbuilt =
    machine.settings.plans.length - machine.settings.plans.filter((plan) => plan.kind === "dca").length;
  if (unbuilt > 0) say(`${unbuilt} rebalance plan(s) are read but not run by this version.`);
  if (machine.settings.alerts.length > 0)
    say(`${machine.settings.alerts.length} alert(s) are read but not watched by this version.`);
  const hasStory =
    machine.state.isNew &&
    options.plans === undefined &&
    options.exchange === "sandbox" &&
    (await setTheScene(machine, say));
  machine.start();
  if (hasStory) {
    await tellStory(machine, desk, say);
    return;
  }
  say(`Time here is ${(await desk.status()).local}.`);
  for (const next of await desk.next(3)) say(`Next: ${next.local}  ${next.plan}  ${next.amount}`);
}

/** Asked before anything is made, so that a folder that was never used is still new at the next try. */
async function checkPort(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", ({ code }: NodeJS.ErrnoException) => {
      const why = code === "EACCES" ? "may not be used" : "is in use by another program";
      reject(
        new MachineError(`port ${port} ${why}; choose another one with --port N (0 takes any that is free)`),
      );
    });
    server.listen({ port, host: "127.0.0.1" }, resolve);
  });
  await new Promise((resolve) => server.close(resolve));
}

function stopOnSignal(close: () => Promise<void>, say: (text: string) => void): void {
  let isStopping = false;
  const stop = () => {
    if (isStopping) process.exit(130);
    isStopping = true;
    say("Stopping: what is being worked on is finished first; a run that waits goes on at the next start.");
    // A run that waits for Kraken may take long; the ledger knows it, so leaving is safe.
    setTimeout(() => process.exit(0), 8_000).unref();
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${(error as Error).message}\n`);
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

// Who listened may leave. The machine goes on, and its page shows everything.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(HELP);
  else await run(options);
} catch (error) {
  // What the owner can mend is one sentence; anything else is a bug and shows where.
  const { name, message, stack } = error as Error;
  const isPlain = ["MachineError", "CloudError", "SandboxError", "OptionsMistake"].includes(name);
  process.stderr.write(`${isPlain ? message : (stack ?? message)}\n`);
  process.exit(isPlain ? 2 : 1);
}
