/** The queue that a worker reads: first in, first out within an account, with a place for what could not be worked. */
import { Duration } from "aws-cdk-lib";
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { DELIVERIES_MAX, VISIBILITY_SECONDS } from "../../shared/config/names.ts";
import { KEEP } from "./keep.ts";

export class FiringQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const common = {
      fifo: true,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      // What is still in it may be a firing: not thrown away with a stack.
      removalPolicy: KEEP,
    };
    this.deadLetters = new Queue(this, "DeadLetters", common);
    this.queue = new Queue(this, "Queue", {
      ...common,
      // Scheduler names no deduplication id; the body is the same for every retry of one slot.
      contentBasedDeduplication: true,
      deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
      fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
      visibilityTimeout: Duration.seconds(VISIBILITY_SECONDS),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: DELIVERIES_MAX },
    });
  }
}
