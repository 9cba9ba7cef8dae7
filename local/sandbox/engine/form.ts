/** The arguments of AddOrder: their shape, before anything is known of pair, price or funds. */
import { compare, type Decimal, decimal, multiply, tryDecimal } from "../../../shared/domain/decimal.ts";
import { type Fields, flagOf } from "../request.ts";
import type { OrderType, Side } from "../state.ts";
import { type GivenPrice, readPrice } from "./given-price.ts";

const TYPES: readonly OrderType[] = [
  "market",
  "limit",
  "iceberg",
  "stop-loss",
  "take-profit",
  "stop-loss-limit",
  "take-profit-limit",
  "trailing-stop",
  "trailing-stop-limit",
];
const FLAGS = ["post", "fcib", "fciq", "nompp", "viqc"];
const MONTH_MS = 31 * 86_400_000;

export type GivenClose = {
  readonly type: Exclude<OrderType, "market" | "iceberg">;
  readonly price: GivenPrice;
  readonly price2: GivenPrice | undefined;
  readonly priceText: string;
  readonly price2Text: string | undefined;
};

export type OrderForm = {
  readonly side: Side;
  readonly type: OrderType;
  readonly volume: Decimal;
  readonly displayVolume: Decimal | undefined;
  readonly price: GivenPrice | undefined;
  readonly price2: GivenPrice | undefined;
  readonly flags: readonly string[];
  readonly tif: "GTC" | "IOC" | "GTD" | "FOK";
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly clOrdId: string | undefined;
  readonly userref: number | undefined;
  readonly validate: boolean;
  readonly close: GivenClose | undefined;
};

const wrong = (field: string): string => `EGeneral:Invalid arguments:${field}`;

