/** A step of a run as one line on the terminal. */
import { styleText } from "node:util";
import type { Event } from "../shared/app/ports.ts";
import { wallOf } from "../shared/domain/zone.ts";

export function consoleLine(event: Event, zone: string): string {
  const run = event.run.slice(event.plan.length);
  const line = `${clockText(event.at, zone)}  ${event.label}  ${event.plan.padEnd(14)} ${event.step.padEnd(9)}  ${event.detail}`;
  if (event.outcome === undefined) return line;
  const isGood = ["bought", "traded", "rehearsed"].includes(event.outcome);
  return `${styleText(isGood ? "green" : "yellow", line, { stream: process.stdout })}${event.step === "notify" ? "" : `  ${run}`}`;
}

const clockText = (at: Event["at"], zone: string): string =>
  new Date(wallOf(at, zone)).toISOString().slice(11, 19);
