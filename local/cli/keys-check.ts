/** `tide keys check`: what the exchange says that our keys may do, and what we think of it. */
import type { KeyView } from "../desk/views.ts";
import { withDoor } from "./door.ts";
import { print, printJson } from "./text.ts";
import type { Given } from "./verb.ts";

export default function keysCheck({ options }: Given): Promise<number> {
  return withDoor(options, async (door) => {
    const { result: checked, label } = await door.ask<readonly KeyView[]>("keys-check", {
      ...(options.account === undefined ? {} : { account: options.account }),
    });
    // On AWS nothing of this version uses the read key: it may be missing.
    const result = options.aws ? checked.filter(isWanted) : checked;
    if (options.json) printJson(result);
    else print(result.map((key) => keyText(key, label)).join(""));
    return keyExitCode(result);
  });
}

const isWanted = ({ use, state }: KeyView): boolean => use === "trade" || state !== "no-key";

export function keyText({ use, account, state, name, problems, warnings }: KeyView, label: string): string {
  const named = name === null ? "" : ` ${name}`;
  const verdict = {
    good: "good",
    refused: `refused, nothing is done with it until ${problems.length === 1 ? "this is" : "these are"} changed at Kraken`,
    "no-key": "missing",
  }[state];
  return [
    `${label}  ${account} ${use} key${named}: ${verdict}\n`,
    ...problems.map((problem) => `  ${problem}\n`),
    ...warnings.map((warning) => `  note: ${warning}\n`),
  ].join("");
}

export const keyExitCode = (keys: readonly KeyView[]): number =>
  keys.some((key) => key.state === "refused") ? 3 : keys.some((key) => key.state === "no-key") ? 1 : 0;
