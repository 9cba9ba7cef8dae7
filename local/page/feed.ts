/** Tells every open page what happens, as server-sent events. A page that lost its connection gets what it missed. */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Event } from "../../shared/app/ports.ts";
import { eventLine } from "../desk/views.ts";

const KEPT_MAX = 500;
const HEARTBEAT_MS = 15_000;
/** A reader that is this far behind is cut off; it comes back and asks for what it missed. */
const BEHIND_MAX = 1_000_000;
/** How soon a browser comes back. */
const RETRY_MS = 1_000;

type Kept = { readonly number: number; readonly text: string };

export class Feed {
  /** Numbers start anew with each process, so that an old page does not take them for a later place of its own. */
  readonly #boot = randomBytes(4).toString("hex");
  readonly #readers = new Set<ServerResponse>();
  readonly #heartbeat: NodeJS.Timeout;
  #kept: Kept[] = [];
  #count = 0;

  constructor() {
    this.#heartbeat = setInterval(() => this.#write(": still here\n\n"), HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  step(event: Event): void {
    const number = ++this.#count;
    const text = `id: ${this.#boot}.${number}\nevent: step\ndata: ${eventLine(event)}\n\n`;
    this.#kept = [...this.#kept, { number, text }].slice(-KEPT_MAX);
    this.#write(text);
  }

  /** Something other than a run changed; whoever looks should look again. */
  changed(): void {
    this.#write("event: changed\ndata: {}\n\n");
  }

  attach(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.write(`retry: ${RETRY_MS}\nevent: hello\ndata: {}\n\n`);
    const [boot, seen] = String(request.headers["last-event-id"] ?? "").split(".");
    if (boot === this.#boot) {
      for (const { number, text } of this.#kept) if (number > Number(seen)) response.write(text);
    }
    this.#readers.add(response);
    response.on("close", () => this.#readers.delete(response));
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  #write(text: string): void {
    for (const reader of this.#readers) {
      if (reader.writableLength > BEHIND_MAX) reader.destroy();
      else reader.write(text);
    }
  }
}
