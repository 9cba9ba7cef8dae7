/** AddOrder at a real socket, whatever the other side does: one request, or none that could be one. */
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { ExchangeError } from "../../shared/app/errors.ts";
import { price, volume } from "../../shared/domain/money.ts";
import { type AddOrderArgs, addOrder } from "../../shared/kraken/endpoints/add-order.ts";
import { balance } from "../../shared/kraken/endpoints/balance.ts";
import { time } from "../../shared/kraken/endpoints/time.ts";
import { assertOrigin, undiciTransport } from "../../shared/kraken/http.ts";
import { createRest } from "../../shared/kraken/rest.ts";
import { type HttpTransport, TransportError } from "../../shared/kraken/transport.ts";
import { CountingKey, chanceOf, thrownBy } from "../support/kraken-rest.ts";

const ORDER: AddOrderArgs = {
  orderType: "limit",
  side: "buy",
  pair: "XXBTZEUR",
  volume: volume("0.00100000"),
  price: price("50000.0"),
};

const http = (body: string, status = "200 OK", headers = ""): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
const ok = (result: unknown): string => http(JSON.stringify({ error: [], result }));
const PLACED = { descr: { order: "buy" }, txid: ["OUF4EM-FRGI2-MQMWZD"] };

type Arrived = { readonly endpoint: string; readonly connection: number; readonly socket: Socket };

/** A server that speaks only what the test says, and keeps every byte that arrives. */
class WireServer {
  readonly arrived: Arrived[] = [];
  readonly sockets: Socket[] = [];
  text = "";
  greeting = "";
  readonly #server: Server;
  answer: (request: Arrived) => void = ({ socket }) => socket.write(ok({}));

