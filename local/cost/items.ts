/** What the three stacks use in a month, each with the name of its price. */
import { SCHEDULES_IN_TEMPLATE_MAX } from "../../shared/config/deployment.ts";
import { add, type Decimal, decimal, divide, multiply } from "../../shared/domain/decimal.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import type { PriceName } from "./rates.ts";
import { DAYS_A_YEAR, type Usage } from "./usage.ts";

export type Stack = "TidekeeperState" | "TidekeeperNetwork" | "TidekeeperAutomation";

export type Item = {
  readonly stack: Stack;
  readonly item: string;
  readonly quantity: Decimal;
  readonly unit: string;
  readonly price: PriceName;
};

/** A year's 8760 hours and 525600 minutes by twelve. */
const HOURS = 730;
const MINUTES = 43_800;

const SECRETS_OF_AN_ACCOUNT = 2; // Trade and read
/** The infra tests hold the number against the templates. */
export const alarmsOf = (usage: Pick<Usage, "firedPlans">, egress: Settings["egress"]): number =>
  21 + (egress === "nat-instance" ? 1 : 0) + (usage.firedPlans > SCHEDULES_IN_TEMPLATE_MAX ? 1 : 0);
const DISK_GB = 8;
/**
 * DynamoDB asks for the table's key again after five minutes, for each role that uses it: two functions each minute, 2 × 12 an
 * hour (docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html; how often at most, AWS does not publish).
 */
const TABLE_KEY_REQUESTS = 2 * 12 * HOURS;
/** Lambda holds five long polls of 20 s on a queue: 5 × 730 × 3600 ÷ 20 = 657000, about this many (AWS does not publish it). */
const POLLS_OF_A_QUEUE = 650_000;

/**
 * Writes of a buy, in units of 1 KB, on items of the size that a test buy leaves: RUN and INTENT 2 KB, all others 1 KB. Twice
 * in a transaction: reserve 2 × 6, claim 2 × 5, settle 2 × 6. Once: acquire, ack of 2, release, outbox mark. The index: run,
 * intent and message enter it and leave it, 8. The sweep's mark of the slot: 1. In all 48.
 */
const WRITES_OF_A_RUN = 50;
/** Reads of a buy, in units of 4 KB: six items at once, a message, and the sweep's look at run and intent. */
const READS_OF_A_RUN = 10;
/** Eight queries of the index, each half a unit because it is not a consistent read. */
const INDEX_READS_OF_A_SWEEP = 4;
/** PLAN items are about 130 bytes. */
const PLANS_IN_A_READ = 30;
/** RUN, INTENT and OUTBOX of a test buy are 2.8 KB together; with keys and index. */
const BYTES_OF_A_RUN = 4_000;

/** 1024 MB for 5 s, and 512 MB for 0.3 s. */
const GB_SECONDS_OF_A_RUN = decimal("5");
const GB_SECONDS_OF_A_SWEEP = decimal("0.15");
/** Eight calls of Kraken and their TLS, generously. */
const BYTES_OUT_OF_A_RUN = 1_000_000;
const LOG_BYTES_OF_A_RUN = 10_000;
const LOG_BYTES_OF_A_SWEEP = 1_000;

export function itemsOf(usage: Usage, egress: Settings["egress"], natZones: number): readonly Item[] {
  return [
    ...stateItems(usage, natZones),
    ...networkItems(usage, egress, natZones),
    ...automationItems(usage, egress),
  ];
}

