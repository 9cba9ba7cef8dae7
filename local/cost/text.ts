/** The bill as its owner reads it, and as programs do. */
import { compare, type Decimal, format, formatShort, toScale } from "../../shared/domain/decimal.ts";
import { isoOf } from "../../shared/domain/time.ts";
import type { Bill, BreakEven, Line } from "./bill.ts";
import { BUTTON_FEE, RATES_OF, TAKER_FEES, type UnitPrice } from "./rates.ts";

export function costText(bill: Bill): string {
  const { egress, region, natZones } = bill.asked;
  const zones = natZones === 1 ? "" : `, ${natZones} zones`;
  return [
    bill.warning === undefined ? "" : `Warning: ${bill.warning}.\n\n`,
    `What these plans cost on AWS: a month of 730 hours, in USD, ${region}, egress ${egress}${zones}\n`,
    linesText(bill),
    `\nWhat Kraken takes of the same buys: a month, each currency by itself\n`,
    buysText(bill),
    `\nFrom which sum of buys a month the fees saved pay the AWS bill, in USD\n`,
    modesText(bill),
    "\n",
    verdictText(bill),
    notesText(bill),
  ].join("");
}

function linesText({ lines, totalUsd }: Bill): string {
  const sources = [...new Set(lines.map(({ price }) => price.source))];
  const rows = lines.map(({ item, quantity, unit, price, usd }) => [
    item,
    quantityText(quantity),
    unit,
    priceText(price),
    format(usd),
    `[${sources.indexOf(price.source) + 1}]${price.isChecked ? "" : " to be checked"}`,
  ]);
  const all = columns([...rows, ["total", "", "", "", format(totalUsd), ""]], "lrllrl").map(
    (row) => `    ${row}`,
  );
  const out: string[] = [];
  for (const [index, { stack }] of lines.entries()) {
    if (lines[index - 1]?.stack !== stack) out.push(`  ${stack}`);
    out.push(all[index]!);
  }
  const notes = sources.map((source, index) => `  [${index + 1}] ${source}`);
  return `${[...out, "", all.at(-1)!, "", `  Prices as this version knows them, last looked through on ${RATES_OF}:`, ...notes].join("\n")}\n`;
}

/** Up, like the amounts: 0.0004 of anything is not nothing. */
const quantityText = (quantity: Decimal): string =>
  formatShort(toScale(quantity, quantity.units >= 100n * 10n ** BigInt(quantity.scale) ? 0 : 4, "up"));

const priceText = ({ usd, per, free }: UnitPrice): string =>
  `${format(usd)} per ${per}${free === undefined ? "" : `, first ${format(free)} free`}`;

function buysText({ buys, usage }: Bill): string {
  if (buys.length === 0) return "  no plan buys for an amount that is known\n";
  const head = [
    "",
    "buys",
    `Kraken's button, ${BUTTON_FEE.percent} %`,
    ...TAKER_FEES.flatMap(({ percent }) => [`by API at ${percent} %`, "saved"]),
  ];
  const rows = buys.map(({ asset, perMonth, button, api }) => [
    asset,
    format(perMonth),
    format(button),
    ...api.flatMap(({ paid, saved }) => [format(paid), format(saved)]),
  ]);
  const fees = [BUTTON_FEE, ...TAKER_FEES].map(({ percent, source }) => `  ${percent} %: ${source}\n`);
  const count = `  ${usage.slots} firings in the coming 365 days\n`;
  return `${indented([head, ...rows], "lr")}${count}${fees.join("")}`;
}

function modesText({ modes, asked }: Bill): string {
  const head = ["egress", "AWS bill", ...TAKER_FEES.map(({ percent }) => `at ${percent} %`), ""];
  const rows = modes.map(({ egress, totalUsd, breakEvens }) => [
    egress,
    format(totalUsd),
    ...breakEvens.map(breakEvenText),
    egress === asked.egress ? "this bill" : "",
  ]);
  return indented([head, ...rows], "lrrrl");
}

const breakEvenText = ({ buysPerMonth }: BreakEven): string =>
  buysPerMonth === undefined ? "never" : format(buysPerMonth);

