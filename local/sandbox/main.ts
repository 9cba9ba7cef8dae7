/** `npm run sandbox`: the embedded Kraken on its own. Prints one line of JSON when it is ready. */
import { readFileSync } from "node:fs";
import { VirtualClock } from "../clock.ts";
import { optionsIn } from "../options.ts";
import { readAccounts } from "./accounts.ts";
import { openSandbox, type SandboxOptions } from "./sandbox.ts";
import { selfSigned } from "./self-signed.ts";

const HELP = `The embedded Kraken: play money, simulated prices, real rules.

npm run sandbox -- [options]

  --port N         where to listen, on 127.0.0.1 (default 4790; 0: any free port)
  --seed N         prices and ids follow from it (default 1)
  --speed N        seconds of its clock per real second (default 1)
  --state DIR      keep everything there; without it, in memory only
  --accounts FILE  accounts and keys instead of the default ones (JSON, see local/sandbox/README.md)
  --lenient        accept POST on public endpoints
  --tls            https with a certificate made at start
  --help           this page

When ready, one line of JSON on stdout tells the addresses and the keys.
`;

/** Wrong use and a port that is taken; as documented for the command line. */
const EXIT_USAGE = 2;

function refuse(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(EXIT_USAGE);
}

function readOptions() {
  try {
    return optionsIn({
      port: { type: "string", default: "4790" },
      seed: { type: "string", default: "1" },
      speed: { type: "string", default: "1" },
      state: { type: "string" },
      accounts: { type: "string" },
      lenient: { type: "boolean", default: false },
      tls: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    });
  } catch (cause) {
    return refuse(`${cause instanceof Error ? cause.message : cause}.`);
  }
}

function numberFrom(
  name: string,
  text: string,
  isGood: (value: number) => boolean,
  expected: string,
): number {
  const value = Number(text);
  if (text.trim() === "" || !isGood(value)) refuse(`--${name} is ${expected}, was ${text}.`);
  return value;
}

const options = readOptions();
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const port = numberFrom(
  "port",
  options.port,
  (n) => Number.isInteger(n) && n >= 0 && n <= 65_535,
  "0 to 65535",
);
const seed = numberFrom("seed", options.seed, Number.isSafeInteger, "a whole number");
const speed = numberFrom("speed", options.speed, (n) => n > 0 && n <= 100_000, "above 0 and at most 100000");

const startAt = Date.now();
const clock = new VirtualClock({ startAt, rate: speed });
const sandboxOptions: SandboxOptions = {
  clock,
  seed,
  lenient: options.lenient,
  onReset: async () => clock.resetTo(Date.now()),
};
try {
  if (options.state !== undefined) sandboxOptions.dir = options.state;
  if (options.accounts !== undefined) {
    sandboxOptions.accounts = readAccounts(JSON.parse(readFileSync(options.accounts, "utf8")));
  }
  if (options.tls) sandboxOptions.tls = selfSigned(startAt);
} catch (cause) {
  refuse(`The options cannot be used: ${cause instanceof Error ? cause.message : cause}`);
}

const sandbox = await openSandbox(sandboxOptions).catch((cause: Error) => refuse(cause.message));
// Its clock may have been moved ahead in an earlier life.
clock.moveTo(sandbox.lastAt);

const addresses = await sandbox
  .listen(port)
  .catch((cause: NodeJS.ErrnoException) =>
    refuse(
      cause.code === "EADDRINUSE"
        ? `Port ${port} is in use: choose another one with --port.`
        : `Port ${port} cannot be listened on: ${cause.message}.`,
    ),
  );

async function stop(): Promise<void> {
  clock.stop();
  await sandbox.close();
  process.exit(0);
}
process.once("SIGTERM", () => void stop());
process.once("SIGINT", () => void stop());

process.stdout.write(`${JSON.stringify({ ...addresses, keys: sandbox.keys })}\n`);
