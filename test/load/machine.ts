/** One machine of the load: its own clock, which may be wrong, and its own connection to Kraken, which takes its time. */
import type { VirtualClock } from "../../local/clock.ts";
import type { Chance, Clock } from "../../shared/app/clock.ts";
import type { Exchange } from "../../shared/app/exchange.ts";
import type { GateDeps } from "../../shared/app/key-gate.ts";
import type { GateStore } from "../../shared/app/ports.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { createExchange } from "../../shared/kraken/client.ts";
import { createRest } from "../../shared/kraken/rest.ts";
import type { HttpTransport } from "../../shared/kraken/transport.ts";

/** Follows the true clock; `wrongByMs` is what it was set wrong by. What it measures is right. */
export class MachineClock implements Clock {
  readonly #true: VirtualClock;
  wrongByMs = 0;

  constructor(clock: VirtualClock) {
    this.#true = clock;
  }

  now = () => epochMs(this.#true.now() + this.wrongByMs);
  monotonicMs = () => this.#true.monotonicMs();
  sleep = (ms: number, signal?: AbortSignal) => this.#true.sleep(ms, signal);
  after = (ms: number, action: () => void) => this.#true.after(ms, action);
}

export type Machine = { readonly clock: MachineClock; readonly exchange: Exchange; readonly gate: GateDeps };

export function machineOf(world: {
  readonly clock: VirtualClock;
  readonly chance: Chance;
  readonly store: GateStore;
  readonly transport: HttpTransport;
}): Machine {
  const { chance, store, transport } = world;
  const clock = new MachineClock(world.clock);
  const rest = createRest({ transport, clock, chance, userAgent: "tidekeeper-load" });
  const exchange = createExchange({ rest, clock });
  return { clock, exchange, gate: { store, clock, chance, exchangeNow: exchange.now } };
}

/** A database at the distance of one: a few milliseconds there and back. */
export const distantStore = (store: GateStore, clock: Clock, chance: Chance): GateStore => {
  const way = () => clock.sleep(1 + chance.fraction() * 5);
  return {
    async read(keyHash) {
      await way();
      const gate = await store.read(keyHash);
      await way();
      return gate;
    },
    async write(keyHash, before, after) {
      await way();
      const answer = await store.write(keyHash, before, after);
      await way();
      return answer;
    },
  };
};
