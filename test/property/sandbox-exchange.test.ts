/** Promises of the sandbox that hold for any order of any commands, as audits of its own records. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { type Caller, callerOf, control } from "../../local/sandbox/caller.ts";
import { encode } from "../../local/sandbox/codec.ts";
import { ASSETS, pairOf } from "../../local/sandbox/market/catalogue.ts";
import { openSandbox, type Sandbox } from "../../local/sandbox/sandbox.ts";
import {
  add,
  compare,
  type Decimal,
  decimal,
  format,
  multiply,
  subtract,
  toScale,
} from "../../shared/domain/decimal.ts";

const START = Date.parse("2026-11-23T07:00:00Z");
const ZERO: Decimal = { units: 0n, scale: 0 };
const sum = (values: Iterable<Decimal>): Decimal => [...values].reduce(add, ZERO);
const same = (a: Decimal, b: Decimal): boolean => compare(a, b) === 0;

const folders: string[] = [];
const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), "sandbox-"));
  folders.push(dir);
  return dir;
};
afterAll(() => {
  for (const dir of folders) rmSync(dir, { recursive: true, force: true });
});

type Step =
  | { is: "add"; fields: Record<string, string> }
  | { is: "cancel" | "amend"; which: number; price: string }
  | { is: "price"; pair: string; price: string }
  | { is: "advance"; seconds: number };

/** Close to 50,000 and 2,000: orders cross, rest, and are crossed by the path within minutes. */
const priceFor = (pair: string): fc.Arbitrary<string> =>
  pair === "BTC/EUR"
    ? fc.integer({ min: 498_500, max: 501_500 }).map((tenths) => format({ units: BigInt(tenths), scale: 1 }))
    : fc.integer({ min: 199_400, max: 200_600 }).map((cents) => format({ units: BigInt(cents), scale: 2 }));

const volumeArbitrary = fc
  .integer({ min: 10_000, max: 6_000_000 })
  .map((units) => format({ units: BigInt(units), scale: 8 }));

const addStep: fc.Arbitrary<Step> = fc.constantFrom("BTC/EUR", "ETH/EUR").chain((pair) =>
  fc
    .record({
      side: fc.constantFrom("buy", "sell"),
      kind: fc.constantFrom("limit", "limit", "limit", "market", "stop-loss", "take-profit-limit"),
      price: priceFor(pair),
      price2: priceFor(pair),
      volume: volumeArbitrary,
      tif: fc.constantFrom("GTC", "GTC", "IOC", "FOK", "GTD"),
      flags: fc.constantFrom("fciq", "fcib", "post", ""),
      id: fc.constantFrom("", "a", "b", "c"),
    })
    .map(
      ({ side, kind, price, price2, volume, tif, flags, id }): Step => ({
        is: "add",
        fields: {
          pair,
          type: side,
          ordertype: kind,
          volume,
          ...(kind === "market" ? {} : { price }),
          ...(kind.endsWith("-limit") ? { price2 } : {}),
          ...(kind === "limit"
            ? { timeinforce: tif, oflags: flags }
            : { oflags: flags === "post" ? "" : flags }),
          ...(kind === "limit" && tif === "GTD" ? { expiretm: "+90" } : {}),
          ...(id === "" ? {} : { cl_ord_id: id }),
        },
      }),
    ),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: addStep },
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constantFrom("cancel", "amend"),
      which: fc.nat(20),
      price: priceFor("BTC/EUR"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom("BTC/EUR", "ETH/EUR")
      .chain((pair) => priceFor(pair).map((price): Step => ({ is: "price", pair, price }))),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 4_000 }).map((seconds): Step => ({ is: "advance", seconds })),
  },
);

const steps = fc.array(step, { minLength: 1, maxLength: 25 });

async function house(seed: number, dir?: string) {
  const clock = new VirtualClock({ startAt: START, rate: 0 });
  const sandbox = await openSandbox({ clock, seed, ...(dir === undefined ? {} : { dir }) });
  await control(sandbox, "price", { pair: "BTC/EUR", price: "50000" });
  await control(sandbox, "price", { pair: "ETH/EUR", price: "2000" });
  return { clock, sandbox, caller: callerOf(sandbox) };
}

async function run(sandbox: Sandbox, caller: Caller, clock: VirtualClock, one: Step): Promise<void> {
  switch (one.is) {
    case "add":
      await caller.call("AddOrder", one.fields);
      return;
    case "price":
      await control(sandbox, "price", { pair: one.pair, price: one.price });
      return;
    case "advance":
      clock.moveTo(clock.now() + one.seconds * 1000 + 17);
      return;
    default: {
      const orders = sandbox.orders();
      const order = orders[one.which % Math.max(1, orders.length)];
      if (order === undefined) return;
      if (one.is === "cancel") await caller.call("CancelOrder", { txid: order.txid });
      else await caller.call("AmendOrder", { txid: order.txid, limit_price: one.price });
    }
  }
}

