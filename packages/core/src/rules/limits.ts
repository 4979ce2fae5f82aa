import type { Bts } from "@stakebts/kernel/amount";

/**
 * How much may be paid, in whole BTS without network fees; `undefined`: no such limit. Set by operators, each time as a new
 * row with a name and a reason. The home of this rule is the database, which asks it whenever a withdrawal is saved
 * (`limit_payment`, ADR 0019). Its twin, of the ledger in memory, is in testkit.
 */
export interface PaymentLimits {
  /** A single payment above it waits for a person. */
  readonly paymentCap: Bts | undefined;
  /** Of all payments of the programme that were signed within an hour of each other. */
  readonly hourCap: Bts | undefined;
  readonly dayCap: Bts | undefined;
  /** The same of what goes back to its sender, counted apart; `undefined`: as much as `hourCap`, `dayCap`. */
  readonly returnHourCap: Bts | undefined;
  readonly returnDayCap: Bts | undefined;
  /** A payment of this amount and above waits for the approval of a second person. */
  readonly approvalFrom: Bts | undefined;
}

export const NO_LIMITS: PaymentLimits = {
  paymentCap: undefined,
  hourCap: undefined,
  dayCap: undefined,
  approvalFrom: undefined,
  returnHourCap: undefined,
  returnDayCap: undefined,
};

/** What holds a payment back. Stored with the payout, and the label of a metric. */
export const LIMITED_BY = ["payment_cap", "approval", "hour_cap", "day_cap"] as const;
export type LimitedBy = (typeof LIMITED_BY)[number];

export const hasLimits = (limits: PaymentLimits): boolean =>
  Object.values(limits).some((limit) => limit !== undefined);