/** Only where all buys are in the bill's own currency: no rate of exchange is known here, and none is made up. */
function verdictText({ buys, totalUsd }: Bill): string {
  const [only] = buys;
  if (only === undefined || buys.length > 1 || only.asset !== "USD") return "";
  const verdicts = only.api.map(({ fee, saved }) =>
    compare(saved, totalUsd) >= 0
      ? `At ${fee.percent} % your ${format(only.perMonth)} USD a month pay the bill.\n`
      : `At ${fee.percent} % your ${format(only.perMonth)} USD a month do not pay the bill: the button costs you less.\n`,
  );
  return `${verdicts.join("")}\n`;
}

function notesText({ usage, asked }: Bill): string {
  const { rebalancePlans, rebalanceSlots, alerts } = usage;
  return [
    ...(asked.egress === "none"
      ? [
          "Without NAT the API keys cannot be bound to an address; the fixed address is kept, and paid, all the same.",
        ]
      : []),
    "No exchange rate is known here: compare the sums in USD with your own buys at today's rate.",
    "Kraken's page of your account shows which fee is yours. Its button has a spread on top, which Kraken does not publish and",
    "which is not counted here. With a Kraken+ subscription the button may take less.",
    ...(rebalancePlans === 0
      ? []
      : [
          `Rebalance plans: ${rebalanceSlots} firings in 365 days are counted; what they will spend is not known.`,
        ]),
    ...(alerts === 0 ? [] : ["Alerts are not in this bill."]),
    "Amounts are rounded up to the cent, line by line. What is free is free each month for the AWS account as a whole, shared",
    "with all else that runs in it. Not in this bill: taxes, and the few cents of the CDK's own bucket.",
    "On a machine of your own (npm start) there is no AWS bill at all.",
    "",
  ].join("\n");
}

export function costJson(bill: Bill): unknown {
  const { asked, usage, lines, totalUsd, buys, breakEvens, modes, warning } = bill;
  return {
    currency: "USD",
    region: asked.region,
    egress: asked.egress,
    natZones: asked.natZones,
    from: isoOf(asked.now),
    pricesOf: RATES_OF,
    warnings: warning === undefined ? [] : [warning],
    lines: lines.map(lineJson),
    total: format(totalUsd),
    firingsPerYear: usage.slots,
    rebalanceFiringsPerYear: usage.rebalanceSlots,
    buys: buys.map(({ asset, perMonth, button, api }) => ({
      asset,
      perMonth: format(perMonth),
      krakenButton: { percent: BUTTON_FEE.percent, fee: format(button) },
      krakenApi: api.map(({ fee, paid, saved }) => ({
        percent: fee.percent,
        fee: format(paid),
        saved: format(saved),
      })),
    })),
    breakEven: breakEvensJson(breakEvens),
    modes: modes.map((mode) => ({
      egress: mode.egress,
      total: format(mode.totalUsd),
      breakEven: breakEvensJson(mode.breakEvens),
    })),
  };
}

const lineJson = ({ stack, item, quantity, unit, price, usd }: Line) => ({
  stack,
  item,
  quantity: formatShort(quantity),
  unit,
  price: format(price.usd),
  per: price.per,
  free: price.free === undefined ? null : format(price.free),
  amount: format(usd),
  source: price.source,
  toBeChecked: !price.isChecked,
});

const breakEvensJson = (all: readonly BreakEven[]) =>
  all.map(({ fee, buysPerMonth }) => ({
    percent: fee.percent,
    buysPerMonth: buysPerMonth === undefined ? null : format(buysPerMonth),
  }));

/** Rows of equal width: `l` and `r` say to which side a column's cells lean, the last of them for all that follow. */
function columns(rows: readonly (readonly string[])[], sides: string): readonly string[] {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows.map((row) =>
    row
      .map((cell, at) =>
        (sides[at] ?? sides.at(-1)) === "r" ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!),
      )
      .join("  ")
      .trimEnd(),
  );
}

const indented = (rows: readonly (readonly string[])[], sides: string): string =>
  columns(rows, sides)
    .map((row) => `  ${row}\n`)
    .join("");