function stateItems(usage: Usage, natZones: number): readonly Item[] {
  const accounts = usage.plansOf.length;
  const storage = gigabytes(whole(usage.firings * BYTES_OF_A_RUN));
  // One for each slot, and one line a day for each account.
  const messages = usage.slots + DAYS_A_YEAR * accounts;
  const item = itemOf("TidekeeperState");
  return [
    // They stay whatever the egress, so that the addresses written down at Kraken never change.
    item("fixed address, kept in every egress", whole(HOURS * natZones), "hours", "publicIp"),
    item("secrets, two for each account", whole(SECRETS_OF_AN_ACCOUNT * accounts), "", "secret"),
    item("reads of secrets", monthly(usage.firings), "calls", "secretRead"),
    item("encryption key of the alarm topics", whole(1), "", "key"),
    item(
      "requests of this key and the table's",
      add(monthly(messages), whole(TABLE_KEY_REQUESTS)),
      "requests",
      "keyRequest",
    ),
    item("table, writes", monthly(usage.firings * WRITES_OF_A_RUN), "units", "tableWrite"),
    item("table, reads", tableReads(usage), "units", "tableRead"),
    item("table, what a year leaves in it", storage, "GB", "tableStorage"),
    item("table, recovery to any point in time", storage, "GB", "tableRecovery"),
    item("queue requests, mostly polls", queueRequests(usage), "requests", "queueRequest"),
    item("messages", monthly(messages), "messages", "publish"),
    item("e-mails", monthly(messages * usage.emails), "e-mails", "email"),
  ];
}

function networkItems(usage: Usage, egress: Settings["egress"], natZones: number): readonly Item[] {
  const traffic = gigabytes(monthly(usage.firings * BYTES_OUT_OF_A_RUN));
  const item = itemOf("TidekeeperNetwork");
  const out = item("traffic to the internet", traffic, "GB", "dataOut");
  switch (egress) {
    case "nat-gateway":
      return [
        item("NAT gateway, one for each zone", whole(HOURS * natZones), "hours", "natGateway"),
        item("traffic through it", traffic, "GB", "natGatewayData"),
        out,
      ];
    case "nat-instance":
      return [
        item("NAT instance, t4g.nano", whole(HOURS), "hours", "natInstance"),
        item("its disk, gp3", whole(DISK_GB), "GB", "disk"),
        out,
      ];
    case "none":
      return [out];
  }
}

function automationItems(usage: Usage, egress: Settings["egress"]): readonly Item[] {
  const runs = monthly(usage.firings);
  const time = add(multiply(runs, GB_SECONDS_OF_A_RUN), multiply(whole(MINUTES), GB_SECONDS_OF_A_SWEEP));
  const logBytes = add(monthly(usage.firings * LOG_BYTES_OF_A_RUN), whole(MINUTES * LOG_BYTES_OF_A_SWEEP));
  const invocations = add(runs, whole(MINUTES));
  const item = itemOf("TidekeeperAutomation");
  return [
    item("firings, and the sweep each minute", invocations, "firings", "firing"),
    item("functions, calls", invocations, "calls", "functionRequest"),
    item("functions, time on arm64", time, "GB-s", "functionTime"),
    item("alarms", whole(alarmsOf(usage, egress)), "", "alarm"),
    item("dashboard", whole(1), "", "dashboard"),
    // Told only when it is not zero: a metric that is never told is not charged.
    item("own metrics, while all is well", whole(0), "", "metric"),
    item("logs", gigabytes(logBytes), "GB", "logs"),
    item("traces", invocations, "traces", "trace"),
  ];
}

/** The sweep: the index, and of each account its head and its plans. The daily line: the year's runs, once a day. */
function tableReads(usage: Usage): Decimal {
  const perSweep = usage.plansOf.reduce(
    (units, plans) => units + 1 + Math.max(1, Math.ceil(plans / PLANS_IN_A_READ)),
    INDEX_READS_OF_A_SWEEP,
  );
  const runs = monthly(usage.firings * (READS_OF_A_RUN + DAYS_A_YEAR));
  return add(whole(MINUTES * perSweep), runs);
}

/** Polls, and for each firing that it is put in and taken out. Rebalance plans have a queue of their own. */
const queueRequests = (usage: Usage): Decimal =>
  add(whole(POLLS_OF_A_QUEUE * (usage.rebalancePlans > 0 ? 2 : 1)), monthly(usage.firings * 2));

const itemOf =
  (stack: Stack) =>
  (item: string, quantity: Decimal, unit: string, price: PriceName): Item => ({
    stack,
    item,
    quantity,
    unit,
    price,
  });

const whole = (count: number): Decimal => decimal(`${count}`);

/** Up: what is counted in a year is never less in twelve months. */
const monthly = (countAYear: number): Decimal => divide(whole(countAYear), whole(12), 4, "up");

const gigabytes = ({ units, scale }: Decimal): Decimal => ({ units, scale: scale + 9 });
