/** The exchange that a machine trades on: the sandbox inside this process, or one that runs on its own. */
import { undiciTransport } from "../../shared/kraken/http.ts";
import type { HttpTransport } from "../../shared/kraken/transport.ts";
import type { VirtualClock } from "../clock.ts";
import { type AccountsInput, DEFAULT_ACCOUNTS, readAccounts } from "../sandbox/accounts.ts";
import { openSandbox, type Sandbox } from "../sandbox/sandbox.ts";
import type { Activity } from "./quiet.ts";
import { MachineError } from "./state-dir.ts";

export type ExchangeKey = { readonly name: string; readonly key: string; readonly secret: string };

export interface ExchangeDoor {
  readonly origin: string;
  /** Its time while a machine is opened: later than the machine's, if a machine was killed before it wrote its own down. */
  readonly at?: number;
  readonly ws: string;
  readonly transport: HttpTransport;
  readonly keys: readonly ExchangeKey[];
  readonly activity: () => Activity;
  /** The embedded sandbox shares the machine's clock; a separate one is told. */
  advance(seconds: number): Promise<void>;
  /** A request to the sandbox's control door, answered as it came. */
  control(
    method: string,
    path: string,
    body: string,
  ): Promise<{ readonly status: number; readonly body: string }>;
  close(): Promise<void>;
}

export async function embeddedExchange(options: {
  clock: VirtualClock;
  seed: number;
  dir: string;
  accounts: AccountsInput;
  port?: number;
  onAdvance: (seconds: number) => Promise<void>;
  onReset: () => Promise<void>;
}): Promise<ExchangeDoor> {
  const { clock, seed, dir, accounts, onAdvance, onReset } = options;
  const sandbox: Sandbox = await openSandbox({ clock, seed, dir, accounts, onAdvance, onReset });
  const urls = await sandbox.listen(options.port ?? 0);
  return {
    origin: urls.rest,
    at: sandbox.lastAt,
    ws: urls.ws,
    transport: undiciTransport({ origin: urls.rest }),
    keys: sandbox.keys,
    activity: () => sandbox.activity,
    advance: async () => {},
    async control(method, path, body) {
      const reply = await sandbox.handle({
        method,
        path: `/_control${path}`,
        headers: { "content-type": "application/json" },
        body: Buffer.from(body),
        remoteAddress: "127.0.0.1",
      });
      return reply.is === "reply"
        ? { status: reply.status, body: reply.body.toString() }
        : { status: 502, body: '{"error":"no answer"}' };
    },
    close: () => sandbox.close(),
  };
}

/** A sandbox that runs on its own (`npm run sandbox`), and goes on when this process is killed. */
export async function separateExchange(url: string): Promise<ExchangeDoor> {
  const transport = undiciTransport({ origin: url });
  const activity = { inFlight: 0, changes: 0 };
  const counted: HttpTransport = {
    async send(request) {
      activity.inFlight++;
      activity.changes++;
      try {
        return await transport.send(request);
      } finally {
        activity.inFlight--;
        activity.changes++;
      }
    },
    close: () => transport.close(),
  };
  const control: ExchangeDoor["control"] = async (method, path, body) => {
    try {
      const reply = await fetch(`${url}/_control${path}`, {
        method,
        headers: { "content-type": "application/json" },
        ...(method === "GET" ? {} : { body }),
      });
      return { status: reply.status, body: await reply.text() };
    } catch (error) {
      throw new MachineError(
        `no sandbox answers at ${url}: start one with npm run sandbox -- --port PORT (${(error as Error).message})`,
      );
    }
  };
  const toldAt = timeIn((await control("GET", "/state", "")).body);
  const heardAt = performance.now();
  if (toldAt === undefined) {
    throw new MachineError(
      `what answers at ${url} is not a sandbox; start one with npm run sandbox -- --port PORT`,
    );
  }
  return {
    origin: url,
    get at() {
      return toldAt + performance.now() - heardAt;
    },
    ws: `${url.replace(/^http/, "ws")}/v2`,
    transport: counted,
    keys: readAccounts(DEFAULT_ACCOUNTS).flatMap((account) => account.keys),
    activity: () => activity,
    async advance(seconds) {
      await control("POST", "/advance", JSON.stringify({ seconds }));
    },
    control,
    close: () => transport.close(),
  };
}

/** The time that a sandbox tells of itself. */
function timeIn(body: string): number | undefined {
  try {
    const at = Date.parse((JSON.parse(body) as { now: string }).now);
    return Number.isNaN(at) ? undefined : at;
  } catch {
    return undefined;
  }
}
