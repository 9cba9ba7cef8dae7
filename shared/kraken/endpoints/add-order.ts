import * as z from "zod";
import { type Decimal, format } from "../../domain/decimal.ts";
import type { Cost, Price, Volume } from "../../domain/money.ts";
import { type EpochMs, isoOf } from "../../domain/time.ts";
import type { Fields } from "../body.ts";
import { privateWrite } from "./endpoint.ts";

/** From the last trade, or for trailing orders from the best price since. `#` lets Kraken choose the sign. */
export type RelativePrice = {
  readonly sign: "+" | "-" | "#";
  readonly distance: Decimal;
  readonly isPercent?: boolean;
};
export type OrderPrice = Price | RelativePrice;

/** What each order type needs, and what it must not have. */
type Terms =
  | { readonly orderType: "market" | "settle-position" }
  | { readonly orderType: "limit"; readonly price: OrderPrice }
  | { readonly orderType: "iceberg"; readonly price: OrderPrice; readonly displayVolume: Volume }
  | {
      readonly orderType: "stop-loss" | "take-profit" | "trailing-stop";
      /** The trigger price. */
      readonly price: OrderPrice;
      readonly trigger?: "last" | "index";
    }
  | {
      readonly orderType: "stop-loss-limit" | "take-profit-limit" | "trailing-stop-limit";
      /** The trigger price. */
      readonly price: OrderPrice;
      /** The limit price; for the trailing one its distance from the trigger. */
      readonly price2: OrderPrice;
      readonly trigger?: "last" | "index";
    };

export type ConditionalClose = {
  readonly orderType:
    | "limit"
    | "stop-loss"
    | "take-profit"
    | "stop-loss-limit"
    | "take-profit-limit"
    | "trailing-stop"
    | "trailing-stop-limit";
  readonly price: OrderPrice;
  readonly price2?: OrderPrice;
};

/** Kraken takes one of the two. A userref is a tag, it is never unique. */
type Label =
  | { readonly clientOrderId?: string; readonly userref?: never }
  | { readonly userref: number; readonly clientOrderId?: never };

export type OrderFlag =
  | "post" // Only as maker; limit orders
  | "fciq" // Fee in the quote asset
  | "fcib" // Fee in the base asset
  | "nompp" // Taken and ignored since 2025-09
  | "viqc"; // Volume is in the quote asset; plain market buys only

/** An instant, or a length from the moment Kraken has the order. */
export type OrderTime = EpochMs | { readonly inSeconds: number };

export type AddOrderArgs = Terms &
  Label & {
    /** Id or altname. */
    readonly pair: string;
    readonly side: "buy" | "sell";
    /** In the quote asset with `viqc`. */
    readonly volume: Volume | Cost;
    readonly flags?: readonly OrderFlag[];
    readonly timeInForce?: "GTC" | "IOC" | "GTD" | "FOK";
    readonly startAt?: OrderTime;
    /** Only with GTD. At least 5 seconds ahead, at most a month. */
    readonly expiresAt?: OrderTime;
    readonly close?: ConditionalClose;
    /** The engine refuses the order after it. 2 to 60 seconds ahead of Kraken's clock. */
    readonly deadline?: EpochMs;
    /** Everything is checked, nothing is placed. */
    readonly validate?: boolean;
    readonly leverage?: number;
    readonly reduceOnly?: boolean;
    /** Which order goes when it would trade with one of the account's own. */
    readonly selfTrade?: "cancel-newest" | "cancel-oldest" | "cancel-both";
    readonly assetClass?: "tokenized_asset";
    readonly broker?: string;
    readonly tradingAgreement?: "agree";
  };

export type AddOrderAnswer = {
  /** Empty after `validate`. */
  readonly txids: readonly string[];
  readonly description: string;
  readonly closeDescription: string | undefined;
};

/** Sent once, ever: Kraken keeps client order ids unique among open orders only, a filled order would be bought again. */
export const addOrder = privateWrite<AddOrderArgs, AddOrderAnswer>({
  name: "AddOrder",
  fields: fieldsOf,
  answer: z
    .object({
      descr: z.object({ order: z.string(), close: z.string().optional() }),
      txid: z.array(z.string().min(1)).optional(),
    })
    .transform(({ descr, txid }) => ({
      txids: txid ?? [],
      description: descr.order,
      closeDescription: descr.close,
    })),
});

function fieldsOf(args: AddOrderArgs): Fields {
  const { price, price2, displayVolume, trigger }: AnyTerms = args;
  return {
    ordertype: args.orderType,
    type: args.side,
    pair: args.pair,
    volume: format(args.volume),
    displayvol: displayVolume && format(displayVolume),
    price: priceText(price),
    price2: priceText(price2),
    trigger,
    leverage: args.leverage,
    reduce_only: args.reduceOnly,
    stptype: args.selfTrade,
    oflags: args.flags?.join(","),
    timeinforce: args.timeInForce,
    starttm: timeText(args.startAt),
    expiretm: timeText(args.expiresAt),
    close: args.close && {
      ordertype: args.close.orderType,
      price: priceText(args.close.price),
      price2: priceText(args.close.price2),
    },
    deadline: args.deadline === undefined ? undefined : isoOf(args.deadline),
    validate: args.validate,
    userref: args.userref,
    cl_ord_id: args.clientOrderId,
    asset_class: args.assetClass,
    broker: args.broker,
    trading_agreement: args.tradingAgreement,
  };
}

type AnyTerms = {
  readonly orderType: string;
  readonly price?: OrderPrice;
  readonly price2?: OrderPrice;
  readonly displayVolume?: Volume;
  readonly trigger?: "last" | "index";
};

function priceText(price: OrderPrice | undefined): string | undefined {
  if (price === undefined) return undefined;
  if (!("sign" in price)) return format(price);
  return `${price.sign}${format(price.distance)}${price.isPercent ? "%" : ""}`;
}

/** Kraken takes whole seconds. Down: an order never rests longer than it was told to. */
function timeText(at: OrderTime | undefined): string | undefined {
  if (at === undefined) return undefined;
  return typeof at === "number" ? String(Math.floor(at / 1000)) : `+${at.inSeconds}`;
}
