/** How often a buy asks the database and Kraken, by their own counters: the whole program, in one process. */
import { openHouse } from "../support/house.ts";
import { type Measure, round } from "./measure.ts";

const TRIPS_MAX = 8;
const CALLS_COLD_MAX = 12;
const CALLS_CACHED_MAX = 8;

export async function trips(): Promise<readonly Measure[]> {
  const house = await openHouse();
  try {
    const buy = async (name: string) => {
      house.cloud.takeCounts();
      house.transportCalls();
      await house.buy(name);
      const counted = {
        calls: house.transportCalls(),
        trips: Object.values(house.cloud.takeCounts()).reduce((sum, count) => sum + count, 0),
      };
      const { run } = await house.run(`btc-weekly@${name}`);
      if (run.outcome !== "bought") throw new Error(`the buy ended as ${run.outcome}`);
      return counted;
    };
    const cold = await buy("cold");
    // A normal buy finds Kraken's rate counter rested.
    house.clock.moveTo(house.clock.now() + 120_000);
    const cached = await buy("cached");
    return [
      counted("DynamoDB round trips of a buy", cached.trips, TRIPS_MAX),
      counted("Kraken calls of a buy, all cold", cold.calls, CALLS_COLD_MAX),
      counted("Kraken calls of a buy, cached", cached.calls, CALLS_CACHED_MAX),
    ];
  } finally {
    await house.close();
  }
}

const counted = (name: string, ours: number, limit: number): Measure => ({
  name,
  unit: "count",
  ours,
  peer: null,
  peerName: null,
  limit,
  limitName: "what the design allows",
  ratio: round(ours / limit, 2),
  ratioOf: "ours / limit",
  goal: "<= 1",
  isMet: ours <= limit,
});
