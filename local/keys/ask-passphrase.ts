/**
 * The passphrase of the kept keys: from a hidden prompt, or the first line of standard input where that is no terminal.
 * Never an argument and never the environment: other programs can list both.
 */
import { readHidden } from "../cli/ask.ts";
import { KeptKeysError } from "./kept-keys.ts";

export type AskPassphrase = (about: { readonly path: string; readonly isNew: boolean }) => Promise<string>;

export const askPassphrase: AskPassphrase = async ({ path, isNew }) => {
  const given = process.stdin.isTTY ? await prompted(path, isNew) : await firstLine(process.stdin);
  if (given === undefined || given === "") {
    throw new KeptKeysError(
      "no passphrase was given, expected it at the prompt or as the first line of standard input; nothing was started",
    );
  }
  return given;
};

async function prompted(path: string, isNew: boolean): Promise<string | undefined> {
  try {
    if (!isNew) return (await readHidden([`Passphrase of ${path}: `]))[0];
    process.stderr.write(
      `The API keys will be sealed in ${path} with a passphrase. It is asked at each start and kept nowhere:\n` +
        "without it the keys cannot be had back, and new ones must be made at Kraken. It is not shown while you type.\n",
    );
    const [first, second] = await readHidden(["New passphrase: ", "The same again: "]);
    if (first === second) return first;
  } catch {
    throw new KeptKeysError("no passphrase was given; nothing was started");
  }
  throw new KeptKeysError("the two passphrases differ; nothing was started");
}

/** Leaves what follows the line to whoever reads next. */
export async function firstLine(
  input: NodeJS.ReadStream | NodeJS.ReadableStream,
): Promise<string | undefined> {
  const stream = input as NodeJS.ReadStream;
  let read = Buffer.alloc(0);
  const end = (length: number): string => read.subarray(0, length).toString("utf8").replace(/\r$/, "");
  for (;;) {
    const chunk = stream.read() as Buffer | string | null;
    if (chunk !== null) {
      read = Buffer.concat([read, typeof chunk === "string" ? Buffer.from(chunk) : chunk]);
      const at = read.indexOf("\n");
      if (at === -1) continue;
      if (at + 1 < read.length) stream.unshift(read.subarray(at + 1));
      stream.pause(); // Or the process would wait for a writer that has nothing more to say
      return end(at);
    }
    if (stream.readableEnded || stream.destroyed) return read.length === 0 ? undefined : end(read.length);
    await new Promise<void>((resolve) => {
      const wake = () => {
        for (const event of ["readable", "end", "error", "close"]) stream.removeListener(event, wake);
        resolve();
      };
      for (const event of ["readable", "end", "error", "close"]) stream.once(event, wake);
    });
  }
}
