import type { Clock } from "../app/clock.ts";

type Entry<Value> = { readonly askedMs: number; readonly askedAt: number; readonly value: Promise<Value> };

/** Values that stay right for a while. Callers that ask at the same time share one question; failures are not kept. */
export class Cache<Value> {
  readonly #clock: Clock;
  readonly #ageMsMax: number;
  readonly #entries = new Map<string, Entry<Value>>();

  constructor(clock: Clock, ageMsMax: number) {
    this.#clock = clock;
    this.#ageMsMax = ageMsMax;
  }

  get(key: string, ask: () => Promise<Value>): Promise<Value> {
    const known = this.#entries.get(key);
    if (known !== undefined && this.#isFresh(known)) return known.value;
    const entry = { askedMs: this.#clock.monotonicMs(), askedAt: this.#clock.now(), value: ask() };
    this.#entries.set(key, entry);
    entry.value.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    return entry.value;
  }

  /** By both clocks: the monotonic one stands still while a computer sleeps, and the other can be set. */
  #isFresh({ askedMs, askedAt }: Entry<Value>): boolean {
    const ageMs = this.#clock.now() - askedAt;
    return ageMs >= 0 && Math.max(ageMs, this.#clock.monotonicMs() - askedMs) < this.#ageMsMax;
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }
}
