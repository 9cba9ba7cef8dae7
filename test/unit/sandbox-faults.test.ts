/** Each fault does what its row in the table says, to the request it was armed for and to no other. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { type Caller, callerOf, control } from "../../local/sandbox/caller.ts";
import { FAULTS } from "../../local/sandbox/faults.ts";
import { openSandbox, type Sandbox, type SandboxReply } from "../../local/sandbox/sandbox.ts";

const START = Date.parse("2026-11-23T07:00:00Z");
const ID = "5d1f2e00-0000-4000-8000-00000000000a";
const buy = {
  pair: "XBTEUR",
  type: "buy",
  ordertype: "limit",
  price: "50100",
  volume: "0.001",
  timeinforce: "IOC",
  cl_ord_id: ID,
};

async function house() {
  const clock = new VirtualClock({ startAt: START, rate: 0 });
  const sandbox = await openSandbox({ clock, seed: 7 });
  await control(sandbox, "price", { pair: "BTC/EUR", price: "50000" });
  return { clock, sandbox, caller: callerOf(sandbox) };
}

const arm = (sandbox: Sandbox, fault: Record<string, unknown>) => control(sandbox, "faults", [fault]);
const jsonOf = (reply: SandboxReply): { error: string[]; result?: unknown } =>
  reply.is === "reply" ? JSON.parse(reply.body.toString()) : { error: [reply.is] };
const closed = async (caller: Caller) =>
  Object.keys((await caller.ask<{ closed: object }>("ClosedOrders", { cl_ord_id: ID })).closed).length;

describe("an answer that goes wrong", () => {
  test.each<[string, boolean, (reply: SandboxReply) => unknown]>([
    ["drop-request", false, (reply) => reply.is === "destroyed"],
    ["drop-reply-after-accept", true, (reply) => reply.is === "destroyed"],
    ["html-520-before-accept", false, (reply) => reply.is === "reply" && reply.status === 520],
    ["html-520-after-accept", true, (reply) => reply.is === "reply" && reply.status === 520],
    ["internal-error-before-accept", false, (reply) => jsonOf(reply).error[0] === "EGeneral:Internal error"],
    ["internal-error-after-accept", true, (reply) => jsonOf(reply).error[0] === "EGeneral:Internal error"],
    ["reset-mid-reply", true, (reply) => reply.is === "partial" && reply.body.length < reply.contentLength],
    ["truncate-json", true, (reply) => reply.is === "reply" && !reply.body.toString().endsWith("}")],
    ["wrong-shape", true, (reply) => Array.isArray(jsonOf(reply).result)],
    ["oversize", true, (reply) => reply.is === "reply" && reply.body.length > 5 * 1024 * 1024],
  ])("of %s leaves an order behind: %s", async (fault, isAccepted, isAsSaid) => {
    const { sandbox, caller } = await house();
    expect(await arm(sandbox, { endpoint: "AddOrder", fault, times: 1 })).toEqual({
      status: 200,
      answer: { armed: 1 },
    });
    expect(isAsSaid(await caller.send("AddOrder", buy))).toBe(true);
    expect(sandbox.orders()).toHaveLength(isAccepted ? 1 : 0);
    expect(await closed(caller)).toBe(isAccepted ? 1 : 0);
    expect(await control(sandbox, "faults", [])).toEqual({ status: 200, answer: { armed: 0 } });
  });
});

describe("a refusal", () => {
  test.each([
    ["invalid-nonce", "EAPI:Invalid nonce"],
    ["rate-limit", "EOrder:Rate limit exceeded"],
    ["lockout", "EGeneral:Temporary lockout"],
    ["throttled", `EService: Throttled: ${START / 1000 + 5}`],
    ["unavailable", "EService:Unavailable"],
    ["busy", "EService:Busy"],
    ["market-cancel-only", "EService:Market in cancel_only mode"],
    ["market-post-only", "EService:Market in post_only mode"],
    ["maintenance", "EService:Unavailable"],
    ["insufficient-funds", "EOrder:Insufficient funds"],
    ["ordermin-raised", "EOrder:Order minimum not met"],
    ["pair-delisted", "EQuery:Unknown asset pair"],
    ["key-revoked", "EAPI:Invalid key"],
    ["ip-refused", "EGeneral:Permission denied"],
  ])("of %s says %s, and the next order goes through", async (fault, error) => {
    const { sandbox, caller } = await house();
    await arm(sandbox, { endpoint: "AddOrder", fault });
    expect((await caller.call("AddOrder", buy)).error).toEqual([error]);
    expect(sandbox.orders()).toEqual([]);
    expect((await caller.call("AddOrder", buy)).error).toEqual([]);
  });

  test("of rate-limit on a query or a public call has the words of its own counter", async () => {
    const { sandbox, caller } = await house();
    await arm(sandbox, { endpoint: "Balance", fault: "rate-limit" });
    await arm(sandbox, { endpoint: "Ticker", fault: "rate-limit" });
    expect((await caller.call("Balance")).error).toEqual(["EAPI:Rate limit exceeded"]);
    expect(jsonOf(await get(sandbox, "Ticker?pair=XBTEUR")).error).toEqual(["EGeneral:Too many requests"]);
  });

  test("of lockout with seconds keeps the key locked for so long", async () => {
    const { clock, sandbox, caller } = await house();
    await arm(sandbox, { endpoint: "Balance", fault: "lockout", seconds: 30 });
    await caller.call("Balance");
    expect((await caller.call("OpenOrders")).error).toEqual(["EGeneral:Temporary lockout"]);
    clock.moveTo(START + 30_000);
    expect((await caller.call("OpenOrders")).error).toEqual([]);
  });
});

const get = (sandbox: Sandbox, path: string) =>
  sandbox.handle({
    method: "GET",
    path: `/0/public/${path}`,
    headers: {},
    body: Buffer.alloc(0),
    remoteAddress: "127.0.0.1",
  });

describe("time", () => {
  test("delay-past-deadline uses the nonce, sleeps on the clock, and the engine refuses afterwards", async () => {
    const { clock, sandbox, caller } = await house();
    await arm(sandbox, { endpoint: "AddOrder", fault: "delay-past-deadline" });
    const deadline = new Date(START + 10_000).toISOString();
    const pending = caller.call("AddOrder", { ...buy, deadline, nonce: "50" });
    expect(sandbox.activity.inFlight).toBe(0); // asleep: nothing but the clock can wake it
    expect((await caller.call("Balance", { nonce: "50" })).error).toEqual(["EAPI:Invalid nonce"]);
    clock.moveTo(START + 10_999);
    expect(sandbox.activity.inFlight).toBe(0);
    clock.moveTo(START + 11_000);
    expect((await pending).error).toEqual(["EService:Deadline elapsed"]);
    expect(sandbox.orders()).toEqual([]);
  });

  test("delay keeps the request outside: a later nonce overtakes it, and it is refused", async () => {
    const { clock, sandbox, caller } = await house();
    await arm(sandbox, { endpoint: "AddOrder", fault: "delay", seconds: 20 });
    const late = caller.call("AddOrder", { ...buy, nonce: "50" });
    expect((await caller.call("Balance", { nonce: "51" })).error).toEqual([]);
    clock.moveTo(START + 20_000);
    expect((await late).error).toEqual(["EAPI:Invalid nonce"]);
    expect(sandbox.orders()).toEqual([]);
  });

  test("delay alone is only late", async () => {
    const { clock, sandbox, caller } = await house();
    await arm(sandbox, { endpoint: "AddOrder", fault: "delay", seconds: 3 });
    const late = caller.call("AddOrder", buy);
    clock.moveTo(START + 3_000);
    expect((await late).error).toEqual([]);
    expect(sandbox.orders()[0]!.acceptedAt).toBe("2026-11-23T07:00:03.000Z");
  });

  test("slow-body accepts the order at once and answers late", async () => {
    const { clock, sandbox, caller } = await house();
    await arm(sandbox, { endpoint: "AddOrder", fault: "slow-body", seconds: 30 });
    const slow = caller.call("AddOrder", buy);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sandbox.orders()).toHaveLength(1);
    clock.moveTo(START + 30_000);
    expect((await slow).error).toEqual([]);
  });

  test("visibility-lag hides an order until so long after its acceptance, however often one asks", async () => {
    const { clock, sandbox, caller } = await house();
    await arm(sandbox, { endpoint: "ClosedOrders", fault: "visibility-lag", seconds: 20 });
    const { txid } = await caller.ask<{ txid: [string] }>("AddOrder", buy);
    expect([await closed(caller), await closed(caller)]).toEqual([0, 0]);
    expect(Object.keys(await caller.ask("QueryOrders", { txid: txid[0] }))).toEqual(txid);
    clock.moveTo(START + 19_999);
    expect(await closed(caller)).toBe(0);
    clock.moveTo(START + 20_000);
    expect(await closed(caller)).toBe(1);
    expect((await control(sandbox, "faults")).answer).toMatchObject({ armed: 0 });
  });

  test("visibility-lag on OpenOrders hides a resting order there, and it still holds its id", async () => {
    const { clock, sandbox, caller } = await house();
    await arm(sandbox, { endpoint: "OpenOrders", fault: "visibility-lag", seconds: 10 });
    const resting = { ...buy, price: "40000", timeinforce: "GTC" };
    await caller.ask("AddOrder", resting);
    expect(await caller.ask("OpenOrders")).toEqual({ open: {} });
    expect((await caller.call("AddOrder", resting)).error).toEqual([
      "EGeneral:Invalid arguments:cl_ord_id not unique",
    ]);
    clock.moveTo(START + 10_000);
    expect(Object.keys((await caller.ask<{ open: object }>("OpenOrders")).open)).toHaveLength(1);
  });
});

test("partial-fill finds a counterpart for half of the volume", async () => {
  const { sandbox, caller } = await house();
  await arm(sandbox, { endpoint: "AddOrder", fault: "partial-fill" });
  await caller.ask("AddOrder", buy);
  expect(sandbox.orders()[0]).toMatchObject({ status: "canceled", vol: "0.00100000", volExec: "0.00050000" });
});

test("key-date-limit answers queries empty and without an error, and GetApiKeyInfo tells why", async () => {
  const { sandbox, caller } = await house();
  await caller.ask("AddOrder", buy);
  await arm(sandbox, { endpoint: "ClosedOrders", fault: "key-date-limit" });
  await arm(sandbox, { endpoint: "GetApiKeyInfo", fault: "key-date-limit" });
  expect(await caller.ask("ClosedOrders")).toEqual({ closed: {}, count: 0 });
  expect(await caller.ask("GetApiKeyInfo")).toMatchObject({ query_to: String(START / 1000 - 3_600) });
  expect(await caller.ask("GetApiKeyInfo")).toMatchObject({ query_to: "0" });
});

test("market modes, raised minimums and delisting also show where one asks for them", async () => {
  const { sandbox } = await house();
  const ask = async (fault: string, path: string) => {
    await arm(sandbox, { endpoint: path.split("?")[0], fault });
    return jsonOf(await get(sandbox, path));
  };
  expect(await ask("maintenance", "SystemStatus")).toMatchObject({ result: { status: "maintenance" } });
  expect(await ask("market-post-only", "SystemStatus")).toMatchObject({ result: { status: "post_only" } });
  expect(await ask("ordermin-raised", "AssetPairs?pair=XBTEUR")).toMatchObject({
    result: { XXBTZEUR: { ordermin: "0.05000" } },
  });
  expect(await ask("pair-delisted", "AssetPairs?pair=XBTEUR")).toEqual({
    error: ["EQuery:Unknown asset pair"],
  });
  expect(await ask("market-cancel-only", "AssetPairs?pair=XBTEUR")).toMatchObject({
    result: { XXBTZEUR: { status: "cancel_only" } },
  });
});

test("a fault waits for its pair and its key, the first match wins, and `times` counts", async () => {
  const { sandbox, caller } = await house();
  const reader = callerOf(sandbox, { keyName: "tidekeeper-sandbox-read" });
  await control(sandbox, "faults", [
    { endpoint: "AddOrder", fault: "busy", pair: "ETH/EUR" },
    { endpoint: "Balance", fault: "busy", key: "tidekeeper-sandbox-read", times: 2 },
    { endpoint: "Balance", fault: "unavailable" },
  ]);
  expect((await caller.call("AddOrder", buy)).error).toEqual([]);
  expect((await caller.call("AddOrder", { ...buy, pair: "ETHEUR", price: "9000" })).error).toEqual([
    "EService:Busy",
  ]);
  expect((await caller.call("Balance")).error).toEqual(["EService:Unavailable"]);
  expect((await reader.call("Balance")).error).toEqual(["EService:Busy"]);
  expect((await reader.call("Balance")).error).toEqual(["EService:Busy"]);
  expect((await reader.call("Balance")).error).toEqual([]);
});

test.each([
  [[{ endpoint: "AddOrder", fault: "gremlins" }], "faults.0.fault"],
  [[{ fault: "busy" }], "faults.0.endpoint"],
  [{ endpoint: "AddOrder", fault: "busy" }, "faults"],
  [[{ endpoint: "AddOrder", fault: "busy", time: 1 }], "faults.0"],
  [[{ endpoint: "AddOrder", fault: "visibility-lag" }], "visibility-lag is armed on"],
])("the control door refuses %j, says where, and lists the names", async (body, where) => {
  const { sandbox } = await house();
  const { status, answer } = await control(sandbox, "faults", body);
  expect(status).toBe(400);
  const { error, faults } = answer as { error: string; faults: string[] };
  expect(error).toContain(where);
  expect(faults).toEqual(Object.keys(FAULTS));
});

test("reset takes back orders, balances, nonces, counters and faults", async () => {
  const { sandbox, caller } = await house();
  await caller.ask("AddOrder", { ...buy, nonce: "100" });
  for (let i = 0; i < 15; i++) await caller.call("Balance", { nonce: String(101 + i) });
  await arm(sandbox, { endpoint: "Balance", fault: "busy" });
  await control(sandbox, "reset", {});
  expect(sandbox.orders()).toEqual([]);
  expect(await caller.ask("Balance", { nonce: "1" })).toMatchObject({ ZEUR: "10000.0000" });
});

test("advance answers when what it woke has run", async () => {
  const { sandbox, caller } = await house();
  await arm(sandbox, { endpoint: "AddOrder", fault: "delay", seconds: 30 });
  let isDone = false;
  const late = caller.call("AddOrder", buy).then(() => {
    isDone = true;
  });
  await control(sandbox, "advance", { seconds: 60 });
  expect(isDone).toBe(true);
  await late;
  expect(sandbox.orders()).toHaveLength(1);
});

test("advance moves the sandbox's own clock, or asks the program around it", async () => {
  const { clock, sandbox } = await house();
  expect((await control(sandbox, "advance", { seconds: 60 })).answer).toEqual({
    now: "2026-11-23T07:01:00.000Z",
  });
  const asked: number[] = [];
  const inside = await openSandbox({
    clock,
    seed: 7,
    onAdvance: async (seconds) => {
      asked.push(seconds);
    },
  });
  await control(inside, "advance", { seconds: 5 });
  expect(asked).toEqual([5]);
  expect((await control(sandbox, "advance", { seconds: -1 })).status).toBe(400);
});

test("the README tells of every fault, in the words of the table", () => {
  const page = readFileSync(new URL("../../local/sandbox/README.md", import.meta.url), "utf8");
  for (const [name, { effect, source }] of Object.entries(FAULTS)) {
    expect(page).toContain(`| \`${name}\` | ${effect} |`);
    expect(page).toContain(source);
  }
});

test.each([
  [{ endpoint: "Nope" }, "endpoints", "AddOrder"],
  [{ endpoint: "AddOrder", pair: "NOPE/EUR" }, "pairs", "BTC/EUR"],
  [{ endpoint: "AddOrder", key: "nobody" }, "keys", "tidekeeper-sandbox-trade"],
])("what %j would wait for does not exist: it is refused with what there is", async (place, list, one) => {
  const { sandbox } = await house();
  const { status, answer } = await arm(sandbox, { ...place, fault: "busy" });
  expect(status).toBe(400);
  expect((answer as Record<string, string[]>)[list]).toContain(one);
  expect(await control(sandbox, "faults", [])).toEqual({ status: 200, answer: { armed: 0 } });
});

test.each(["BTC/EUR", "XBTEUR", "XXBTZEUR", "XBT/EUR"])(
  "a fault waits for a pair by any of its names: %s",
  async (pair) => {
    const { sandbox, caller } = await house();
    await arm(sandbox, { endpoint: "AddOrder", fault: "busy", pair });
    expect((await caller.call("AddOrder", buy)).error).toEqual(["EService:Busy"]);
  },
);

test.each(["Ticker", "Depth", "OHLC", "Trades", "Spread"])(
  "of a pair that was delisted %s tells nothing",
  async (endpoint) => {
    const { sandbox } = await house();
    await arm(sandbox, { endpoint, fault: "pair-delisted", pair: "BTC/EUR" });
    const ask = async () =>
      jsonOf(
        await sandbox.handle({
          method: "GET",
          path: `/0/public/${endpoint}?pair=XBTEUR`,
          headers: {},
          body: Buffer.alloc(0),
          remoteAddress: "127.0.0.1",
        }),
      );
    expect((await ask()).error).toEqual(["EQuery:Unknown asset pair"]);
    expect((await ask()).error).toEqual([]);
  },
);
