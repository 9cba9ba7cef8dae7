/** `tide kill`: nothing more is ordered, and what of ours still rests at Kraken is cancelled. */

import type { KillView } from "../desk/views.ts";
import { withDoor } from "./door.ts";
import { print, printJson } from "./text.ts";
import type { Given } from "./verb.ts";

export default function kill({ options }: Given): Promise<number> {
  return withDoor(options, async (door) => {
    const { result, label } = await door.ask<KillView>("kill");
    await door.sweep();
    if (options.json) printJson(result);
    else print(killText(result, label));
    return 0;
  });
}

export function killText({ cancelled, remaining, foreign }: KillView, label: string): string {
  return [
    `${label}  the kill switch is on: no order leaves until tide resume\n`,
    ...cancelled.map((id) => `${label}  cancelled ${id}\n`),
    ...remaining.map((id) => `${label}  not known to be open, look at Kraken for ${id}\n`),
    ...foreign.map((txid) => `${label}  not ours and not touched: ${txid}\n`),
    cancelled.length + remaining.length === 0 ? `${label}  no order of ours was open\n` : "",
    "To shut it out at Kraken, too: Settings, API, the key's menu, Disable or Delete. Orders of your own are not touched.\n",
  ].join("");
}
