/** Asks a person at the terminal, or reads what was piped in. Questions go to stderr, so that stdout stays the answer. */
import { createInterface } from "node:readline/promises";
import { UsageError } from "./verb.ts";

export async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

/** From a person at the terminal, or the first line of what was piped in. */
export async function typedBack(question: string): Promise<string> {
  if (!process.stdin.isTTY) return (await readInput()).split("\n")[0] ?? "";
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

export async function readInput(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const BACKSPACE = ["\u007f", "\b"];

/** One line for each question. The terminal shows none of it, also not what is typed ahead or pasted at once. */
export function readHidden(questions: readonly string[]): Promise<readonly string[]> {
  const { stdin } = process;
  const lines: string[] = [];
  let line = "";
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  return new Promise<readonly string[]>((resolve, reject) => {
    const take = (letter: string): void => {
      if (letter === CTRL_C || letter === CTRL_D) {
        process.stderr.write("\n");
        reject(new UsageError("nothing was stored"));
        return;
      }
      if (letter !== "\r" && letter !== "\n") {
        line = BACKSPACE.includes(letter) ? line.slice(0, -1) : line + letter;
        return;
      }
      // A pasted line may end in two characters.
      if (line.trim() === "") return;
      lines.push(line.trim());
      line = "";
      process.stderr.write("\n");
      if (lines.length === questions.length) resolve(lines);
      else process.stderr.write(questions[lines.length]!);
    };
    stdin.on("data", (typed: string) => {
      for (const letter of typed) if (lines.length < questions.length) take(letter);
    });
    stdin.resume();
    process.stderr.write(questions[0]!);
  }).finally(() => {
    stdin.removeAllListeners("data");
    stdin.setRawMode(false);
    stdin.pause();
  });
}
