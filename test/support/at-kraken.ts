/** The program as it is at the real exchange, with the sandbox in its place. */
import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { armingHash } from "../../shared/app/ids.ts";
import type { Deps } from "../../shared/app/ports.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import { embeddedConfig } from "./embedded-aws.ts";
import type { House } from "./house.ts";

export const atKraken =
  (mode: Settings["mode"]) =>
  (deps: Deps): Deps => ({ ...deps, venue: "kraken", settings: { ...deps.settings, mode } });

/** As `tide arm` leaves the ledger. */
export async function armLive(house: House): Promise<void> {
  const dynamo = new DynamoDBClient(embeddedConfig(house.cloud));
  await dynamo.send(
    new UpdateItemCommand({
      TableName: "tidekeeper",
      Key: { pk: { S: "A#main" }, sk: { S: "HEAD" } },
      UpdateExpression: "SET armed = :hash, schemaVersion = :one",
      ExpressionAttributeValues: { ":hash": { S: armingHash(house.deps) }, ":one": { N: "2" } },
    }),
  );
}
