/** The programs of one-machine mode as processes of their own: started, listened to, asked, stopped and killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** Of the sandbox's three keys. It may appear in nothing that a program says. */
export const SECRET =
  "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";

const PATIENCE_MS = 20_000;

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/**
 * When the first program of a test file starts, by its own clock; for the next ones it has gone on as time does.
 * Not the hour at which the tests are run: plans have slots, and a machine moved on by three minutes at 20:28 buys one
 * time more than a machine moved on at 20:20. Far from every slot of these tests' plans.
 */
const QUIET_MINUTE = "2027-02-01T10:02:00Z";

/** A process with all that it has said so far. With `at`, its clock starts there instead of at `QUIET_MINUTE`. */
export class Program {
  readonly #child: ChildProcess;
  readonly exited: Promise<Exit>;
  #exit: Exit | undefined;
  #watchers = new Set<() => void>();
  stdout = "";
  stderr = "";

  constructor(script: string, args: readonly string[], options: { cwd?: string; at?: string } = {}) {
    this.#child = spawn(process.execPath, [...clockSetTo(options.at), join(ROOT, script), ...args], {
      cwd: options.cwd ?? ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1", NODE_OPTIONS: "" },
    });
    running.add(this);
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.#look();
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
      this.#look();
    });
    this.exited = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        this.#exit = { code, signal };
        running.delete(this);
        resolve(this.#exit);
        this.#look();
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Resolves with what `look` finds, as soon as something that the program says makes it find anything. */
  until<T>(look: () => T | undefined, what: string, patienceMs = PATIENCE_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(check);
        settle();
      };
      const fail = (why: string) =>
        end(() =>
          reject(new Error(`${what}: ${why}\n${this.stdout.slice(-3_000)}\n${this.stderr.slice(-3_000)}`)),
        );
      const check = () => {
        const found = look();
        if (found !== undefined) end(() => resolve(found));
        else if (this.#exit !== undefined) fail("the program ended");
      };
      const timer = setTimeout(() => fail(`not within ${patienceMs} ms`), patienceMs);
      this.#watchers.add(check);
      check();
    });
  }

  /** The first line of either stream that matches. */
  line(pattern: RegExp, patienceMs?: number): Promise<string> {
    const look = () => `${this.stdout}\n${this.stderr}`.split("\n").find((line) => pattern.test(line));
    return this.until(look, `a line like ${pattern}`, patienceMs);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** As Ctrl-C. */
  async stop(): Promise<Exit> {
    this.signal("SIGINT");
    return this.exited;
  }

  /** Nobody reads what it says any more, as when the other end of a pipe has left. */
  deafen(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }

  #look(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

const running = new Set<Program>();
const folders: string[] = [];

/** For `afterEach`: nothing that a test started outlives it. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((program) => program.kill()));
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
}

/** Below the ports that are given out to whoever asks for any: nobody has it, and nobody gets it meanwhile. */
export const ownPort = (nth: number): number => 20_000 + ((process.pid * 2 + nth) % 9_000);

/** A new empty folder, gone after the test. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tidekeeper-machine-"));
  folders.push(folder);
  return folder;
}

const quietShiftMs = Date.parse(QUIET_MINUTE) - Date.now();

/** What time it is by the clock of a program that was started without `at`. */
export const programsNow = (): number => Date.now() + quietShiftMs;

/** Sets the clock of a process that is to be started, as the clock of its computer would be. */
function clockSetTo(at: string | undefined): readonly string[] {
  const shiftMs = at === undefined ? quietShiftMs : Date.parse(at) - Date.now();
  return ["--import", `data:text/javascript,const now=Date.now;Date.now=()=>now()+${shiftMs}`];
}

export type RunEvent = {
  readonly event: "run";
  readonly run: string;
  readonly plan: string;
  readonly step: string;
  readonly outcome: string | null;
  readonly at: string;
  readonly detail: string;
};
export type FirstLine = {
  readonly page: string;
  readonly rest: string;
  readonly ws: string;
  readonly control: string;
  readonly state: string;
};
export type ExchangeOrder = {
  readonly clOrdId: string | null;
  readonly txid: string;
  readonly pair: string;
  readonly status: string;
  readonly volExec: string;
  readonly cost: string;
  readonly fee: string;
  readonly acceptedAt: string;
};

/** `npm start -- --json`, ready to be used. */
export class MachineProcess extends Program {
  first!: FirstLine;

  /** With `plans`, the text of a plans file. */
  static async start(
    state: string,
    options: { plans?: string; args?: readonly string[]; at?: string } = {},
  ): Promise<MachineProcess> {
    const plans = options.plans === undefined ? [] : ["--plans", await plansFile(options.plans)];
    const args = ["--json", "--port", "0", "--state", state, ...plans, ...(options.args ?? [])];
    const machine = new MachineProcess(
      "local/main.ts",
      args,
      options.at === undefined ? {} : { at: options.at },
    );
    machine.first = JSON.parse(await machine.line(/^\{/)) as FirstLine;
    return machine;
  }

  /** Whole lines of standard output after the first. */
  get events(): readonly RunEvent[] {
    const lines = this.stdout.split("\n").slice(0, -1);
    return lines.slice(1).map((line) => JSON.parse(line) as RunEvent);
  }

  /** The run's last word, `bought` or another outcome, once it has been told. */
  told(run: string | RegExp, patienceMs?: number): Promise<RunEvent> {
    const isIt = (id: string) => (typeof run === "string" ? id === run : run.test(id));
    const look = () => this.events.find((event) => event.step === "notify" && isIt(event.run));
    return this.until(look, `the end of run ${run}`, patienceMs);
  }

  control(method: "GET" | "POST", path: string, body?: unknown): Promise<unknown> {
    return controlOf(this.first.control, method, path, body);
  }

  async advance(seconds: number): Promise<void> {
    await this.control("POST", "/advance", { seconds });
  }

  async orders(): Promise<readonly ExchangeOrder[]> {
    return (await this.control("GET", "/orders")) as ExchangeOrder[];
  }

  async now(): Promise<number> {
    const reply = await fetch(`${this.first.page}/api/state`);
    return Date.parse(((await reply.json()) as { now: string }).now);
  }

  /** What `tide` asks of a machine that runs, without the start of another process. */
  async ask(verb: string, args: object = {}): Promise<unknown> {
    const running = await readFile(join(this.first.state, "running.json"), "utf8");
    const { token } = JSON.parse(running) as { token: string };
    const reply = await fetch(`${this.first.page}/api/tide`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-tidekeeper-token": token },
      body: JSON.stringify({ verb, args }),
    });
    const answered = (await reply.json()) as { result?: unknown; error?: string };
    if (reply.status !== 200) throw new Error(answered.error);
    return answered.result;
  }

  async history(): Promise<readonly BookedRun[]> {
    return (await this.ask("history")) as BookedRun[];
  }

  tide(...args: readonly string[]): Promise<Answer> {
    return tide(this.first.state, ...args);
  }
}

export async function controlOf(
  control: string,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
): Promise<unknown> {
  const reply = await fetch(`${control}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  if (reply.status !== 200) throw new Error(`${method} ${path} answered ${reply.status}: ${text}`);
  return JSON.parse(text);
}

export async function plansFile(text: string): Promise<string> {
  const file = join(await newFolder(), "plans.yaml");
  await writeFile(file, text);
  return file;
}

export type Answer = Exit & { readonly stdout: string; readonly stderr: string; readonly json: unknown };

/** `tide VERB … --json`, to its end. */
export async function tide(state: string, ...args: readonly string[]): Promise<Answer> {
  const program = new Program("local/cli/tide.ts", [...args, "--json", "--state", state]);
  const exit = await program.exited;
  const { stdout, stderr } = program;
  return {
    ...exit,
    stdout,
    stderr,
    json: stdout.startsWith("{") || stdout.startsWith("[") ? JSON.parse(stdout) : undefined,
  };
}

export type BookedRun = {
  readonly run: string;
  readonly plan: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly orders: readonly {
    readonly clOrdId: string;
    readonly txid: string | null;
    readonly state: string;
    readonly volume: string;
    readonly cost: string;
    readonly fee: string;
  }[];
};

/** What history and exchange do not agree on, in sentences; empty when each bought run has one order and each order its run. */
export function disagreements(
  runs: readonly BookedRun[],
  orders: readonly ExchangeOrder[],
): readonly string[] {
  const wrong: string[] = [];
  const known = new Map(runs.flatMap((run) => run.orders.map((order) => [order.clOrdId, run] as const)));
  const times = new Map<string, number>();
  for (const { clOrdId, txid } of orders) {
    if (clOrdId === null || !known.has(clOrdId)) wrong.push(`order ${txid} is unknown to the history`);
    else times.set(clOrdId, (times.get(clOrdId) ?? 0) + 1);
  }
  for (const run of runs) {
    const placed = run.orders.reduce((sum, order) => sum + (times.get(order.clOrdId) ?? 0), 0);
    const expected = run.outcome === "bought" ? 1 : 0;
    if (placed !== expected) wrong.push(`${run.run} ended ${run.outcome} and has ${placed} orders`);
  }
  return wrong;
}
