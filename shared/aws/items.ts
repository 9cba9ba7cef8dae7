/** How the ledger's values stand in the table. One place reads and writes them; unknown versions are refused. */

import type { Gate, Head, KeyCheck, Message, PlanState } from "../app/ports.ts";
import type { SyncState } from "../app/sync-plans.ts";
import { CAP_SCALE } from "../domain/caps.ts";
import { fromDoc, toDoc } from "../domain/doc.ts";
import type { Cost } from "../domain/money.ts";
import type { Intent, Run } from "../domain/run.ts";
import { isTerminal } from "../domain/run.ts";
import { epochMs } from "../domain/time.ts";
import { b, type Item, n, s } from "./dynamo.ts";

/** Of every item. A program that meets another one does not touch it. */
const SCHEMA = 2;

export const accountKey = (account: string): string => `A#${account}`;
export const headKey = (account: string): Item => key(accountKey(account), "HEAD");
export const planKey = (account: string, plan: string): Item => key(accountKey(account), `PLAN#${plan}`);
export const runKey = (account: string, run: string): Item => key(accountKey(account), `RUN#${run}`);
export const intentKey = (account: string, run: string, leg: number): Item =>
  key(accountKey(account), `INTENT#${run}#${leg}`);
export const outboxKey = (account: string, id: string): Item => key(accountKey(account), `OUTBOX#${id}`);
export const keyCheckKey = (account: string, use: string): Item =>
  key(accountKey(account), `KEYCHECK#${use}`);
export const gateKey = (keyHash: string): Item => key(`K#${keyHash}`, "GATE");
/** Which account of tide.yaml has this Kraken account. */
export const holderKey = (krakenAccount: string): Item => key(`K#${krakenAccount}`, "HOLDER");
/** Accounts that plans were registered for: one that leaves tide.yaml would else be found nowhere. */
export const accountsKey = (): Item => key("ACCOUNTS", "KNOWN");
export const syncKey = (): Item => key("SYNC", "PLANS");

const key = (pk: string, sk: string): Item => ({ pk: s(pk), sk: s(sk) });

/** Open work is found through a sparse index; its items are spread so that no index partition runs hot. */
export const OPEN_SHARDS = 4;
export const openShard = (account: string): string => {
  let sum = 0;
  for (const char of account) sum = (sum * 31 + char.charCodeAt(0)) % 1_000_003;
  return `OPEN#${sum % OPEN_SHARDS}`;
};

const open = (account: string, dueAt: number): Item => ({
  openShard: s(openShard(account)),
  dueAt: n(dueAt),
});

/** The item, if it is of a version that this program understands. */
export function checked(item: Item | undefined): Item | undefined {
  if (item === undefined) return undefined;
  const version = item.schemaVersion?.N;
  if (version !== String(SCHEMA)) {
    throw new Error(
      `item ${item.pk?.S} ${item.sk?.S} has schema ${version ?? "none"}, expected ${SCHEMA}: written by another version of Tidekeeper, not touched`,
    );
  }
  return item;
}

const version = { schemaVersion: n(SCHEMA) };

export const runItem = (run: Run, hasIntent: boolean): Item => ({
  ...runKey(run.account, run.id),
  ...version,
  doc: s(toDoc(run)),
  ...(hasIntent ? { hasIntent: b(true) } : {}),
  ...(run.closedAt === undefined ? {} : { closedAt: n(run.closedAt) }),
  ...(run.closedAt === undefined && !hasIntent && run.dueAt !== undefined
    ? open(run.account, run.dueAt)
    : {}),
});

export const runOf = (item: Item | undefined): Run | undefined =>
  checked(item) === undefined ? undefined : (fromDoc(item!.doc!.S!) as Run);

export const intentItem = (account: string, intent: Intent): Item => ({
  ...intentKey(account, intent.run, intent.leg),
  ...version,
  doc: s(toDoc(intent)),
  state: s(intent.state),
  n: n(intent.n),
  ...(intent.claimId === undefined ? {} : { claimId: s(intent.claimId) }),
  ...(isTerminal(intent.state) || intent.state === "QUARANTINED" || intent.dueAt === undefined
    ? {}
    : open(account, intent.dueAt)),
});

export const intentOf = (item: Item | undefined): Intent | undefined =>
  checked(item) === undefined ? undefined : (fromDoc(item!.doc!.S!) as Intent);

export const messageItem = (account: string, message: Message): Item => ({
  ...outboxKey(account, message.id),
  ...version,
  doc: s(toDoc(message)),
  ...open(account, message.at),
});

export const messageOf = (item: Item): Message & { readonly sentAt: Message["at"] | undefined } => ({
  ...(fromDoc(checked(item)!.doc!.S!) as Message),
  sentAt: item.sentAt?.N === undefined ? undefined : epochMs(Number(item.sentAt.N)),
});

/** Attributes of HEAD: `used|…` and `net|…` are whole numbers of 10^-10. */
export const netName = (asset: string): string => `net|${asset}`;

