/**
 * Integers on the wire change their form with their size, a classic source of client bugs: amounts beyond 32 signed
 * bits and counters beyond 32 unsigned bits are decimal strings, smaller ones plain numbers.
 */

const INT32_MIN = -(2n ** 31n);
const INT32_MAX = 2n ** 31n - 1n;
const UINT32_MAX = 2n ** 32n - 1n;

export const wireSigned = (value: bigint): number | string =>
  value >= INT32_MIN && value <= INT32_MAX ? Number(value) : value.toString();

export const wireUnsigned = (value: bigint): number | string =>
  value <= UINT32_MAX ? Number(value) : value.toString();

/** UTC seconds as the node prints them: no zone letter. */
export const wireTime = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19);
