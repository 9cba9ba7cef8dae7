import { describe, expect, test } from "vitest";
import { ExchangeError } from "../../shared/app/errors.ts";
import { price, volume } from "../../shared/domain/money.ts";
import { type AddOrderArgs, addOrder } from "../../shared/kraken/endpoints/add-order.ts";
import { amendOrder } from "../../shared/kraken/endpoints/amend-order.ts";
import { balance } from "../../shared/kraken/endpoints/balance.ts";
import { cancelAll } from "../../shared/kraken/endpoints/cancel-all.ts";
import { cancelAllOrdersAfter } from "../../shared/kraken/endpoints/cancel-all-orders-after.ts";
import { cancelOrder } from "../../shared/kraken/endpoints/cancel-order.ts";
import { systemStatus } from "../../shared/kraken/endpoints/system-status.ts";
import type { Rest } from "../../shared/kraken/rest.ts";
import { type HttpReply, TransportError } from "../../shared/kraken/transport.ts";
import {
  CountingKey,
  errorReply,
  jsonReply,
  resultReply,
  runOut,
  START_AT,
  scriptedRest,
  settle,
  textReply,
  thrownBy,
} from "../support/kraken-rest.ts";

const ORDER: AddOrderArgs = {
  orderType: "limit",
  side: "buy",
  pair: "XXBTZEUR",
  volume: volume("0.001"),
  price: price("50000.0"),
};
const NO_ANSWER = () => Promise.reject(new TransportError("no-answer", "POST failed"));

const CURABLE: [string, () => HttpReply | Promise<HttpReply>][] = [
  ["no answer", NO_ANSWER],
  ["no connection", () => Promise.reject(new TransportError("not-sent", "refused"))],
  ["too much", () => Promise.reject(new TransportError("too-large", "6 MB"))],
  ["a page of the proxy", () => textReply("<html>", 502)],
  ["cut off JSON", () => textReply('{"error":[')],
  ["a wrong shape", () => jsonReply({ error: [], result: 7 })],
  ["EGeneral:Internal error", () => errorReply("EGeneral:Internal error")],
  ["EService:Unavailable", () => errorReply("EService:Unavailable")],
  ["EService:Busy", () => errorReply("EService:Busy")],
  ["EService:Timeout", () => errorReply("EService:Timeout")],
  ["EDatabase:Internal error", () => errorReply("EDatabase:Internal error")],
  ["EService: Throttled", () => errorReply("EService: Throttled")],
];

describe("a read is asked again after", () => {
  test.each(CURABLE)("%s", async (_name, fail) => {
    const { rest, transport, clock, key } = scriptedRest((_request, index) =>
      index < 2 ? fail() : resultReply({ ZEUR: "1.0000" }),
    );
    const { waitsMs } = await runOut(clock, rest.privateCall(balance, undefined, key));
    expect(transport.requests).toHaveLength(3);
    expect(waitsMs).toEqual([125, 250]); // Half of 250, half of 500
    expect(key.taken.map(({ nonce }) => nonce)).toEqual(["1000", "1001", "1002"]);
  });

  test("it was refused for too many public calls, a second later", async () => {
    const { rest, clock } = scriptedRest((_request, index) =>
      index === 0 ? errorReply("EGeneral:Too many requests") : resultReply({ status: "online" }),
    );
    const { waitsMs } = await runOut(clock, rest.publicCall(systemStatus, undefined));
    expect(waitsMs).toEqual([1125]);
  });

  test("six times at most, each wait at random below twice the one before and 20 s", async () => {
    const { rest, transport, clock, key } = scriptedRest(NO_ANSWER, [0.999]);
    const { value, waitsMs } = await runOut(clock, thrownBy(rest.privateCall(balance, undefined, key)));
    expect(value).toMatchObject({ code: "NO_ANSWER", retry: "later" });
    expect(transport.requests).toHaveLength(7);
    const ceilings = [250, 500, 1000, 2000, 4000, 8000];
    expect(waitsMs).toHaveLength(6);
    for (const [index, waitMs] of waitsMs.entries()) {
      expect(waitMs).toBeLessThanOrEqual(ceilings[index] ?? 0);
      expect(waitMs).toBeGreaterThan(0.99 * (ceilings[index] ?? 0));
    }
  });

  test("nothing of a wait is fixed: with no luck it is none at all", async () => {
    const { rest, clock, key } = scriptedRest(
      (_request, index) => (index < 3 ? textReply("", 502) : resultReply({})),
      [0],
    );
    const { waitsMs } = await runOut(clock, rest.privateCall(balance, undefined, key));
    expect(waitsMs).toEqual([0, 0, 0]);
  });
});

