import { type Shares, SHARES_PER_BTS } from "@stakebts/kernel/amount";

/**
 * BTS as a number, for graphs and alerts alone. Prometheus knows nothing but 64-bit floats: exact for whole BTS up to
 * 2^53, far more than there are, and nothing that moves money reads it.
 */
export const btsNumber = (amount: Shares): number => Number(amount) / Number(SHARES_PER_BTS);
