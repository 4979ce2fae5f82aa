import type { PayoutStatus } from "@stakebts/core/rules/payout";
import type { TopUpStatus } from "@stakebts/core/rules/top-up";
import type { WithdrawalStatus } from "@stakebts/core/rules/withdrawal";

// Every move that there is. The home of these rules is the database (triggers of the same names), because they must hold against every
// client. The ledger in memory executes them, and constraints.db.test.ts compares the two pair by pair. ADR 0021.

/**
 * `confirmed` can be reached from wherever the money has not left by our own hand: a ledger restored from a backup learns from the
 * chain that it paid.
 */
export const PAYOUT_MOVES: Readonly<Record<PayoutStatus, readonly PayoutStatus[]>> = {
  due: ["ready", "signed", "confirmed", "held", "cancelled"],
  ready: ["signed", "waiting_funds", "confirmed", "held", "failed", "cancelled"],
  signed: ["sent", "confirmed", "ready", "held", "failed"],
  sent: ["confirmed", "ready", "held", "failed"],
  waiting_funds: ["ready", "signed", "confirmed", "held", "failed", "cancelled"],
  held: ["ready", "confirmed", "failed", "cancelled"],
  failed: ["ready", "confirmed", "cancelled"],
  confirmed: [],
  cancelled: [],
};

export const WITHDRAWAL_MOVES: Readonly<Record<WithdrawalStatus, readonly WithdrawalStatus[]>> = {
  signed: ["broadcast", "confirmed", "expired"],
  broadcast: ["confirmed", "expired"],
  confirmed: [],
  expired: [],
};

export const TOP_UP_MOVES: Readonly<Record<TopUpStatus, readonly TopUpStatus[]>> = {
  requested: ["asked", "refused", "arrived"],
  asked: ["requested", "accepted", "arrived", "refused", "cancelled", "unresolved"],
  accepted: ["arrived", "cancelled", "unresolved"],
  unresolved: ["accepted", "arrived", "cancelled"],
  refused: ["arrived"],
  cancelled: ["arrived"],
  arrived: [],
};