/** Balances, ledger, fills and orders tell the same story, to the last digit. */
function audit(sandbox: Sandbox): void {
  sandbox.orders();
  const { state } = sandbox;
  const account = state.accounts.get("main")!;
  const ledger = [...state.ledger.values()];
  for (const [asset, balance] of account.balances) {
    const entries = ledger.filter((entry) => entry.asset === asset);
    const total = sum(entries.map((entry) => subtract(entry.amount, entry.fee)));
    expect(format(toScale(total, ASSETS.get(asset)!.decimals, "down"))).toBe(format(balance));
    expect(same(entries.at(-1)!.balance, balance)).toBe(true);
    expect(balance.units >= 0n).toBe(true);
  }
  for (const fill of state.fills.values()) {
    const order = state.orders.get(fill.order)!;
    const pair = pairOf(order.pair);
    const entries = fill.ledgers.map((id) => state.ledger.get(id)!);
    const quote = entries.find((entry) => entry.asset === pair.quote.id)!;
    const base = entries.find((entry) => entry.asset === pair.base.id)!;
    const sign = order.side === "buy" ? decimal("-1") : decimal("1");
    expect(same(quote.amount, multiply(fill.cost, sign))).toBe(true);
    expect(same(multiply(base.amount, sign), multiply(fill.volume, decimal("-1")))).toBe(true);
    expect(same(add(quote.fee, base.fee), fill.fee)).toBe(true);
    // Never more than price × volume, and less by a unit of the balance at most.
    const lost = subtract(multiply(fill.price, fill.volume), fill.cost);
    expect(lost.units >= 0n && compare(lost, { units: 1n, scale: pair.costScale }) < 0).toBe(true);
    if (order.limit !== undefined) {
      const against = compare(fill.price, order.limit);
      expect(order.side === "buy" ? against <= 0 : against >= 0).toBe(true);
    }
  }
  for (const order of state.orders.values()) {
    const fills = order.trades.map((id) => state.fills.get(id)!);
    expect(same(order.volumeFilled, sum(fills.map((fill) => fill.volume)))).toBe(true);
    expect(same(order.cost, sum(fills.map((fill) => fill.cost)))).toBe(true);
    expect(same(order.fee, sum(fills.map((fill) => fill.fee)))).toBe(true);
    expect(compare(order.volumeFilled, order.volume) <= 0).toBe(true);
    expect(state.live.has(order.txid)).toBe(order.closedAt === undefined);
  }
  const ids = [...state.live].map((txid) => state.orders.get(txid)!.clOrdId).filter((id) => id !== undefined);
  expect(new Set(ids).size).toBe(ids.length);
}

type Shown = {
  vol: string;
  vol_exec: string;
  descr: { type: string; price: string; price2: string; ordertype: string };
  oflags: string;
};

/** What BalanceEx says is held is what the open orders, as OpenOrders shows them, can cost at worst. */
async function auditHolds(caller: Caller): Promise<void> {
  const { open } = await caller.ask<{ open: Record<string, Shown> }>("OpenOrders");
  const balances = await caller.ask<Record<string, { balance: string; hold_trade: string }>>("BalanceEx");
  const held = new Map<string, Decimal>();
  for (const { vol, vol_exec: filled, descr, oflags } of Object.values(open)) {
    const isBitcoin = (descr as unknown as { pair: string }).pair === "XBTEUR";
    const rest = subtract(decimal(vol), decimal(filled));
    const price = decimal(descr.ordertype.endsWith("-limit") ? descr.price2 : descr.price);
    const factor = oflags.includes("fcib") === (descr.type === "sell") ? decimal("1.004") : decimal("1");
    const asset = descr.type === "buy" ? "ZEUR" : isBitcoin ? "XXBT" : "XETH";
    const worth = descr.type === "buy" ? multiply(rest, price) : rest;
    const need = toScale(multiply(worth, factor), ASSETS.get(asset)!.decimals, "up");
    held.set(asset, add(held.get(asset) ?? ZERO, need));
  }
  for (const [asset, { balance, hold_trade: hold }] of Object.entries(balances)) {
    expect(same(decimal(hold), held.get(asset) ?? ZERO)).toBe(true);
    expect(compare(decimal(hold), decimal(balance)) <= 0).toBe(true);
  }
}

