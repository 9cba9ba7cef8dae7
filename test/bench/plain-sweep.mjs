/** The yardstick of the sweep's cold start: the SDK's clients as they come. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { workOn } from "./plain-table.mjs";

const dynamo = new DynamoDBClient({});
export const others = [new SQSClient({}), new SNSClient({})];

export const handler = () => workOn(dynamo);
