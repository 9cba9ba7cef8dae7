/** Keys never come as arguments: the shell writes those to its history, and every program on the machine can list them. */
import { UsageError } from "./verb.ts";

/** Kraken's API key is 56 characters of base64, its private key 88. */
const LIKE_A_KEY = /^(?:[A-Za-z0-9+/]{56}|[A-Za-z0-9+/]{86}==)$/;

/** Options whose values are long names of the owner's own. */
const OWN_NAMES = ["--state", "--plans", "--outputs", "--key"];
/** Options that take no value, so that a word after one of them belongs to nothing. */
const WITHOUT_VALUE = ["--json", "--aws"];

/** Throws without repeating what was given. */
export function refuseKeysIn(words: readonly string[]): void {
  const isKeys = words.includes("keys");
  words.forEach((word, at) => {
    const before = words[at - 1] ?? "";
    if (OWN_NAMES.includes(before) && !(isKeys && before === "--key")) return;
    const value = word.startsWith("--") && word.includes("=") ? word.slice(word.indexOf("=") + 1) : word;
    const option = word.split("=", 1)[0]!;
    if (isKeys && /^--(?:api-?key|private-?key|secret|key)$/i.test(option)) throw refusal();
    if (LIKE_A_KEY.test(value) && !OWN_NAMES.includes(option)) throw refusal();
  });
  if (isKeys) refuseSurplus(words);
}

/** `keys set` takes no argument at all, so whatever stands there may be a key. */
function refuseSurplus(words: readonly string[]): void {
  const afterVerb = words.slice(words.indexOf("keys") + 2);
  const surplus = afterVerb.some((word, at) => {
    const before = afterVerb[at - 1] ?? "";
    return (
      !word.startsWith("-") &&
      !(before.startsWith("--") && !WITHOUT_VALUE.includes(before) && !before.includes("="))
    );
  });
  if (surplus) throw refusal();
}

const refusal = (): UsageError =>
  new UsageError(
    "a key is not taken as an argument: the shell keeps arguments in its history and other programs can list them. " +
      "If it was a real key, delete it at Kraken and make a new one. Then run tide keys set and enter it at the prompt, " +
      "or pipe it in: two lines, the API key and the private key",
  );
