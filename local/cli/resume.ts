/** `tide resume`: a paused plan goes on, or the kill switch is turned off. */
import { withDoor } from "./door.ts";
import { print, printJson } from "./text.ts";
import type { Given } from "./verb.ts";

export default function resume({ args, options }: Given): Promise<number> {
  const [plan] = args;
  return withDoor(options, async (door) => {
    const { result, label } = await door.ask("resume", plan === undefined ? {} : { plan });
    await door.sweep();
    if (options.json) printJson(result);
    else if (plan === undefined)
      print(`${label}  the kill switch is off: plans that are not paused buy again\n`);
    else print(`${label}  ${plan} goes on at its next slot\n`);
    return 0;
  });
}
