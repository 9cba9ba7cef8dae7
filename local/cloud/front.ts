/** Between the doors and the services: faults, counts, and the answer to everything that goes wrong. */
import type { Clock } from "../../shared/app/clock.ts";
import type { Activity } from "./activity.ts";
import type { Answer } from "./door.ts";
import { AwsError, unknownOperation } from "./errors.ts";
import { Faults } from "./faults.ts";
import {
  type Call,
  parseCall,
  protocolOf,
  type Reply,
  type Request,
  replyTo,
  replyToError,
  type ServiceName,
} from "./protocol.ts";
import type { Context, Service } from "./service.ts";

export class Front {
  readonly #services: Partial<Record<ServiceName, Service>>;
  readonly #clock: Clock;
  readonly #activity: Activity;
  readonly #faults: Faults;
  readonly #running = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  #counts: Record<string, number> = {};

  constructor(services: Partial<Record<ServiceName, Service>>, clock: Clock, activity: Activity) {
    this.#services = services;
    this.#clock = clock;
    this.#activity = activity;
    this.#faults = new Faults(Object.values(services).flatMap((service) => service.operations));
  }

  /** Never rejects for a request's sake: what is wrong with it is said in the answer. */
  readonly answer: Answer = (request, signal) => {
    if (this.#closing.signal.aborted) {
      return Promise.reject(
        Object.assign(new Error("the embedded AWS endpoint is closed"), { code: "ECONNREFUSED" }),
      );
    }
    const running = this.#activity.during(() => this.#handle(request, signal));
    this.#running.add(running);
    return running.finally(() => this.#running.delete(running));
  };

  takeCounts(): Record<string, number> {
    const counts = this.#counts;
    this.#counts = {};
    return counts;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#running);
  }

  async #handle(request: Request, signal: AbortSignal | undefined): Promise<Reply | "lost"> {
    if (request.path.startsWith("/_control/")) return this.#control(request);
    try {
      const call = parseCall(request);
      if (call.service === "dynamodb") this.#counts[call.operation] = (this.#counts[call.operation] ?? 0) + 1;
      const context = this.#contextOf(request, signal);
      const service = this.#serviceFor(call);
      const trouble = await this.#faults.meet(call.operation, call.input, context.sleep);
      const output = await service.call(call.operation, call.input, context);
      return trouble.loseReply ? "lost" : replyTo(call, output);
    } catch (error) {
      return replyToError(protocolOf(request), error instanceof AwsError ? error : internal(error));
    }
  }

  #serviceFor(call: Call): Service {
    const service = this.#services[call.service];
    if (service?.operations.includes(call.operation)) return service;
    if (call.protocol !== "query") throw unknownOperation();
    throw new AwsError("InvalidAction", `The action ${call.operation} is not valid for this endpoint.`);
  }

  #contextOf(request: Request, signal: AbortSignal | undefined): Context {
    const stops = [this.#closing.signal, ...(signal === undefined ? [] : [signal])];
    return {
      origin: `http://${request.headers.host ?? "127.0.0.1"}`,
      sleep: (ms, wake) => {
        const end = AbortSignal.any(wake === undefined ? stops : [...stops, wake]);
        return this.#activity.waiting(this.#clock.sleep(ms, end));
      },
      isOver: () => stops.some((stop) => stop.aborted),
    };
  }

  /** The control door, for whoever has this program and not its port. */
  control(method: string, path: string, body: string): Reply {
    return this.#control({ method, path: `/_control${path}`, headers: {}, body });
  }

  #control(request: Request): Reply {
    if (request.headers.origin !== undefined) return plainReply(403, { error: "not for web pages" });
    if (request.path !== "/_control/faults" || request.method !== "POST") {
      return plainReply(404, { error: "there is POST /_control/faults" });
    }
    try {
      return plainReply(200, { armed: this.#faults.arm(JSON.parse(request.body)) });
    } catch (error) {
      return plainReply(400, { error: (error as Error).message });
    }
  }
}

const plainReply = (status: number, body: unknown): Reply => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

/** AWS calls its own faults so as well, and the SDK tries again. */
const internal = (error: unknown) =>
  new AwsError("InternalServerError", `embedded AWS endpoint: ${String(error)}`, { status: 500 });
