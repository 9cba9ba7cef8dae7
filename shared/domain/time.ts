/** Instants and lengths of time. The domain is told the time, it never asks. */
declare const instant: unique symbol;

/** Milliseconds since 1970-01-01T00:00Z. */
export type EpochMs = number & { readonly [instant]: true };

export const epochMs = (value: number): EpochMs => {
  if (!Number.isSafeInteger(value)) throw new Error(`not an instant in whole milliseconds: ${value}`);
  return value as EpochMs;
};

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export const later = (at: EpochMs, ms: number): EpochMs => epochMs(at + ms);

/** Milliseconds, `2026-11-23T07:00:00.000Z`. */
export const isoOf = (at: EpochMs): string => new Date(at).toISOString();
