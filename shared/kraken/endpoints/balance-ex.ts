import * as z from "zod";
import type { Balance } from "../../app/exchange.ts";
import { cost } from "../../domain/money.ts";
import { privateRead } from "./endpoint.ts";
import { amount, mapOf } from "./wire.ts";

/** By asset id. Credit lines are left aside: a plan spends what is there. */
export const balanceEx = privateRead<void, ReadonlyMap<string, Balance>>({
  name: "BalanceEx",
  fields: () => ({}),
  answer: mapOf(
    z
      .object({ balance: amount(cost), hold_trade: amount(cost) })
      .transform((wire) => ({ total: wire.balance, held: wire.hold_trade })),
  ),
});
