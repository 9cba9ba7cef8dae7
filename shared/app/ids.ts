/** Ids that are derived, so that the same run names the same order for ever, also from an empty ledger. */
import { createHash } from "node:crypto";
import type { DcaPlan, Limits, Settings } from "../domain/plan.ts";

/**
 * The client order id of a run's leg: a lower-case dashed UUID, the only spelling that Kraken is known to take and to echo
 * unchanged. The same for every attempt of the intent: while an earlier attempt is open, Kraken itself refuses the next.
 */
export function clientOrderIdOf(account: string, run: string, leg: number): string {
  const bytes = createHash("sha256").update(`tk1|${account}|${run}|${leg}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80; // Version 8: made by an own rule (RFC 9562)
  bytes[8] = (bytes[8]! & 0x3f) | 0x80; // The RFC's variant
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Kraken keeps a UUID as 128 bits and may write it back with or without dashes. */
export const sameClientOrderId = (echoed: string | undefined, asked: string): boolean =>
  echoed !== undefined && plainId(echoed) === plainId(asked);

function plainId(id: string): string {
  const digits = id.replaceAll("-", "").toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits) ? digits : id;
}

/** Names a key in the ledger without telling it. */
export const keyHashOf = (apiKey: string): string =>
  createHash("sha256").update(`tk1|key|${apiKey}`).digest("hex").slice(0, 32);

/** Names a Kraken account in the ledger, by its IBAN at Kraken, without telling it. */
export const krakenAccountOf = (iban: string): string =>
  createHash("sha256").update(`tk1|kraken-account|${iban}`).digest("hex").slice(0, 32);

/** What changes when a schedule or a plan changes: for noticing, not for security. */
export const hashOf = (value: unknown): string =>
  createHash("sha256").update(canonical(value)).digest("hex").slice(0, 32);

/** What of a plan decides how much is bought, at which price, and with what. */
export const termsOf = (
  { pair, spend, order, guards }: Pick<DcaPlan, "pair" | "spend" | "order" | "guards">,
  { maxSlippage }: Limits,
): string => hashOf({ pair, spend, order, guards, maxSlippage });

/** What `tide arm` was shown: any other plan or cap needs a new arming. */
export function armingHash({ settings }: { readonly settings: Settings }): string {
  let hash = armingHashes.get(settings);
  if (hash === undefined) {
    hash = hashOf({ plans: settings.plans, limits: settings.limits });
    armingHashes.set(settings, hash);
  }
  return hash;
}

/** Asked twice in every live run, and 20 ms of work with a thousand plans. Settings never change in a process. */
const armingHashes = new WeakMap<Settings, string>();

function canonical(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(",")}}`;
  }
  return String(JSON.stringify(value));
}
