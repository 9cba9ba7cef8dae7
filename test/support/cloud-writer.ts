/**
 * Writes transactions without end until it is killed: each replaces all items of one lane by the next generation. Says
 * `LANE GENERATION` on its standard output when one has been answered.
 */
import { TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { VirtualClock } from "../../local/clock.ts";
import { openHouse, START, TABLE, times } from "./cloud-house.ts";

export const LANES = 4;
export const ITEMS = 20;

export const itemOf = (lane: number, item: number, generation: number) => ({
  pk: { S: `lane-${lane}` },
  sk: { S: String(item).padStart(2, "0") },
  openShard: { S: `lane-${lane}` },
  dueAt: { N: String(generation) },
});

async function writeLane(dir: string): Promise<void> {
  const clock = new VirtualClock({ startAt: START, rate: 1 });
  const house = await openHouse({ reach: "in-process", store: "disk" }, { dir, clock });
  const write = async (lane: number) => {
    for (let generation = Number(process.argv[3]); ; generation += 1) {
      const puts = times(ITEMS, (item) => ({
        Put: { TableName: TABLE, Item: itemOf(lane, item, generation) },
      }));
      await house.dynamodb.send(new TransactWriteItemsCommand({ TransactItems: puts }));
      process.stdout.write(`${lane} ${generation}\n`);
    }
  };
  await Promise.all(times(LANES, write));
}

if (import.meta.main) await writeLane(process.argv[2] as string);
