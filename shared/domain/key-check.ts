/** May this API key trade for us? Rules on what Kraken's GetApiKeyInfo says; each refusal names what to change. */
import type { EpochMs } from "./time.ts";
import { DAY_MS, isoOf } from "./time.ts";

export type KeyInfo = {
  readonly name: string;
  readonly permissions: readonly string[];
  /** In nonce units; anything but 0 breaks the nonce barrier. */
  readonly nonceWindow: bigint;
  readonly ipAllowList: readonly string[];
  /** `undefined`: without limit. */
  readonly validUntil: EpochMs | undefined;
  readonly queryFrom: EpochMs | undefined;
  readonly queryTo: EpochMs | undefined;
  /** The account's fingerprint. */
  readonly iban: string;
};

export type KeyUseKind = "trade" | "read";

/** What a key must match besides its permissions. */
export type KeyExpectation = {
  /** The name it must have at Kraken, so that two deployments never share one; undefined where any will do. */
  readonly name: string | undefined;
  /** The addresses that its allow-list must hold and nothing wider; undefined where we do not know ours. */
  readonly addresses: readonly string[] | undefined;
};

export type KeyVerdict = { readonly problems: readonly string[]; readonly warnings: readonly string[] };

/** Permission ids of GetApiKeyInfo and the tick boxes they belong to on Kraken's page "Create API key". */
const TICK_BOX: Readonly<Record<string, string>> = {
  "query-funds": "Funds permissions: Query",
  "add-funds": "Funds permissions: Deposit",
  "withdraw-funds": "Funds permissions: Withdraw",
  "earn-funds": "Funds permissions: Earn",
  "query-open-trades": "Orders and trades: Query open orders & trades",
  "query-closed-trades": "Orders and trades: Query closed orders & trades",
  "modify-trades": "Orders and trades: Create & modify orders",
  "close-trades": "Orders and trades: Cancel & close orders",
  "query-ledger": "Data: Query ledger entries",
  "export-data": "Data: Export data",
  "create-ws-token": "WebSocket interface: On",
  "add-withdraw-address": "Funds permissions: Add withdrawal address",
  "update-withdraw-address": "Funds permissions: Update withdrawal address",
};

const NEEDED: Readonly<Record<KeyUseKind, readonly string[]>> = {
  trade: ["query-funds", "query-open-trades", "query-closed-trades", "modify-trades", "close-trades"],
  read: ["query-funds", "query-open-trades", "query-closed-trades"],
};

const ALLOWED: Readonly<Record<KeyUseKind, readonly string[]>> = {
  trade: [...NEEDED.trade, "query-ledger", "create-ws-token"],
  read: [...NEEDED.read, "query-ledger", "create-ws-token"],
};

const box = (permission: string): string => {
  const known = TICK_BOX[permission];
  return known === undefined ? `the permission ${JSON.stringify(permission)}` : `the tick box "${known}"`;
};

/** Problems refuse the key; warnings are told and the key is used. On one machine an empty allow-list is only warned about. */
export function checkKey(info: KeyInfo, use: KeyUseKind, now: EpochMs, expected: KeyExpectation): KeyVerdict {
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const needed of NEEDED[use]) {
    if (!info.permissions.includes(needed)) problems.push(`${box(needed)} is off; turn it on`);
  }
  for (const permission of info.permissions) {
    if (ALLOWED[use].includes(permission)) continue;
    const why =
      permission === "withdraw-funds" ? "; a key that can withdraw turns every leak into a total loss" : "";
    problems.push(`${box(permission)} is on; turn it off${why}`);
  }
  if (info.nonceWindow !== 0n) {
    problems.push(
      `the field "Custom nonce window" is ${info.nonceWindow}; set it to 0, or a delayed order could be taken late`,
    );
  }
  if (info.queryFrom !== undefined || info.queryTo !== undefined) {
    const from = info.queryFrom === undefined ? "ever" : isoOf(info.queryFrom).slice(0, 10);
    const to = info.queryTo === undefined ? "ever" : isoOf(info.queryTo).slice(0, 10);
    problems.push(
      `the tick box "Query start/end date" limits queries to ${from} – ${to}; turn it off: outside it Kraken answers ` +
        "with nothing, and an order that exists would look as if it did not",
    );
  }
  if (info.validUntil !== undefined) {
    const days = Math.floor((info.validUntil - now) / DAY_MS);
    const until = isoOf(info.validUntil).slice(0, 10);
    if (days < 14) {
      problems.push(
        `the tick box "Key expiration" ends the key on ${until}; set it at least 14 days away, or off`,
      );
    } else warnings.push(`the key expires on ${until}`);
  }
  if (expected.name !== undefined && info.name !== expected.name) {
    problems.push(
      `the field "Key name" is ${JSON.stringify(info.name)}; make a key named ${expected.name} that nothing else uses`,
    );
  }
  checkAddresses(info.ipAllowList, expected.addresses, problems, warnings);
  return { problems, warnings };
}

function checkAddresses(
  allowed: readonly string[],
  ours: readonly string[] | undefined,
  problems: string[],
  warnings: string[],
): void {
  if (ours === undefined) {
    if (allowed.length === 0) {
      warnings.push('the tick box "IP address restriction" is off: the key works from any address');
    }
    return;
  }
  if (allowed.length === 0) {
    problems.push(`the tick box "IP address restriction" is off; turn it on and enter ${ours.join(", ")}`);
    return;
  }
  for (const address of ours) {
    if (!allowed.some((entry) => isSingle(entry) && entry.replace(/\/\d+$/, "") === address)) {
      problems.push(`the field "IP address restriction" lacks our address ${address}; add it`);
    }
  }
  for (const entry of allowed) {
    if (!isSingle(entry)) {
      problems.push(
        `the field "IP address restriction" holds the range ${entry}; enter single addresses only`,
      );
    }
  }
}

/** One address: no range, and all of its bits where a width is given, 32 in IPv4 and 128 in IPv6. */
function isSingle(entry: string): boolean {
  const width = /\/(\d+)$/.exec(entry)?.[1] ?? "";
  return !entry.includes("-") && ["", entry.includes(":") ? "128" : "32"].includes(width);
}
