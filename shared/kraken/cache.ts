import type { Clock } from "../app/clock.ts";

/** Values that stay right for a while. Callers that ask at the same time share one question; failures are not kept. */
export class Cache<Value> {
  readonly #clock: Clock;
  readonly #ageMsMax: number;
  readonly #entries = new Map<string, { readonly askedMs: number; readonly value: Promise<Value> }>();

  constructor(clock: Clock, ageMsMax: number) {
    this.#clock = clock;
    this.#ageMsMax = ageMsMax;
  }

  get(key: string, ask: () => Promise<Value>): Promise<Value> {
    const known = this.#entries.get(key);
    if (known !== undefined && this.#clock.monotonicMs() - known.askedMs < this.#ageMsMax) return known.value;
    const entry = { askedMs: this.#clock.monotonicMs(), value: ask() };
    this.#entries.set(key, entry);
    entry.value.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    return entry.value;
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }
}
