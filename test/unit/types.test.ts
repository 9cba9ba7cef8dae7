/**
 * Amounts of different kinds cannot be mixed up. Each `@ts-expect-error` is a check of `npm run types`: where the line below
 * it compiles, the directive itself is the error. Nothing here needs to run.
 */
import { expect, test } from "vitest";
import type { KeyUse } from "../../shared/app/exchange.ts";
import type { CapWindow } from "../../shared/domain/caps.ts";
import { checkWindow, reservedUnits } from "../../shared/domain/caps.ts";
import { decimal } from "../../shared/domain/decimal.ts";
import {
  addCost,
  addFee,
  addVolume,
  atLeast,
  type Cost,
  costOf,
  costWithFee,
  feeOf,
  type Price,
  price,
  raisedBy,
  rate,
  subtractCost,
  toLot,
  toTick,
  type Volume,
  volumeWithin,
} from "../../shared/domain/money.ts";
import type { Firing, Intent, Outcome } from "../../shared/domain/run.ts";
import { type EpochMs, later } from "../../shared/domain/time.ts";

declare const aPrice: Price;
declare const aVolume: Volume;
declare const aCost: Cost;
declare const window: CapWindow;
declare const at: EpochMs;

function neverCalled(): unknown[] {
  return [
    // @ts-expect-error A price is no cost.
    addCost(aPrice, aCost),
    // @ts-expect-error A cost is no price.
    costOf(aVolume, aCost),
    // @ts-expect-error The order of volume and price matters.
    costOf(aPrice, aVolume),
    // @ts-expect-error A price is no cost.
    subtractCost(aCost, aPrice),
    // @ts-expect-error A fee is added to a cost, not the other way round.
    costWithFee(feeOf(aCost, rate("0.004"), 5), aCost),
    // @ts-expect-error A cost is no fee.
    addFee(aCost, aCost),
    // @ts-expect-error A volume is no cost.
    feeOf(aVolume, rate("0.004"), 5),
    // @ts-expect-error A rate is a rate, not a price.
    feeOf(aCost, aPrice, 5),
    // @ts-expect-error A cost is no volume.
    addVolume(aVolume, aCost),
    // @ts-expect-error A lot is a volume, not a tick.
    toLot(aVolume, aPrice, "down"),
    // @ts-expect-error A tick is a price, not a lot.
    toTick(aPrice, aVolume, "down"),
    // @ts-expect-error Every rounding names its direction.
    toTick(aPrice, aPrice),
    // @ts-expect-error There is no third direction.
    toTick(aPrice, aPrice, "nearest"),
    // @ts-expect-error Budget first, then price.
    volumeWithin(aPrice, aCost, rate("0"), aVolume),
    // @ts-expect-error Only amounts of one kind can be compared.
    atLeast(aPrice, aCost),
    // @ts-expect-error A plain decimal has no kind.
    addCost(aCost, decimal("1")),
    // @ts-expect-error A number is no money.
    addCost(aCost, 1),
    // @ts-expect-error A text must be read first.
    raisedBy("50000", rate("0.01")),
    // @ts-expect-error A number is not exact.
    price(50000),
    // @ts-expect-error A cap is asked for a cost.
    checkWindow(window, 0n, aPrice),
    // @ts-expect-error What is used is counted in whole units.
    checkWindow(window, 0, aCost),
    // @ts-expect-error Only costs are reserved.
    reservedUnits(aVolume),
    // @ts-expect-error A number of milliseconds is not an instant.
    later(1_700_000_000_000, 5),
    // @ts-expect-error A difference is not an instant.
    later(at - at, 5),
  ];
}

function neverAssigned(intent: Intent, key: KeyUse): unknown[] {
  // @ts-expect-error Amounts do not change.
  intent.order.costMax.units = 0n;
  // @ts-expect-error A state is changed by writing a new intent into the ledger.
  intent.state = "DONE";
  // @ts-expect-error A firing names its slot or its key.
  const firing: Firing = { kind: "dca", account: "main", plan: "btc" };
  // @ts-expect-error There is no such outcome.
  const outcome: Outcome = "failed";
  // @ts-expect-error A key is used up to the end of its lease, not given another.
  key.credentials = { apiKey: "", privateKey: "", version: "" };
  return [firing, outcome];
}

test("mixed amounts are refused by the compiler, and these refusals are in the program", () => {
  expect([neverCalled, neverAssigned].map((refused) => refused.name)).toEqual([
    "neverCalled",
    "neverAssigned",
  ]);
});
