/**
 * A random path that can be asked for at any instant: a sum of octaves, each a chain of random points joined by lines.
 * The same seed gives the same path, whoever asks and in whatever order.
 */

/** A hash of four whole numbers to one of 32 bits. */
export function hash32(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15) ^ b, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13) ^ c, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 16) ^ d, 0x165667b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}

/** In [0, 1). */
export const fractionOf = (a: number, b: number, c: number, d: number): number =>
  hash32(a, b, c, d) / 4_294_967_296;

const YEAR_S = 31_557_600;
const FINEST_S = 4;
/** Coarsest point distance: 4 s × 2^24 is two years. */
const OCTAVES = 25;
/** Two hours: a stable asset moves, but always comes back. */
const OCTAVES_STABLE = 12;
/** Makes the spread of the sum over a time fit the square-root law; found by measuring paths. */
const FITTED = 0.7;

export type Noise = {
  readonly seed: number;
  readonly stream: number;
  /** Amplitude of each octave, finest first; in log space. */
  readonly amplitudes: readonly number[];
};

export function noiseOf(seed: number, stream: number, yearly: number, stable: boolean): Noise {
  const amplitudes: number[] = [];
  for (let k = 0; k < (stable ? OCTAVES_STABLE : OCTAVES) && yearly > 0; k++) {
    amplitudes.push(yearly * FITTED * Math.sqrt((FINEST_S * 2 ** k) / YEAR_S));
  }
  return { seed, stream, amplitudes };
}

export function noiseAt({ seed, stream, amplitudes }: Noise, seconds: number): number {
  let sum = 0;
  let cell = FINEST_S;
  for (let k = 0; k < amplitudes.length; k++, cell *= 2) {
    const place = seconds / cell;
    const index = Math.floor(place);
    const part = place - index;
    const left = fractionOf(seed, stream, k, index) * 2 - 1;
    const right = fractionOf(seed, stream, k, index + 1) * 2 - 1;
    sum += amplitudes[k]! * (left + (right - left) * part);
  }
  return sum;
}

/** No two points of the path that lie at most `seconds` apart differ by more. */
export function noiseBound({ amplitudes }: Noise, seconds: number): number {
  let sum = 0;
  let cell = FINEST_S;
  for (let k = 0; k < amplitudes.length; k++, cell *= 2) {
    sum += amplitudes[k]! * Math.min(2, (2 * seconds) / cell);
  }
  return sum;
}
