/** A run that cannot go on: it waits in the ledger, holds up no other, and its owner hears of it. */
import { afterEach, describe, expect, test } from "vitest";
import { ExchangeError, type RetryRule } from "../../shared/app/errors.ts";
import type { Deps } from "../../shared/app/ports.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, type HouseOptions, openHouse, SLOT } from "../support/house.ts";
import { withAccount } from "../support/with-account.ts";

const RUN = `btc-weekly@${SLOT}`;
let house: House;
const open = async (options: HouseOptions = {}) => {
  house = await openHouse(options);
};
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;
const arm = (name: string, times = 1, endpoint = "AddOrder") =>
  house.faults([{ endpoint, fault: name, times }]);
const ids = async () => (await house.messages()).map((message) => message.id);
const told = async (what: RegExp) =>
  (await house.messages()).filter(({ text }) => what.test(text)).map(({ sentAt }) => sentAt !== undefined);

type Name = "findOrders" | "orders";
/** Calls of the account that fail with `makeError` while `isCut` says so. */
const cutting = (name: Name, isCut: () => boolean, makeError: () => Error) =>
  withAccount((account) => ({
    ...account,
    [name]: (...args: unknown[]) => {
      if (isCut()) return Promise.reject(makeError());
      return (account[name] as (...all: unknown[]) => unknown)(...args);
    },
  }));

const refusal = (retry: RetryRule) => () =>
  new ExchangeError({
    code: retry === "never" ? "KEY_INVALID" : "KRAKEN_UNAVAILABLE",
    retry,
    endpoint: "OpenOrders",
    message: retry === "never" ? "OpenOrders: EAPI:Invalid key" : "OpenOrders: EService:Unavailable",
  });

/** From the first AddOrder on. */
const afterSending = () => {
  let isSent = false;
  const noting = withAccount((account) => ({
    ...account,
    submit: (order) => {
      isSent = true;
      return account.submit(order);
    },
  }));
  const around =
    (inner: (deps: Deps) => Deps) =>
    (deps: Deps): Deps =>
      noting(inner(deps));
  return { isSent: () => isSent, heal: () => (isSent = false), around };
};

describe("an order in doubt is told of", () => {
  test.each([
    ["while Kraken cannot be asked", "later", /in doubt|not answer for certain/],
    ["when the key was deleted meanwhile, with the reason", "never", /Invalid key/],
  ] as const)("%s", async (_, retry, what) => {
    const sending = afterSending();
    await open({ around: sending.around(cutting("findOrders", sending.isSent, refusal(retry))) });
    await arm("drop-reply-after-accept");
    await house.fireSlot();
    await house.pass(3);
    expect((await house.run()).intent?.state).toBe("SUBMITTING");
    expect(await ids()).toContain(`${RUN}#uncertain`);
    expect(await told(what)).toEqual([true]);
    expect(house.failures).toEqual([]);
    sending.heal();
    await house.pass(15);
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await orders()).toHaveLength(1);
    expect(await audit(house)).toEqual([]);
  });

  test("again, when it could not be asked about for a day", async () => {
    const sending = afterSending();
    await open({ around: sending.around(cutting("findOrders", sending.isSent, refusal("later"))) });
    await arm("drop-reply-after-accept");
    await house.fireSlot();
    for (let hour = 0; hour < 26; hour++) {
      house.clock.moveTo(house.clock.now() + 3_600_000);
      await house.sweep();
    }
    expect((await house.run()).intent?.state).toBe("QUARANTINED");
    expect(await told(/neither the order .* nor its absence/)).toEqual([true]);
    expect(await orders()).toHaveLength(1);
  });
});

test("an accepted order that Kraken does not account for is told of after minutes, and booked when it does", async () => {
  let isCut = true;
  await open({ around: cutting("orders", () => isCut, refusal("later")) });
  await house.fireSlot();
  expect((await house.run()).intent?.state).toBe("ACKED");
  expect(await ids()).toEqual([]);
  await house.pass(8);
  expect(await told(/stands still/)).toEqual([true]);
  isCut = false;
  await house.pass(2);
  expect((await house.run()).run.outcome).toBe("bought");
  expect(await audit(house)).toEqual([]);
});

