/** One invocation of a bundle in a container of its own: a fresh process with nothing but a function's environment. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

const RUNTIME = join(import.meta.dirname, "bundle-runtime.cjs");

export type Invoked = {
  /** Undefined: it failed, or it was killed before it answered. */
  readonly answer?: unknown;
  readonly errorType?: string;
  readonly errorMessage?: string;
  readonly stdout: string;
  readonly stderr: string;
};

/** What Lambda itself puts into every function's environment; the keys of its role are worth nothing here. */
const OF_LAMBDA = {
  AWS_REGION: "us-east-1",
  AWS_LAMBDA_FUNCTION_NAME: "tidekeeper",
  AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
  AWS_ACCESS_KEY_ID: "local",
  AWS_SECRET_ACCESS_KEY: "local",
  TZ: ":UTC",
};

/** With `killAfter`, the process ends without a word a moment after it has printed that. */
export async function invoke(
  folder: string,
  env: Readonly<Record<string, string>>,
  event: unknown,
  killAfter?: RegExp,
): Promise<Invoked> {
  const child = spawn(process.execPath, [RUNTIME, folder, JSON.stringify(event)], {
    cwd: folder,
    env: { ...OF_LAMBDA, ...env },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let printed = "";
  let isDoomed = false;
  child.stdout!.setEncoding("utf8").on("data", (part: string) => {
    printed += part;
    if (isDoomed || killAfter?.test(printed) !== true) return;
    isDoomed = true;
    void sleep(100).then(() => child.kill("SIGKILL"));
  });
  const closed = new Promise((resolve) => child.once("close", resolve));
  const [stderr, told] = await Promise.all([
    text(child.stderr!),
    text(child.stdio[3] as NodeJS.ReadableStream),
    closed,
  ]);
  return { ...(told === "" ? {} : (JSON.parse(told) as Partial<Invoked>)), stdout: printed, stderr };
}
