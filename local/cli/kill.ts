/** `tide kill`: nothing more is ordered, and what of ours still rests at Kraken is cancelled. */
import type { KillView } from "../desk/views.ts";
import { withDoor } from "./door.ts";
import { print, printJson } from "./text.ts";
import type { Given } from "./verb.ts";

export default function kill({ options }: Given): Promise<number> {
  return withDoor(options, async (door) => {
    const { result, label } = await door.ask<KillView>("kill").catch((error: unknown) => {
      process.stderr.write("The kill switch was NOT set for every account.\n");
      throw error;
    });
    await door.sweep();
    if (options.json) printJson(result);
    else print(killText(result, label));
    return (result.notAsked ?? []).length === 0 ? 0 : 1;
  }).catch((error: unknown) => {
    // Whatever does not work here, this does.
    process.stderr.write(AT_KRAKEN);
    throw error;
  });
}

const AT_KRAKEN =
  "To shut the key out at Kraken: Settings, API, the key's menu, Disable or Delete. Orders of your own are not touched.\n";

export function killText(killed: KillView, label: string): string {
  const { cancelled, remaining, foreign, notLooked = [], asked, notAsked = [] } = killed;
  return [
    `${label}  the kill switch is on: no order leaves until tide resume\n`,
    ...cancelled.map((id) => `${label}  cancelled ${id}\n`),
    ...remaining.map((id) => `${label}  not known to be open, look at Kraken for ${id}\n`),
    ...foreign.map((txid) => `${label}  not ours and not touched: ${txid}\n`),
    ...notLooked.map((account) => `${label}  ${account}: which other orders are open could not be asked\n`),
    ...(asked ?? []).map(
      (account) =>
        `${label}  ${account}: asked the functions to cancel what of ours is open; the answer comes as a message\n`,
    ),
    ...notAsked.map(
      ({ account, why }) =>
        `${label}  ${account}: what of ours is open was NOT cancelled, the queue cannot be reached: ${why}; cancel it at Kraken\n`,
    ),
    asked === undefined && cancelled.length + remaining.length + notLooked.length === 0
      ? `${label}  no order of ours was open\n`
      : "",
    AT_KRAKEN,
  ].join("");
}
