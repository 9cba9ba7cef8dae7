import fc from "fast-check";
import { expect, test } from "vitest";
import { ExchangeError } from "../../shared/app/errors.ts";
import { addOrder } from "../../shared/kraken/endpoints/add-order.ts";
import { assetPairs } from "../../shared/kraken/endpoints/asset-pairs.ts";
import { balanceEx } from "../../shared/kraken/endpoints/balance-ex.ts";
import { closedOrders } from "../../shared/kraken/endpoints/closed-orders.ts";
import type { Endpoint } from "../../shared/kraken/endpoints/endpoint.ts";
import { getApiKeyInfo } from "../../shared/kraken/endpoints/get-api-key-info.ts";
import { ohlc } from "../../shared/kraken/endpoints/ohlc.ts";
import { ticker } from "../../shared/kraken/endpoints/ticker.ts";
import { readReply } from "../../shared/kraken/envelope.ts";

const endpoints: Pick<Endpoint<never, unknown>, "name" | "isWrite" | "access" | "answer">[] = [
  addOrder,
  assetPairs,
  balanceEx,
  closedOrders,
  getApiKeyInfo,
  ohlc,
  ticker,
];

/** A result or an ExchangeError; after an order, an error without Kraken's own words leaves the outcome open. */
const expectNothingElse = (status: number, body: Uint8Array): void => {
  for (const endpoint of endpoints) {
    try {
      readReply(endpoint, { status, headers: {}, body });
    } catch (error) {
      expect(error).toBeInstanceOf(ExchangeError);
      const { retry, kraken } = error as ExchangeError;
      if (endpoint.isWrite && kraken.length === 0) expect(retry).toBe("lookUpFirst");
    }
  }
};

test("any bytes are a result or an ExchangeError", () => {
  fc.assert(
    fc.property(fc.constantFrom(200, 200, 502), fc.uint8Array({ maxLength: 300 }), (status, bytes) =>
      expectNothingElse(status, bytes),
    ),
  );
});

test("any JSON is a result or an ExchangeError", () => {
  const anyError = fc.oneof(
    fc.array(fc.oneof(fc.string(), fc.constantFrom("EOrder:Unknown order", "EService: Throttled: x", "W"))),
    fc.jsonValue(),
  );
  const envelope = fc.record({ error: anyError, result: fc.jsonValue() }, { requiredKeys: [] });
  fc.assert(
    fc.property(fc.oneof(envelope, fc.jsonValue()), (value) =>
      expectNothingElse(200, new TextEncoder().encode(JSON.stringify(value))),
    ),
    { numRuns: 500 },
  );
});

test("any one value of a right answer may be replaced by anything", () => {
  const whole = {
    error: [],
    result: {
      XXBTZEUR: {
        a: ["1", "1", "1"],
        b: ["1", "1", "1"],
        c: ["1", "1"],
        v: ["1", "1"],
        l: ["1", "1"],
        h: ["1", "1"],
        o: "1",
      },
      descr: { order: "buy" },
      txid: ["O1"],
      last: 5,
      __proto__: null,
    },
  };
  const places = JSON.stringify(whole).match(/"1"|"O1"|"buy"|5|\[\]/g)?.length ?? 0;
  fc.assert(
    fc.property(fc.integer({ min: 0, max: places - 1 }), fc.jsonValue(), (place, odd) => {
      let seen = -1;
      const text = JSON.stringify(whole).replace(/"1"|"O1"|"buy"|5|\[\]/g, (value) => {
        seen += 1;
        return seen === place ? JSON.stringify(odd) : value;
      });
      expectNothingElse(200, new TextEncoder().encode(text));
    }),
  );
});
