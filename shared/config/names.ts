/** Names that infra writes and the runtime reads. A name is changed here or nowhere. */

/** Environment variables of the functions and of the one-machine mode. Never a secret among them. */
export const ENVIRONMENT = {
  /** Name of the one table. */
  table: "TIDEKEEPER_TABLE",
  /** Path of the settings that the bundle carries. */
  plans: "TIDEKEEPER_PLANS",
  /** Base address of the exchange; only a loopback address is taken, anything else is the real Kraken. */
  krakenUrl: "TIDEKEEPER_KRAKEN_URL",
  /** Address of the FIFO queue that the worker reads. */
  dcaQueue: "TIDEKEEPER_DCA_QUEUE",
  /** Where firings go that must not start a run. */
  dcaDeadLetters: "TIDEKEEPER_DCA_DEAD_LETTERS",
  /** ARN of the topic that messages to the owner go to. */
  topic: "TIDEKEEPER_TOPIC",
  /** Stable for the State stack; part of the names of the API keys. */
  deployment: "TIDEKEEPER_DEPLOYMENT",
  /** The addresses that the API keys must be bound to, with commas. */
  addresses: "TIDEKEEPER_ADDRESSES",
  /** Only of the plan-sync function: where its schedules are, what they send to, and as whom. */
  scheduleGroup: "TIDEKEEPER_SCHEDULE_GROUP",
  scheduleTarget: "TIDEKEEPER_SCHEDULE_TARGET",
  scheduleRole: "TIDEKEEPER_SCHEDULE_ROLE",
  scheduleDeadLetters: "TIDEKEEPER_SCHEDULE_DEAD_LETTERS",
} as const;

/** Without infra: the one-machine mode and the tests. Infra lets CloudFormation name what it makes. */
export const DEFAULT_NAMES = {
  table: "tidekeeper",
  dcaQueue: "tidekeeper-dca.fifo",
  dcaDeadLetters: "tidekeeper-dca-dead.fifo",
  topic: "tidekeeper-messages",
  scheduleGroup: "tidekeeper",
} as const;

/** The stacks, and what the owner's tools read of their outputs. */
export const STACKS = {
  state: "TidekeeperState",
  network: "TidekeeperNetwork",
  automation: "TidekeeperAutomation",
} as const;

export const OUTPUTS = {
  /** Of the State stack: the addresses to paste at Kraken, with commas. */
  addresses: "KrakenAddresses",
  /** Part of the API keys' names. */
  deployment: "Deployment",
  /** `tidekeeper-<deployment>-trade`: what the key must be called at Kraken. */
  keyName: "TradeKeyName",
  table: "TableName",
  dcaQueue: "DcaQueueUrl",
  dcaDeadLetters: "DcaDeadLettersUrl",
  /** Firings that Scheduler could not put into their queue. */
  lostFirings: "LostFiringsUrl",
  topic: "MessagesTopicArn",
  region: "Region",
  /** Of the Network stack: as deployed. */
  egress: "Egress",
  /** Topics that only alarms write to. */
  pageTopic: "PageTopicArn",
  ticketTopic: "TicketTopicArn",
  /** Of the Automation stack. */
  dashboard: "DashboardUrl",
  /** Of the tide.yaml that the functions carry: how the owner's tools notice that theirs is another one. */
  settingsHash: "SettingsHash",
} as const;

/** Keys of the table, and its sparse index of what is open. */
export const TABLE = {
  partitionKey: "pk",
  sortKey: "sk",
  index: "open",
  indexPartitionKey: "openShard",
  indexSortKey: "dueAt",
  timeToLive: "ttl",
} as const;

/** Of the metrics in shared/domain/metrics.ts. */
export const METRIC_NAMESPACE = "Tidekeeper";

/** Of a message in a queue: hidden from others while it is worked on, and given up after so many deliveries. */
export const VISIBILITY_SECONDS = 120;
export const DELIVERIES_MAX = 5;
/** A worker's own time; half of what its message is hidden for. */
export const WORKER_SECONDS_MAX = 60;

export const KEY_USES = ["trade", "read"] as const;
export type KeyUse = (typeof KEY_USES)[number];

/** Where the credentials of an account lie in Secrets Manager. */
export const secretName = (account: string, use: KeyUse): string => `tidekeeper/${account}/${use}`;

/** What the owner calls the API key at Kraken. A key of another deployment is refused: two ledgers, one account. */
export const apiKeyName = (deployment: string, use: KeyUse): string => `tidekeeper-${deployment}-${use}`;

/** Messages of one account are handled one after the other. */
export const queueGroup = (account: string): string => account;
