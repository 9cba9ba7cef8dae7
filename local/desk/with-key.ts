/** A few calls with an account's key, through its gate, for the owner's own questions. */
import type { ExchangeAccount } from "../../shared/app/exchange.ts";
import { acquireKey, READING_HEADROOM } from "../../shared/app/key-gate.ts";
import type { Deps } from "../../shared/app/ports.ts";
import type { KeyUseKind } from "../../shared/domain/key-check.ts";
import { DeskError } from "./errors.ts";

export async function withKey<T>(
  deps: Deps,
  account: string,
  use: KeyUseKind,
  points: number,
  calls: (exchange: ExchangeAccount) => Promise<T>,
): Promise<T> {
  const credentials = await deps.secrets.credentials(account, use);
  if (credentials === undefined) throw new DeskError(`no ${use} key is set for account ${account}`);
  const { tier } = deps.settings.accounts.find(({ name }) => name === account)!;
  const { gates: store, clock, chance, exchange } = deps;
  const gate = { store, clock, chance, exchangeNow: () => exchange.now() };
  // Looking comes last: it leaves to orders what they need of the rate counter.
  const headroom = use === "read" ? READING_HEADROOM : undefined;
  const lease = await acquireKey(gate, credentials, tier, points, headroom);
  if ("is" in lease) throw new DeskError(`the ${use} key cannot be used now: ${lease.why}`);
  try {
    return await calls(deps.exchange.as(lease));
  } finally {
    await lease.release();
  }
}
