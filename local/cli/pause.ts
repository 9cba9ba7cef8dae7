/** `tide pause`: a plan buys nothing until it is resumed. */
import { withDoor } from "./door.ts";
import { print, printJson } from "./text.ts";
import type { Given } from "./verb.ts";

export default function pause({ args, options }: Given): Promise<number> {
  return withDoor(options, async (door) => {
    // First the pause, then what is due: an owner who pauses wants no buy in between.
    const { result, label } = await door.ask<{ plan: string }>("pause", { plan: args[0] });
    await door.sweep();
    if (options.json) printJson(result);
    else
      print(
        `${label}  ${result.plan} is paused: its slots are skipped; tide resume ${result.plan} goes on\n`,
      );
    return 0;
  });
}