  constructor() {
    this.#server = createServer((socket) => {
      const connection = this.sockets.push(socket) - 1;
      let pending = "";
      socket.on("error", () => undefined);
      if (this.greeting !== "") socket.write(this.greeting);
      socket.on("data", (bytes) => {
        this.text += bytes.toString("latin1");
        pending += bytes.toString("latin1");
        for (;;) {
          const head = pending.indexOf("\r\n\r\n");
          if (head < 0) return;
          const length = Number(/content-length: (\d+)/i.exec(pending.slice(0, head))?.[1] ?? 0);
          if (pending.length < head + 4 + length) return;
          const endpoint = /^\S+ \/0\/\w+\/(\w+)/.exec(pending)?.[1] ?? "";
          pending = pending.slice(head + 4 + length);
          const request = { endpoint, connection, socket };
          this.arrived.push(request);
          this.answer(request);
        }
      });
    });
  }

  listen(): Promise<string> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${this.port}`));
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" ? (address?.port ?? 0) : 0;
  }

  count(endpoint: string): number {
    return this.arrived.filter((each) => each.endpoint === endpoint).length;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function house(options: { rate?: number } = {}) {
  const server = new WireServer();
  const origin = await server.listen();
  const transport = undiciTransport({ origin });
  const clock = new VirtualClock({ startAt: Date.now(), rate: options.rate ?? 1 });
  const rest = createRest({ transport, clock, chance: chanceOf(0), userAgent: "tidekeeper-test" });
  open.push(transport, server, { close: () => clock.stop() });
  return { server, transport, clock, rest, key: new CountingKey() };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("exactly one AddOrder arrives, and its outcome is open, when", () => {
  const cases: Record<string, { answer: (socket: Socket) => void; code: string; rate?: number }> = {
    "the connection is reset before the reply": {
      answer: (socket) => socket.resetAndDestroy(),
      code: "NO_ANSWER",
    },
    "the connection is closed before the reply": { answer: (socket) => socket.end(), code: "NO_ANSWER" },
    "the connection is reset in the middle of the reply": {
      answer: (socket) => socket.write(ok(PLACED).slice(0, -20), () => socket.resetAndDestroy()),
      code: "NO_ANSWER",
    },
    "the connection ends in the middle of the reply": {
      answer: (socket) => socket.end(ok(PLACED).slice(0, -20)),
      code: "NO_ANSWER",
    },
    "a page of the proxy comes instead": {
      answer: (socket) => socket.write(http("<html><title>520: unknown error</title></html>", "520 ")),
      code: "HTTP_STATUS",
    },
    "a redirect comes instead": {
      answer: (socket) => socket.write(http("", "307 Temporary", "Location: /0/private/AddOrder\r\n")),
      code: "HTTP_STATUS",
    },
    "the answer is cut off JSON": {
      answer: (socket) => socket.write(http('{"error":[],"result":{"descr":{"ord')),
      code: "ANSWER_NOT_JSON",
    },
    "the answer has no end within the time": {
      answer: (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
      code: "NO_ANSWER",
      rate: 40,
    },
    "no answer comes within the time": { answer: () => undefined, code: "NO_ANSWER", rate: 40 },
    "the answer is no HTTP": { answer: (socket) => socket.write("go away\r\n\r\n"), code: "NO_ANSWER" },
    "the answer is over 5 MB": {
      answer: (socket) => socket.write(http(" ".repeat(6 * 1024 * 1024))),
      code: "ANSWER_TOO_LARGE",
    },
    "the answer claims two lengths": {
      answer: (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\n{"),
      code: "NO_ANSWER",
    },
  };

  for (const [name, { answer, code, rate }] of Object.entries(cases)) {
    test.each(["a fresh connection", "one that was used before"])(`${name}, on %s`, async (kind) => {
      const { server, rest, key } = await house(rate === undefined ? {} : { rate });
      server.answer = ({ socket, endpoint }) =>
        endpoint === "AddOrder" ? answer(socket) : void socket.write(ok({ ZEUR: "1.0000" }));
      if (kind !== "a fresh connection") await rest.privateCall(balance, undefined, key);

      const error = await thrownBy(rest.privateCall(addOrder, ORDER, key));
      // Long enough for a second one to leave, if any layer had one in mind.
      await pause(60);

      expect(error).toBeInstanceOf(ExchangeError);
      expect(error).toMatchObject({ code, retry: "lookUpFirst", endpoint: "AddOrder" });
      expect(server.count("AddOrder")).toBe(1);
      expect(server.text.match(/POST \/0\/private\/AddOrder/g)).toHaveLength(1);

      // And the connection that failed carries nothing any more.
      const failedOn = server.arrived.find(({ endpoint }) => endpoint === "AddOrder")?.connection;
      await rest.privateCall(balance, undefined, key);
      expect(server.arrived.at(-1)).toMatchObject({ endpoint: "Balance" });
      expect(server.arrived.at(-1)?.connection).not.toBe(failedOn);
    });
  }
});

test("an idle connection that the server closes costs no order and doubles none", async () => {
  const { server, rest, key } = await house();
  server.answer = ({ socket, endpoint }) =>
    endpoint === "AddOrder" ? socket.write(ok(PLACED)) : socket.write(ok({ ZEUR: "1.0000" }));
  await rest.privateCall(balance, undefined, key);
  server.sockets[0]?.end();
  await pause(30);

  const placed = await rest.privateCall(addOrder, ORDER, key);

  expect(placed.txids).toEqual(["OUF4EM-FRGI2-MQMWZD"]);
  expect(server.count("AddOrder")).toBe(1);
});

test("a connection closed at the very moment of sending gives one AddOrder or none, never two", async () => {
  for (let round = 0; round < 25; round++) {
    const { server, rest, key, transport } = await house();
    server.answer = ({ socket, endpoint }) => {
      if (endpoint === "AddOrder") return socket.write(ok(PLACED));
      // The reply and the end in one go: the client has just learned that the connection is free.
      return round % 2 === 0
        ? socket.end(ok({ ZEUR: "1" }))
        : socket.write(ok({ ZEUR: "1" }), () => socket.resetAndDestroy());
    };
    await rest.privateCall(balance, undefined, key).catch(() => undefined);
    if (round % 3 === 0) await new Promise((resolve) => setImmediate(resolve));

    const outcome = await rest.privateCall(addOrder, ORDER, key).catch((error: unknown) => error);
    await pause(10);

    expect(server.count("AddOrder")).toBeLessThanOrEqual(1);
    const retry = outcome instanceof ExchangeError ? outcome.retry : undefined;
    if (retry === undefined) expect(server.count("AddOrder")).toBe(1);
    // What is said never to have left must not have arrived.
    else if (retry !== "lookUpFirst") expect(server.text).not.toContain("AddOrder");
    await transport.close();
    server.close();
  }
});

test("calls in a row share one connection, each with its own nonce", async () => {
  const { server, rest, key } = await house();
  server.answer = ({ socket }) => socket.write(ok({ ZEUR: "1.0000" }));
  await Promise.all([1, 2, 3, 4].map(() => rest.privateCall(balance, undefined, key)));
  expect(server.sockets).toHaveLength(1);
  expect([...server.text.matchAll(/nonce=(\d+)/g)].map((match) => match[1])).toEqual([
    "1000",
    "1001",
    "1002",
    "1003",
  ]);
});

test("after a failure no connection that was open then is used again", async () => {
  const { server, rest, key } = await house();
  const other = new CountingKey({ apiKey: "other" });
  server.answer = ({ socket, endpoint }) =>
    endpoint === "AddOrder" ? socket.resetAndDestroy() : void socket.write(ok({ ZEUR: "1.0000" }));
  await Promise.all([key, other].map((each) => rest.privateCall(balance, undefined, each)));
  expect(server.sockets).toHaveLength(2);

  await thrownBy(rest.privateCall(addOrder, ORDER, key));
  await Promise.all([key, other].map((each) => rest.privateCall(balance, undefined, each)));

  expect(server.arrived.slice(-2).map(({ connection }) => connection)).toEqual([2, 3]);
});

describe("a request that never left is known as such", () => {
  const expectNotSent = async (transport: HttpTransport) => {
    open.push(transport);
    const clock = new VirtualClock({ startAt: Date.now(), rate: 1 });
    open.push({ close: () => clock.stop() });
    const rest = createRest({ transport, clock, chance: chanceOf(0), userAgent: "tidekeeper-test" });
    expect(await thrownBy(rest.privateCall(addOrder, ORDER, new CountingKey()))).toMatchObject({
      code: "NO_CONNECTION",
      retry: "later",
    });
  };

  test("nobody listens", async () => {
    const server = new WireServer();
    const origin = await server.listen();
    server.close();
    await expectNotSent(undiciTransport({ origin }));
  });

  test("the other side does not speak TLS", async () => {
    const { server } = await house();
    server.greeting = "HTTP/1.1 400 Bad Request\r\n\r\n";
    await expectNotSent(undiciTransport({ origin: `https://127.0.0.1:${server.port}` }));
    expect(server.text).not.toContain("AddOrder");
  });

  test("the handshake is not answered in time", async () => {
    const { server } = await house();
    server.answer = () => undefined;
    await expectNotSent(
      undiciTransport({ origin: `https://127.0.0.1:${server.port}`, connectTimeoutMs: 100 }),
    );
    expect(server.text).not.toContain("AddOrder");
  });

  test("the call ended before there was a connection, and nothing leaves later", async () => {
    const { server, transport } = await house();
    const ending = new AbortController();
    const sent = transport.send({
      method: "POST",
      path: "/0/private/AddOrder",
      headers: {},
      body: "x",
      signal: ending.signal,
    });
    ending.abort(new Error("time is up"));
    expect(await thrownBy(sent)).toMatchObject({ kind: "not-sent" });
    await pause(50);
    expect(server.text).toBe("");
  });
});

