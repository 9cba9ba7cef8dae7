/** Each minute, above 300 plans: makes the schedules that fire them agree with the settings. */
import middy from "@middy/core";
import { type SyncDeps, type SyncReport, syncPlans } from "../shared/app/sync-plans.ts";
import { logFailure, type SayFailure } from "./log-failure.ts";
import { connectPlanSync, oncePerContainer } from "./wire.ts";

export function makeHandler(connected: () => Promise<SyncDeps>, say?: SayFailure) {
  const ready = oncePerContainer(connected);
  return middy<unknown, SyncReport>()
    .use(logFailure(say))
    .handler(async () => syncPlans(await ready()));
}

export const handler = makeHandler(() => connectPlanSync());
