import { exactTimeText } from "@stakebts/kernel/text";
import { type Millis, plusMs } from "@stakebts/kernel/time";

/**
 * A ledger that comes from a backup, or was made anew, has forgotten what was signed since. Forgotten bytes may still
 * reach a block, so nothing may be signed until each of them is in the ledger or can be in no block any more: that is
 * what a recovery hold waits for (ADR 0012).
 *
 * ```
 * raised ─▶ passed            it only ever goes forward, and falls by itself
 * ```
 */
export interface RecoveryHold {
  /** Nothing that was signed before it was raised lives longer than this. Chain time. */
  readonly untilMs: Millis;
  /** The first block that may hold a forgotten payment: from here on every block has to be looked into. */
  readonly fromBlockNum: number;
  readonly reason: string;
}

export interface RecoveryHoldState {
  readonly raised: RecoveryHold | undefined;
  /**
   * This is not the database, or not the run of its server, that was looked at last: what it holds may be older than what
   * was there before. Counts as a recovery hold; the process that notices raises one.
   */
  readonly databaseChanged: boolean;
}

/**
 * What two nodes may differ by: the one from which a forgotten transaction took its time, and the one that is asked now.
 * A node is read from while it is at most thirty blocks behind the others, and a block takes three seconds.
 */
const NODES_APART_MS = 90_000;

/**
 * The end of a recovery hold that is raised now.
 * @param expirationMs the longest life that this product gives to a transaction: the policy's
 */
export const recoveryHoldEnd = (headTimeMs: Millis, expirationMs: number): Millis =>
  plusMs(headTimeMs, expirationMs + NODES_APART_MS);

/** A recovery hold that holds back all that either of two does. */
export const longerRecoveryHold = (old: RecoveryHold | undefined, recoveryHold: RecoveryHold): RecoveryHold =>
  old === undefined
    ? recoveryHold
    : {
        untilMs: Math.max(old.untilMs, recoveryHold.untilMs) as Millis,
        fromBlockNum: Math.min(old.fromBlockNum, recoveryHold.fromBlockNum),
        reason: recoveryHold.reason,
      };

/**
 * Has the ledger looked into every block that may hold what it has forgotten? The database asks the same before a hold ends
 * (`recovery_hold_is_passed`), and a test compares the two. The time is compared as for the death of a
 * withdrawal (ADR 0006): strictly later, and equal is not enough.
 * @param scanned the last block that was processed, and the first of the unbroken run that ends there
 */
export const isRecoveryHoldPassed = (
  recoveryHold: RecoveryHold,
  scanned: { readonly scannedFromBlockNum: number; readonly blockTimeMs: Millis },
): boolean =>
  scanned.blockTimeMs > recoveryHold.untilMs && scanned.scannedFromBlockNum <= recoveryHold.fromBlockNum;

/** For people; `undefined` while nothing holds payments back. */
export function whyOnRecoveryHold({ raised, databaseChanged }: RecoveryHoldState): string | undefined {
  if (databaseChanged)
    return "this database was restored, copied or started anew, and the ingester has not looked at it since";
  if (raised === undefined) return undefined;
  return `until the ledger has read every block from ${raised.fromBlockNum} to one later than ${exactTimeText(raised.untilMs)}: ${raised.reason}`;
}

/** Is nothing signed now? `is_on_recovery_hold` of the database is the same rule, and a test compares the two. */
export const isOnRecoveryHold = ({ raised, databaseChanged }: RecoveryHoldState): boolean =>
  raised !== undefined || databaseChanged;
