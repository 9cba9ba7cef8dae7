/** `tide next`: the coming firings of all plans, soonest first. */
import type { NextView } from "../desk/views.ts";
import { withDoor } from "./door.ts";
import { print, printJson, table } from "./text.ts";
import type { Given } from "./verb.ts";

export default function next({ options }: Given): Promise<number> {
  return withDoor(options, async (door) => {
    await door.sweep();
    const { label, result } = await door.ask<readonly NextView[]>("next", { count: options.count });
    if (options.json) printJson(result);
    else print(nextText(label, result) + door.note);
    return 0;
  });
}

export const nextText = (label: string, coming: readonly NextView[]): string =>
  coming.length === 0
    ? `${label}  no plan has a firing in the next year\n`
    : table(
        coming.map(({ plan, local, amount, willSkip }) => [
          label,
          local,
          plan,
          amount,
          willSkip === null ? "" : `${willSkip}: will be skipped`,
        ]),
      );