test("a planned order whose key was deleted is given up at its time, told, and its amount is free again", async () => {
  await open({ around: cutting("findOrders", () => true, refusal("never")) });
  await house.fireSlot();
  expect((await house.run()).intent?.state).toBe("PLANNED");
  expect(await told(/Invalid key/)).toEqual([true]);
  for (let hour = 0; hour < 3; hour++) {
    house.clock.moveTo(house.clock.now() + 3_600_000);
    await house.sweep();
  }
  expect((await house.run()).run.outcome).toBe("skipped");
  expect(await audit(house)).toEqual([]);
});

test("a run that a fault of the program keeps from going on is told of once, and holds up no other run", async () => {
  let broken = "";
  await open();
  await house.restart((deps) => ({
    ...deps,
    ledger: {
      ...deps.ledger,
      settle: (settlement) => {
        if (settlement.run.id === broken) throw new TypeError("undefined is not a function");
        return deps.ledger.settle(settlement);
      },
    },
  }));
  broken = RUN;
  await house.fireSlot();
  await house.buy("other");
  await house.pass(4);
  expect((await house.run("btc-weekly@other")).run.outcome).toBe("bought");
  expect(await told(/undefined is not a function/)).toEqual([true]);
  expect(house.failures).toEqual([]);
  expect(await house.deadLetters()).toEqual([]);
  broken = "";
  await house.pass(15);
  expect((await house.run()).run.outcome).toBe("bought");
  expect(await audit(house)).toEqual([]);
});

test("an order of a run whose key was taken away is told of, and booked when a key is there again", async () => {
  let hasKey = true;
  await open({
    around: (deps) => ({
      ...deps,
      secrets: { credentials: async (...asked) => (hasKey ? deps.secrets.credentials(...asked) : undefined) },
    }),
  });
  await arm("drop-request");
  await house.fireSlot();
  expect((await house.run()).intent?.state).toBe("SUBMITTING");
  hasKey = false;
  await house.pass(3);
  expect(await told(/there is no key/)).toEqual([true]);
  expect(house.failures).toEqual([]);
  hasKey = true;
  await house.pass(15);
  expect((await house.run()).run.outcome).toBe("bought");
  expect(await audit(house)).toEqual([]);
});

describe("a key that is stopped because something else uses it", () => {
  test("ends a run that has no order at once, and says why", async () => {
    await open();
    await arm("invalid-nonce", 2, "BalanceEx");
    await house.fireSlot();
    const { run } = await house.run();
    expect(run.outcome).toBe("refused");
    expect(run.reason?.code).toBe("KEY_STOPPED");
    expect(await told(/something else uses this API key/)).toEqual([true]);
    await house.buy("next");
    expect((await house.run("btc-weekly@next")).run.reason?.code).toBe("KEY_STOPPED");
    expect(await audit(house)).toEqual([]);
  });

  test("ends a planned order at once, and its amount is free again", async () => {
    await open();
    await arm("invalid-nonce", 2, "OpenOrders");
    await house.fireSlot();
    expect((await house.run()).run.reason?.code).toBe("KEY_STOPPED");
    expect(await audit(house)).toEqual([]);
  });

  test("leaves an order in doubt in doubt, and says why", async () => {
    const sending = afterSending();
    const nonce = () =>
      new ExchangeError({
        code: "NONCE_TOO_LOW",
        retry: "now",
        endpoint: "OpenOrders",
        message: "Invalid nonce",
      });
    await open({ around: sending.around(cutting("findOrders", sending.isSent, nonce)) });
    await arm("drop-reply-after-accept");
    await house.fireSlot();
    expect((await house.run()).intent?.state).toBe("SUBMITTING");
    expect(await told(/something else uses this API key/)).toEqual([true]);
  });
});
