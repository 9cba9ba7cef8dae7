/** What AWS and Kraken ask for: every number with where it was read. Prices change; the bill says how old these are. */
import { type Decimal, decimal } from "../../shared/domain/decimal.ts";
import { type Rate, rateOfPercent } from "../../shared/domain/money.ts";

/** When this table was last looked through. */
export const RATES_OF = "2026-11-25";

export type UnitPrice = {
  readonly usd: Decimal;
  /** What `usd` is asked for, as it is printed, and as a power of ten. */
  readonly per: string;
  readonly perScale: number;
  /** Free in every month and without an end, for the AWS account as a whole. */
  readonly free?: Decimal;
  readonly source: string;
  /** False: not read on a page of AWS. It is likely right, and has to be looked up before it is relied on. */
  readonly isChecked: boolean;
};

type Per = readonly [text: string, scale: number];
const HOUR: Per = ["hour", 0];
const MONTH: Per = ["month", 0];
const GB: Per = ["GB", 0];
const GB_MONTH: Per = ["GB and month", 0];
const GB_SECOND: Per = ["GB-second", 0];
const TEN_THOUSAND: Per = ["10000", 4];
const HUNDRED_THOUSAND: Per = ["100000", 5];
const MILLION: Per = ["million", 6];

const price =
  (isChecked: boolean) =>
  (usd: string, [per, perScale]: Per, source: string, free?: string): UnitPrice => ({
    usd: decimal(usd),
    per,
    perScale,
    source,
    isChecked,
    ...(free === undefined ? {} : { free: decimal(free) }),
  });
const read = price(true);
const unsure = price(false);

const PRICE_LIST = "AWS's price list of 2026-10-16, at second hand";
const MEMORY = "from memory";

const US_EAST_1 = {
  // Read in an example for us-east-2, whose prices are those of us-east-1.
  natGateway: read("0.045", HOUR, "aws.amazon.com/vpc/pricing, 2026-09-20"),
  natGatewayData: read("0.045", GB, "aws.amazon.com/vpc/pricing, 2026-09-20"),
  natInstance: read("0.0042", HOUR, "fck-nat's documentation, and AWS's price list of 2026-10-16"),
  disk: unsure("0.08", GB_MONTH, PRICE_LIST),
  publicIp: unsure("0.005", HOUR, PRICE_LIST),
  dataOut: unsure("0.09", GB, MEMORY, "100"),

  secret: read("0.40", MONTH, "aws.amazon.com/secrets-manager/pricing, 2026-09-20"),
  secretRead: read("0.05", TEN_THOUSAND, "aws.amazon.com/secrets-manager/pricing, 2026-09-20"),
  key: unsure("1.00", MONTH, "cloudburn.io/blog/aws-kms-pricing, 2026-03"),
  keyRequest: unsure("0.03", TEN_THOUSAND, "cloudburn.io/blog/aws-kms-pricing, 2026-03", "20000"),

  tableWrite: unsure("0.625", MILLION, "airbyte.com on DynamoDB's prices, 2025-07"),
  tableRead: unsure("0.125", MILLION, "airbyte.com on DynamoDB's prices, 2025-07"),
  tableStorage: unsure("0.25", GB_MONTH, MEMORY, "25"),
  tableRecovery: unsure("0.20", GB_MONTH, MEMORY),

  queueRequest: unsure("0.50", MILLION, "cloudburn.io/blog/amazon-sqs-pricing, 2026-03", "1000000"),
  publish: unsure("0.50", MILLION, "factualminds.com on SNS's prices, 2026-06; free: from memory", "1000000"),
  email: unsure(
    "2.00",
    HUNDRED_THOUSAND,
    "factualminds.com on SNS's prices, 2026-06; free: from memory",
    "1000",
  ),
  firing: unsure("1.00", MILLION, "cloudburn.io/blog/amazon-eventbridge-pricing, 2026-03", "14000000"),

  functionRequest: read("0.20", MILLION, "aws.amazon.com/lambda/pricing, 2026-09-20", "1000000"),
  // The free amount is on AWS's page of 2026-09-20, too; the price behind it was not readable there.
  functionTime: unsure("0.0000133334", GB_SECOND, "cloudchipr.com on Lambda's prices, arm64, 2024", "400000"),

  alarm: read("0.10", MONTH, "aws.amazon.com/cloudwatch/pricing, 2026", "10"),
  dashboard: read("3.00", MONTH, "aws.amazon.com/cloudwatch/pricing, 2026", "3"),
  metric: read("0.30", MONTH, "aws.amazon.com/cloudwatch/pricing, 2026", "10"),
  logs: read("0.50", GB, "aws.amazon.com/cloudwatch/pricing, 2026", "5"),
  trace: read("5.00", MILLION, "aws.amazon.com/xray/pricing, 2026", "100000"),
} as const satisfies Record<string, UnitPrice>;

export type PriceName = keyof typeof US_EAST_1;
export type Prices = Readonly<Record<PriceName, UnitPrice>>;

/** What is known of other regions. Free amounts are the same everywhere. */
const ELSEWHERE: Readonly<Record<string, Partial<Prices>>> = {
  "eu-west-1": {
    natGateway: unsure("0.048", HOUR, MEMORY),
    natInstance: unsure("0.0046", HOUR, MEMORY),
    logs: unsure("0.57", GB, MEMORY, "5"),
  },
};

export const HOME_REGION = "us-east-1";

/** The regions of AWS's public partition; a test compares them with those that the CDK knows. */
export const REGIONS = (
  "af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 " +
  "ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 " +
  "eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 " +
  "me-south-1 me-west-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2"
).split(" ");

/** A price that is not known for the region is that of us-east-1, and the warning says so. */
export function pricesOf(region: string): { readonly prices: Prices; readonly warning?: string } {
  if (region === HOME_REGION) return { prices: US_EAST_1 };
  const known = ELSEWHERE[region] ?? {};
  const prices = Object.fromEntries(
    Object.entries<UnitPrice>(US_EAST_1).map(([name, home]) => [
      name,
      known[name as PriceName] ?? { ...home, source: `${HOME_REGION}'s: ${home.source}`, isChecked: false },
    ]),
  ) as Prices;
  const count = Object.keys(known).length;
  const warning =
    count === 0
      ? `no prices are known for ${region}: all below are those of ${HOME_REGION}, and ${region} may ask for more`
      : `only ${count} prices are known for ${region}: all others below are those of ${HOME_REGION}, and ${region} may ask for more`;
  return { prices, warning };
}

export type KrakenFee = { readonly percent: string; readonly rate: Rate; readonly source: string };

const fee = (percent: string, source: string): KrakenFee => ({
  percent,
  rate: rateOfPercent(percent),
  source,
});

/** Kraken's own recurring buy; its price has a spread on top, which is not published. */
export const BUTTON_FEE = fee("1.0", "Kraken's fee page as transcribed by api-evangelist, 2026-05-30");

/**
 * Of an order that fills at once, in the lowest tier. Kraken changed its tiers on 2026-07-09 and the new table was not found;
 * that a small account pays twice as much since then was recorded, so both are shown.
 */
export const TAKER_FEES: readonly KrakenFee[] = [
  fee("0.40", "Kraken's fee page as transcribed by api-evangelist, 2026-05-30"),
  fee("0.80", "what TradeVolume told a small account on 2026-09-08"),
];
