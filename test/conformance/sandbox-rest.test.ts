/** The sandbox over real HTTP, as other programs meet it: the main flow, lost answers, and a process that is killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { signatureOf } from "../../local/sandbox/gateway.ts";
import { openSandbox, type Sandbox } from "../../local/sandbox/sandbox.ts";
import { add, compare, decimal, format, multiply } from "../../shared/domain/decimal.ts";

const START = Date.parse("2026-11-23T07:00:00Z");
const ID = "5d1f2e00-0000-4000-8000-00000000000a";

type Ready = {
  rest: string;
  ws: string;
  control: string;
  keys: { name: string; key: string; secret: string; permissions: string[] }[];
};
type Envelope = { error: string[]; result: Record<string, unknown> };

/** A client of its own, on fetch: nothing of it is shared with the sandbox but the way to sign. */
function clientOf({ rest, keys }: Pick<Ready, "rest" | "keys">, firstNonce = 1) {
  const { key, secret } = keys.find(({ name }) => name === "tidekeeper-sandbox-trade")!;
  let nonce = firstNonce;
  return async (endpoint: string, fields: Record<string, string> = {}): Promise<Envelope> => {
    const path = `/0/private/${endpoint}`;
    const used = String(nonce++);
    const body = new URLSearchParams({ ...fields, nonce: used }).toString();
    const reply = await fetch(`${rest}${path}`, {
      method: "POST",
      headers: {
        "API-Key": key,
        "API-Sign": signatureOf(secret, path, used, body),
        "Content-Type": "application/x-www-form-urlencoded",
      },
      body,
    });
    if (reply.status !== 200) throw new Error(`HTTP ${reply.status}`);
    return (await reply.json()) as Envelope;
  };
}

const post = async (url: string, body: unknown): Promise<Record<string, unknown>> =>
  (await (await fetch(url, { method: "POST", body: JSON.stringify(body) })).json()) as Record<
    string,
    unknown
  >;
const get = async (url: string) => (await (await fetch(url)).json()) as Envelope;

