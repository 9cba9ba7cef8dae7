/** A few calls with an account's key, through its gate, outside a run. */
import type { KeyUseKind } from "../domain/key-check.ts";
import { ExchangeError } from "./errors.ts";
import type { ExchangeAccount } from "./exchange.ts";
import { acquireKey, READING_HEADROOM } from "./key-gate.ts";
import type { Deps } from "./ports.ts";
import { restKey } from "./rest-key.ts";

/** There is no key, or it cannot be had now; the text says which. */
export class KeyUnavailable extends Error {
  constructor(message: string) {
    super(message);
    this.name = "KeyUnavailable";
  }
}

/** Throws KeyUnavailable. `points` is what the calls cost of Kraken's rate counter. */
export async function withKey<T>(
  deps: Pick<Deps, "settings" | "secrets" | "gates" | "clock" | "chance" | "exchange" | "measure">,
  account: string,
  use: KeyUseKind,
  points: number,
  calls: (exchange: ExchangeAccount) => Promise<T>,
): Promise<T> {
  const credentials = await deps.secrets.credentials(account, use);
  if (credentials === undefined) throw new KeyUnavailable(`no ${use} key is set for account ${account}`);
  const { tier } = deps.settings.accounts.find(({ name }) => name === account)!;
  const { gates: store, clock, chance, exchange } = deps;
  const gate = { store, clock, chance, exchangeNow: () => exchange.now() };
  // Looking comes last: it leaves to orders what they need of the rate counter.
  const headroom = use === "read" ? READING_HEADROOM : undefined;
  const lease = await acquireKey(gate, credentials, tier, points, headroom);
  if ("is" in lease) throw new KeyUnavailable(`the ${use} key cannot be used now: ${lease.why}`);
  try {
    return await calls(deps.exchange.as(lease));
  } catch (error) {
    if (error instanceof ExchangeError) await restKey(deps, lease, error);
    throw error;
  } finally {
    await lease.release();
  }
}