test.each([
  "EAPI:Rate limit exceeded",
  "EGeneral:Temporary lockout",
  "EAPI:Invalid key",
  "EAPI:Invalid signature",
  "EAPI:Invalid nonce",
  "EGeneral:Permission denied",
  "EGeneral:Invalid arguments",
  "EQuery:Unknown asset pair",
  "ENew:Whatever",
])("a read is never asked again after %s", async (text) => {
  const { rest, transport, key } = scriptedRest(() => errorReply(text));
  expect(await thrownBy(rest.privateCall(balance, undefined, key))).toMatchObject({ kraken: [text] });
  expect(transport.requests).toHaveLength(1);
});

describe("a throttled read", () => {
  const throttledFor = (seconds: number) => `EService: Throttled: ${START_AT / 1000 + seconds}`;

  test("waits for the instant Kraken named", async () => {
    const { rest, clock, key } = scriptedRest((_request, index) =>
      index === 0 ? errorReply(throttledFor(15)) : resultReply({}),
    );
    const { waitsMs } = await runOut(clock, rest.privateCall(balance, undefined, key));
    expect(waitsMs).toEqual([15_125]);
  });

  test("gives up when that is too far away, and says until when", async () => {
    const { rest, transport, key } = scriptedRest(() => errorReply(throttledFor(16)));
    expect(await thrownBy(rest.privateCall(balance, undefined, key))).toMatchObject({
      code: "THROTTLED",
      waitUntil: START_AT + 16_000,
    });
    expect(transport.requests).toHaveLength(1);
  });
});

describe("the retry budget", () => {
  test("ends retries in an outage, and comes back with time", async () => {
    let isDown = true;
    const { rest, transport, clock, key } = scriptedRest(
      () => (isDown ? textReply("", 502) : resultReply({})),
      [0],
    );
    for (let call = 0; call < 10; call++)
      await runOut(clock, thrownBy(rest.privateCall(balance, undefined, key)));
    expect(transport.requests).toHaveLength(10 + 12); // Two calls retried to their end, the others fail fast

    isDown = false;
    clock.moveTo(clock.now() + 11 * 60_000);
    isDown = true;
    await runOut(clock, thrownBy(rest.privateCall(balance, undefined, key)));
    expect(transport.requests).toHaveLength(22 + 7);
  });

  test("is a tenth of all calls for a busy client", async () => {
    let fails = false;
    const { rest, transport, clock, key } = scriptedRest(
      () => (fails ? textReply("", 502) : resultReply({})),
      [0],
    );
    for (let call = 0; call < 300; call++) await rest.privateCall(balance, undefined, key);
    fails = true;
    for (let call = 0; call < 20; call++)
      await runOut(clock, thrownBy(rest.privateCall(balance, undefined, key)));
    const retries = transport.requests.length - 320;
    expect(retries).toBeGreaterThanOrEqual(30);
    expect(retries).toBeLessThanOrEqual(32);
  });
});

const WRITES: [string, (rest: Rest, key: CountingKey) => Promise<unknown>][] = [
  ["AddOrder", (rest, key) => rest.privateCall(addOrder, ORDER, key)],
  ["AddOrder with validate", (rest, key) => rest.privateCall(addOrder, { ...ORDER, validate: true }, key)],
  ["AmendOrder", (rest, key) => rest.privateCall(amendOrder, { txid: "O1", volume: volume("1") }, key)],
  ["CancelOrder", (rest, key) => rest.privateCall(cancelOrder, { txid: "O1" }, key)],
  ["CancelAll", (rest, key) => rest.privateCall(cancelAll, undefined, key)],
  [
    "CancelAllOrdersAfter",
    (rest, key) => rest.privateCall(cancelAllOrdersAfter, { timeoutSeconds: 60 }, key),
  ],
];