describe("over a socket", () => {
  let sandbox: Sandbox;
  let clock: VirtualClock;
  let ready: Ready;

  beforeEach(async () => {
    clock = new VirtualClock({ startAt: START, rate: 0 });
    sandbox = await openSandbox({ clock, seed: 7 });
    const addresses = await sandbox.listen(0);
    ready = {
      ...addresses,
      keys: sandbox.keys.map((key) => ({ ...key, permissions: [...key.permissions] })),
    };
    await post(`${ready.control}/price`, { pair: "BTC/EUR", price: "50000" });
  });
  afterEach(() => sandbox.close());

  const buy = () => ({
    pair: "XBTEUR",
    type: "buy",
    ordertype: "limit",
    price: "50250",
    volume: "0.00198",
    timeinforce: "IOC",
    oflags: "fciq",
    cl_ord_id: ID,
    deadline: new Date(clock.now() + 10_000).toISOString(),
  });
  const orders = async () =>
    (await (await fetch(`${ready.control}/orders`)).json()) as Record<string, string>[];

  test("a purchase is found by its id, and order, trade, ledger, balance and audit agree", async () => {
    const call = clientOf(ready);
    const placed = await call("AddOrder", buy());
    expect(placed.error).toEqual([]);
    const [txid] = placed.result.txid as [string];
    expect(txid).toMatch(/^O[A-Z2-7]{5}-[A-Z2-7]{5}-[A-Z2-7]{6}$/);
    expect(placed.result.descr).toEqual({ order: "buy 0.00198000 XBTEUR @ limit 50250.0" });

    expect((await call("OpenOrders", { cl_ord_id: ID })).result).toEqual({ open: {} });
    type Found = { closed: Record<string, Record<string, string> & { trades: string[] }>; count: number };
    const { closed, count } = (await call("ClosedOrders", { cl_ord_id: ID, trades: "True" })).result as Found;
    expect(count).toBe(1);
    const order = closed[txid]!;
    // 0.00198 × 50,000.1 = 99.000198, cut to 99.0001; × 0.4 % = 0.3960004, cut to 0.3960
    expect(order).toMatchObject({
      status: "closed",
      cl_ord_id: ID,
      vol_exec: "0.00198000",
      cost: "99.00010",
      fee: "0.39600",
      price: "50000.10000",
    });
    const { trades, ...asQueried } = order;
    expect((await call("QueryOrders", { txid })).result[txid]).toEqual(asQueried);

    const trade = (await call("QueryTrades", { txid: trades[0]! })).result[trades[0]!];
    expect(trade).toMatchObject({
      ordertxid: txid,
      pair: "XXBTZEUR",
      cost: "99.00010",
      fee: "0.39600",
      maker: false,
    });
    const { ledger } = (await call("Ledgers", { type: "trade" })).result as {
      ledger: Record<string, Record<string, string>>;
    };
    const entries = Object.values(ledger);
    expect(entries.map(({ refid }) => refid)).toEqual([trades[0], trades[0]]);
    expect(entries.find(({ asset }) => asset === "ZEUR")).toMatchObject({
      amount: "-99.0001",
      fee: "0.3960",
      balance: "9900.6039",
    });
    expect((await call("Balance")).result).toMatchObject({ ZEUR: "9900.6039", XXBT: "0.5019800000" });
    expect(await orders()).toEqual([
      {
        clOrdId: ID,
        txid,
        key: "tidekeeper-sandbox-trade",
        pair: "BTC/EUR",
        side: "buy",
        status: "closed",
        vol: "0.00198000",
        volExec: "0.00198000",
        cost: "99.00010",
        fee: "0.39600",
        acceptedAt: "2026-11-23T07:00:00.000Z",
      },
    ]);
  });

  test.each([
    ["drop-request", 0],
    ["drop-reply-after-accept", 1],
    ["html-520-before-accept", 0],
    ["html-520-after-accept", 1],
    ["reset-mid-reply", 1],
    ["truncate-json", 1],
  ])("after %s the client knows nothing, and the audit tells of %i orders", async (fault, accepted) => {
    const call = clientOf(ready);
    expect(await post(`${ready.control}/faults`, [{ endpoint: "AddOrder", fault, times: 1 }])).toEqual({
      armed: 1,
    });
    await expect(call("AddOrder", buy())).rejects.toThrow();
    expect(await orders()).toHaveLength(accepted);
    const found = (await call("ClosedOrders", { cl_ord_id: ID })).result as { count: number };
    expect(found.count).toBe(accepted);
  });

  test("an oversize answer really comes, and is larger than five million bytes", async () => {
    await post(`${ready.control}/faults`, [{ endpoint: "Time", fault: "oversize" }]);
    const reply = await fetch(`${ready.rest}/0/public/Time`);
    expect((await reply.arrayBuffer()).byteLength).toBeGreaterThan(5_000_000);
  });

  test("a slow body starts at once and ends when the clock has moved", async () => {
    await post(`${ready.control}/faults`, [{ endpoint: "Time", fault: "slow-body", seconds: 30 }]);
    const reply = await fetch(`${ready.rest}/0/public/Time`);
    expect(reply.status).toBe(200);
    const text = reply.text();
    while (sandbox.activity.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    clock.moveTo(START + 30_000);
    expect(JSON.parse(await text)).toMatchObject({ error: [] });
  });

  test("a client that went away during a delay leaves nothing behind: the order is refused by its deadline", async () => {
    await post(`${ready.control}/faults`, [{ endpoint: "AddOrder", fault: "delay-past-deadline" }]);
    const call = clientOf(ready);
    const lost = call("AddOrder", buy());
    while (sandbox.activity.changes < 6 || sandbox.activity.inFlight > 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await post(`${ready.control}/advance`, { seconds: 11 })).toEqual({
      now: "2026-11-23T07:00:11.000Z",
    });
    expect((await lost).error).toEqual(["EService:Deadline elapsed"]);
    expect(await orders()).toEqual([]);
  });

  test("a client that hangs up during a delay leaves the sandbox quiet, before and after it wakes", async () => {
    await post(`${ready.control}/faults`, [{ endpoint: "Time", fault: "delay", seconds: 30 }]);
    const hangUp = new AbortController();
    const asked = fetch(`${ready.rest}/0/public/Time`, { signal: hangUp.signal });
    while (sandbox.activity.inFlight > 0 || sandbox.activity.changes < 4) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    hangUp.abort();
    await expect(asked).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sandbox.activity.inFlight).toBe(0);
    await post(`${ready.control}/advance`, { seconds: 31 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sandbox.activity.inFlight).toBe(0);
  });

  test("closed orders come in pages of fifty, newest first, filtered by time and reference", async () => {
    const call = clientOf(ready);
    for (let i = 0; i < 55; i++) {
      const { price, volume } = { price: "40000", volume: "0.0001" };
      const fields = { ...buy(), price, volume, userref: String(i % 2) };
      const { cl_ord_id: _id, ...rest } = fields;
      await call("AddOrder", rest);
      clock.moveTo(clock.now() + 2_000);
    }
    type Page = { closed: Record<string, { opentm: number }>; count: number };
    const page = async (fields: Record<string, string>) =>
      (await call("ClosedOrders", fields)).result as Page;
    const first = await page({});
    expect([Object.keys(first.closed).length, first.count]).toEqual([50, 55]);
    const times = Object.values(first.closed).map(({ opentm }) => opentm);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(Object.keys((await page({ ofs: "50" })).closed)).toHaveLength(5);
    expect((await page({ userref: "1" })).count).toBe(27);
    // Start is exclusive: the order of that second is left out; end is inclusive.
    const second = START / 1000 + 100;
    expect((await page({ start: String(second) })).count).toBe(4);
    expect((await page({ end: String(second) })).count).toBe(51);
  });

  test("public endpoints take GET only, private ones POST only", async () => {
    expect((await fetch(`${ready.rest}/0/public/Time`, { method: "POST" })).status).toBe(405);
    expect(await get(`${ready.rest}/0/private/Balance`)).toEqual({ error: ["EGeneral:Unknown method"] });
    expect(await get(`${ready.rest}/0/public/Nothing`)).toEqual({ error: ["EGeneral:Unknown method"] });
    for (const path of ["/elsewhere", "//", "/0/public/%ZZ"]) {
      expect(await get(`${ready.rest}${path}`)).toEqual({ error: ["EGeneral:Unknown method"] });
    }
  });
});

test("a lenient sandbox takes POST on public endpoints, with fields in the body", async () => {
  const clock = new VirtualClock({ startAt: START, rate: 0 });
  const sandbox = await openSandbox({ clock, seed: 7, lenient: true });
  const { rest } = await sandbox.listen(0);
  const reply = await fetch(`${rest}/0/public/Ticker`, { method: "POST", body: "nonce=1&pair=XBTEUR" });
  expect(Object.keys(((await reply.json()) as Envelope).result)).toEqual(["XXBTZEUR"]);
  await sandbox.close();
});

describe("as a process of its own", () => {
  const dir = mkdtempSync(join(tmpdir(), "sandbox-"));
  const running: ChildProcess[] = [];
  afterAll(() => {
    for (const child of running) child.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  });

  async function start(...options: string[]): Promise<{ child: ChildProcess; ready: Ready }> {
    const child = spawn(process.execPath, ["local/sandbox/main.ts", ...options], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    running.push(child);
    const [line] = (await once(child.stdout!, "data")) as [Buffer];
    return { child, ready: JSON.parse(line.toString()) as Ready };
  }

  async function outcome(...options: string[]): Promise<{ code: number | null; err: string; out: string }> {
    const child = spawn(process.execPath, ["local/sandbox/main.ts", ...options]);
    let [err, out] = ["", ""];
    child.stderr.on("data", (part: Buffer) => {
      err += part.toString();
    });
    child.stdout.on("data", (part: Buffer) => {
      out += part.toString();
    });
    const [code] = (await once(child, "close")) as [number | null];
    return { code, err, out };
  }

  test("killed without warning it comes back with every order it had answered", async () => {
    const state = join(dir, "state");
    const first = await start("--port", "0", "--state", state);
    const call = clientOf(first.ready);
    const before = (await call("Balance")).result;
    const placed = await call("AddOrder", {
      pair: "XBTEUR",
      type: "buy",
      ordertype: "market",
      volume: "0.001",
    });
    const [txid] = placed.result.txid as [string];
    first.child.kill("SIGKILL");
    await once(first.child, "close");

    const second = await start("--port", "0", "--state", state);
    const again = clientOf(second.ready, 100);
    const order = (await again("QueryOrders", { txid })).result[txid] as Record<string, string>;
    expect(order.status).toBe("closed");
    const after = (await again("Balance")).result;
    const paid = add(decimal(order.cost!), decimal(order.fee!));
    const left = add(decimal(after.ZEUR as string), paid);
    expect(compare(left, decimal(before.ZEUR as string)), format(left)).toBe(0);
    second.child.kill("SIGTERM");
    expect(await once(second.child, "close")).toEqual([0, null]);
  });

  test("prints one line with addresses and keys, as promised", async () => {
    const { child, ready } = await start("--port", "0", "--speed", "60");
    const port = new URL(ready.rest).port;
    expect(ready).toMatchObject({
      rest: `http://127.0.0.1:${port}`,
      ws: `ws://127.0.0.1:${port}/v2`,
      wsAuth: `ws://127.0.0.1:${port}/v2`,
      wsV1: `ws://127.0.0.1:${port}/`,
      control: `http://127.0.0.1:${port}/_control`,
    });
    expect(ready.keys.map(({ name }) => name)).toEqual([
      "tidekeeper-sandbox-trade",
      "tidekeeper-sandbox-read",
      "tidekeeper-sandbox-withdraw",
    ]);
    expect(ready.keys.map(({ permissions }) => permissions.includes("withdraw-funds"))).toEqual([
      false,
      false,
      true,
    ]);
    // A port that is taken: one sentence and the code of wrong use.
    const { code, err } = await outcome("--port", port);
    expect({ code, err }).toEqual({
      code: 2,
      err: `Port ${port} is in use: choose another one with --port.\n`,
    });
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([0, null]);
  });

  test("speaks TLS with a certificate of its own", async () => {
    const { ready } = await start("--port", "0", "--tls");
    expect(ready.rest).toMatch(/^https:/);
    const text = await new Promise<string>((resolve, reject) => {
      httpsRequest(`${ready.rest}/0/public/SystemStatus`, { rejectUnauthorized: false }, (reply) => {
        reply.once("data", (part: Buffer) => resolve(part.toString()));
      })
        .once("error", reject)
        .end();
    });
    expect(JSON.parse(text)).toMatchObject({ error: [], result: { status: "online" } });
  });

  test("takes accounts from a file, and says in one sentence what is wrong with one", async () => {
    const file = join(dir, "accounts.json");
    const account = {
      name: "rich",
      tier: "pro",
      balances: { ZEUR: "1000000.12" },
      keys: [
        { name: "tidekeeper-sandbox-trade", key: "k", secret: "c2VjcmV0", permissions: ["query-funds"] },
      ],
    };
    writeFileSync(file, JSON.stringify([account]));
    const { ready } = await start("--port", "0", "--accounts", file);
    expect((await clientOf(ready)("Balance")).result).toEqual({ ZEUR: "1000000.1200" });
    writeFileSync(file, JSON.stringify([{ ...account, balances: { ZEUR: 5 } }]));
    const { code, err } = await outcome("--port", "0", "--accounts", file);
    expect(code).toBe(2);
    expect(err).toMatch(/^The options cannot be used: accounts: 0\.balances\.ZEUR: .*\n$/);
  });

  test.each([
    [["--port", "abc"], "--port is 0 to 65535, was abc."],
    [["--speed", "0"], "--speed is above 0 and at most 100000, was 0."],
    [["--nonsense"], "Unknown option '--nonsense'"],
  ])("%j is refused with code 2: %s", async (options, sentence) => {
    const { code, err, out } = await outcome(...options);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(sentence);
  });

  test("--help tells the options and ends well", async () => {
    const { code, out } = await outcome("--help");
    expect(code).toBe(0);
    expect(out).toContain("--accounts FILE");
  });
});

test("costs of a purchase never exceed what its owner counted with, to the last digit", async () => {
  const clock = new VirtualClock({ startAt: START, rate: 0 });
  const sandbox = await openSandbox({ clock, seed: 11 });
  const { rest } = await sandbox.listen(0);
  const keys = sandbox.keys.map((key) => ({ ...key, permissions: [...key.permissions] }));
  const call = clientOf({ rest, keys });
  const most = multiply(multiply(decimal("72500"), decimal("0.00137")), decimal("1.004"));
  const fields = { pair: "XBTEUR", type: "buy", ordertype: "limit", price: "72500", volume: "0.00137" };
  const { result } = await call("AddOrder", { ...fields, timeinforce: "IOC" });
  const [txid] = result.txid as [string];
  const order = (await call("QueryOrders", { txid })).result[txid] as Record<string, string>;
  expect(order.status).toBe("closed");
  expect(compare(add(decimal(order.cost!), decimal(order.fee!)), most)).toBe(-1);
  await sandbox.close();
});
