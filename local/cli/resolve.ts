/** `tide resolve`: asks Kraken again about an order that stayed in doubt, and goes on with what it shows. */
import { EXIT_CODE, type RunView } from "../desk/views.ts";
import { withDoor } from "./door.ts";
import { outcomeLine, print, printJson } from "./text.ts";
import type { Given } from "./verb.ts";

export default function resolve({ args, options }: Given): Promise<number> {
  return withDoor(options, async (door) => {
    const { result } = await door.ask<RunView>("resolve", { run: args[0]! });
    if (options.json) printJson(result);
    else print(outcomeLine(result));
    return EXIT_CODE[result.outcome];
  });
}
