/** A function that reads a firing queue: one message at a time, one account at a time. */
import { Construct } from "constructs";
import { WORKER_SECONDS_MAX } from "../../shared/config/names.ts";
import { AppFunction, type AppFunctionProps } from "./app-function.ts";
import type { FiringQueue } from "./firing-queue.ts";

/** Lambda's own least, and a bound: more accounts than that wait for each other (docs/scale.md says what that means). */
const CONCURRENCY_MIN = 2;
const CONCURRENCY_MAX = 50;

export type QueueWorkerProps = Omit<AppFunctionProps, "timeoutSeconds"> & {
  readonly firings: FiringQueue;
  /** Each is a message group; messages of one group never run at once. */
  readonly accounts: number;
};

export class QueueWorker extends Construct {
  readonly worker: AppFunction;

  constructor(scope: Construct, id: string, { firings, accounts, ...props }: QueueWorkerProps) {
    super(scope, id);
    this.worker = new AppFunction(this, "Worker", { ...props, timeoutSeconds: WORKER_SECONDS_MAX });
    const { role, lambda } = this.worker;
    role.may(
      "ReadFirings",
      ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      [firings.queue.queueArn],
    );
    lambda.addEventSourceMapping("Firings", {
      eventSourceArn: firings.queue.queueArn,
      batchSize: 1,
      reportBatchItemFailures: true,
      maxConcurrency: Math.min(Math.max(accounts, CONCURRENCY_MIN), CONCURRENCY_MAX),
    });
  }
}
