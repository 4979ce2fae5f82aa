import { type RecoveryHoldState, isOnRecoveryHold } from "../rules/recovery-hold.ts";
import type { Millis } from "@stakebts/kernel/time";
import type { Cursor } from "../ledger/ledger.ts";

/** Why the heart does not beat. A closed set, for a metric tells them apart. */
export const LIVENESS_PROBLEMS = [
  "ledger_unreadable",
  "no_block_yet",
  "ledger_behind",
  "recovery_hold",
  "payments_off",
  "payer_away",
  "payout_overdue",
] as const;
export type LivenessProblem = (typeof LIVENESS_PROBLEMS)[number];

export interface LivenessFacts {
  readonly cursor: Pick<Cursor, "blockTimeMs"> | undefined;
  /** A ledger that may have forgotten payments signs nothing. */
  readonly recoveryHold: RecoveryHoldState;
  readonly paymentsOn: boolean;
  /** Does any payer hold the lock that makes it the one? */
  readonly payerLeads: boolean;
  /** When the oldest debt fell due that should have been paid by itself; chain time. */
  readonly oldestUnpaidMs: Millis | undefined;
}

/** Irreversible blocks are about a minute old; a maintenance of the chain takes a few more. */
export const LEDGER_AGE_MS_MAX = 600_000;

/**
 * Pure: do payments get on? `undefined` when they do, or when nothing is due; otherwise the first reason that they do not.
 * @param nowMs host time, to compare with the chain's; `undefined` where the chain's time runs at a rate of its own
 */
export function livenessProblem(
  { cursor, recoveryHold, paymentsOn, payerLeads, oldestUnpaidMs }: LivenessFacts,
  { nowMs, overdueMsMax }: { nowMs: number | undefined; overdueMsMax: number },
): LivenessProblem | undefined {
  if (cursor === undefined) return "no_block_yet";
  if (nowMs !== undefined && nowMs - cursor.blockTimeMs > LEDGER_AGE_MS_MAX) return "ledger_behind";
  if (isOnRecoveryHold(recoveryHold)) return "recovery_hold";
  if (!paymentsOn) return "payments_off";
  if (!payerLeads) return "payer_away";
  const overdueMs = oldestUnpaidMs === undefined ? 0 : cursor.blockTimeMs - oldestUnpaidMs;
  return overdueMs > overdueMsMax ? "payout_overdue" : undefined;
}
