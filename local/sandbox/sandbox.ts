/** The embedded Kraken, ready to be put into a program or started on its own. Read `exchange.ts` for what it does. */
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../shared/app/clock.ts";
import { type AccountsInput, DEFAULT_ACCOUNTS, readAccounts } from "./accounts.ts";
import { Activity } from "./activity.ts";
import { type AuditedOrder, auditOf, handleControl } from "./control.ts";
import { type Door, handleApi, type SandboxReply, type SandboxRequest } from "./door.ts";
import type { WriteAt } from "./journal.ts";
import { Keeper } from "./keeper.ts";
import { listen, type TlsOptions } from "./server.ts";
import { DEFAULT_SETTINGS, type Settings, type State } from "./state.ts";

export type { AuditedOrder } from "./control.ts";
export type { SandboxReply, SandboxRequest } from "./door.ts";

export type SandboxOptions = {
  clock: Clock;
  seed: number;
  /** Where the state is kept. Without it, in memory only. */
  dir?: string;
  /** Accepts POST on public endpoints. */
  lenient?: boolean;
  accounts?: AccountsInput;
  /** What the live exchange is not known to do for certain. */
  settings?: Partial<Settings>;
  /** Moves the clocks of the whole program; answers when what fell due has run. */
  onAdvance?: (seconds: number) => Promise<void>;
  /** Sets the clocks back. Called before the state is made anew. */
  onReset?: () => Promise<void>;
  tls?: TlsOptions;
  /** Stands in for the disk where a test needs one that fails. */
  write?: WriteAt;
};

export type SandboxKey = { name: string; key: string; secret: string; permissions: readonly string[] };
export type Addresses = { rest: string; ws: string; wsAuth: string; wsV1: string; control: string };

export interface Sandbox {
  /** The door without a socket, used by in-process tests and by the HTTP server alike. */
  handle(request: SandboxRequest): Promise<SandboxReply>;
  /** 0: any free port. On the loopback address only. */
  listen(port: number): Promise<Addresses>;
  readonly keys: readonly SandboxKey[];
  /** Every order ever accepted, as GET /_control/orders. */
  orders(): AuditedOrder[];
  readonly activity: { readonly inFlight: number; readonly changes: number };
  /** The latest instant the exchange was told: a clock that starts behind it should be moved there. */
  readonly lastAt: number;
  /** Everything, for audits and tests. Not to be changed. */
  readonly state: Readonly<State>;
  close(): Promise<void>;
}

/** Throws one sentence when the state folder cannot be used. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock } = options;
  const keeper = Keeper.open({
    dir: options.dir,
    at: clock.now(),
    setup: {
      seed: options.seed | 0,
      accounts: readAccounts(options.accounts ?? DEFAULT_ACCOUNTS),
      settings: { ...DEFAULT_SETTINGS, ...options.settings },
    },
    write: options.write,
  });
  const activity = new Activity();
  const door: Door = { keeper, clock, activity, lenient: options.lenient ?? false };
  const control = {
    keeper,
    now: () => Math.max(clock.now(), keeper.state.at),
    advance: async (seconds: number) => {
      // Who moves the clocks may wait for requests to end; this one waits for them in turn.
      await activity.outside(() => (options.onAdvance ?? moveOwnClock(clock, activity))(seconds));
    },
    reset: async () => {
      await activity.outside(async () => options.onReset?.());
      keeper.reset(clock.now());
    },
  };

  const answer = async (request: SandboxRequest): Promise<SandboxReply> =>
    request.path.startsWith("/_control/") ? handleControl(control, request) : handleApi(door, request);

  const servers: { close: () => Promise<void> }[] = [];
  return {
    activity,
    keys: [...keeper.state.keys.values()].map(({ setup }) => ({
      name: setup.name,
      key: setup.key,
      secret: setup.secret,
      permissions: setup.permissions,
    })),
    handle: (request) =>
      activity.during(async () => {
        const reply = await answer(request);
        if (reply.is === "reply" && reply.secondHalfAfterMs !== undefined) {
          await activity.asleep(clock, reply.secondHalfAfterMs);
        }
        return reply;
      }),
    listen: async (port) => {
      const server = await listen({ answer, activity, clock, tls: options.tls }, port);
      servers.push(server);
      return addressesOf(server.port, options.tls !== undefined);
    },
    orders: () => auditOf(keeper.stateAt(clock.now())),
    get lastAt() {
      return keeper.state.at;
    },
    get state() {
      return keeper.state;
    },
    close: async () => {
      for (const server of servers) await server.close();
      keeper.close();
    },
  };
}

type Movable = Clock & { moveTo(at: number): void };

/** Rounds of the event loop that woken requests may take until all of them have their answer. */
const ROUNDS_MAX = 1_000;

function moveOwnClock(clock: Clock, activity: Activity): (seconds: number) => Promise<void> {
  return async (seconds) => {
    if (!("moveTo" in clock)) throw new Error("this clock cannot be moved");
    (clock as Movable).moveTo(clock.now() + seconds * 1000);
    for (let round = 0; round === 0 || (activity.inFlight > 0 && round < ROUNDS_MAX); round++) {
      await setImmediate();
    }
  };
}

function addressesOf(port: number, isTls: boolean): Addresses {
  const rest = `${isTls ? "https" : "http"}://127.0.0.1:${port}`;
  const ws = `${isTls ? "wss" : "ws"}://127.0.0.1:${port}`;
  return { rest, ws: `${ws}/v2`, wsAuth: `${ws}/v2`, wsV1: `${ws}/`, control: `${rest}/_control` };
}
