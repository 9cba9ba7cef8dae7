/** Asks Kraken what a key may do, and keeps what we think of it. Without a good verdict under an hour old nothing is ordered. */
import { checkKey, type KeyInfo, type KeyUseKind } from "../domain/key-check.ts";
import type { EpochMs } from "../domain/time.ts";
import { ExchangeError } from "./errors.ts";
import { keyHashOf, krakenAccountOf } from "./ids.ts";
import type { Deps, Head, KeyCheck } from "./ports.ts";
import type { Credentials } from "./secret.ts";
import { withKey } from "./with-key.ts";

/** The check before this one, and the account's head. */
export type KnownOfKey = { readonly known: KeyCheck | undefined; readonly head: Head };

/** Of the answer to GetApiKeyInfo. */
export function keyCheckOf(
  deps: Pick<Deps, "keyExpectation">,
  use: KeyUseKind,
  credentials: Credentials,
  info: KeyInfo,
  now: EpochMs,
  { known, head }: KnownOfKey,
): KeyCheck {
  const { problems, warnings } = checkKey(info, use, now, deps.keyExpectation(use));
  // Before the first order any account will do: the first key may have been the wrong one.
  const iban = (head.isBound ? known?.iban : undefined) || fingerprint(info);
  // Kraken that says nothing of the account tells nothing about it either.
  const isOtherAccount = fingerprint(info) !== "" && iban !== fingerprint(info);
  return {
    ...verdictBase(credentials, now, known),
    keyName: info.name,
    iban,
    krakenAccount: iban === "" ? keyHashOf(credentials.apiKey) : krakenAccountOf(iban),
    // Test: a key of another Kraken account is refused, and no order in doubt is looked for with it
    problems: isOtherAccount ? [...problems, OTHER_ACCOUNT] : problems,
    warnings,
    ...(isOtherAccount ? { isOtherAccount } : {}),
  };
}

const fingerprint = ({ iban }: KeyInfo): string => iban.replaceAll(" ", "");

const OTHER_ACCOUNT =
  "the key belongs to another Kraken account than the orders in the ledger; use a key of that account, or give this one an " +
  "account of its own in tide.yaml";

function verdictBase(credentials: Credentials, now: EpochMs, known: KeyCheck | undefined) {
  const isSame = known?.secretVersion === credentials.version;
  return {
    secretVersion: credentials.version,
    checkedAt: now,
    ...(known?.iban === undefined ? {} : { iban: known.iban }),
    ...(known?.krakenAccount === undefined ? {} : { krakenAccount: known.krakenAccount }),
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
  const [known, head] = await Promise.all([deps.books.keyCheck(account, use), deps.books.head(account)]);
  const check = await ask(deps, account, use, credentials, { known, head });
  const kept = await keepVerdict(deps, account, use, check);
  if (kept.problems.length > 0) deps.measure("KeysRefused", 1);
  return kept;
}

/**
 * Keeps the verdict, and answers what is kept: a key of the Kraken account that another account of tide.yaml has is refused.
 * Caps are counted for each account by itself, so that the two would spend twice what they say.
 */
export async function keepVerdict(
  deps: Pick<Deps, "settings" | "books" | "ledger">,
  account: string,
  use: KeyUseKind,
  check: KeyCheck,
): Promise<KeyCheck> {
  let holder = await deps.ledger.setKeyCheck(account, use, check);
  if (holder !== undefined && !(await hasStill(deps, holder, check.krakenAccount!))) {
    holder = await deps.ledger.setKeyCheck(account, use, check, holder);
  }
  // Test: another key of the same account
  if (holder === undefined) return check;
  const { krakenAccount: _, ...verdict } = check;
  const refused = { ...verdict, problems: [...check.problems, takenText(holder)] };
  await deps.ledger.setKeyCheck(account, use, refused);
  return refused;
}

/** Not when it left tide.yaml, and not when its keys are of another Kraken account now. */
async function hasStill(
  { settings, books }: Pick<Deps, "settings" | "books">,
  holder: string,
  krakenAccount: string,
): Promise<boolean> {
  if (!settings.accounts.some(({ name }) => name === holder)) return false;
  const checks = await Promise.all([books.keyCheck(holder, "trade"), books.keyCheck(holder, "read")]);
  return checks.some((check) => check?.krakenAccount === krakenAccount);
}

const takenText = (holder: string): string =>
  `the key belongs to the Kraken account that account ${holder} of tide.yaml has: caps hold for each account by itself, and two ` +
  `would spend twice; give one of them a key of another Kraken account, or take account ${holder} out of tide.yaml`;

async function ask(
  deps: Deps,
  account: string,
  use: KeyUseKind,
  credentials: Credentials,
  known: KnownOfKey,
): Promise<KeyCheck> {
  try {
    const info = await withKey(deps, account, use, 1, (exchange) => exchange.keyInfo());
    return keyCheckOf(deps, use, credentials, info, await deps.exchange.now(), known);
  } catch (error) {
    if (!(error instanceof ExchangeError) || error.retry !== "never") throw error;
    // Verdicts are put in order by Kraken's clock.
    const now = await deps.exchange.now().catch(() => deps.clock.now());
    const base = verdictBase(credentials, now, known.known);
    return { ...base, keyName: UNNAMED, problems: [error.message], warnings: [] };
  }
}
