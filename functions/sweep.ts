/** Each minute: finds runs whose time has come, slots without a run, and messages that were not told. */
import middy from "@middy/core";
import type { Deps } from "../shared/app/ports.ts";
import { type SweepReport, sweepRuns } from "../shared/app/sweep-runs.ts";
import { logFailure } from "./log-failure.ts";
import { connect, oncePerContainer } from "./wire.ts";

export function makeHandler(connected: () => Promise<Deps>) {
  const ready = oncePerContainer(connected);
  return middy<unknown, SweepReport>()
    .use(logFailure())
    .handler(async () => sweepRuns(await ready()));
}

export const handler = makeHandler(connect);
