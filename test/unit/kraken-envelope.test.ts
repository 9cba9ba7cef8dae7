import { expect, test } from "vitest";
import * as z from "zod";
import { ExchangeError } from "../../shared/app/errors.ts";
import { privateRead, privateWrite } from "../../shared/kraken/endpoints/endpoint.ts";
import { getWebSocketsToken } from "../../shared/kraken/endpoints/get-websockets-token.ts";
import { readReply } from "../../shared/kraken/envelope.ts";
import type { HttpReply } from "../../shared/kraken/transport.ts";
import { jsonReply, textReply } from "../support/kraken-rest.ts";

const parts = { name: "Balance", fields: () => ({}), answer: z.object({ ZEUR: z.string() }) };
const read = privateRead(parts);
const write = privateWrite({ ...parts, name: "AddOrder" });

const thrown = (reply: HttpReply, endpoint = write): ExchangeError => {
  try {
    readReply(endpoint, reply);
  } catch (error) {
    if (error instanceof ExchangeError) return error;
    throw error;
  }
  throw new Error("expected an error");
};

test.each([
  ["a result", { error: [], result: { ZEUR: "1" } }],
  ["a warning beside a result", { error: ["WDatabase:No change"], result: { ZEUR: "1" } }],
  ["fields that are new to us", { error: [], result: { ZEUR: "1", later: [1] }, extra: true }],
])("%s is an answer", (_name, value) => {
  expect(readReply(read, jsonReply(value))).toEqual({ ZEUR: "1" });
});

test.each([
  ["no result", { error: ["EOrder:Insufficient funds"] }],
  ["a null result", { error: ["EOrder:Insufficient funds"], result: null }],
  ["an empty result", { error: ["EOrder:Insufficient funds"], result: {} }],
  ["a warning before it", { error: ["WSomething:Odd", "EOrder:Insufficient funds"] }],
])("an error with %s is that error", (_name, value) => {
  expect(thrown(jsonReply(value))).toMatchObject({
    code: "FUNDS_INSUFFICIENT",
    retry: "never",
    endpoint: "AddOrder",
  });
});

test.each<[string, HttpReply, string]>([
  [
    "a page of the proxy",
    textReply("<html><head><title>api.kraken.com | 520</title></head></html>", 520),
    "HTTP_STATUS",
  ],
  ["a page with status 200", textReply("<!DOCTYPE html><h1>Maintenance</h1>"), "ANSWER_NOT_JSON"],
  ["an empty body", textReply(""), "ANSWER_NOT_JSON"],
  ["cut off JSON", textReply('{"error":[],"result":{"ZE'), "ANSWER_NOT_JSON"],
  ["an accepted status", jsonReply({ error: [], result: { ZEUR: "1" } }, 202), "HTTP_STATUS"],
  ["a status of its own", textReply("Not Allowed", 405), "HTTP_STATUS"],
  ["a list", jsonReply([]), "ANSWER_SHAPE"],
  ["a text", jsonReply("ok"), "ANSWER_SHAPE"],
  ["null", jsonReply(null), "ANSWER_SHAPE"],
  ["no error field", jsonReply({ result: { ZEUR: "1" } }), "ANSWER_SHAPE"],
  ["an error that is a text", jsonReply({ error: "EGeneral:Internal error" }), "ANSWER_SHAPE"],
  ["errors that are no texts", jsonReply({ error: [{}] }), "ANSWER_SHAPE"],
  ["no result", jsonReply({ error: [] }), "ANSWER_SHAPE"],
  ["a null result", jsonReply({ error: [], result: null }), "ANSWER_SHAPE"],
  ["a warning and no result", jsonReply({ error: ["WDatabase:No change"] }), "ANSWER_SHAPE"],
  ["a result of another kind", jsonReply({ error: [], result: { ZEUR: [] } }), "ANSWER_SHAPE"],
])("%s leaves an order open and can be read again", (_name, reply, code) => {
  expect(thrown(reply)).toMatchObject({ code, retry: "lookUpFirst" });
  expect(thrown(reply, read)).toMatchObject({ code, retry: "later" });
});

test("a page is told by its title, and never at length", () => {
  expect(thrown(textReply("<html><title>Bad gateway</title></html>", 502)).message).toContain(
    "HTTP status 502, expected 200; it reads: Bad gateway",
  );
  expect(thrown(textReply(`<p>${"x".repeat(10_000)}`, 502)).message.length).toBeLessThan(300);
});

test("a wrong shape is told by its field", () => {
  expect(thrown(jsonReply({ error: [], result: { ZEUR: [] } }), read).message).toContain(
    "ZEUR: Invalid input",
  );
});

test("no error carries a piece of a token, however the answer was broken", () => {
  const token = "1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1WcF3XfEMw";
  const whole = JSON.stringify({ error: [], result: { expires: 900, token } });
  const replies = [
    ...Array.from({ length: whole.length }, (_, cut) => textReply(whole.slice(0, cut))),
    ...Array.from({ length: whole.length }, (_, cut) => textReply(whole.slice(cut), 502)),
    jsonReply({ error: [], result: { token: [token], expires: 900 } }),
    jsonReply({ error: [], result: { token, expires: token } }),
    jsonReply({ error: [], result: { token, expires: -1 } }),
  ];
  for (const reply of replies) {
    try {
      expect(readReply(getWebSocketsToken, reply).token.reveal()).toBe(token);
    } catch (error) {
      expect(error).toBeInstanceOf(ExchangeError);
      const { message, cause } = error as ExchangeError;
      expect(`${message} ${cause}`).not.toContain("Dwc4lzSw");
      expect(`${message} ${cause}`).not.toContain("WcF3XfEM");
    }
  }
});

test("numbers of private answers keep every digit", () => {
  const reply = textReply('{"error":[],"result":{"ZEUR":1011.190887790012345678}}');
  expect(readReply(read, reply)).toEqual({ ZEUR: "1011.190887790012345678" });
});
