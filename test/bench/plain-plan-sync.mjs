/** The yardstick of plan-sync's cold start: the SDK's clients as they come. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { workOn } from "./plain-table.mjs";

const dynamo = new DynamoDBClient({});
export const others = [new SchedulerClient({})];

export const handler = () => workOn(dynamo);
