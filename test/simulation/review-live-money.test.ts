/** Live money moves only for a run that began live, at an exchange that is live now, with a key that is good now. */
import { afterEach, describe, expect, test } from "vitest";
import { armLive, atKraken } from "../support/at-kraken.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, type HouseOptions, openHouse } from "../support/house.ts";

let house: House;
const open = async (options: HouseOptions = {}) => {
  house = await openHouse(options);
};
afterEach(() => house.close());

const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;
const arm = (name: string, times = 1, endpoint = "AddOrder") =>
  house.faults([{ endpoint, fault: name, times }]);
/** Kraken's lists do not show an order before it is this old. */
const hideOrders = (seconds: number) =>
  house.faults([
    { endpoint: "ClosedOrders", fault: "visibility-lag", times: 50, seconds },
    { endpoint: "OpenOrders", fault: "visibility-lag", times: 50, seconds },
  ]);

describe("live money", () => {
  test("is spent when mode is live and the plans are armed", async () => {
    await open({ around: atKraken("live") });
    await armLive(house);
    await house.fireSlot();
    expect((await house.run()).run.label).toBe("LIVE");
    expect(await orders()).toHaveLength(1);
  });

  test("is not spent once the owner is back in dry-run, by a run that had planned its order", async () => {
    await open({ around: atKraken("live") });
    await armLive(house);
    await arm("market-cancel-only");
    await house.fireSlot();
    expect((await house.run()).intent?.state).toBe("PLANNED");
    await house.restart(atKraken("dry-run"));
    await house.pass(5);
    expect(await orders()).toHaveLength(0);
    expect((await house.run()).run.reason?.code).toBe("NOT_ARMED");
    expect(await audit(house)).toEqual([]);
  });

  test("is not spent once the owner is back in dry-run, by a run that waited to plan its order", async () => {
    await open({ around: atKraken("live") });
    await armLive(house);
    await arm("unavailable", 50, "SystemStatus");
    await house.fireSlot();
    expect((await house.run()).run.label).toBe("LIVE");
    await house.faults([]);
    await house.restart(atKraken("dry-run"));
    await house.pass(5);
    expect(await orders()).toHaveLength(0);
    expect((await house.run()).run.reason?.code).toBe("NOT_ARMED");
  });

  test("is not spent by a run that began with play money", async () => {
    await open();
    await arm("market-cancel-only");
    await house.fireSlot();
    expect((await house.run()).run.label).toBe("PLAY MONEY");
    await house.restart(atKraken("live"));
    await armLive(house);
    await house.pass(5);
    expect(await orders()).toHaveLength(0);
    expect((await house.run()).run.outcome).toBe("refused");
  });

  test("that may be spent already is looked for and adopted, also when the owner is back in dry-run", async () => {
    await open({ around: atKraken("live") });
    await armLive(house);
    await arm("drop-reply-after-accept");
    await hideOrders(30);
    await house.fireSlot();
    expect((await house.run()).intent?.state).toBe("SUBMITTING");
    await house.restart(atKraken("dry-run"));
    await house.pass(5);
    expect((await house.run()).run.outcome).toBe("bought");
    expect(await audit(house)).toEqual([]);
  });
});

describe("a run under way", () => {
  test("has its key checked again when it was changed: one that can withdraw sends nothing", async () => {
    await open();
    await arm("drop-request");
    await house.fireSlot();
    expect((await house.run()).intent?.state).toBe("SUBMITTING");
    await house.useKey("tidekeeper-sandbox-withdraw");
    await house.restart();
    await house.pass(5);
    expect(await orders()).toHaveLength(0);
    expect((await house.run()).run.reason?.code).toBe("KEY_REFUSED");
    expect(await audit(house)).toEqual([]);
  });

  test("sends nothing when its machine slept past the time between the look and the order", async () => {
    let slept = false;
    await open({
      around: (deps) => ({
        ...deps,
        exchange: {
          ...deps.exchange,
          as: (key) => ({
            ...deps.exchange.as(key),
            findOrders: async (id, since) => {
              const found = await deps.exchange.as(key).findOrders(id, since);
              if (!slept) house.clock.moveTo(house.clock.now() + 5 * 3_600_000);
              slept = true;
              return found;
            },
          }),
        },
      }),
    });
    await house.fireSlot();
    expect(slept).toBe(true);
    expect(await orders()).toHaveLength(0);
    expect((await house.run()).run.reason?.code).toBe("LATE");
    expect(await audit(house)).toEqual([]);
  });
});
