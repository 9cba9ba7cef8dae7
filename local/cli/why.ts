/** `tide why`: one run with its steps, its order, and what the ledger noted of it. */
import type { WhyView } from "../desk/views.ts";
import { withDoor } from "./door.ts";
import { goesOnLine, orderLines, outcomeLine, print, printJson, stepLines, table, timeOf } from "./text.ts";
import type { Given } from "./verb.ts";

export default function why({ args, options }: Given): Promise<number> {
  return withDoor(options, async (door) => {
    await door.sweep();
    const { result, zone } = await door.ask<WhyView>("why", { run: args[0] });
    if (options.json) printJson(result);
    else print(whyText(result, zone, options));
    return 0;
  });
}

export function whyText(run: WhyView, zone: string, at: { aws?: boolean } = {}): string {
  const history = table(
    run.history.map(({ at, what }) => [timeOf(at, zone), what]),
    "  ",
  );
  return [
    outcomeLine(run),
    goesOnLine(run, zone, at),
    `\nSteps, times in ${zone}\n${stepLines(run, zone)}`,
    run.orders.length === 0 ? "" : `\nOrder: our id, Kraken's id\n${orderLines(run.orders, run.label)}`,
    history === "" ? "" : `\nWritten down about the order\n${history}`,
  ].join("");
}
