/** Guesses at what an owner meant. They are only ever shown; a value is never read through a guess. */

/** The one name that begins like this, or else the one that differs least, when it differs little. */
export function nearest(text: string, names: readonly string[]): string | undefined {
  if (text.length > 40) return undefined;
  const wanted = text.toLowerCase();
  const begun = names.filter((name) => name.toLowerCase().startsWith(wanted));
  if (begun.length === 1 && wanted.length >= 3) return begun[0];
  let best: string | undefined;
  let bestEdits = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const name of names) {
    const edits = editsBetween(wanted, name.toLowerCase());
    if (edits < bestEdits) [best, bestEdits] = [name, edits];
  }
  return best;
}

/** Insertions, deletions, replacements, and swaps of neighbours. */
function editsBetween(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, before[j - 2]! + 1);
      next.push(edits);
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
}

/** `1,000`, `1.000,50`, `100,50`, `1'000`, `120k`, `1e5`, `.5` as plain digits. */
export function plainNumber(text: string): string | undefined {
  const match = /^\+?([\d.,'_ ]*\d)\.?(?:([km])|e\+?(\d{1,2}))?$/i.exec(text.trim());
  if (match === null) return undefined;
  const plain = plainDigits(match[1]!.replace(/['_ ]/g, ""));
  if (plain === undefined) return undefined;
  const power = match[2] === undefined ? Number(match[3] ?? 0) : match[2].toLowerCase() === "k" ? 3 : 6;
  return power > 12 ? undefined : shifted(plain, power);
}

function plainDigits(digits: string): string | undefined {
  const point = Math.max(digits.lastIndexOf("."), digits.lastIndexOf(","));
  if (point < 0) return digits;
  const mark = digits[point]!;
  const both = digits.includes(".") && digits.includes(",");
  const grouped = /^\d{1,3}([.,]\d{3})+$/.test(digits) && !both;
  // One point is always the decimal point of the grammar; one comma before three digits groups thousands
  if (grouped && (mark === "," || digits.indexOf(mark) !== point)) return digits.replace(/[.,]/g, "");
  const whole = digits.slice(0, point).replace(/[.,]/g, "");
  const fraction = digits.slice(point + 1);
  return fraction === "" ? whole : `${whole === "" ? "0" : whole}.${fraction}`;
}

/** The point moved to the right. */
export function shifted(plain: string, power: number): string {
  const [whole = "", fraction = ""] = plain.split(".");
  const moved = `${whole}${fraction.slice(0, power).padEnd(power, "0")}`.replace(/^0+(?=\d)/, "");
  const rest = fraction.slice(power);
  return rest === "" ? moved : `${moved}.${rest}`;
}

const ASSET_NAMES: Readonly<Record<string, string>> = {
  "€": "EUR",
  $: "USD",
  "£": "GBP",
  "¥": "JPY",
  "₿": "BTC",
  euro: "EUR",
  euros: "EUR",
  dollar: "USD",
  dollars: "USD",
  pound: "GBP",
  pounds: "GBP",
  franc: "CHF",
  francs: "CHF",
  bitcoin: "BTC",
  bitcoins: "BTC",
  xxbt: "BTC",
  ether: "ETH",
  ethereum: "ETH",
  xeth: "ETH",
  zeur: "EUR",
  zusd: "USD",
  zgbp: "GBP",
  solana: "SOL",
  cardano: "ADA",
  dogecoin: "DOGE",
  litecoin: "LTC",
  polkadot: "DOT",
};

/** A name or sign of money as its code. */
export function assetMeant(text: string): string | undefined {
  const known = ASSET_NAMES[text.trim().toLowerCase()];
  if (known !== undefined) return known;
  return /^[A-Za-z0-9]{2,10}$/.test(text.trim()) && /[A-Za-z]/.test(text)
    ? text.trim().toUpperCase()
    : undefined;
}

const NUMBER = "[\\d.,'_ ]*\\d[\\d.,]*(?:[kKmM](?![A-Za-z])|e\\+?\\d{1,2}(?![A-Za-z\\d]))?";
const SIGN = "[€$£¥₿]|[A-Za-z][A-Za-z0-9]*";
const MONEY = new RegExp(`^(?:(${SIGN}) ?)?(${NUMBER})(?: ?(${SIGN}))?$`);

/** `€100`, `100EUR`, `EUR 100`, `120k` as `100 EUR`; `asset` when the text names none. */
export function moneyMeant(text: string, asset: string | undefined): string | undefined {
  const match = MONEY.exec(text.trim());
  if (match === null) return undefined;
  const number = plainNumber(match[2]!);
  const sign = match[1] ?? match[3];
  const named = sign === undefined ? asset : assetMeant(sign);
  return number === undefined || named === undefined ? undefined : `${number} ${named}`;
}

/** What people pay with. Anything else in front is taken for what they want to buy. */
const PAID_WITH = /^(EUR|USD|GBP|CHF|CAD|AUD|JPY|USDT|USDC|DAI|PYUSD|EURC|EURT)$/;
export const isPaidWith = (asset: string): boolean => PAID_WITH.test(asset);

/** `€100 of BTC`, `100 EUR in bitcoin`, `100 EUR BTC`, `BTC for 100 EUR`, `100 EUR` as `100 EUR of BTC`. */
export function buyMeant(text: string): string | undefined {
  const [paid, bought] = partsOfBuy(text.trim());
  const money = moneyMeant(paid, "EUR");
  const base = assetMeant(bought.split("/")[0]!);
  if (money === undefined || base === undefined) return undefined;
  const asset = money.split(" ")[1]!;
  if (isPaidWith(asset)) return `${money} of ${base}`;
  // An amount of what is bought: its price is not known here, so only the shape can be shown
  return `100 ${isPaidWith(base) ? base : "EUR"} of ${asset}`;
}

function partsOfBuy(text: string): readonly [string, string] {
  const match =
    /^(.+?) (?:worth )?(?:of|in|into|for|on) (.+)$/i.exec(text) ??
    /^(\S*\d\S* [A-Za-z]+|[€$£]\S+) ([A-Za-z]+)$/.exec(text);
  if (match === null) return [text, "BTC"];
  const [, first = "", second = ""] = match;
  return !/\d/.test(first) && /\d/.test(second) ? [second, first] : [first, second];
}

/** `50`, `0.5`, `50 %`, `50 percent` as a percentage. */
export function percentMeant(text: string): string | undefined {
  const bare = plainNumber(text.replace(/ ?(%|percent|per cent|pct)$/i, ""));
  return bare === undefined ? undefined : `${bare}%`;
}

/** A share: `0.5` without a sign is 50 %. */
export function shareMeant(text: string): string | undefined {
  return /^0?\.\d+$/.test(text) ? `${shifted(text.replace(/^\./, "0."), 2)}%` : percentMeant(text);
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/^(s|sec|secs|seconds?)$/i, "s"],
  [/^(m|min|mins|minutes?)$/i, "m"],
  [/^(h|hr|hrs|hours?)$/i, "h"],
  [/^(d|days?)$/i, "d"],
];

/** `2 hours` as `2h`, `1.5h` as `90m`. */
export function durationMeant(text: string): string | undefined {
  const match = /^(\d{1,6}) ?([a-z]+)$/i.exec(text.trim());
  const unit = UNITS.find(([pattern]) => pattern.test(match?.[2] ?? ""))?.[1];
  return match === null || unit === undefined ? undefined : `${match[1]}${unit}`;
}
