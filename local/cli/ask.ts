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

export async function readInput(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const BACKSPACE = ["\u007f", "\b"];

/** One line that the terminal does not show. */
export function readHidden(question: string): Promise<string> {
  const { stdin } = process;
  process.stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  stdin.resume();
  return new Promise((resolve, reject) => {
    let line = "";
    const end = () => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.removeListener("data", take);
      process.stderr.write("\n");
    };
    const take = (typed: string) => {
      for (const [at, letter] of [...typed].entries()) {
        if (letter === CTRL_C || letter === CTRL_D) {
          end();
          return reject(new UsageError("nothing was stored"));
        }
        if (letter === "\r" || letter === "\n") {
          // Both lines may have been pasted at once: the rest belongs to the next question.
          const rest = [...typed]
            .slice(at + 1)
            .join("")
            .replace(/^\n/, "");
          end();
          if (rest !== "") stdin.unshift(rest);
          return resolve(line.trim());
        }
        line = BACKSPACE.includes(letter) ? line.slice(0, -1) : line + letter;
      }
    };
    stdin.on("data", take);
  });
}
