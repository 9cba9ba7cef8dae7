/** The embedded AWS and Kraken in a process of their own, for processes that start cold; made as new before each of them. */
import { clearTable, storeDefaultKeys } from "../../local/machine/provision.ts";
import { openEndpoints } from "../support/embedded-aws.ts";

export type World = {
  readonly env: Readonly<Record<string, string>>;
  /** Names of DynamoDB operations, and `Kraken`, with how often each was called since this was last asked. */
  readonly counts: Readonly<Record<string, number>>;
};

const { cloud, sandbox, control, dynamo, secrets, values, places } = await openEndpoints();
await storeDefaultKeys(secrets, [{ name: "main" }], sandbox.keys);
const env = { ...places, ...values };

/** A request begins and ends: two changes. */
const krakenCalls = () => sandbox.activity.changes / 2;
let krakenBefore = krakenCalls();

process.on("message", async (message) => {
  const counts = { ...cloud.takeCounts(), Kraken: krakenCalls() - krakenBefore };
  if (message === "again") {
    await clearTable(dynamo);
    // Kraken's rate counter and nonces begin anew, too.
    await fetch(`${control}/reset`, { method: "POST" });
    cloud.takeCounts();
  }
  krakenBefore = krakenCalls();
  process.send?.({ env, counts } satisfies World);
});
process.on("disconnect", () => process.exit(0));
process.send?.({ env, counts: {} } satisfies World);
