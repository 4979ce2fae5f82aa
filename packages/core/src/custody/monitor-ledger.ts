import type { RecoveryHoldState } from "../rules/recovery-hold.ts";
import type { Shares } from "@stakebts/kernel/amount";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { OperationEffect, KnownOfOperation } from "./check-operation.ts";
import type {
  CursorReader,
  LedgerAccount,
  NewReceipt,
  PassedBlocks,
  PaymentsSwitch,
  RecordedTransfers,
} from "../ledger/ledger.ts";

export interface OperationToLookUp {
  readonly position: OperationPosition;
  readonly txid: string | undefined;
  readonly effect: OperationEffect;
}

/**
 * The ledger as the spend monitor uses it: it reads, and it writes nothing but its own notes, receipts and freezes of payments.
 */
export const WATCHER_NOTES = ["position", "authority", "alert", "balance"] as const;
/** What a watcher remembers: up to where it has looked, which authority it has seen, and what it expects the custodian to hold. */
export type WatcherNoteKind = Exclude<(typeof WATCHER_NOTES)[number], "alert">;

export interface MonitorLedger {
  /** As of the ledger's control. */
  bind(account: LedgerAccount): Promise<LedgerAccount>;
  knownOf(operations: readonly OperationToLookUp[]): Promise<readonly KnownOfOperation[]>;
  recoveryHoldState(): Promise<RecoveryHoldState>;
  /** Does it hold any withdrawal? */
  hasWithdrawals(): Promise<boolean>;
  readonly cursor: CursorReader;
  readonly passedBlocks: PassedBlocks;
  readonly recordedTransfers: RecordedTransfers;
  /** What a watcher has noted last. Only watchers write there: what another process writes down in a receipt tells it nothing. */
  lastNote(kind: WatcherNoteKind): Promise<string | undefined>;
  /** @param subject what it is about: a block, an account */
  note(kind: WatcherNoteKind, subject: string, value: string): Promise<void>;
  readonly addReceipts: (receipts: readonly NewReceipt[]) => Promise<void>;
  payments(): Promise<PaymentsSwitch>;
  /**
   * Freezes payments and says why; `false` when a watcher has given this alert before: it was dealt with, and a person who has ended
   * that freeze since is not overruled.
   */
  stopPayments(receipt: NewReceipt, reason: string): Promise<boolean>;
  /** Says it and stops nothing; `false` when a watcher has given this alert before. */
  alert(receipt: NewReceipt, reason: string): Promise<boolean>;
  /** What people have said came or went otherwise than by a transfer, after the one of this id; 0 for all of them. */
  adjustmentsAfter(id: bigint): Promise<readonly { readonly id: bigint; readonly amount: bigint }[]>;
  /** Shares of all payments, with their fees, that were signed and are in no final block yet. */
  inFlight(): Promise<Shares>;
  close(): Promise<void>;
}
