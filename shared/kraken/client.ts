/** Kraken behind the ports of shared/app/exchange.ts. */
import type { Clock } from "../app/clock.ts";
import { ExchangeError } from "../app/errors.ts";
import type { Exchange, KeyUse } from "../app/exchange.ts";
import {
  type FeeRates,
  type Pair,
  type PairRules,
  type PairStatus,
  pairName,
  type SystemStatus,
} from "../domain/market.ts";
import { cost, type Volume } from "../domain/money.ts";
import { type EpochMs, epochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from "../domain/time.ts";
import { createAccount } from "./account.ts";
import { Cache } from "./cache.ts";
import { assetPairs } from "./endpoints/asset-pairs.ts";
import { systemStatus } from "./endpoints/system-status.ts";
import { ticker } from "./endpoints/ticker.ts";
import { time } from "./endpoints/time.ts";
import { badAnswer } from "./errors.ts";
import { altnameGuess, type FoundPair, findPair, lookUpPair } from "./names.ts";
import type { Rest } from "./rest.ts";

const METADATA_AGE_MS_MAX = HOUR_MS;
/** A tier can change at any time, and what is reserved is reckoned with it: known for one buy, not for the next. */
const FEES_AGE_MS_MAX = MINUTE_MS;
/** Runs that follow each other ask once: public calls are limited by address, and AddOrder has its own word on the mode. */
const STATUS_AGE_MS_MAX = 10 * SECOND_MS;
const OFFSET_AGE_MS_MAX = 10 * MINUTE_MS;
/** How far the local clock may jump before the offset to Kraken's is measured anew. */
const CLOCK_STEP_MS_MAX = 500;

export type ExchangeOptions = { readonly rest: Rest; readonly clock: Clock };

export function createExchange({ rest, clock }: ExchangeOptions): Exchange {
  const rulesOf = new Cache<PairRules>(clock, METADATA_AGE_MS_MAX);
  const feesOf = new Cache<FeeRates>(clock, FEES_AGE_MS_MAX);
  const statusOf = new Cache<SystemStatus>(clock, STATUS_AGE_MS_MAX);
  const offsets = new Cache<{ readonly offsetMs: number; readonly epochAtZero: number }>(
    clock,
    OFFSET_AGE_MS_MAX,
  );

  const epochAtZero = (): number => clock.now() - clock.monotonicMs();

  async function offsetMs(): Promise<number> {
    const measured = await offsets.get("Time", measureOffset);
    // The local clock was set: what was measured against it is worth nothing now.
    if (Math.abs(epochAtZero() - measured.epochAtZero) <= CLOCK_STEP_MS_MAX) return measured.offsetMs;
    offsets.forget("Time");
    return (await offsets.get("Time", measureOffset)).offsetMs;
  }

  async function measureOffset() {
    const { answer, tookMs } = await rest.timedPublicCall(time, undefined);
    return {
      offsetMs: offsetFrom(answer.secondAt, clock.now(), tookMs),
      epochAtZero: epochAtZero(),
    };
  }

  async function askRules(pair: Pair): Promise<PairRules> {
    return rulesFrom(pair, await askPair(pair));
  }

  /** One small call for nearly every pair. The whole catalogue is asked when the guess was wrong, or there is no such pair. */
  async function askPair(pair: Pair): Promise<FoundPair> {
    const guess = altnameGuess(pair);
    const answer = await rest.publicCall(assetPairs, { pairs: [guess] }).then(
      (records) => lookUpPair(records, pair),
      (error: unknown) => {
        if (error instanceof ExchangeError && error.code === "PAIR_UNKNOWN") return error;
        throw error;
      },
    );
    if (answer !== undefined && !(answer instanceof ExchangeError)) return answer;
    const found = findPair(await rest.publicCall(assetPairs, {}), pair);
    // Listed under the very name that was refused just now: a pair on its way out is not traded.
    if (answer !== undefined && found.record.altname === guess) throw answer;
    return found;
  }

  return {
    now: async () => epochMs(clock.now() + (await offsetMs())),
    systemStatus: () =>
      statusOf.get("SystemStatus", async () => (await rest.publicCall(systemStatus, undefined)).status),
    async pairRules(pair) {
      const rules = await rulesOf.get(pairName(pair), () => askRules(pair));
      // A pair that is closed may be open again in a minute; its rules are not remembered for an hour.
      if (rules.status !== "online") rulesOf.forget(pairName(pair));
      return rules;
    },
    async quote(rules) {
      const offset = await offsetMs();
      const { answer, sentAt } = await rest.timedPublicCall(ticker, { pairs: [rules.id] });
      const found = answer.get(rules.id);
      if (found === undefined)
        throw badAnswer(ticker, "ANSWER_SHAPE", `the answer does not hold ${rules.id}`);
      const { bid, ask, last } = found;
      return { bid, ask, last, asOf: epochMs(sentAt + offset) };
    },
    as: (key: KeyUse) =>
      createAccount({ rest, key, feesOf, onStale: ({ pair }) => rulesOf.forget(pairName(pair)) }),
  };
}

/**
 * Kraken tells whole seconds, so when its answer is here, its clock is somewhere between the start of that second and
 * the end of it plus the whole way there and back. A local clock within that is taken for right; one outside is moved
 * to the nearer edge.
 */
export function offsetFrom(secondAt: EpochMs, localNow: number, tookMs: number): number {
  const earliest = secondAt;
  const latest = secondAt + 1000 + Math.ceil(tookMs);
  return Math.min(Math.max(localNow, earliest), latest) - localNow;
}

const STATUSES: readonly string[] = ["online", "cancel_only", "post_only", "limit_only", "reduce_only"];

function rulesFrom(pair: Pair, { id, record }: FoundPair): PairRules {
  const { tickSize, volumeMin, costMin, status } = record;
  if (tickSize === undefined || volumeMin === undefined || !STATUSES.includes(status)) {
    const was = `status ${status}, tick_size ${tickSize && "there"}, ordermin ${volumeMin && "there"}`;
    throw badAnswer(assetPairs, "ANSWER_SHAPE", `the rules of ${pairName(pair)} are not complete: ${was}`);
  }
  return {
    pair,
    id,
    altname: record.altname,
    baseId: record.baseId,
    quoteId: record.quoteId,
    tickSize,
    lot: { units: 1n, scale: record.lotDecimals } as Volume,
    costDecimals: record.costDecimals,
    volumeMin,
    costMin: costMin ?? cost("0"),
    status: status as PairStatus,
  };
}
