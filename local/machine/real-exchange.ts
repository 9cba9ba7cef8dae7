/** What differs when the exchange is Kraken itself: real keys, real time, and nothing that a sandbox would allow. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { assertOrigin, undiciTransport } from "../../shared/kraken/http.ts";
import type { HttpTransport } from "../../shared/kraken/transport.ts";
import { KRAKEN_ORIGIN } from "../../shared/kraken/transport.ts";
import type { SecretsFile } from "../cloud/secrets.ts";
import { type AskPassphrase, askPassphrase } from "../keys/ask-passphrase.ts";
import { KeptKeysError, openKeptKeys } from "../keys/kept-keys.ts";
import type { ExchangeDoor } from "./exchange-door.ts";
import { MachineError } from "./state-dir.ts";

const KEYS_FILE = "keys.sealed";

export type RealOptions = {
  readonly exchange: string;
  readonly speed: number;
  readonly reset?: boolean;
  /** Where the passphrase of the keys comes from; else a prompt, or standard input. */
  readonly passphrase?: AskPassphrase;
  /** For tests: the address on this machine of a sandbox that stands for Kraken. */
  readonly standIn?: string;
};

/** Undefined with play money. Throws MachineError for what real money does not allow, before anything is made. */
export function realExchange(options: RealOptions): { readonly origin: string } | undefined {
  if (options.exchange !== "kraken") return undefined;
  // Whatever a test is told to do, it trades on play money.
  if (options.standIn === undefined && process.env.VITEST !== undefined) {
    throw new MachineError("the real exchange is refused in tests: name a sandbox that stands for it");
  }
  if (options.speed !== 1) {
    throw new MachineError("--speed is refused with the real exchange: its time cannot be sped up");
  }
  if (options.reset === true) {
    throw new MachineError(
      "--reset is refused with the real exchange: the ledger knows what was spent; choose another folder with --state DIR",
    );
  }
  const origin = assertOrigin(options.standIn ?? KRAKEN_ORIGIN);
  if (options.standIn !== undefined && origin === KRAKEN_ORIGIN) {
    throw new MachineError("Kraken cannot stand for itself: expected an address of this machine");
  }
  return { origin };
}

/** The keys of a state folder, unsealed with the owner's passphrase. */
export async function openKeys(folder: string, ask: AskPassphrase = askPassphrase): Promise<SecretsFile> {
  const path = join(folder, KEYS_FILE);
  try {
    return await openKeptKeys(path, await ask({ path, isNew: !existsSync(path) }));
  } catch (error) {
    if (error instanceof KeptKeysError) throw new MachineError(error.message);
    throw error;
  }
}

/** A control door that is shut: nobody moves the time, the prices or the orders of Kraken. */
export function realDoor({ origin }: { readonly origin: string }): ExchangeDoor {
  const { transport, activity } = counted(undiciTransport({ origin }));
  return {
    origin,
    ws: origin === KRAKEN_ORIGIN ? "wss://ws.kraken.com/v2" : `${origin.replace(/^http/, "ws")}/v2`,
    transport,
    keys: [],
    activity: () => activity,
    advance: async () => {
      throw new MachineError("the time of the real exchange cannot be moved");
    },
    control: async () => SHUT,
    close: () => transport.close(),
  };
}

export const SHUT = {
  status: 403,
  body: JSON.stringify({
    error: "the real exchange has no control door: its time, prices and orders are its own",
  }),
} as const;

function counted(transport: HttpTransport) {
  const activity = { inFlight: 0, changes: 0 };
  const step = (by: number) => {
    activity.inFlight += by;
    activity.changes++;
  };
  return {
    activity,
    transport: {
      async send(request) {
        step(1);
        return transport.send(request).finally(() => step(-1));
      },
      close: () => transport.close(),
    } satisfies HttpTransport,
  };
}
