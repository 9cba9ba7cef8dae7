/** `tide keys set`: takes an API key at a hidden prompt or from standard input, stores it, and has it judged. */
import type { KeyView } from "../desk/views.ts";
import { exchangeOf } from "../machine/state-dir.ts";
import { readHidden, readInput } from "./ask.ts";
import { withDoor } from "./door.ts";
import { keyExitCode, keyText } from "./keys-check.ts";
import { print, printJson } from "./text.ts";
import { type Given, UsageError } from "./verb.ts";

type Key = { readonly apiKey: string; readonly privateKey: string };

export default async function keysSet({ options }: Given): Promise<number> {
  // With real money, opening the machine may first take the passphrase from the same input; a deployment that cannot be
  // found is told before anything is typed.
  const isLate = options.aws || (options.exchange ?? exchangeOf(options.state)) === "kraken";
  const early = isLate ? undefined : await givenKey();
  return withDoor(options, async (door) => {
    const key = early ?? (await givenKey());
    const { result, label } = await door.ask<KeyView>("keys-set", {
      use: options.use,
      ...(options.account === undefined ? {} : { account: options.account }),
      ...key,
    });
    if (options.json) printJson(result);
    else print(keyText(result, label));
    return keyExitCode([result]);
  });
}

const givenKey = async (): Promise<Key> => (process.stdin.isTTY ? prompted() : keyIn(await readInput()));

async function prompted(): Promise<Key> {
  process.stderr.write("Neither line is shown while you type or paste it.\n");
  const [apiKey = "", privateKey = ""] = await readHidden(["API key: ", "Private key: "]);
  return checked({ apiKey, privateKey });
}

const EXPECTED = 'expected two lines, the API key and the private key, or {"apiKey":"…","privateKey":"…"}';

/** Never repeats what it read. */
export function keyIn(text: string): Key {
  const trimmed = text.trim();
  if (trimmed.startsWith("{")) {
    try {
      const { apiKey, privateKey, key, secret } = JSON.parse(trimmed) as Record<string, unknown>;
      return checked({ apiKey: String(apiKey ?? key ?? ""), privateKey: String(privateKey ?? secret ?? "") });
    } catch (error) {
      if (error instanceof UsageError) throw error;
      throw new UsageError(`standard input held broken JSON, ${EXPECTED}`);
    }
  }
  const lines = trimmed === "" ? [] : trimmed.split(/\r?\n/).map((line) => line.trim());
  if (lines.length !== 2) throw new UsageError(`standard input held ${lines.length} lines, ${EXPECTED}`);
  return checked({ apiKey: lines[0]!, privateKey: lines[1]! });
}

function checked(key: Key): Key {
  if (key.apiKey === "" || key.privateKey === "")
    throw new UsageError(`one of the two was empty, ${EXPECTED}`);
  if (!/^[\x21-\x7e]+$/.test(key.apiKey))
    throw new UsageError("the API key holds spaces or other strange characters; copy it again");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key.privateKey) || key.privateKey.length % 4 !== 0) {
    throw new UsageError("the private key is not whole base64; copy it again, with the == at its end");
  }
  return key;
}
