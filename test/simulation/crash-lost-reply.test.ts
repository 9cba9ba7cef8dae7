/** The process dies between any two steps. Whatever was going on: one order or an honest no, and nothing forgotten. */
import { expect, test } from "vitest";
import { crashEverywhere } from "../support/crash-everywhere.ts";

test("a buy whose reply is lost after acceptance: a crash before or after any step ends with one order", async () => {
  expect(await crashEverywhere(["drop-reply-after-accept"])).toEqual([]);
}, 240_000);
