/**
 * The first of the two stages a private request passes: who asks, may they, is the nonce new, is the counter low enough.
 * What it lets through has used its nonce, whatever the engine says later.
 */
import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { charge, restLimits } from "./counters.ts";
import type { Fields, PrivateRequest } from "./request.ts";
import type { Key, State } from "./state.ts";

type Permission = Key["setup"]["permissions"][number];

type EndpointRule = {
  /** One of these is needed; none listed: any valid key may. */
  readonly permissions: readonly Permission[];
  /** `history` costs more; `none` counts in the engine only. */
  readonly counts: "usual" | "history" | "none";
};

/** docs.kraken.com, API keys and rate limits. */
export const PRIVATE_ENDPOINTS: Readonly<Record<string, EndpointRule>> = {
  Balance: { permissions: ["query-funds"], counts: "usual" },
  BalanceEx: { permissions: ["query-funds"], counts: "usual" },
  TradeBalance: { permissions: ["query-funds", "query-open-trades"], counts: "usual" },
  TradeVolume: { permissions: ["query-funds"], counts: "usual" },
  OpenOrders: { permissions: ["query-open-trades"], counts: "usual" },
  ClosedOrders: { permissions: ["query-closed-trades"], counts: "usual" },
  QueryOrders: { permissions: ["query-open-trades", "query-closed-trades"], counts: "usual" },
  TradesHistory: { permissions: ["query-closed-trades"], counts: "history" },
  QueryTrades: { permissions: ["query-closed-trades"], counts: "usual" },
  Ledgers: { permissions: ["query-ledger"], counts: "history" },
  QueryLedgers: { permissions: ["query-ledger"], counts: "history" },
  GetApiKeyInfo: { permissions: [], counts: "usual" },
  GetWebSocketsToken: { permissions: ["create-ws-token"], counts: "usual" },
  AddOrder: { permissions: ["modify-trades"], counts: "none" },
  AmendOrder: { permissions: ["modify-trades", "close-trades"], counts: "none" },
  EditOrder: { permissions: ["modify-trades"], counts: "none" },
  CancelOrder: { permissions: ["modify-trades", "close-trades"], counts: "none" },
  CancelAll: { permissions: ["modify-trades", "close-trades"], counts: "usual" },
  CancelAllOrdersAfter: { permissions: ["modify-trades", "close-trades"], counts: "usual" },
};

const U64_MAX = 2n ** 64n - 1n;
/** Unknown keys in a row from one address; the live figure is not published. */
const BAD_KEYS_MAX = 10;
const LOCKOUT_MS = 5 * 60_000;

/** Making a key object costs five times what signing with it does. */
const signers = new Map<string, KeyObject>();

function signerOf(secret: string): KeyObject {
  const known = signers.get(secret);
  if (known !== undefined) return known;
  if (signers.size > 100) signers.clear();
  const made = createSecretKey(Buffer.from(secret, "base64"));
  signers.set(secret, made);
  return made;
}

/** base64(HMAC-SHA512(secret, path + SHA256(nonce + body))). */
export function signatureOf(secret: string, path: string, nonce: string, body: string): string {
  const digest = createHash("sha256").update(nonce).update(body).digest();
  return createHmac("sha512", signerOf(secret)).update(path).update(digest).digest("base64");
}

function isSigned(key: Key, request: PrivateRequest, nonce: string): boolean {
  const expected = Buffer.from(
    signatureOf(key.setup.secret, `/0/private/${request.endpoint}`, nonce, request.body),
  );
  const given = Buffer.from(request.sign);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** An error text, or the key that may go on to the engine. */
export function admit(state: State, request: PrivateRequest, fields: Fields, at: number): Key | string {
  const bad = state.badKeys.get(request.remoteAddress);
  if (bad !== undefined && at < bad.lockedUntil) return "EGeneral:Temporary lockout";

  const key = state.keys.get(request.apiKey);
  if (key === undefined) return countBadKey(state, request.remoteAddress, at);
  const { setup } = key;
  if (at < key.lockedUntil) return "EGeneral:Temporary lockout";
  if (setup.validUntil !== 0 && at >= setup.validUntil * 1000) return "EAPI:Invalid key";
  if (!isSigned(key, request, fields.nonce ?? "")) return "EAPI:Invalid signature";
  state.badKeys.delete(request.remoteAddress);

  if (!isAllowed(setup.ipAllowlist, request.remoteAddress)) return state.settings.ipRefusedError;
  if (!takeNonce(key, fields.nonce)) return "EAPI:Invalid nonce";
  key.lastUsedAt = at;

  const rule = PRIVATE_ENDPOINTS[request.endpoint]!;
  const { permissions } = rule;
  if (permissions.length > 0 && !permissions.some((name) => setup.permissions.includes(name))) {
    return "EGeneral:Permission denied";
  }
  const cost = rule.counts === "none" ? 0 : rule.counts === "usual" ? 1 : state.settings.historyCost;
  const { tier } = state.accounts.get(key.account)!.setup;
  if (cost > 0 && !charge(key.counter, restLimits(tier), cost, at)) return "EAPI:Rate limit exceeded";
  return key;
}

function countBadKey(state: State, remoteAddress: string, at: number): string {
  const count = (state.badKeys.get(remoteAddress)?.count ?? 0) + 1;
  const isOver = count >= BAD_KEYS_MAX;
  state.badKeys.set(remoteAddress, { count: isOver ? 0 : count, lockedUntil: isOver ? at + LOCKOUT_MS : 0 });
  return "EAPI:Invalid key";
}

/** Higher than any before; or inside the key's window, and not used. */
function takeNonce(key: Key, text: string | undefined): boolean {
  if (text === undefined || !/^\d{1,20}$/.test(text)) return false;
  const nonce = BigInt(text);
  if (nonce > U64_MAX) return false;
  const window = BigInt(key.setup.nonceWindow);
  if (nonce <= key.nonceMax) {
    if (nonce <= key.nonceMax - window || key.noncesUsed.includes(nonce)) return false;
    key.noncesUsed.push(nonce);
    return true;
  }
  key.nonceMax = nonce;
  if (window > 0n) key.noncesUsed = [...key.noncesUsed.filter((used) => used > nonce - window), nonce];
  return true;
}

const plain = (address: string): string =>
  address === "::1" ? "127.0.0.1" : address.replace(/^::ffff:/, "");

/** An empty list allows everybody. Entries are addresses or IPv4 ranges, `10.0.0.0/8`. */
export function isAllowed(list: readonly string[], remoteAddress: string): boolean {
  if (list.length === 0) return true;
  const address = plain(remoteAddress);
  return list.some((entry) => {
    const [base, bits] = entry.split("/");
    if (bits === undefined) return plain(entry) === address;
    const [wanted, given] = [ipv4(base!), ipv4(address)];
    if (wanted === undefined || given === undefined) return false;
    const shift = BigInt(32 - Number(bits));
    return wanted >> shift === given >> shift;
  });
}

function ipv4(text: string): bigint | undefined {
  const parts = text.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}
