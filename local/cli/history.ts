/** `tide history`: every run, oldest first. */
import type { RunView } from "../desk/views.ts";
import { withDoor } from "./door.ts";
import { localOf, print, printJson, table } from "./text.ts";
import type { Given } from "./verb.ts";

export default function history({ options }: Given): Promise<number> {
  return withDoor(options, async (door) => {
    await door.sweep();
    const { result, label, zone } = await door.ask<readonly RunView[]>("history");
    if (options.json) printJson(result);
    else print(historyText(result, label, zone));
    return 0;
  });
}

export const historyText = (runs: readonly RunView[], label: string, zone: string): string =>
  runs.length === 0
    ? `${label}  no run yet; tide next shows when the first one comes\n`
    : table(
        runs.map((run) => [
          run.label,
          localOf(run.openedAt, zone),
          run.run,
          run.outcome,
          run.reason ?? "",
          run.detail,
        ]),
      );
