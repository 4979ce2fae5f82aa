import { assert } from "./assert.ts";

declare const unit: unique symbol;

/** Smallest unit of the core asset as the chain counts it: 1 BTS = 100 000 shares. May be zero or negative. */
export type Shares = bigint & { readonly [unit]: "shares" };

/** Whole BTS as the ledger counts them. Negative only for a penalty. Never mixes with {@link Shares}. */
export type Bts = bigint & { readonly [unit]: "bts" };

/** Precision 5 of asset 1.3.0. */
export const SHARES_PER_BTS = 100_000n;

/** The supply limit of the core asset: 10^15 shares. No amount on the chain is larger. */
export const MAX_SUPPLY_SHARES = 1_000_000_000_000_000n as Shares;

export const shares = (amount: bigint): Shares => amount as Shares;
export const bts = (amount: bigint): Bts => amount as Bts;

export const toShares = (amount: Bts): Shares => (amount * SHARES_PER_BTS) as Shares;

/** Whole BTS in an amount that arrived, the rest dropped: 25000.5 counts as 25000, 24999.99999 as 24999. */
export function toBtsRoundedDown(amount: Shares): Bts {
  assert(amount >= 0n, `an amount on the chain is never negative: ${amount}`);
  return (amount / SHARES_PER_BTS) as Bts;
}

/**
 * A percentage of a whole amount, rounded down to whole BTS.
 * @param percentBps basis points: 8 % = 800n. `bigint`, so that 0.08 can never be meant.
 */
export function percentOf(amount: Bts, percentBps: bigint): Bts {
  assert(amount >= 0n && percentBps >= 0n, `percentOf(${amount}, ${percentBps}) of a negative`);
  return ((amount * percentBps) / 10_000n) as Bts;
}

/** Amount as the chain's own messages print it: `12.50000 BTS`, and `12 BTS` when nothing is behind the point. */
export function formatShares(amount: Shares): string {
  const sign = amount < 0n ? "-" : "";
  const absolute = amount < 0n ? 0n - amount : amount;
  const fraction = absolute % SHARES_PER_BTS;
  const whole = absolute / SHARES_PER_BTS;
  return `${sign}${whole}${fraction === 0n ? "" : `.${fraction.toString().padStart(5, "0")}`} BTS`;
}
