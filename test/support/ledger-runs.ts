/** Runs, intents and what goes with them, as the steps of a run write them into the ledger. */
import type { Gate, KeyCheck, Message, Settlement } from "../../shared/app/ports.ts";
import { type CapWindow, reservedUnits } from "../../shared/domain/caps.ts";
import { cost, fee, price, rate, volume } from "../../shared/domain/money.ts";
import type { Fills, Intent, Run } from "../../shared/domain/run.ts";
import { epochMs, later, MINUTE_MS } from "../../shared/domain/time.ts";
import { START } from "./cloud-house.ts";

export const NOW = epochMs(START);
export const ACCOUNT = "main";
export const PLAN = "btc-weekly";
export const RUN = `${PLAN}@2026-11-23T07:00Z`;
export const KEY_HASH = "0123456789abcdef0123456789abcdef";
export const COST = "99.99994";

export const aRun = (change: Partial<Run> = {}): Run => ({
  id: RUN,
  account: ACCOUNT,
  plan: PLAN,
  kind: "dca",
  slot: NOW,
  trigger: "schedule",
  label: "PLAY MONEY",
  openedAt: NOW,
  steps: [{ step: "fire", at: NOW, detail: "slot 2026-11-23T07:00Z" }],
  ...change,
});

export const closed = (run: Run, outcome: Run["outcome"] & string = "skipped"): Run => ({
  ...run,
  closedAt: later(NOW, 1_000),
  outcome,
  reason: { code: "PAUSED", detail: "the plan is paused" },
});

export const anIntent = (change: Partial<Intent> = {}): Intent => ({
  run: RUN,
  leg: 0,
  clientOrderId: "3dcb511b-c0de-8fbf-9e25-0410ac60963d",
  state: "PLANNED",
  n: 0,
  order: {
    pair: { base: "BTC", quote: "EUR" },
    baseId: "XXBT",
    quoteId: "ZEUR",
    side: "buy",
    volume: volume("0.00198212"),
    limitPrice: price("50250.0"),
    feeRate: rate("0.004"),
    costMax: cost(COST),
    ask: price("50000.0"),
    baseBefore: volume("0.5"),
    baseNetBefore: volume("0.0000000000"),
    balanceAt: NOW,
    unsettledBefore: [],
    terms: "",
  },
  windows: [DAY.name, MONTH.name],
  carryUsed: cost("0"),
  createdAt: NOW,
  lateAfter: later(NOW, 10 * MINUTE_MS),
  nonceRefusals: 0,
  dueAt: later(NOW, MINUTE_MS),
  txids: [],
  history: [{ at: NOW, what: "PLANNED: 99.99994 EUR reserved" }],
  ...change,
});

export const windowOf = (code: CapWindow["code"], cap: string): CapWindow => ({
  name: code === "CAP_DAY" ? "used|day|EUR|2026-11-23" : "used|month|EUR|2026-11",
  code,
  asset: "EUR",
  cap: cost(cap),
});
export const DAY = windowOf("CAP_DAY", "500");
export const MONTH = windowOf("CAP_MONTH", "2000");

export const aMessage = (id: string, at = NOW): Message => ({
  id,
  at,
  run: RUN,
  outcome: "skipped",
  subject: `[PLAY MONEY] ${id}`,
  text: "PLAY MONEY. Nothing spent.",
});

export const HELD: Gate = {
  rvn: 1,
  fence: BigInt(NOW),
  owner: "worker-1",
  counterMilli: 10_000,
  counterAt: NOW,
  cooldownUntil: undefined,
  cooldownRepeats: 0,
  stopped: undefined,
};

/** What a claim turns a planned intent into. */
export const submitting = (planned: Intent, change: Partial<Intent> = {}): Intent => ({
  ...planned,
  state: "SUBMITTING",
  n: planned.n + 1,
  claimId: "claim-1",
  fence: HELD.fence.toString(),
  nonce: (HELD.fence << 20n).toString(),
  deadline: later(NOW, 10_000),
  ...change,
});

export const acked = (intent: Intent): Intent => ({
  ...intent,
  state: "ACKED",
  txids: ["OABCDE-FGHIJ-KLMNOP"],
});

export const FILLS: Fills = { volume: volume("0.00198212"), cost: cost("99.10600"), fee: fee("0.39643") };
/** 99.10600 + 0.39643 */
export const SPENT_UNITS = reservedUnits(cost("99.50243"));
export const RESERVED_UNITS = reservedUnits(cost(COST));

export const aSettlement = (before: Intent, change: Partial<Settlement> = {}): Settlement => ({
  run: { ...closed(aRun(), "bought"), reason: { code: "FILLED", detail: "0.00198212 BTC" } },
  before,
  after: { ...before, state: "DONE", fills: FILLS },
  usedUnits: SPENT_UNITS,
  reservedUnits: RESERVED_UNITS,
  net: [
    { asset: "XXBT", units: 19_821_200n }, // 0.00198212 × 10^10
    { asset: "ZEUR", units: -SPENT_UNITS },
  ],
  lastOrder: { txid: "OABCDE-FGHIJ-KLMNOP", clientOrderId: before.clientOrderId, at: later(NOW, 2_000) },
  carryBack: cost("0"),
  message: aMessage(`${RUN}#bought`, later(NOW, 2_000)),
  ...change,
});

export const A_CHECK: KeyCheck = {
  secretVersion: "1",
  keyName: "tidekeeper-sandbox-trade",
  problems: [],
  warnings: ["the key expires on 2027-01-01"],
  checkedAt: NOW,
};
