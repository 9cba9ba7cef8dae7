/** `tide` while a machine runs in the state folder: it goes through that one; and who else may talk to its server. */
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MachineError } from "../../local/machine/state-dir.ts";
import { startPage } from "../../local/page/server.ts";
import { openPageHouse, type PageHouse, TOKEN } from "../support/browser-house.ts";
import { ROOT, tide } from "../support/cli-house.ts";

let house: PageHouse;
let state: string;

beforeAll(async () => {
  house = await openPageHouse();
  state = house.machine.options.stateDir;
  house.machine.state.announce({ pid: process.pid, page: house.page.url, token: TOKEN });
});
afterAll(() => house.close());

describe("the command line", () => {
  test("two commands with one key at once are one run and one order", async () => {
    const words = ["buy", "btc-daily", "--yes", "--json", "--key", "twice", "--state", state];
    const [one, two] = await Promise.all([tide(words), tide(words)]);
    expect([one.code, two.code]).toEqual([0, 0]);
    expect(JSON.parse(one.stdout).orders).toEqual(JSON.parse(two.stdout).orders);
    expect(await house.desk.audit()).toEqual({ orders: 1, unexplained: [], doubles: [] });
  });

  test("a plan that does not exist is a mistake in what was asked", async () => {
    const { code, stdout, stderr } = await tide(["buy", "gold", "--yes", "--json", "--state", state]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain('there is no plan "gold"; there is btc-daily, eth-weekdays, btc-payday');
  });

  test("other plans than those of the running machine are not silently left aside", async () => {
    const same = await tide(["next", "--state", state, "--plans", join(ROOT, "tide.example.yaml")]);
    expect(same.code).toBe(0);
    expect(same.stdout).toMatch(/^PLAY MONEY {2}\w{3} \d+ \w{3} 08:00 GMT\+\d {2}btc-daily +20 EUR of BTC$/m);
    const other = await tide(["next", "--state", state, "--plans", join(ROOT, "README.md")]);
    expect(other).toMatchObject({ code: 2, stdout: "" });
    expect(other.stderr).toContain("was started with --plans");
  });
});

type Reply = { readonly status: number; readonly body: string; readonly headers: Record<string, unknown> };

/** Sends what a browser or a stranger would, headers as given. */
function send(method: string, path: string, headers: Record<string, string> = {}, body = ""): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request(`${house.page.url}${path}`, { method, headers }, (reply) => {
      let text = "";
      reply.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      reply.on("end", () => resolve({ status: reply.statusCode!, body: text, headers: reply.headers }));
    });
    asked.on("error", reject).end(body);
  });
}

const STATUS = JSON.stringify({ verb: "status" });

describe("who is let in", () => {
  test.each([
    ["a verb without the token", "POST", "/api/tide", {}, STATUS, 401],
    ["a verb with a wrong token", "POST", "/api/tide", { "x-tidekeeper-token": "x" }, STATUS, 401],
    ["a name that points here from elsewhere", "GET", "/api/state", { host: "evil.example" }, "", 403],
    ["the same, on the control door", "POST", "/_control/faults", { host: "evil.example:80" }, "[]", 403],
    ["a script of another site", "POST", "/_control/faults", { origin: "http://evil.example" }, "[]", 403],
    ["a page from a file", "POST", "/_control/faults", { origin: "null" }, "[]", 403],
    ["an image of another site", "GET", "/api/state", { "sec-fetch-site": "cross-site" }, "", 403],
    ["a switch without the page's token", "POST", "/api/switch", {}, '{"verb":"kill"}', 403],
    ["what is not there", "GET", "/../machine.json", {}, "", 404],
    ["a method that is not meant", "DELETE", "/api/state", {}, "", 405],
    ["a body without end", "POST", "/_control/faults", {}, " ".repeat(70_000), 413],
    ["a program on the control door", "POST", "/_control/faults", {}, "[]", 200],
  ])("%s", async (_, method, path, headers, body, status) => {
    const reply = await send(method, path, headers, body);
    expect(reply.status).toBe(status);
    if (status !== 200) expect(JSON.parse(reply.body)).toEqual({ error: expect.any(String) });
  });

  test("a page's token is no way to spend: the switches can only pause, resume and kill", async () => {
    const { body } = await send("GET", "/");
    const token = /name="page-token" content="([0-9a-f]{32})"/.exec(body)![1]!;
    const buy = JSON.stringify({ verb: "buy", args: { plan: "btc-daily", key: "page" } });
    const reply = await send("POST", "/api/switch", { "x-tidekeeper-page": token }, buy);
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.body).error).toContain("it can pause, resume, kill");
  });

  test("a page may run its own scripts only, and nothing may frame it", async () => {
    const { headers } = await send("GET", "/");
    expect(headers["content-security-policy"]).toMatch(
      /default-src 'none'; script-src 'self'.*frame-ancestors 'none'/,
    );
    expect(headers["content-security-policy"]).not.toContain("unsafe");
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
  });

  test("no answer holds a secret", async () => {
    const replies = await Promise.all(
      ["/", "/api/state", "/api/why?run=btc-daily@twice"].map((path) => send("GET", path)),
    );
    for (const { status, body } of replies) {
      expect(status).toBe(200);
      expect(body).not.toContain(TOKEN);
      for (const { secret } of house.machine.exchange.keys) expect(body).not.toContain(secret);
    }
  });
});

test("a port in use is told in one sentence that names it and the way out", async () => {
  const port = Number(new URL(house.page.url).port);
  const second = startPage({ ...house, port, token: TOKEN, version: "0" });
  await expect(second).rejects.toThrow(MachineError);
  await expect(second).rejects.toThrow(
    `port ${port} is in use by another program; choose another one with --port N`,
  );
});

test("a reader that comes back gets the steps that it missed, each once", async () => {
  const read = async (lastId?: string): Promise<string> => {
    const abort = new AbortController();
    const reply = await fetch(`${house.page.url}/api/events`, {
      signal: abort.signal,
      headers: lastId === undefined ? {} : { "last-event-id": lastId },
    });
    let text = "";
    const parts = reply.body!.pipeThrough(new TextDecoderStream()).getReader();
    if (lastId === undefined) void house.desk.buy("btc-daily", "watched").catch(() => {});
    while (!text.includes('"step":"plan"')) text += (await parts.read()).value ?? "";
    abort.abort();
    return text;
  };
  const first = await read();
  const id = /id: (\S+)\nevent: step\ndata: .*"step":"fire"/.exec(first)![1]!;
  const again = await read(id);
  expect(again).not.toContain('"step":"fire"');
  expect(again).toContain('"run":"btc-daily@watched"');
});
