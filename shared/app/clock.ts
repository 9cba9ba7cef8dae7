/** Time and chance as ports. Only adapters and composition roots know the real ones. */
import type { EpochMs } from "../domain/time.ts";

export interface Clock {
  now(): EpochMs;
  /** Never goes back, has no meaning but its differences; in milliseconds. */
  monotonicMs(): number;
  /** Ends early, without an error, when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs `action` once after `ms`, unless cancelled before. */
  after(ms: number, action: () => void): { cancel(): void };
}

export interface Chance {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** 128 random bits as 32 hexadecimal digits. */
  id(): string;
}
