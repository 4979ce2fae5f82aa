import type { RecoveryHoldState } from "../rules/recovery-hold.ts";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { OperationEffect, KnownOfOperation } from "./check-operation.ts";
import type {
  CursorReader,
  LedgerAccount,
  NewReceipt,
  PassedBlocks,
  PaymentsSwitch,
} from "../ledger/ledger.ts";

export interface OperationToLookUp {
  readonly position: OperationPosition;
  readonly txid: string | undefined;
  readonly effect: OperationEffect;
}

/**
 * The ledger as the spend monitor uses it: it reads, and it writes nothing but receipts and freezes of payments.
 */
export interface MonitorLedger {
  /** As of the ledger's control. */
  bind(account: LedgerAccount): Promise<LedgerAccount>;
  knownOf(operations: readonly OperationToLookUp[]): Promise<readonly KnownOfOperation[]>;
  recoveryHoldState(): Promise<RecoveryHoldState>;
  /** Does it hold any withdrawal? */
  hasWithdrawals(): Promise<boolean>;
  readonly cursor: CursorReader;
  readonly passedBlocks: PassedBlocks;
  /** The newest receipt of one of these kinds. */
  lastReceipt(
    events: readonly string[],
  ): Promise<{ readonly subject: string; readonly details: Readonly<Record<string, unknown>> } | undefined>;
  readonly addReceipts: (receipts: readonly NewReceipt[]) => Promise<void>;
  payments(): Promise<PaymentsSwitch>;
  /**
   * Freezes payments and says why; `false` when this receipt is there already: it was dealt with, and a person who has ended
   * that freeze since is not overruled.
   */
  stopPayments(receipt: NewReceipt, reason: string): Promise<boolean>;
  close(): Promise<void>;
}
