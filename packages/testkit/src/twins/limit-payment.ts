import type { LimitedBy, PaymentLimits } from "@stakebts/core/rules/limits";
import type { PayoutKind } from "@stakebts/core/rules/payout";
import type { Bts } from "@stakebts/kernel/amount";
import { DAY_MS, HOUR_MS, type Millis } from "@stakebts/kernel/time";

// The function `limit_payment` of the database, for the ledger in memory; limits.db.test.ts compares the two. ADR 0019, ADR 0021.

/**
 * What shares windows. `returns` is money that goes back to its sender, in windows of its own: or a stranger could fill those
 * of the programme with his own money, and what is owed would wait behind it for ever. `is_returned` of the database is its home.
 */
export type Lane = "programme" | "returns";
export const laneOf = (kind: PayoutKind): Lane =>
  kind === "refund" || kind === "base" || kind === "stop" ? "returns" : "programme";

/** What waits for the same room: refunds after all else, for they cost their sender next to nothing; then the oldest first. */
export const byTurn = (
  one: { readonly kind: PayoutKind; readonly dueMs: Millis; readonly id: string },
  other: { readonly kind: PayoutKind; readonly dueMs: Millis; readonly id: string },
): number =>
  Number(one.kind === "refund") - Number(other.kind === "refund") ||
  one.dueMs - other.dueMs ||
  (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);

/** The caps of a lane in the place of those of the programme. */
const inLane = (limits: PaymentLimits, lane: Lane): PaymentLimits =>
  lane === "programme"
    ? limits
    : {
        ...limits,
        hourCap: limits.returnHourCap ?? limits.hourCap,
        dayCap: limits.returnDayCap ?? limits.dayCap,
      };

/** A payment that counts: one that is signed and not proved dead. */
export interface SignedPayment {
  readonly amount: Bts;
  /** Time of the ledger's newest block when it was signed. */
  readonly signedMs: Millis;
}

export type LimitVerdict =
  | { readonly type: "go" }
  /** A person has to approve it. */
  | { readonly type: "held"; readonly by: LimitedBy; readonly reason: string }
  /** There will be room by itself. */
  | { readonly type: "later"; readonly by: "hour_cap" | "day_cap"; readonly reason: string };

/** The sum of what was signed in the window that ends at `nowMs`; what is exactly as old as the window is long has left it. */
export const signedWithin = (
  signed: readonly SignedPayment[],
  { nowMs, windowMs }: { readonly nowMs: Millis; readonly windowMs: number },
): bigint =>
  signed.reduce((sum, { amount, signedMs }) => (signedMs > nowMs - windowMs ? sum + amount : sum), 0n);

/**
 * May this payment be signed now? Pure.
 * - An approval lets a single payment be as large as it is. It does not make room in an hour or a day, but for what alone is
 *   larger than the cap: that goes when nothing else was signed in the window.
 * - What waits for room is passed by nothing that fell due later, or it would starve behind small payments.
 * @param olderWaits what an older payment, which waits for room, waits for
 */
export function limitPayment(
  amount: Bts,
  allLimits: PaymentLimits,
  {
    lane = "programme",
    approved,
    signed,
    nowMs,
    olderWaits,
  }: {
    /** All that follows is of this lane. */
    readonly lane?: Lane;
    readonly approved: boolean;
    readonly signed: readonly SignedPayment[];
    readonly nowMs: Millis;
    readonly olderWaits: "hour_cap" | "day_cap" | undefined;
  },
): LimitVerdict {
  const limits = inLane(allLimits, lane);
  const { paymentCap, hourCap, dayCap, approvalFrom } = limits;
  const isOver = (cap: Bts | undefined): boolean => cap !== undefined && amount > cap;
  if (!approved) {
    if (isOver(paymentCap))
      return held("payment_cap", `it is more than the cap of ${paymentCap} BTS for one payment`);
    if (approvalFrom !== undefined && amount >= approvalFrom)
      return held("approval", `payments from ${approvalFrom} BTS on need the approval of a second person`);
    if (isOver(hourCap)) return held("hour_cap", `it alone is more than the cap of ${hourCap} BTS per hour`);
    if (isOver(dayCap)) return held("day_cap", `it alone is more than the cap of ${dayCap} BTS per day`);
  }
  const isFull = (cap: Bts | undefined, windowMs: number): boolean => {
    const sum = signedWithin(signed, { nowMs, windowMs });
    return cap !== undefined && sum > 0n && sum + amount > cap;
  };
  const full = isFull(dayCap, DAY_MS) ? "day_cap" : isFull(hourCap, HOUR_MS) ? "hour_cap" : undefined;
  if (full !== undefined || (olderWaits !== undefined && capOf(limits, olderWaits) !== undefined))
    return later(full ?? (olderWaits as "hour_cap"), limits);
  return { type: "go" };
}

const capOf = ({ hourCap, dayCap }: PaymentLimits, by: "hour_cap" | "day_cap"): Bts | undefined =>
  by === "hour_cap" ? hourCap : dayCap;

const held = (by: LimitedBy, reason: string): LimitVerdict => ({ type: "held", by, reason });

const later = (by: "hour_cap" | "day_cap", limits: PaymentLimits): LimitVerdict => ({
  type: "later",
  by,
  reason: `the cap of ${capOf(limits, by)} BTS per ${by === "hour_cap" ? "hour" : "day"} leaves no room for it yet`,
});
