/** `tide disarm`: no live order is placed any more. */
import type { ArmingView } from "../desk/views.ts";
import { withDoor } from "./door.ts";
import { print, printJson } from "./text.ts";
import type { Given } from "./verb.ts";

export default function disarm({ options }: Given): Promise<number> {
  return withDoor(options, async (door) => {
    const { result, label } = await door.ask<ArmingView>("disarm");
    if (options.json) printJson(result);
    else print(`${label}  disarmed: no live order is placed until tide arm\n`);
    return 0;
  });
}