test("balances, ledger, trades and orders agree to the last digit, and no id is open twice", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), steps, async (seed, all) => {
      const { clock, sandbox, caller } = await house(seed);
      for (const one of all) await run(sandbox, caller, clock, one);
      audit(sandbox);
    }),
    { numRuns: 120 },
  );
});

test("what is held is what the open orders can cost at worst", async () => {
  // Small volumes: the fee stays that of the entry tier, 0.4 %, which the sum above knows.
  const small = fc.array(
    step.map(
      (one): Step => (one.is === "add" ? { is: "add", fields: { ...one.fields, volume: "0.0015" } } : one),
    ),
    { minLength: 1, maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(fc.integer(), small, async (seed, all) => {
      const { clock, sandbox, caller } = await house(seed);
      for (const one of all) await run(sandbox, caller, clock, one);
      clock.moveTo(clock.now() + 60_000);
      await auditHolds(caller);
    }),
    { numRuns: 80 },
  );
});

test("a killed sandbox comes back as it was: the journal replayed is the state, to the last digit", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), steps, async (seed, all) => {
      const dir = folder();
      const { clock, sandbox, caller } = await house(seed, dir);
      for (const one of all) await run(sandbox, caller, clock, one);
      await caller.call("Balance"); // the last thing on record, at the instant we compare at
      const copy = folder();
      cpSync(dir, copy, { recursive: true });
      const reborn = await openSandbox({ clock, seed: seed + 1, dir: copy });
      expect(encode(reborn.state)).toBe(encode(sandbox.state));
      await reborn.close();
      await sandbox.close();
    }),
    { numRuns: 30 },
  );
});

test("looking changes nothing: with a look at each second on the way the end is the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), steps, async (seed, all) => {
      const [quiet, watched] = [await house(seed), await house(seed)];
      for (const one of all) {
        await run(quiet.sandbox, quiet.caller, quiet.clock, one);
        if (one.is === "advance") {
          const end = watched.clock.now() + one.seconds * 1000 + 17;
          const stride = Math.max(700, Math.floor(one.seconds * 20));
          for (let at: number = watched.clock.now(); at < end; at += stride) {
            watched.clock.moveTo(at);
            watched.sandbox.orders();
          }
          watched.clock.moveTo(end);
        } else await run(watched.sandbox, watched.caller, watched.clock, one);
      }
      quiet.sandbox.orders();
      watched.sandbox.orders();
      expect(encode(watched.sandbox.state)).toBe(encode(quiet.sandbox.state));
    }),
    { numRuns: 100 },
  );
});

test("every number has the digits that Kraken prints", async () => {
  const shapes: Readonly<Record<string, RegExp>> = {
    vol: /^\d+\.\d{8}$/,
    vol_exec: /^\d+\.\d{8}$/,
    cost: /^\d+\.\d{5}$/,
    price: /^\d+\.\d{5}$/,
    stopprice: /^\d+\.\d{5}$/,
    limitprice: /^\d+\.\d{5}$/,
  };
  await fc.assert(
    fc.asyncProperty(fc.integer(), steps, async (seed, all) => {
      const { clock, sandbox, caller } = await house(seed);
      for (const one of all) await run(sandbox, caller, clock, one);
      const { closed } = await caller.ask<{ closed: Record<string, Record<string, string>> }>("ClosedOrders");
      for (const order of Object.values(closed)) {
        for (const [field, shape] of Object.entries(shapes)) expect(order[field]).toMatch(shape);
      }
      const balances = await caller.ask<Record<string, string>>("Balance");
      expect(balances.ZEUR).toMatch(/^\d+\.\d{4}$/);
      expect(balances.XXBT).toMatch(/^\d+\.\d{10}$/);
    }),
    { numRuns: 40 },
  );
});

test("of any nonces in any order, those are taken that rise above all before", async () => {
  const nonce = fc.bigInt({ min: 1n, max: 2n ** 64n + 5n });
  await fc.assert(
    fc.asyncProperty(fc.array(nonce, { maxLength: 12 }), async (nonces) => {
      const clock = new VirtualClock({ startAt: START, rate: 0 });
      const caller = callerOf(await openSandbox({ clock, seed: 1 }));
      let highest = 0n;
      for (const value of nonces) {
        const isTaken = value > highest && value < 2n ** 64n;
        const { error } = await caller.call("Balance", { nonce: String(value) });
        expect(error).toEqual(isTaken ? [] : ["EAPI:Invalid nonce"]);
        if (isTaken) highest = value;
      }
    }),
    { numRuns: 60 },
  );
});