test("a read is asked again after a reset, with a fresh nonce, on a new connection", async () => {
  const { server, rest, key } = await house();
  server.answer = ({ socket }) =>
    server.arrived.length === 1 ? socket.resetAndDestroy() : void socket.write(ok({ ZEUR: "1.0000" }));
  await rest.privateCall(balance, undefined, key);
  expect(server.arrived.map(({ connection }) => connection)).toEqual([0, 1]);
  expect(key.taken.map(({ nonce }) => nonce)).toEqual(["1000", "1001"]);
});

test("a closed transport ends what is under way", async () => {
  const { server, transport } = await house();
  server.answer = () => undefined;
  const sent = transport.send({
    method: "GET",
    path: "/",
    headers: {},
    signal: new AbortController().signal,
  });
  await pause(20);
  await transport.close();
  expect(await thrownBy(sent)).toBeInstanceOf(TransportError);
});

test("the exchange's address is Kraken's or this machine's", () => {
  for (const origin of [
    "https://api.kraken.com",
    "https://api.kraken.com/",
    "http://127.0.0.1:4790",
    "https://127.8.9.1:1",
    "http://localhost:1",
    "http://[::1]:4790",
  ]) {
    expect(assertOrigin(origin)).toBe(new URL(origin).origin);
  }
  for (const origin of [
    "",
    "kraken",
    "http://api.kraken.com",
    "https://api.kraken.com:8443",
    "https://api.kraken.com.example.org",
    "https://example.org",
    "https://user:pass@api.kraken.com",
    "https://api.kraken.com/0",
    "http://127.0.0.1.example.org",
    "http://localhost.example.org",
    "http://10.0.0.1",
    "file:///etc/passwd",
    "ws://127.0.0.1:1",
  ]) {
    expect(() => assertOrigin(origin), origin).toThrow(
      /expected https:\/\/api\.kraken\.com or one of this machine/,
    );
  }
});

test("Time needs no key", async () => {
  const { server, rest } = await house();
  server.answer = ({ socket }) => socket.write(ok({ unixtime: 1762820224 }));
  expect(await rest.publicCall(time, undefined)).toEqual({ secondAt: 1762820224000 });
  expect(server.text).toMatch(/^GET \/0\/public\/Time HTTP\/1\.1\r\n/);
  expect(server.text).not.toMatch(/api-key/i);
});