describe.each(WRITES)("%s is sent once, its outcome open, after", (_name, call) => {
  const unclear = CURABLE.filter(([name]) => name !== "no connection");
  test.each([...unclear, ["ENew:Whatever", () => errorReply("ENew:Whatever")] as (typeof CURABLE)[number]])(
    "%s",
    async (_failure, fail) => {
      const { rest, transport, clock, key } = scriptedRest(fail);
      const { value, waitsMs } = await runOut(clock, thrownBy(call(rest, key)));
      expect(value).toBeInstanceOf(ExchangeError);
      expect(value).toMatchObject({ retry: "lookUpFirst" });
      expect(transport.requests).toHaveLength(1);
      expect(waitsMs).toEqual([]);
    },
  );

  test("nothing left, which is known", async () => {
    const { rest, transport, key } = scriptedRest(() =>
      Promise.reject(new TransportError("not-sent", "refused")),
    );
    expect(await thrownBy(call(rest, key))).toMatchObject({ code: "NO_CONNECTION", retry: "later" });
    expect(transport.requests).toHaveLength(1);
  });

  test("a fault in the transport itself", async () => {
    const { rest, transport, key } = scriptedRest(() => {
      throw new TypeError("a bug");
    });
    expect(await thrownBy(call(rest, key))).toMatchObject({ code: "NO_ANSWER", retry: "lookUpFirst" });
    expect(transport.requests).toHaveLength(1);
  });
});

describe("time", () => {
  const silent = () =>
    scriptedRest(
      (request) =>
        new Promise((_resolve, reject) => {
          request.signal.addEventListener("abort", () =>
            reject(new TransportError("no-answer", "was ended")),
          );
        }),
    );

  test("ends an order after 8 seconds", async () => {
    const { rest, clock, key } = silent();
    const failed = thrownBy(rest.privateCall(addOrder, ORDER, key));
    await settle();
    clock.moveTo(START_AT + 7_999);
    await settle();
    expect(await Promise.race([failed, "still waiting"])).toBe("still waiting");
    clock.moveTo(START_AT + 8_000);
    expect(await failed).toMatchObject({ code: "NO_ANSWER", retry: "lookUpFirst" });
    expect(String(await failed)).toContain("within 8000 ms");
  });

  test("ends a try of a read after 10 seconds, and asks no more", async () => {
    const { rest, clock, key, transport } = silent();
    const { value, waitsMs } = await runOut(clock, thrownBy(rest.privateCall(balance, undefined, key)));
    expect(value).toMatchObject({ code: "NO_ANSWER", retry: "later" });
    expect(waitsMs.filter((waitMs) => waitMs === 10_000)).toHaveLength(1);
    expect(transport.requests).toHaveLength(1);
  });

  test("leaves no timer behind", async () => {
    const { rest, clock, key } = scriptedRest(() => resultReply({}));
    await rest.privateCall(balance, undefined, key);
    expect(clock.nextDue()).toBeUndefined();
  });
});

describe("private calls of one key use", () => {
  test("leave one after another, each after the answer before it", async () => {
    const answers: ((reply: HttpReply) => void)[] = [];
    const { rest, transport, key } = scriptedRest(() => new Promise((resolve) => answers.push(resolve)));
    const outcomes = Promise.allSettled([1, 2, 3].map(() => rest.privateCall(balance, undefined, key)));
    for (let sent = 1; sent <= 3; sent++) {
      await settle();
      expect(transport.requests).toHaveLength(sent);
      expect(key.taken).toHaveLength(sent); // The nonce is not taken ahead of its turn
      answers[sent - 1]?.(sent === 2 ? errorReply("EAPI:Invalid nonce") : resultReply({}));
    }
    expect((await outcomes).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  test("do not wait for those of another", async () => {
    const { rest, transport, key } = scriptedRest(() => new Promise(() => undefined));
    rest.privateCall(balance, undefined, key).catch(() => undefined);
    rest.privateCall(balance, undefined, new CountingKey()).catch(() => undefined);
    await settle();
    expect(transport.requests).toHaveLength(2);
  });

  test("send nothing when the lease is over", async () => {
    const { rest, transport, key } = scriptedRest(() => resultReply({}));
    const over = new Error("the lease is over");
    const late = Object.assign(key, {
      nextNonce: () => {
        throw over;
      },
    });
    expect(await thrownBy(rest.privateCall(balance, undefined, late))).toBe(over);
    expect(transport.requests).toHaveLength(0);
  });

  test("send nothing with a key that cannot sign, and do not show it", async () => {
    const { rest, transport } = scriptedRest(() => resultReply({}));
    const broken = new CountingKey({ secret: "my secret, not base64" });
    const error = await thrownBy(rest.privateCall(addOrder, ORDER, broken));
    expect(error).toMatchObject({ code: "KEY_INVALID", retry: "never" });
    expect(String(error)).not.toContain("my secret");
    expect(broken.taken).toEqual([]);
    expect(transport.requests).toHaveLength(0);
  });
});
