/** Kraken's side of the load: what the sandbox answered, where its own counter stood, and who called in a pause. */
import type { VirtualClock } from "../../local/clock.ts";
import type { Sandbox } from "../../local/sandbox/sandbox.ts";
import type { Chance } from "../../shared/app/clock.ts";
import type { HttpReply, HttpTransport } from "../../shared/kraken/transport.ts";
import { sandboxTransport } from "../support/sandbox-transport.ts";

const POINT = 1_000_000;
const LOCKOUT_MS = 900_000;
/** Kraken tells its time in whole seconds, so our own pauses end that exactly. What Kraken named itself is kept to the instant. */
const OWN_PAUSE_EXACT_MS = 1_200;

export type Pause = { readonly fault: string; readonly from: number; until: number; nextCallAt?: number };

export class Watch {
  calls = 0;
  invalidNonces = 0;
  /** Kraken's own refusals; what was injected is not among them. */
  rateLimitErrors = 0;
  otherErrors = new Map<string, number>();
  /** The highest that the sandbox's own counter stood, in points. */
  peak = 0;
  callsInPauses = 0;
  readonly injected = new Map<string, number>();
  readonly pauses: Pause[] = [];
  readonly #sandbox: Sandbox;
  readonly #apiKey: string;
  readonly #clock: VirtualClock;

  constructor(sandbox: Sandbox, apiKey: string, clock: VirtualClock) {
    this.#sandbox = sandbox;
    this.#apiKey = apiKey;
    this.#clock = clock;
  }

  /** Requests take their time to Kraken, and answers back. */
  transport(chance: Chance): HttpTransport {
    const direct = sandboxTransport(this.#sandbox);
    const clock = this.#clock;
    return {
      send: async (request) => {
        await clock.sleep(10 + chance.fraction() * 70);
        const reply = request.path.startsWith("/0/private/")
          ? await this.#see(() => direct.send(request))
          : await direct.send(request);
        await clock.sleep(10 + chance.fraction() * 70);
        return reply;
      },
      close: async () => {},
    };
  }

  async #see(send: () => Promise<HttpReply>): Promise<HttpReply> {
    const at = this.#clock.now();
    this.calls += 1;
    for (const pause of this.pauses) {
      const until = pause.fault === "throttled" ? pause.until : pause.until - OWN_PAUSE_EXACT_MS;
      if (at > pause.from && at < until) this.callsInPauses += 1;
      else if (at >= until) pause.nextCallAt ??= at;
    }
    const armed = this.#sandbox.state.faults;
    const [first, times] = [armed[0], armed[0]?.times];
    // The sandbox takes the fault of a request before anything is awaited.
    const answer = send();
    const isInjected =
      first !== undefined && (this.#sandbox.state.faults[0] !== first || first.times !== times);
    const { points } = this.#sandbox.state.keys.get(this.#apiKey)!.counter;
    this.peak = Math.max(this.peak, points / POINT);
    const reply = await answer;
    const { error } = JSON.parse(Buffer.from(reply.body).toString()) as { error: readonly string[] };
    if (error.length > 0) this.#note(error.join(", "), isInjected ? first.fault : undefined, at);
    return reply;
  }

  #note(error: string, fault: string | undefined, at: number): void {
    const named = /Throttled: (\d+)/.exec(error)?.[1];
    if (fault !== undefined) {
      this.injected.set(fault, (this.injected.get(fault) ?? 0) + 1);
      const lengthMs = fault === "lockout" ? LOCKOUT_MS : named === undefined ? 0 : Number(named) * 1000 - at;
      // A rate limit's length is known when its cool-down was written.
      this.pauses.push({ fault, from: at, until: at + lengthMs });
    } else if (error.includes("Invalid nonce")) this.invalidNonces += 1;
    else if (/Rate limit exceeded|Temporary lockout/.test(error)) this.rateLimitErrors += 1;
    else this.otherErrors.set(error, (this.otherErrors.get(error) ?? 0) + 1);
  }

  /** How much of a span was paused by Kraken's order. */
  pausedMs(from: number, until: number): number {
    return this.pauses.reduce(
      (sum, pause) => sum + Math.max(0, Math.min(until, pause.until) - Math.max(from, pause.from)),
      0,
    );
  }
}
