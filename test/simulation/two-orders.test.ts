/** Several orders of ours in doubt at once, and orders that turn up late: none is bought twice, none is forgotten. */
import { afterEach, describe, expect, test } from "vitest";
import { resolveRun } from "../../shared/app/resolve-run.ts";
import { add, subtract } from "../../shared/domain/decimal.ts";
import { volume } from "../../shared/domain/money.ts";
import { HOUR_MS, MINUTE_MS } from "../../shared/domain/time.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, openHouse, PLANS, SLOT } from "../support/house.ts";
import { withAccount } from "../support/with-account.ts";

let house: House;
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;
const lost = { endpoint: "AddOrder", fault: "drop-reply-after-accept" };
const lag = (seconds: number) => ({ endpoint: "ClosedOrders", fault: "visibility-lag", times: 1, seconds });
const NO_LEDGER = { endpoint: "Ledgers", fault: "key-date-limit", times: 10_000 };
const blocked = async (plan: string) =>
  (await house.deps.books.plans("main")).find(({ id }) => id === plan)?.blocked;

const ROOMY = PLANS.replace("perDay: 500 EUR", "perDay: 1500 EUR");
const TWO_PLANS = `${ROOMY}
  - id: btc-two
    buy: 90 EUR of BTC
    every: monday 08:00
    ifMissed: catch-up within 2h
`;
const FIRST = `btc-weekly@${SLOT}`;
const SECOND = `btc-two@${SLOT}`;

describe("two buys of one asset whose replies are both lost", () => {
  test("an order of ours that the balance holds already is not counted a second time when it is settled", async () => {
    house = await openHouse({ plans: TWO_PLANS });
    // The first one shows inside the grace, the second long after it: only the balance tells that it is there.
    await house.faults([{ ...lost, times: 2 }, lag(50), lag(400)]);
    await house.fireSlot(SLOT, "btc-weekly");
    await house.fireSlot(SLOT, "btc-two");
    await house.pass(20);
    expect(await orders()).toHaveLength(2);
    for (const run of [FIRST, SECOND]) expect((await house.run(run)).run.outcome).toBe("bought");
    expect(await audit(house)).toEqual([]);
  });

  test("one that really never arrived is still proven absent, and bought", async () => {
    house = await openHouse({ plans: TWO_PLANS });
    await house.faults([
      { ...lost, times: 1 },
      { endpoint: "AddOrder", fault: "drop-request", times: 1 },
      lag(50),
    ]);
    await house.fireSlot(SLOT, "btc-weekly");
    await house.fireSlot(SLOT, "btc-two");
    await house.pass(20);
    expect((await house.run(SECOND)).intent).toMatchObject({ state: "DONE", n: 2 });
    expect(await orders()).toHaveLength(2);
    expect(await audit(house)).toEqual([]);
  });
});

describe("an order that was proven absent, wrongly, because its coins were hidden", () => {
  /** As Earn does, which takes what was bought out of the spot balance; until the second order is accepted. */
  async function openHidden(answerTakesMs: number, comesBack: boolean) {
    let isHidden = false;
    let accepted = 0;
    house = await openHouse({
      plans: ROOMY,
      around: (deps) =>
        withAccount((account) => ({
          ...account,
          async balances() {
            const balances = new Map(await account.balances());
            const bitcoin = balances.get("XXBT")!;
            const total = subtract(bitcoin.total, volume("0.05")) as typeof bitcoin.total;
            return isHidden ? balances.set("XXBT", { ...bitcoin, total }) : balances;
          },
          async submit(order) {
            accepted++;
            isHidden = accepted === 1 || !comesBack;
            const placed = await account.submit(order);
            await deps.clock.sleep(answerTakesMs);
            return placed;
          },
        }))(deps),
    });
  }
  const bothAreBooked = async () => {
    const { run, intent } = await house.run();
    expect(run.outcome).toBe("bought");
    expect(intent).toMatchObject({ state: "DONE", n: 2 });
    expect(new Set(intent?.txids)).toEqual(new Set((await orders()).map(({ txid }) => txid)));
    expect(intent?.txids).toHaveLength(2);
    expect(await blocked("btc-weekly")).toMatch(/2 orders exist under/);
  };

  test("an order that Kraken acknowledged is booked, also when an earlier attempt turns up late", async () => {
    await openHidden(30_000, false);
    // When it comes to booking, the first order shows among the closed ones, and the second does not yet.
    await house.faults([{ ...lost, times: 1 }, lag(100), lag(300)]);
    await house.fireSlot();
    await house.pass(20);
    await bothAreBooked();
  });

  test("a first order that shows after the second one was sent holds the plan up, and is told", async () => {
    await openHidden(0, true);
    await house.faults([{ ...lost, times: 1 }, lag(300), NO_LEDGER]);
    await house.fireSlot();
    await house.pass(20);
    await bothAreBooked();
  });
});

