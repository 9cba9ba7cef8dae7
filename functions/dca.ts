/** Works what comes out of the queue: firings of DCA plans, runs that wait, and the owner's requests to Kraken. */
import middy from "@middy/core";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { answerOwner } from "../shared/app/owner-requests.ts";
import type { Deps } from "../shared/app/ports.ts";
import { BetweenSlots, FiringRefused, refuseFiring } from "../shared/app/refuse-firing.ts";
import { runPlan } from "../shared/app/run-plan.ts";
import { parseFiring } from "../shared/config/firing.ts";
import { type EpochMs, epochMs } from "../shared/domain/time.ts";
import { logFailure, type SayFailure } from "./log-failure.ts";
import { connect, oncePerContainer } from "./wire.ts";

export function makeHandler(connected: () => Promise<Deps>, say?: SayFailure) {
  const ready = oncePerContainer(connected);
  return middy<SQSEvent, SQSBatchResponse>()
    .use(logFailure(say))
    .handler(async ({ Records }) => {
      // One record at a time (batch size 1); a FIFO group goes on only after its first message is done.
      for (const record of Records) await runRecord(record, await ready());
      return { batchItemFailures: [] };
    });
}

async function runRecord(record: SQSRecord, deps: Deps): Promise<void> {
  const account = record.attributes.MessageGroupId ?? "";
  const read = parseFiring(record.body);
  if ("problem" in read) return refuseFiring(deps, account, record.messageId, record.body, read.problem);
  try {
    if ("request" in read) await answerOwner(read.request, record.messageId, deps);
    else await runPlan(read.firing, deps, sentAtOf(record));
  } catch (error) {
    if (error instanceof BetweenSlots) return;
    // Test: a firing of an unknown plan is put aside and told, and others go on
    if (!(error instanceof FiringRefused)) throw error;
    await refuseFiring(deps, account, record.messageId, record.body, error.message);
  }
}

function sentAtOf({ attributes }: SQSRecord): EpochMs | undefined {
  const at = Number(attributes.SentTimestamp);
  return Number.isSafeInteger(at) && at > 0 ? epochMs(at) : undefined;
}

export const handler = makeHandler(connect);
