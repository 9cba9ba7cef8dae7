/** What an owner is promised when an answer gets lost: one order, or an honest no. Checked at the exchange. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type House, openHouse, SLOT } from "../support/house.ts";

const RUN = `btc-weekly@${SLOT}`;

describe("one order", () => {
  let house: House;

  beforeEach(async () => {
    house = await openHouse();
  });
  afterEach(() => house.close());

  const orders = () => house.control("GET", "/orders") as Promise<Record<string, string>[]>;

  test("a slot buys once, within its amount, and says so", async () => {
    await house.fireSlot();
    expect(house.failures).toEqual([]);
    const { run, intent } = await house.run();
    expect(run.outcome).toBe("bought");
    expect(intent?.state).toBe("DONE");
    const all = await orders();
    expect(all).toHaveLength(1);
    expect(all[0]!.clOrdId).toBe(intent?.clientOrderId);
    expect(Number(all[0]!.cost) + Number(all[0]!.fee)).toBeLessThanOrEqual(100);
    const [message] = await house.messages();
    expect(message?.text).toMatch(/^PLAY MONEY\. Bought 0\.00\d+ BTC for /);
    expect(message?.sentAt).toBeDefined();
  });

  test("a second delivery of the same firing buys nothing more", async () => {
    await house.fireSlot();
    await house.fireSlot();
    expect(await orders()).toHaveLength(1);
    expect((await house.deps.books.runs("main")).map(({ run }) => run.id)).toEqual([RUN]);
  });

  test.each(["drop-reply-after-accept", "html-520-after-accept", "internal-error-after-accept"])(
    "%s: the order is found and adopted, not sent again",
    async (fault) => {
      await house.faults([{ endpoint: "AddOrder", fault, times: 1 }]);
      await house.fireSlot();
      expect(house.failures).toEqual([]);
      const { run, intent } = await house.run();
      expect(run.outcome).toBe("bought");
      expect(intent?.n).toBe(1);
      expect(await orders()).toHaveLength(1);
    },
  );

  test.each([
    "drop-request",
    "html-520-before-accept",
    "internal-error-before-accept",
    "delay-past-deadline",
  ])("%s: absence is proven before the second attempt, which buys once", async (fault) => {
    await house.faults([{ endpoint: "AddOrder", fault, times: 1 }]);
    await house.fireSlot();
    const inDoubt = await house.run();
    expect(inDoubt.intent?.state).toBe("SUBMITTING");
    expect((await house.messages()).map((message) => message.id)).toContain(`${RUN}#uncertain`);
    expect(await orders()).toHaveLength(0);
    await house.pass(4);
    const { run, intent } = await house.run();
    expect(run.outcome).toBe("bought");
    expect(intent?.n).toBe(2);
    expect(await orders()).toHaveLength(1);
  });
});
