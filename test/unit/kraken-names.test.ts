import { describe, expect, test } from "vitest";
import { ExchangeError } from "../../shared/app/errors.ts";
import { assetPairs, type PairRecords } from "../../shared/kraken/endpoints/asset-pairs.ts";
import { assets } from "../../shared/kraken/endpoints/assets.ts";
import { readReply } from "../../shared/kraken/envelope.ts";
import { altnameGuess, assetName, findAssetId, findPair, publicName } from "../../shared/kraken/names.ts";
import { resultReply } from "../support/kraken-rest.ts";

const row = (altname: string, wsname: string | undefined, base: string, quote: string) => ({
  altname,
  ...(wsname === undefined ? {} : { wsname }),
  base,
  quote,
  pair_decimals: 1,
  lot_decimals: 8,
  cost_decimals: 5,
  tick_size: "0.1",
  ordermin: "0.00005",
  costmin: "0.5",
  status: "online",
});

const records: PairRecords = readReply(
  assetPairs,
  resultReply({
    "XXBTZUSD:BTNL": row("XBTUSD:BTNL", "XBT/USD", "XXBT", "ZUSD"),
    ADAAUSD: row("ADAAUSD", "ADA/AUSD", "ADA", "AUSD"),
    ADAUSD: row("ADAUSD", "ADA/USD", "ADA", "ZUSD"),
    AAPLxUSD: row("AAPLxUSD", "AAPLx/USD", "AAPLx", "ZUSD"),
    "XBTEUR.d": row("XBTEUR.d", undefined, "XXBT", "ZEUR"),
    USDTZUSD: row("USDTUSD", "USDT/USD", "USDT", "ZUSD"),
    XBTUSDT: row("XBTUSDT", "XBT/USDT", "XXBT", "USDT"),
    XDGEUR: row("XDGEUR", "XDG/EUR", "XXDG", "ZEUR"),
    XDGUSD: row("XDGUSD", "XDG/USD", "XXDG", "ZUSD"),
    XETHXXBT: row("ETHXBT", "ETH/XBT", "XETH", "XXBT"),
    XXBTZEUR: row("XBTEUR", "XBT/EUR", "XXBT", "ZEUR"),
    XXBTZUSD: row("XBTUSD", "XBT/USD", "XXBT", "ZUSD"),
    XZECZEUR: row("ZECEUR", "ZEC/EUR", "XZEC", "ZEUR"),
  }),
);

test.each([
  ["BTC", "EUR", "XXBTZEUR"],
  ["BTC", "USD", "XXBTZUSD"],
  ["XBT", "EUR", "XXBTZEUR"],
  ["DOGE", "USD", "XDGUSD"],
  ["DOGE", "EUR", "XDGEUR"],
  ["USDT", "USD", "USDTZUSD"],
  ["BTC", "USDT", "XBTUSDT"],
  ["ETH", "BTC", "XETHXXBT"],
  ["ZEC", "EUR", "XZECZEUR"],
  ["ADA", "USD", "ADAUSD"],
  ["ADA", "AUSD", "ADAAUSD"],
  ["AAPLx", "USD", "AAPLxUSD"],
])("%s/%s is %s", (base, quote, id) => {
  expect(findPair(records, { base, quote }).id).toBe(id);
});

describe("a pair that Kraken does not trade", () => {
  const message = (base: string, quote: string): string => {
    try {
      findPair(records, { base, quote });
    } catch (error) {
      expect(error).toBeInstanceOf(ExchangeError);
      expect(error).toMatchObject({ code: "PAIR_UNKNOWN", retry: "never" });
      return (error as ExchangeError).message;
    }
    throw new Error("expected an error");
  };

  test("names the same base with other quotes first", () => {
    expect(message("BTC", "DKK")).toMatch(
      /does not trade BTC\/DKK, expected one that it does: BTC\/EUR, BTC\/USD/,
    );
    expect(message("BTC", "GBP")).toContain("BTC/USDT");
  });

  test("names what is spelt alike", () => {
    expect(message("DOG", "EUR")).toContain("DOGE/EUR");
    expect(message("btc", "eur")).toContain("BTC/EUR");
  });

  test("is not found by cutting a joined name elsewhere", () => {
    expect(message("AD", "AUSD")).toContain("ADA/AUSD");
    expect(message("ADAA", "USD")).toContain("ADA/USD");
  });

  test("names nothing when nothing is near", () => {
    expect(message("NOTHINGLIKEIT", "EUR")).toMatch(/does not trade NOTHINGLIKEIT\/EUR$/);
  });
});

test("the guess for a question uses old names, the answer decides", () => {
  expect(altnameGuess({ base: "BTC", quote: "EUR" })).toBe("XBTEUR");
  expect(altnameGuess({ base: "ETH", quote: "BTC" })).toBe("ETHXBT");
  expect(altnameGuess({ base: "DOGE", quote: "USD" })).toBe("XDGUSD");
});

test("only XBT and XDG have another name, with a suffix too", () => {
  expect(["XBT", "XDG", "XBT.M", "ETH", "ETH2.S", "XBTX", "ZEC", "XRP"].map(publicName)).toEqual(
    ["BTC", "DOGE", "BTC.M", "ETH", "ETH2.S", "XBTX", "ZEC", "XRP"], // XRP and ZEC keep their X and Z
  );
});

test("assets are found by public name, and named by id", () => {
  const known = readReply(
    assets,
    resultReply({
      XXBT: {
        aclass: "currency",
        altname: "XBT",
        decimals: 10,
        display_decimals: 5,
        collateral_value: 0.99,
        status: "enabled",
      },
      XXDG: { aclass: "currency", altname: "XDG", decimals: 8, display_decimals: 2, status: "enabled" },
      ZEUR: { aclass: "currency", altname: "EUR", decimals: 4, display_decimals: 2, status: "enabled" },
      SOL: { aclass: "currency", altname: "SOL", decimals: 10, display_decimals: 5, status: "enabled" },
    }),
  );
  expect(["BTC", "XBT", "DOGE", "EUR", "SOL"].map((name) => findAssetId(known, name))).toEqual([
    "XXBT",
    "XXBT",
    "XXDG",
    "ZEUR",
    "SOL",
  ]);
  expect(["XXBT", "XXDG", "ZEUR", "SOL", "XNIL"].map((id) => assetName(known, id))).toEqual([
    "BTC",
    "DOGE",
    "EUR",
    "SOL",
    undefined,
  ]);
  expect(() => findAssetId(known, "NIL")).toThrow("Kraken has no asset NIL");
});
