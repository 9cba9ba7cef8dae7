/** The gate store in memory: passes the same suite as the one on DynamoDB, so that what it shows can be believed. */
import type { Gate, GateStore } from "../../shared/app/ports.ts";

export class MemoryGates implements GateStore {
  readonly #gates = new Map<string, Gate>();
  reads = 0;

  async read(keyHash: string): Promise<Gate | undefined> {
    this.reads += 1;
    await aTurn();
    return this.#gates.get(keyHash);
  }

  async write(keyHash: string, before: Gate | undefined, after: Gate): ReturnType<GateStore["write"]> {
    await aTurn();
    const current = this.#gates.get(keyHash);
    if (current?.rvn !== before?.rvn) return { written: false, current };
    this.#gates.set(keyHash, after);
    await aTurn();
    return { written: true };
  }
}

/** Others may come in between, as they may on a network. */
const aTurn = (): Promise<void> => Promise.resolve();
