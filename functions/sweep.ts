/** Each minute: makes the plans known, finds runs whose time has come, slots without a run, and messages that were not told. */
import middy from "@middy/core";
import type { SweepDeps } from "../shared/app/ports.ts";
import { type SweepReport, sweepRuns } from "../shared/app/sweep-runs.ts";
import { logFailure, type SayFailure } from "./log-failure.ts";
import { connectSweep, oncePerContainer } from "./wire.ts";

export function makeHandler(connected: () => Promise<SweepDeps>, say?: SayFailure) {
  const ready = oncePerContainer(connected);
  return middy<unknown, SweepReport>()
    .use(logFailure(say))
    .handler(async () => sweepRuns(await ready()));
}

export const handler = makeHandler(() => connectSweep());
