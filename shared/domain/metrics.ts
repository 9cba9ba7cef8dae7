/**
 * What the alarms watch. A metric is reported only when there is something to report: none means zero, and the sweep's own
 * heartbeat says that somebody counted. Counted per event where it happens, or each minute by the sweep where it lasts.
 */
import type { Outcome, ReasonCode } from "./run.ts";

export const METRICS = [
  /** Slots that nothing ran at. */
  "SlotsMissed",
  /** Runs that gave up with nothing bought, after attempts that were proven to have placed nothing. */
  "RunsAbandoned",
  /** Plans that wait for a person: an order in quarantine, or two orders under one id. Each minute. */
  "PlansOnHold",
  /** Orders of which it is not known for over five minutes whether they exist. Each minute. */
  "OrdersInDoubt",
  /** Amounts that stay reserved for over an hour. Each minute. */
  "ReservationsOld",
  /** Orders on the account that Tidekeeper did not place. */
  "ForeignOrders",
  /** A key that our rules or Kraken refuse, a lockout included. */
  "KeysRefused",
  /** Days since the trade key was set, when over the age at which to replace it. Each minute. */
  "KeyAgeDays",
  /** Buys that a cap refused. */
  "CapsRefused",
  /** Accounts whose kill switch is on. Each minute. */
  "KillSwitches",
  /** Nonces that Kraken refused: something else uses the key. */
  "NoncesRefused",
  /** Calls that Kraken's rate limits refused: our mirror of its counter is off. */
  "RateLimits",
  /** Seconds between our clock and Kraken's, when over two. */
  "ClockSkewSeconds",
  /** Messages to the owner that are still not delivered after ten minutes. Each minute. */
  "MessagesUntold",
] as const;

export type MetricName = (typeof METRICS)[number];

/** What a run's end means for the alarms; undefined where it means nothing. */
export function metricOf(outcome: Outcome, code: ReasonCode): MetricName | undefined {
  if (outcome === "missed") return "SlotsMissed";
  if (outcome === "abandoned") return "RunsAbandoned";
  switch (code) {
    case "KEY_REFUSED":
    case "KEY_UNREADABLE":
    case "KEY_STOPPED":
      return "KeysRefused";
    case "CAP_ORDER":
    case "CAP_DAY":
    case "CAP_MONTH":
    case "CAP_NONE":
      return "CapsRefused";
    default:
      return undefined;
  }
}
