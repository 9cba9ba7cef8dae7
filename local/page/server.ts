/**
 * The server behind the owner's page and behind `tide` while a machine runs. Read `guard.ts` for who may talk to it.
 *
 * The page shows everything and changes three things only: pause, resume and the kill switch. They stop money or let plans
 * go on; none of them can spend.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Event } from "../../shared/app/ports.ts";
import { KeyUnavailable } from "../../shared/app/with-key.ts";
import { type Desk, DeskError, DeskRefusal } from "../desk/desk.ts";
import type { Machine } from "../machine/machine.ts";
import { MachineError } from "../machine/state-dir.ts";
import { Feed } from "./feed.ts";
import { checkCaller, HEADERS, hasToken, Refusal, readBody, readJson } from "./guard.ts";
import { overviewOf } from "./overview.ts";
import { samePlace } from "./place.ts";
import { perform } from "./verbs.ts";

export type PageOptions = {
  readonly machine: Machine;
  readonly desk: Desk;
  /** 0: any free port. */
  readonly port: number;
  /** What `tide` must show; kept in the state folder, which only its owner can read. */
  readonly token: string;
  readonly version: string;
};

export type Page = { readonly url: string; show(event: Event): void; close(): Promise<void> };

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.css": ["page.css", "text/css; charset=utf-8"],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
  ...Object.fromEntries(
    ["page", "elements", "sections", "runs", "clock", "switches"].map((name) => [
      `/${name}.js`,
      [`${name}.js`, "text/javascript; charset=utf-8"] as const,
    ]),
  ),
};

const PAGE_VERBS = ["pause", "resume", "kill"];

export async function startPage(options: PageOptions): Promise<Page> {
  const { machine, port } = options;
  const feed = new Feed();
  // Only a script of the page itself can read this out of it and send it back.
  const pageToken = randomBytes(16).toString("hex");
  const server = createServer((request, response) => {
    answer({ ...options, feed, pageToken }, request, response).catch((error: unknown) => {
      try {
        sendError(machine, response, error);
      } catch {
        response.destroy();
      }
    });
  });
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    show: (event) => feed.step(event),
    close: () =>
      new Promise((resolve) => {
        feed.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type At = PageOptions & { readonly feed: Feed; readonly pageToken: string };

async function answer(at: At, request: IncomingMessage, response: ServerResponse): Promise<void> {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
  checkCaller(request);
  const { pathname, searchParams, search } = new URL(request.url ?? "/", "http://page");
  if (pathname.startsWith("/_control/")) {
    const path = `${pathname.slice("/_control".length)}${search}`;
    const reply = await at.machine.control(request.method ?? "GET", path, await readBody(request));
    if (request.method !== "GET") at.feed.changed();
    return send(response, reply.status, reply.body);
  }
  const file = Object.hasOwn(FILES, pathname) ? FILES[pathname] : undefined;
  if (file !== undefined) {
    allow(request, "GET");
    return sendFile(response, file, at.pageToken);
  }
  switch (pathname) {
    case "/api/state":
      allow(request, "GET");
      return sendJson(response, 200, await overviewOf(at, at.version));
    case "/api/why":
      allow(request, "GET");
      return sendJson(response, 200, await at.desk.why(searchParams.get("run") ?? ""));
    case "/api/events":
      allow(request, "GET");
      return at.feed.attach(request, response);
    case "/api/tide":
      allow(request, "POST");
      return sendJson(response, 200, await tide(at, request));
    case "/api/switch":
      allow(request, "POST");
      return sendJson(response, 200, await flip(at, request));
    default:
      throw new Refusal(404, `there is nothing at ${pathname}`);
  }
}

/** A verb of the command line, which must be meant for this machine and know its token. */
async function tide(at: At, request: IncomingMessage) {
  if (!hasToken(request, "x-tidekeeper-token", at.token)) {
    throw new Refusal(401, "the token is missing or is not this machine's");
  }
  const { verb, args, plansFile, exchange } = await readJson(request);
  const { options } = at.machine;
  for (const [what, asked, has] of [
    ["--plans", plansFile, options.plansFile],
    ["--exchange", exchange, options.exchange],
  ] as const) {
    if (typeof asked === "string" && !samePlace(asked, has)) {
      throw new MachineError(
        `the machine that runs in ${options.stateDir} was started with ${what} ${has}, this command says ${asked}; ` +
          "stop it first, or choose another folder with --state DIR",
      );
    }
  }
  const answered = await perform(at, String(verb), args);
  at.feed.changed();
  return answered;
}

/** A button of the page. */
async function flip(at: At, request: IncomingMessage) {
  if (!hasToken(request, "x-tidekeeper-page", at.pageToken)) {
    throw new Refusal(403, "the page is of an earlier start; load it again");
  }
  const { verb, args } = await readJson(request);
  if (!PAGE_VERBS.includes(String(verb))) {
    throw new Refusal(400, `the page cannot ${String(verb)}; it can ${PAGE_VERBS.join(", ")}`);
  }
  const answered = await perform(at, String(verb), args);
  at.feed.changed();
  return answered;
}

function allow(request: IncomingMessage, method: string): void {
  const asked = request.method === "HEAD" ? "GET" : request.method;
  if (asked !== method) throw new Refusal(405, `the method was ${request.method}, expected ${method}`);
}

async function sendFile(
  response: ServerResponse,
  [name, type]: readonly [string, string],
  pageToken: string,
): Promise<void> {
  const file = await readFile(join(import.meta.dirname, "static", name));
  response.setHeader("content-type", type);
  response.end(name === "index.html" ? file.toString("utf8").replace("{{page-token}}", pageToken) : file);
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(body);
}

const sendJson = (response: ServerResponse, status: number, value: unknown): void =>
  send(response, status, JSON.stringify(value));

function sendError(machine: Machine, response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { message } = error as Error;
  const isWish =
    error instanceof DeskError || error instanceof MachineError || error instanceof KeyUnavailable;
  const status = error instanceof Refusal ? error.status : statusOf(error, isWish);
  if (status === 500) machine.options.problem(`a request to the page failed: ${message}`);
  sendJson(response, status, { error: message });
}

/** 409: understood, and must not be done. */
const statusOf = (error: unknown, isWish: boolean): number =>
  error instanceof DeskRefusal ? 409 : isWish ? 400 : 500;

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "EADDRINUSE" || error.code === "EACCES"
          ? new MachineError(
              `port ${port} ${error.code === "EACCES" ? "may not be used" : "is in use by another program"}; ` +
                "choose another one with --port N (0 takes any that is free)",
            )
          : error,
      );
    });
    server.listen({ port, host: "127.0.0.1" }, resolve);
  });
}
