/** Asks Kraken what a key may do, and keeps what we think of it. Without a good verdict under an hour old nothing is ordered. */
import { checkKey, type KeyInfo, type KeyUseKind } from "../domain/key-check.ts";
import type { EpochMs } from "../domain/time.ts";
import { ExchangeError } from "./errors.ts";
import type { Deps, KeyCheck } from "./ports.ts";
import type { Credentials } from "./secret.ts";
import { withKey } from "./with-key.ts";

/** Of the answer to GetApiKeyInfo. `known` is the check before this one. */
export function keyCheckOf(
  deps: Pick<Deps, "keyExpectation">,
  use: KeyUseKind,
  credentials: Credentials,
  info: KeyInfo,
  now: EpochMs,
  known: KeyCheck | undefined,
): KeyCheck {
  return {
    ...verdictBase(credentials, now, known),
    keyName: info.name,
    ...checkKey(info, use, now, deps.keyExpectation(use)),
  };
}

function verdictBase(credentials: Credentials, now: EpochMs, known: KeyCheck | undefined) {
  const isSame = known?.secretVersion === credentials.version;
  return {
    secretVersion: credentials.version,
    checkedAt: now,
    since: (isSame ? known?.since : undefined) ?? now,
  };
}

/** What a key is called that Kraken tells nothing of. */
const UNNAMED = "";

/**
 * Checks the key of an account now, past every cache. Undefined: no key is set. A key that Kraken does not take has its
 * verdict, too: Kraken's own words. Throws what may pass: KeyUnavailable, or ExchangeError with another rule than `never`.
 */
export async function checkKeyNow(
  deps: Deps,
  account: string,
  use: KeyUseKind,
): Promise<KeyCheck | undefined> {
  const credentials = await deps.secrets.credentials(account, use, true);
  if (credentials === undefined) return undefined;
  const known = await deps.books.keyCheck(account, use);
  const check = await ask(deps, account, use, credentials, known);
  await deps.ledger.setKeyCheck(account, use, check);
  if (check.problems.length > 0) deps.measure("KeysRefused", 1);
  return check;
}

async function ask(
  deps: Deps,
  account: string,
  use: KeyUseKind,
  credentials: Credentials,
  known: KeyCheck | undefined,
): Promise<KeyCheck> {
  try {
    const info = await withKey(deps, account, use, 1, (exchange) => exchange.keyInfo());
    return keyCheckOf(deps, use, credentials, info, await deps.exchange.now(), known);
  } catch (error) {
    if (!(error instanceof ExchangeError) || error.retry !== "never") throw error;
    const base = verdictBase(credentials, deps.clock.now(), known);
    return { ...base, keyName: UNNAMED, problems: [error.message], warnings: [] };
  }
}