test("an order that is settled days later does not make later proofs impossible", async () => {
  let hasKey = true;
  house = await openHouse({
    plans: ROOMY,
    around: (deps) => ({
      ...deps,
      secrets: {
        credentials: async (...which) => (hasKey ? deps.secrets.credentials(...which) : undefined),
      },
    }),
  });
  await house.faults([{ ...lost, times: 1 }, lag(30)]);
  await house.fireSlot();
  hasKey = false;
  house.clock.moveTo(house.clock.now() + 50 * HOUR_MS);
  await house.sweep();
  hasKey = true;
  await house.pass(15);
  expect((await house.run()).run.outcome).toBe("bought");
  await house.faults([{ endpoint: "AddOrder", fault: "drop-request", times: 1 }]);
  await house.buy("next");
  await house.pass(6);
  expect((await house.run("btc-weekly@next")).intent).toMatchObject({ state: "DONE", n: 2 });
  expect(await orders()).toHaveLength(2);
});

test("resolving one order leaves the plan on hold for its other order in doubt", async () => {
  house = await openHouse({ plans: ROOMY });
  await house.faults([{ ...lost, times: 2 }, lag(30 * 3600), lag(90 * 3600), NO_LEDGER]);
  await house.fireSlot();
  await house.buy("second");
  await house.pass(15);
  for (let hour = 0; hour < 27; hour++) {
    house.clock.moveTo(house.clock.now() + HOUR_MS);
    await house.sweep();
  }
  expect(await blocked("btc-weekly")).toMatch(/@2026-11-23T07:00Z is in doubt: .*; .*@second is in doubt: /);
  house.clock.moveTo(house.clock.now() + 4 * HOUR_MS);
  expect((await house.inTime(resolveRun("main", FIRST, house.deps))).is).toBe("found");
  expect((await house.run("btc-weekly@second")).intent?.state).toBe("QUARANTINED");
  expect(await blocked("btc-weekly")).toMatch(/^btc-weekly@second is in doubt: /);
  // Asked once more of the one that is over, nothing changes either.
  await house.inTime(resolveRun("main", FIRST, house.deps)).catch(() => {});
  expect(await blocked("btc-weekly")).toMatch(/^btc-weekly@second is in doubt: /);
  house.clock.moveTo(house.clock.now() + 60 * HOUR_MS + MINUTE_MS);
  await house.inTime(resolveRun("main", "btc-weekly@second", house.deps));
  expect(await blocked("btc-weekly")).toBeUndefined();
});

test("an order that pays with the asset does not hide one that bought it", async () => {
  const caps = ROOMY.replace("perOrder: 500 EUR", "perOrder: [500 EUR, 0.01 BTC]").replace(
    "perDay: 1500 EUR",
    "perDay: [1500 EUR, 0.01 BTC]",
  );
  house = await openHouse({
    plans: `${caps}
  - id: eth-btc
    buy: 0.005 BTC of ETH
    every: monday 08:00
    ifMissed: catch-up within 2h
`,
  });
  await house.faults([{ ...lost, times: 2 }, lag(400), lag(600)]);
  await house.fireSlot(SLOT, "btc-weekly");
  await house.fireSlot(SLOT, "eth-btc");
  await house.pass(25);
  expect(await orders()).toHaveLength(2);
  for (const run of [FIRST, `eth-btc@${SLOT}`]) expect((await house.run(run)).run.outcome).toBe("bought");
});

test("an order that was only refused before is booked at once, whatever its owner does meanwhile", async () => {
  let isByHand = false;
  house = await openHouse({
    around: withAccount((account) => ({
      ...account,
      async balances() {
        const balances = new Map(await account.balances());
        const bitcoin = balances.get("XXBT")!;
        const total = add(bitcoin.total, volume("0.001")) as typeof bitcoin.total;
        return isByHand ? balances.set("XXBT", { ...bitcoin, total }) : balances;
      },
    })),
  });
  await house.faults([{ endpoint: "AddOrder", fault: "market-cancel-only", times: 3 }]);
  await house.fireSlot();
  isByHand = true;
  await house.pass(12);
  expect((await house.run()).run.outcome).toBe("bought");
  expect(await blocked("btc-weekly")).toBeUndefined();
  expect(await audit(house)).toEqual([]);
});

test("a neighbour that Kraken refused before it bought does not keep an absence from being proven", async () => {
  house = await openHouse({ plans: TWO_PLANS });
  await house.faults([{ endpoint: "AddOrder", fault: "market-cancel-only", times: 1 }]);
  await house.fireSlot(SLOT, "btc-two");
  await house.faults([{ endpoint: "AddOrder", fault: "drop-request", times: 1 }]);
  await house.fireSlot(SLOT, "btc-weekly");
  await house.pass(20);
  for (const run of [FIRST, SECOND]) expect((await house.run(run)).run.outcome).toBe("bought");
  expect(await audit(house)).toEqual([]);
});

test("a neighbour that bought with its second attempt does not keep an absence from being proven", async () => {
  house = await openHouse({ plans: TWO_PLANS });
  await house.faults([{ endpoint: "AddOrder", fault: "drop-request", times: 2 }]);
  await house.fireSlot(SLOT, "btc-weekly");
  await house.fireSlot(SLOT, "btc-two");
  await house.pass(20);
  for (const run of [FIRST, SECOND])
    expect((await house.run(run)).intent).toMatchObject({ state: "DONE", n: 2 });
  expect(await orders()).toHaveLength(2);
  expect(await audit(house)).toEqual([]);
});
