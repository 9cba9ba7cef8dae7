/** Messages to the owner over SNS, firings over SQS. */
import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";
import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { FiringQueue, Notifier } from "../app/ports.ts";
import { type Patience, repeated } from "./retry.ts";

/** A topic tells at least once; a repeated call may tell twice. */
export function snsNotifier(client: SNSClient, topicArn: string, patience: Patience): Notifier {
  return {
    async publish(_account, message) {
      const command = { TopicArn: topicArn, Subject: message.subject, Message: message.text };
      await repeated(patience, () => client.send(new PublishCommand(command)));
    },
  };
}

/** One group for each account: its runs come one after another, other accounts are not held up. */
export function sqsQueue(client: SQSClient, queueUrl: string, patience: Patience): FiringQueue {
  return {
    async send(account, body, dedupe) {
      const command = {
        QueueUrl: queueUrl,
        MessageBody: JSON.stringify(body),
        MessageGroupId: account,
        // SQS takes up to 128 characters of a small alphabet; a run id with its due time fits.
        MessageDeduplicationId: dedupe
          .replace(/[^A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g, "_")
          .slice(0, 128),
      };
      await repeated(patience, () => client.send(new SendMessageCommand(command)));
    },
  };
}
