/**
 * The messages that the queue carries. Scheduler, HTTP, sweep and the owner's own `buy` all send a firing or a resume, and
 * nothing else sets a run going; the owner's requests ask what only the functions can ask of Kraken.
 */
import * as z from "zod";
import type { Firing, OwnerRequest, Resume } from "../domain/run.ts";
import { parseSlot, slotText } from "../domain/schedule.ts";
import type { EpochMs } from "../domain/time.ts";

const name = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "a name: a letter, then letters, digits or dashes");
const kind = z.enum(["dca", "rebalance"]);
const KEY = /^[A-Za-z0-9_-]{1,64}$/;

const slot = z
  .string()
  // EventBridge prints `<aws.scheduler.scheduled-time>` with seconds and cannot be asked for less: cut to the minute
  .transform((text) => text.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d):[0-5]\d(?:\.\d{1,3})?Z$/, "$1Z"))
  .refine((text) => parseSlot(text) !== undefined, "a minute like 2026-11-23T07:00Z");

const key = z.string().regex(KEY, "a key: letters, digits, _ and -, at most 64");
const run = z
  .string()
  .refine((text) => parseRunId(text) !== undefined, "a run like btc-weekly@2026-11-23T07:00Z");

/** Makes each asking a message of its own for the queue, which drops what it has just seen. */
const asked = z.string().max(64).optional();

const scheduled = z.strictObject({ kind, account: name, plan: name, slot });
const manual = z.strictObject({ kind, account: name, plan: name, key });
const resume = z.strictObject({ kind: z.literal("resume"), account: name, run });
const requests = {
  "check-key": z.strictObject({
    kind: z.literal("check-key"),
    account: name,
    use: z.enum(["trade", "read"]),
    asked,
  }),
  cancel: z.strictObject({ kind: z.literal("cancel"), account: name, asked }),
  resolve: z.strictObject({ kind: z.literal("resolve"), account: name, run, asked }),
} as const;

/** Longer than any message of ours. */
const LENGTH_MAX = 4096;

export type QueueMessage =
  | { readonly firing: Firing | Resume }
  | { readonly request: OwnerRequest }
  | { readonly problem: string };

/** Never throws. A slot comes out as `slotText` prints it, so that one slot is one run. */
export function parseFiring(body: string): QueueMessage {
  if (body.length > LENGTH_MAX) return { problem: `a message of ${body.length} characters` };
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    return { problem: "the message is not JSON" };
  }
  const request = requestShapeOf(message)?.safeParse(message);
  if (request?.success) {
    const { asked: _, ...asking } = request.data;
    return { request: asking };
  }
  if (request !== undefined) return { problem: problemOf(request.error) };
  const shape = shapeOf(message);
  if (shape === undefined) return { problem: `the message has no kind that is ${KINDS}` };
  const read = shape.safeParse(message);
  return read.success ? { firing: read.data } : { problem: problemOf(read.error) };
}

function problemOf({ issues: [issue] }: z.ZodError): string {
  return `${issue!.path.join(".") || "message"}: ${issue!.message}`;
}

const KINDS = ["dca", "rebalance", "resume", ...Object.keys(requests)].join(", ");

function requestShapeOf(message: unknown) {
  const known = z.looseObject({ kind: z.enum(["check-key", "cancel", "resolve"]) }).safeParse(message);
  return known.success ? requests[known.data.kind] : undefined;
}

function shapeOf(message: unknown): typeof scheduled | typeof manual | typeof resume | undefined {
  if (typeof message !== "object" || message === null || !("kind" in message)) return undefined;
  if (message.kind === "resume") return resume;
  if (!kind.safeParse(message.kind).success) return undefined;
  return "key" in message && !("slot" in message) ? manual : scheduled;
}

/** A run id taken apart: `btc-weekly@2026-11-23T07:00Z` or `btc-weekly@key`. */
export type RunName = { readonly plan: string } & ({ readonly slot: EpochMs } | { readonly key: string });

export function parseRunId(text: string): RunName | undefined {
  const at = text.indexOf("@");
  const plan = text.slice(0, Math.max(at, 0));
  const rest = text.slice(at + 1);
  if (at < 0 || !name.safeParse(plan).success) return undefined;
  const planned = parseSlot(rest);
  if (planned !== undefined) return { plan, slot: planned };
  return KEY.test(rest) ? { plan, key: rest } : undefined;
}

/** The scheduled firing of a slot. */
export const firingAt = (
  kindOf: "dca" | "rebalance",
  account: string,
  plan: string,
  at: EpochMs,
): Firing => ({
  kind: kindOf,
  account,
  plan,
  slot: slotText(at),
});