export function headOf(item: Item | undefined): Head {
  const used = new Map<string, bigint>();
  const net = new Map<string, bigint>();
  for (const [name, value] of Object.entries(checked(item) ?? {})) {
    if (name.startsWith("used|")) used.set(name, BigInt(value.N!));
    else if (name.startsWith("net|")) net.set(name.slice(4), BigInt(value.N!));
  }
  const lastTxid = item?.lastTxid?.S;
  return {
    killed: item?.killed?.BOOL === true,
    armed: item?.armed?.S,
    dailyTo: item?.dailyTo?.S,
    used,
    net,
    isBound: item?.bound?.BOOL === true,
    unsettled: new Set(item?.unsettled?.SS),
    lastOrder:
      lastTxid === undefined
        ? undefined
        : {
            txid: lastTxid,
            clientOrderId: item!.lastClientOrderId!.S!,
            at: epochMs(Number(item!.lastAt!.N)),
          },
  };
}

/** Never down: an item of a later version stays one. */
export const schemaUpdate = "schemaVersion = if_not_exists(schemaVersion, :schema)";
export const schemaValue = { ":schema": n(SCHEMA) };

/** What a plan is on hold for while an order of it is in doubt. */
export const doubtOf = (run: string, why = ""): string => `${run} is in doubt: ${why}`;

const CARRY = "carry|";
/** Attribute of PLAN: whole units of 10^-10. */
export const carryName = (asset: string): string => `${CARRY}${asset}`;

/** Of a plan that is no longer in tide.yaml, in place of its schedule. */
export const RETIRED = "retired";

const scheduleOf = (text: string | undefined): PlanState["schedule"] =>
  text === undefined || text === RETIRED ? undefined : (fromDoc(text) as PlanState["schedule"]);

export function planStateOf(item: Item | undefined): PlanState | undefined {
  if (checked(item) === undefined || item === undefined) return undefined;
  return {
    id: item.sk!.S!.slice("PLAN#".length),
    schedule: scheduleOf(item.schedule?.S),
    activeFrom: epochMs(Number(item.activeFrom?.N ?? "0")),
    accountedTo: epochMs(Number(item.accountedTo?.N ?? "0")),
    paused: item.paused?.BOOL === true,
    blocked: item.blocked?.SS?.toSorted().join("; "),
    carry: new Map(
      Object.entries(item)
        .filter(([name]) => name.startsWith(CARRY))
        .map(([name, { N }]) => [name.slice(CARRY.length), { units: BigInt(N!), scale: CAP_SCALE } as Cost]),
    ),
  };
}

export const keyCheckItem = (account: string, use: string, check: KeyCheck): Item => ({
  ...keyCheckKey(account, use),
  ...version,
  checkedAt: n(check.checkedAt),
  doc: s(toDoc(check)),
});

export const keyCheckOf = (item: Item | undefined): KeyCheck | undefined =>
  checked(item) === undefined ? undefined : (fromDoc(item!.doc!.S!) as KeyCheck);

export const holderItem = (krakenAccount: string, account: string): Item => ({
  ...holderKey(krakenAccount),
  ...version,
  account: s(account),
});

export const gateItem = (keyHash: string, gate: Gate): Item => ({
  ...gateKey(keyHash),
  ...version,
  rvn: n(gate.rvn),
  fence: n(gate.fence),
  counterMilli: n(gate.counterMilli),
  counterAt: n(gate.counterAt),
  cooldownRepeats: n(gate.cooldownRepeats),
  ...(gate.owner === undefined ? {} : { holder: s(gate.owner) }),
  ...(gate.cooldownUntil === undefined ? {} : { cooldownUntil: n(gate.cooldownUntil) }),
  ...(gate.stopped === undefined ? {} : { stopped: s(gate.stopped) }),
});

export function gateOf(item: Item | undefined): Gate | undefined {
  if (checked(item) === undefined || item === undefined) return undefined;
  return {
    rvn: Number(item.rvn!.N),
    fence: BigInt(item.fence!.N!),
    owner: item.holder?.S,
    counterMilli: Number(item.counterMilli!.N),
    counterAt: epochMs(Number(item.counterAt!.N)),
    cooldownUntil: item.cooldownUntil?.N === undefined ? undefined : epochMs(Number(item.cooldownUntil.N)),
    cooldownRepeats: Number(item.cooldownRepeats?.N ?? "0"),
    stopped: item.stopped?.S,
  };
}

export const syncItem = (state: SyncState): Item => ({
  ...syncKey(),
  ...version,
  rvn: n(state.rvn),
  doc: s(toDoc(state)),
});

export const syncOf = (item: Item | undefined): SyncState | undefined => {
  if (checked(item) === undefined) return undefined;
  const { agreedAt, heldUntil, ...state } = fromDoc(item!.doc!.S!) as SyncState;
  return { ...state, agreedAt, heldUntil };
};
