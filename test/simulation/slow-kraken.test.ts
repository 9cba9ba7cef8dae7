/** A Kraken that answers slowly, or not at all: no invocation outlives its function, and nothing is forgotten. */
import { afterEach, expect, test } from "vitest";
import { connect } from "../../functions/wire.ts";
import type { HttpTransport } from "../../shared/kraken/transport.ts";
import { TransportError } from "../../shared/kraken/transport.ts";
import { audit, type ExchangeOrder } from "../support/audit.ts";
import { type House, openHouse } from "../support/house.ts";

let house: House;
afterEach(() => house.close());

/** infra gives the workers 60 s. */
const WORKER_MS_MAX = 60_000;
const orders = () => house.control("GET", "/orders") as Promise<ExchangeOrder[]>;
const lostOrder = [
  { endpoint: "AddOrder", fault: "drop-reply-after-accept", times: 1 },
  { endpoint: "ClosedOrders", fault: "visibility-lag", times: 1, seconds: 30 },
];

/** In a new container, that knows nothing yet. */
async function behind(change: (transport: HttpTransport) => HttpTransport): Promise<void> {
  const around = house.surroundings();
  house.use(await connect({ ...around, transport: change(around.transport!) }));
}
const silent: HttpTransport = {
  send: ({ signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(new TransportError("no-answer", "", signal.reason))),
    ),
  close: async () => {},
};
const slow = (ms: number) => (transport: HttpTransport) => ({
  ...transport,
  async send(request: Parameters<HttpTransport["send"]>[0]) {
    await house.clock.sleep(ms);
    return transport.send(request);
  },
});

async function tookMs(work: () => Promise<unknown>): Promise<number> {
  const startedAt = house.clock.now();
  await work();
  return house.clock.now() - startedAt;
}

test("one that never answers leaves a run that waits in the ledger, in time", async () => {
  house = await openHouse();
  await behind(() => silent);
  house.clock.moveTo(Date.parse("2026-11-23T07:00:00Z"));
  expect(await tookMs(() => house.fireSlot())).toBeLessThan(WORKER_MS_MAX);
  expect((await house.run()).run).toMatchObject({ dueAt: expect.any(Number) });
  await house.restart();
  await house.pass(3);
  expect((await house.run()).run.outcome).toBe("bought");
  expect(await audit(house)).toEqual([]);
});

test("one that stops to answer while an order is in doubt ends each look in time, and the order is found", async () => {
  house = await openHouse();
  await house.faults(lostOrder);
  await house.fireSlot();
  await behind(() => silent);
  for (let minute = 0; minute < 3; minute++) {
    house.clock.moveTo(house.clock.now() + 60_000);
    expect(await tookMs(() => house.sweep())).toBeLessThan(WORKER_MS_MAX);
  }
  await house.restart();
  await house.pass(3);
  expect((await house.run()).run.outcome).toBe("bought");
  expect(await orders()).toHaveLength(1);
  expect(await audit(house)).toEqual([]);
});

test.each([3_000, 6_000, 9_000])("one that takes %i ms for each answer buys in several goes", async (ms) => {
  house = await openHouse();
  await behind(slow(ms));
  house.clock.moveTo(Date.parse("2026-11-23T07:00:00Z"));
  expect(await tookMs(() => house.fireSlot())).toBeLessThan(WORKER_MS_MAX);
  for (let minute = 0; minute < 15 && (await house.run()).run.closedAt === undefined; minute++) {
    house.clock.moveTo(house.clock.now() + 60_000);
    expect(await tookMs(() => house.sweep())).toBeLessThan(WORKER_MS_MAX);
  }
  await house.restart();
  await house.pass(6);
  expect(["bought", "skipped"]).toContain((await house.run()).run.outcome);
  expect((await orders()).length).toBeLessThanOrEqual(1);
  expect(await audit(house)).toEqual([]);
});