/** A text is an error. */
export function readOrderForm(fields: Fields, at: number): OrderForm | string {
  const { type: side, ordertype } = fields;
  if (side !== "buy" && side !== "sell") return wrong("type");
  if (ordertype === "settle-position") return "EOrder:Unknown position";
  const type = TYPES.find((known) => known === ordertype);
  if (type === undefined) return wrong("ordertype");
  const volume = tryDecimal(fields.volume ?? "");
  if (volume === undefined || volume.units <= 0n) return wrong("volume");

  const ids = readIds(fields);
  if (typeof ids === "string") return ids;
  const marginError = readMargin(fields);
  if (marginError !== undefined) return marginError;
  const flags = (fields.oflags ?? "").split(",").filter((flag) => flag !== "");
  const flagError = checkFlags(flags, side, type);
  if (flagError !== undefined) return flagError;
  const times = readTimes(fields, type, flags, at);
  if (typeof times === "string") return times;
  const prices = readPrices(fields, type);
  if (typeof prices === "string") return prices;
  const displayVolume = readDisplay(fields, type, volume);
  if (typeof displayVolume === "string") return displayVolume;
  const close = readClose(fields);
  if (typeof close === "string") return close;
  const validate = flagOf(fields.validate);
  if (validate === undefined) return wrong("validate");
  return { side, type, volume, displayVolume, ...prices, flags, ...times, ...ids, validate, close };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A UUID with or without dashes, or up to 18 characters; upper-case free text was refused by the live exchange. */
export const isClientId = (text: string): boolean =>
  UUID.test(text) || /^[0-9a-f]{32}$/i.test(text) || /^[a-z0-9_-]{1,18}$/.test(text);

/** Stored as 128 bits: both spellings of a UUID are the same id. */
export const sameClientId = (text: string): string =>
  text.length >= 32 ? text.replaceAll("-", "").toLowerCase() : text;

function readIds(fields: Fields): Pick<OrderForm, "clOrdId" | "userref"> | string {
  const clOrdId = fields.cl_ord_id;
  if (clOrdId !== undefined && !isClientId(clOrdId)) return wrong("cl_ord_id");
  if (fields.userref === undefined) return { clOrdId, userref: undefined };
  if (!/^-?\d{1,10}$/.test(fields.userref)) return wrong("userref");
  const userref = Number(fields.userref);
  if (userref < -(2 ** 31) || userref > 2 ** 31 - 1) return wrong("userref");
  if (clOrdId !== undefined) return wrong("cl_ord_id and userref are exclusive");
  return { clOrdId: undefined, userref };
}

/** Margin is not built; these are the exchange's answers to an account that may not use it. */
function readMargin(fields: Fields): string | undefined {
  const leverage = fields.leverage ?? "none";
  if (!["none", "", "0"].includes(leverage)) return "EOrder:Cannot open position";
  return flagOf(fields.reduce_only) === true ? "EOrder:Reduce only:No position exists" : undefined;
}

function checkFlags(flags: readonly string[], side: Side, type: OrderType): string | undefined {
  if (flags.some((flag) => !FLAGS.includes(flag))) return wrong("oflags");
  if (flags.includes("fcib") && flags.includes("fciq")) return wrong("oflags");
  if (flags.includes("post") && type !== "limit" && type !== "iceberg") return wrong("oflags");
  // Volume in quote currency is for plain market buys only.
  if (flags.includes("viqc") && (type !== "market" || side !== "buy")) return wrong("viqc");
  return undefined;
}

function readTimes(
  fields: Fields,
  type: OrderType,
  flags: readonly string[],
  at: number,
): Pick<OrderForm, "tif" | "startsAt" | "expiresAt"> | string {
  const given = (fields.timeinforce ?? "").toUpperCase();
  const tif = (["GTC", "IOC", "GTD", "FOK"] as const).find((known) => known === (given || "GTC"));
  if (tif === undefined) return wrong("timeinforce");
  if (tif === "FOK" && type !== "limit") return wrong("timeinforce");
  if ((tif === "IOC" || tif === "FOK") && flags.includes("post")) return wrong("timeinforce");
  const startsAt = readInstant(fields.starttm, at);
  if (startsAt === undefined) return wrong("starttm");
  const expiresAt = readInstant(fields.expiretm, at);
  if (expiresAt === undefined) return wrong("expiretm");
  if (tif === "GTD" && expiresAt === 0) return wrong("expiretm");
  if (expiresAt !== 0 && (expiresAt < at + 5_000 || expiresAt > at + MONTH_MS)) return wrong("expiretm");
  if (startsAt > at + MONTH_MS) return wrong("starttm");
  return { tif, startsAt, expiresAt };
}

/** `0`, `+5` (seconds from now) or unix seconds; as milliseconds, 0 for none. */
function readInstant(text: string | undefined, at: number): number | undefined {
  if (text === undefined || text === "" || text === "0") return 0;
  const match = /^(\+?)(\d{1,12})(?:\.\d+)?$/.exec(text);
  if (match === null) return undefined;
  const seconds = Number(match[2]);
  return match[1] === "+" ? at + seconds * 1000 : seconds * 1000;
}

function readPrices(fields: Fields, type: OrderType): Pick<OrderForm, "price" | "price2"> | string {
  if (type === "market") return { price: undefined, price2: undefined };
  const price = readPrice(fields.price ?? "");
  if (price === undefined || price.value.units <= 0n) return wrong("price");
  const isTrailing = type.startsWith("trailing");
  if (isTrailing && (price.is !== "relative" || price.sign !== "+")) return wrong("price");
  if (!type.endsWith("-limit")) return { price, price2: undefined };
  const price2 = readPrice(fields.price2 ?? "");
  if (price2 === undefined) return wrong("price2");
  if (isTrailing ? price2.is !== "relative" : price2.value.units <= 0n) return wrong("price2");
  return { price, price2 };
}

function readDisplay(fields: Fields, type: OrderType, volume: Decimal): Decimal | undefined | string {
  if (type !== "iceberg") return undefined;
  const display = tryDecimal(fields.displayvol ?? "");
  const isEnough = display !== undefined && compare(multiply(display, decimal("15")), volume) >= 0;
  return isEnough && compare(display, volume) <= 0 ? display : wrong("displayvol");
}

function readClose(fields: Fields): GivenClose | undefined | string {
  const type = fields["close[ordertype]"];
  if (type === undefined) return undefined;
  const known = TYPES.find((one) => one === type);
  if (known === undefined || known === "market" || known === "iceberg") return wrong("close[ordertype]");
  const inner = { price: fields["close[price]"] ?? "", price2: fields["close[price2]"] ?? "" };
  const prices = readPrices(inner, known);
  if (typeof prices === "string") return wrong("close[price]");
  const price2Text = prices.price2 === undefined ? undefined : inner.price2;
  return { type: known, price: prices.price!, price2: prices.price2, priceText: inner.price, price2Text };
}

/** RFC 3339; an error text when it is not. `undefined`: none was given. */
export function readDeadline(fields: Fields): number | undefined | string {
  const text = fields.deadline;
  if (text === undefined || text === "") return undefined;
  if (!/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text))
    return wrong("deadline");
  const deadline = Date.parse(text.toUpperCase().replace(" ", "T"));
  return Number.isNaN(deadline) ? wrong("deadline") : deadline;
}

export const isDeadlineInRange = (deadline: number, at: number): boolean =>
  deadline >= at + 2_000 && deadline <= at + 60_000;
