import { assert, assertNever } from "@stakebts/kernel/assert";
import type { Millis } from "@stakebts/kernel/time";

declare const brand: unique symbol;
export type WithdrawalId = string & { readonly [brand]: "withdrawal" };

/**
 * One attempt to move funds out: signed bytes with an id known before they leave, and an expiration.
 *
 * ```
 * signed ─▶ broadcast ─▶ confirmed | expired          nothing else, and never back
 * ```
 * - `signed`: the bytes are saved; they may or may not have left the process. From here on the payout can only be
 *   confirmed, or wait until this withdrawal is provably dead.
 * - `broadcast`: sent at least once; the outcome is not known.
 * - `confirmed`: in an irreversible block. Final.
 * - `expired`: no block can ever hold it. Final, and the payout is free for another attempt.
 */
export const WITHDRAWAL_STATUSES = ["signed", "broadcast", "confirmed", "expired"] as const;
export type WithdrawalStatus = (typeof WITHDRAWAL_STATUSES)[number];

export interface WithdrawalState {
  readonly id: WithdrawalId;
  readonly status: WithdrawalStatus;
  /** Chain time after which no block can take it, provided that its parent is later than this. */
  readonly expirationMs: Millis;
  /** No block up to this one can hold it: the transaction commits to the block's id. */
  readonly refBlockNum: number;
}

export type WithdrawalEvent =
  | { readonly type: "sent" }
  | { readonly type: "found_irreversible" }
  /**
   * The ledger has processed every irreversible block from `fromBlockNum` to one with time `blockTimeMs`, and the
   * withdrawal was in none of them.
   */
  | { readonly type: "scanned"; readonly fromBlockNum: number; readonly blockTimeMs: Millis };

/** What an event makes of a withdrawal. The same event twice changes nothing; a contradiction is a broken assumption. */
export function decideWithdrawal(withdrawal: WithdrawalState, event: WithdrawalEvent): WithdrawalStatus {
  switch (event.type) {
    case "sent":
      return withdrawal.status === "signed" ? "broadcast" : withdrawal.status;
    case "found_irreversible":
      assert(
        withdrawal.status !== "expired",
        `withdrawal ${withdrawal.id} was declared dead and is on the chain`,
      );
      return "confirmed";
    case "scanned":
      return isLive(withdrawal.status) && isDead(withdrawal, event) ? "expired" : withdrawal.status;
    default:
      return assertNever(event);
  }
}

export const isLive = (status: WithdrawalStatus): boolean => status === "signed" || status === "broadcast";

/**
 * The one proof of death (ADR 0006). A block is checked against the time of its *parent*, so a block whose own time is
 * past the expiration may still hold the transaction; its successors may not. The caller has looked into that block, so
 * strictly later is enough, and equal is not. And every block since the reference must have been looked at.
 */
function isDead(
  withdrawal: WithdrawalState,
  scanned: { fromBlockNum: number; blockTimeMs: Millis },
): boolean {
  return scanned.blockTimeMs > withdrawal.expirationMs && scanned.fromBlockNum <= withdrawal.refBlockNum + 1;
}
