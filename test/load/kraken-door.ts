/** Kraken's door for many accounts behind one address: it takes its time, counts, and may limit what is public. */
import type { VirtualClock } from "../../local/clock.ts";
import type { Sandbox } from "../../local/sandbox/sandbox.ts";
import type { Chance } from "../../shared/app/clock.ts";
import type { HttpTransport } from "../../shared/kraken/transport.ts";
import { sandboxTransport } from "../support/sandbox-transport.ts";
import type { Caller } from "./lines.ts";

/** Public calls that an address may make at once before it is held to its rate; Kraken does not publish it. */
const PUBLIC_BURST = 15;

export class KrakenDoor {
  invalidNonces = 0;
  rateLimitErrors = 0;
  otherErrors = new Map<string, number>();
  publicCalls = 0;
  privateCalls = 0;
  publicRefused = 0;
  readonly #direct: HttpTransport;
  readonly #clock: VirtualClock;
  readonly #chance: Chance;
  readonly #publicPerSecond: number;
  #tokens = PUBLIC_BURST;
  #tokensAt: number;

  constructor(sandbox: Sandbox, clock: VirtualClock, chance: Chance, publicPerSecond: number) {
    this.#direct = sandboxTransport(sandbox);
    this.#clock = clock;
    this.#chance = chance;
    this.#publicPerSecond = publicPerSecond;
    this.#tokensAt = clock.monotonicMs();
  }

  of({ tally }: Caller): HttpTransport {
    return {
      send: async (request) => {
        await this.#way();
        const isPublic = request.path.startsWith("/0/public/");
        if (isPublic) this.publicCalls += 1;
        else this.privateCalls += 1;
        tally[isPublic ? "publicCalls" : "privateCalls"] += 1;
        if (isPublic && !this.#takeToken()) {
          this.publicRefused += 1;
          await this.#way();
          const body = Buffer.from('{"error":["EGeneral:Too many requests"]}');
          return { status: 200, headers: { "content-type": "application/json" }, body };
        }
        const reply = await this.#direct.send(request);
        const text = Buffer.from(reply.body).toString();
        if (!text.startsWith('{"error":[]')) this.#note(text);
        await this.#way();
        return reply;
      },
      close: async () => {},
    };
  }

  #way(): Promise<void> {
    return this.#clock.sleep(10 + this.#chance.fraction() * 70);
  }

  #takeToken(): boolean {
    const now = this.#clock.monotonicMs();
    const gained = ((now - this.#tokensAt) / 1000) * this.#publicPerSecond;
    this.#tokens = Math.min(PUBLIC_BURST, this.#tokens + gained);
    this.#tokensAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #note(text: string): void {
    const error = (JSON.parse(text) as { error: readonly string[] }).error.join(", ");
    if (error === "") return;
    if (error.includes("Invalid nonce")) this.invalidNonces += 1;
    else if (/Rate limit exceeded|Temporary lockout/.test(error)) this.rateLimitErrors += 1;
    else this.otherErrors.set(error, (this.otherErrors.get(error) ?? 0) + 1);
  }
}
