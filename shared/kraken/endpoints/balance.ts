import { type Cost, cost } from "../../domain/money.ts";
import { privateRead } from "./endpoint.ts";
import { amount, mapOf } from "./wire.ts";

/** By asset id, what open orders hold included. */
export const balance = privateRead<void, ReadonlyMap<string, Cost>>({
  name: "Balance",
  fields: () => ({}),
  answer: mapOf(amount(cost)),
});
