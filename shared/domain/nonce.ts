/**
 * Nonces that rise over every holder of a key's lease, whatever any clock says: the fence of the lease in the high bits,
 * a count within the lease in the low ones. In milliseconds the fence lies above the nanosecond nonces of other clients of
 * the same instant and fits Kraken's unsigned 64 bits beyond the year 2500.
 */
const SEQUENCE_BITS = 20n;
export const SEQUENCE_MAX = (1 << 20) - 1;

/** The fence of the next lease: above the last one, at least the clock. A clock that went back still leads upwards. */
export function nextFence(last: bigint | undefined, nowMs: number): bigint {
  const now = BigInt(nowMs);
  return last !== undefined && last >= now ? last + 1n : now;
}

export function nonceOf(fence: bigint, sequence: number): string {
  if (!Number.isInteger(sequence) || sequence < 0 || sequence > SEQUENCE_MAX) {
    throw new Error(`a lease has ${SEQUENCE_MAX + 1} nonces, asked for number ${sequence}`);
  }
  return ((fence << SEQUENCE_BITS) | BigInt(sequence)).toString();
}
