/** A ledger that was lost while Kraken remembers, and the new one that takes its place. */
import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { FirstLedger } from "../../local/machine/first-ledger.ts";
import { acquireKey } from "../../shared/app/key-gate.ts";
import type { Deps } from "../../shared/app/ports.ts";
import { type RunImport, runImport } from "../../shared/aws/import-runs.ts";
import { price, volume } from "../../shared/domain/money.ts";
import { later, MINUTE_MS, SECOND_MS } from "../../shared/domain/time.ts";
import { createRest } from "../../shared/kraken/rest.ts";
import { atKraken } from "./at-kraken.ts";
import { embeddedConfig } from "./embedded-aws.ts";
import { type House, openHouse } from "./house.ts";
import { sandboxTransport } from "./sandbox-transport.ts";

export const PLANS = `
mode: dry-run
timezone: Europe/Berlin
limits: { perOrder: [500 EUR, 500 USD], perDay: [500 EUR, 500 USD], perMonth: [2000 EUR, 2000 USD], maxSlippage: 0.5% }
plans:
  - id: btc-hourly
    buy: 40 EUR of BTC
    every: "hour at :00"
    ifMissed: catch-up within 12h
  - id: eth-daily
    buy: 30 USD of ETH
    every: day 07:30
    ifMissed: catch-up within 12h
`;
/** Monday noon in Berlin. */
export const NOON = Date.parse("2026-11-23T11:00:05Z");
export const SLOTS = ["05:00Z", "06:00Z", "07:00Z"].map((time) => `2026-11-23T${time}`);

export async function openLedgerHouse(plans = PLANS) {
  const house = await openHouse({ plans, startAt: NOON, around: (deps) => ({ ...deps }) });
  const client = new DynamoDBClient(embeddedConfig(house.cloud));
  const told: string[] = [];
  let calls = 0;
  const rest = createRest({
    transport: sandboxTransport(house.sandbox, () => calls++),
    clock: house.clock,
    chance: house.deps.chance,
    userAgent: "test",
  });
  const imports = runImport({ client, table: "tidekeeper", clock: house.clock, chance: house.deps.chance });
  const kraken = atKraken("dry-run")(house.deps);
  const newLedger = (using: RunImport = imports, deps: Deps = kraken) =>
    new FirstLedger({ deps, rest, imports: using, tell: (text) => told.push(text) });
  return {
    house,
    told,
    imports,
    kraken,
    newLedger,
    /** Private and public calls of the import since this was last asked. */
    takeCalls: () => {
      const made = calls;
      calls = 0;
      return made;
    },
    /** As a machine at its start, and its first sweep. */
    async start(ledger = newLedger()) {
      await house.inTime(ledger.hold());
      await house.inTime(ledger.settle());
    },
    plan: async (id: string) => {
      const plans = await house.deps.books.plans("main");
      return plans.find((state) => state.id === id)!;
    },
  };
}

/** An order of the owner's own that rests far below the market, or, at once, ends unfilled. */
export async function placeByHand(
  house: House,
  rests: boolean,
  clientOrderId: string = randomUUID(),
): Promise<string> {
  const { deps } = house;
  return house.inTime(
    (async () => {
      const rules = await deps.exchange.pairRules({ base: "BTC", quote: "EUR" });
      const credentials = (await deps.secrets.credentials("main", "trade"))!;
      const tier = deps.settings.accounts[0]!.tier;
      const lease = await acquireKey(
        { store: deps.gates, clock: deps.clock, chance: deps.chance },
        credentials,
        tier,
        1,
      );
      if ("is" in lease) throw new Error(lease.why);
      const now = deps.clock.now();
      const { txid } = await deps.exchange.as(lease).submit({
        rules,
        side: "buy",
        clientOrderId,
        volume: volume("0.001"),
        limitPrice: price("1000"),
        timeInForce: rests ? "GTD" : "IOC",
        ...(rests ? { expiresAt: later(now, 60 * MINUTE_MS) } : {}),
        postOnly: rests,
        deadline: later(now, 10 * SECOND_MS),
      });
      await lease.release();
      return txid;
    })(),
  );
}
