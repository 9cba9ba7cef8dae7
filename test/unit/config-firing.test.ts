import { expect, test } from "vitest";
import { parseFiring, parseRunId } from "../../shared/config/firing.ts";
import { runIdOf } from "../../shared/domain/run.ts";
import { epochMs } from "../../shared/domain/time.ts";

const scheduled = { kind: "dca", account: "main", plan: "btc-weekly", slot: "2026-11-23T07:00Z" };
const manual = { kind: "rebalance", account: "main", plan: "core", key: "Tuesday_1" };
const resume = { kind: "resume", account: "main", run: "btc-weekly@2026-11-23T07:00Z" };

const KINDS = "dca, rebalance, resume, check-key, cancel, resolve";

const read = (message: unknown) => parseFiring(JSON.stringify(message));

test("the three messages arrive as they are", () => {
  for (const message of [scheduled, manual, resume]) expect(read(message)).toEqual({ firing: message });
});

test("a slot with the seconds that EventBridge prints is the slot of its minute", () => {
  for (const slot of ["2026-11-23T07:00:00Z", "2026-11-23T07:00:59Z", "2026-11-23T07:00:12.345Z"])
    expect(read({ ...scheduled, slot })).toEqual({ firing: scheduled });
});

test.each([
  { kind: "check-key", account: "main", use: "trade" },
  { kind: "cancel", account: "main" },
  { kind: "resolve", account: "main", run: "btc-weekly@2026-11-23T07:00Z" },
])(
  "the owner's request $kind arrives as it is, without the mark that makes it new for the queue",
  (request) => {
    expect(read(request)).toEqual({ request });
    expect(read({ ...request, asked: "f00d" })).toEqual({ request });
    expect(read({ ...request, more: 1 })).toHaveProperty("problem");
    expect(read({ ...request, account: "Main account" })).toEqual({
      problem: expect.stringMatching(/^account/),
    });
  },
);

test.each([
  ["{", "the message is not JSON"],
  ["null", `the message has no kind that is ${KINDS}`],
  ["[]", `the message has no kind that is ${KINDS}`],
  ['{"kind":"toString"}', `the message has no kind that is ${KINDS}`],
  [`"${"x".repeat(5000)}"`, "a message of 5002 characters"],
])("refuses %s", (body, problem) => {
  expect(parseFiring(body)).toEqual({ problem });
});

test.each([
  [{ ...scheduled, size: "2" }, /size/],
  [{ ...scheduled, key: "a" }, /key/],
  [{ ...manual, kind: "resume" }, /run/],
  [{ ...scheduled, slot: "2026-11-23T07:00+01:00" }, /^slot: a minute like/],
  [{ ...scheduled, slot: "2026-11-31T07:00Z" }, /^slot: a minute like/],
  [{ ...scheduled, slot: "2026-11-23 07:00Z" }, /^slot: a minute like/],
  [{ ...scheduled, slot: "<aws.scheduler.scheduled-time>" }, /^slot: a minute like/],
  [{ ...scheduled, slot: 1_795_417_200_000 }, /^slot: /],
  [{ ...scheduled, plan: "BTC weekly" }, /^plan: a name/],
  [{ ...scheduled, account: "" }, /^account: a name/],
  [{ ...manual, key: "a b" }, /^key: a key/],
  [{ ...manual, key: "x".repeat(65) }, /^key: a key/],
  [{ ...resume, run: "btc-weekly" }, /^run: a run like/],
  [{ kind: "dca", account: "main", plan: "btc" }, /^slot: /],
])("refuses %j", (message, problem) => {
  expect(read(message)).toMatchObject({ problem: expect.stringMatching(problem) });
});

test("a run id is taken apart into what it was made of", () => {
  const slot = epochMs(Date.UTC(2026, 10, 23, 7));
  expect(parseRunId("btc-weekly@2026-11-23T07:00Z")).toEqual({ plan: "btc-weekly", slot });
  expect(parseRunId("core@Tuesday_1")).toEqual({ plan: "core", key: "Tuesday_1" });
  for (const text of ["", "@", "btc", "btc@", "@key", "btc@2026-11-23T07:00:00Z", "btc@a@b", "Btc@a"])
    expect(parseRunId(text)).toBeUndefined();
});

test("a slot and a key can never make the same run id", () => {
  const { firing } = read(scheduled) as { firing: Parameters<typeof runIdOf>[0] };
  expect(read({ ...manual, key: runIdOf(firing).split("@")[1] })).toHaveProperty("problem");
});
