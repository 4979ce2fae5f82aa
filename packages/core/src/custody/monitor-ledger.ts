import type { RecoveryHoldState } from "../rules/recovery-hold.ts";
import type { Bts, Shares } from "@stakebts/kernel/amount";
import type { AnsweredTransfer, WrittenTransfer } from "../rules/answered.ts";
import type { PayoutId, PayoutKey } from "../rules/payout.ts";
import type { OperationId, OperationPosition } from "@stakebts/kernel/operation-id";
import type { Millis } from "@stakebts/kernel/time";
import type { OverdueKind } from "./overdue-check.ts";
import type { OperationEffect, KnownOfOperation } from "./check-operation.ts";
import type {
  CursorReader,
  LedgerAccount,
  NewReceipt,
  PassedBlocks,
  PaymentsSwitch,
  SettlementMatch,
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
export const WATCHER_NOTES = ["position", "incoming", "authority", "alert", "balance", "policy"] as const;
/** What a watcher remembers: up to where it has looked, which authority it has seen, what it expects the custodian to hold, and by which policies. */
export type WatcherNoteKind = Exclude<(typeof WATCHER_NOTES)[number], "alert">;

/** A settlement that no watcher has held against the chain. */
export interface UncheckedSettlement {
  readonly payoutId: PayoutId;
  readonly key: PayoutKey;
  /** Account name. */
  readonly payee: string;
  readonly amount: Bts;
  readonly by: OperationPosition;
  readonly matchedBy: SettlementMatch;
  /** Ids of the transactions that were signed for it. */
  readonly txids: readonly string[];
  readonly createdAtMs: number;
}

export interface SettlementsToCheck {
  /** The newest first. @param before those that follow this one in that order; `undefined`: from the newest on */
  unchecked(page: {
    readonly before: Pick<UncheckedSettlement, "createdAtMs" | "payoutId"> | undefined;
    readonly limit: number;
  }): Promise<readonly UncheckedSettlement[]>;
  /** For which payouts these transactions were signed, by their ids. */
  signedFor(txids: readonly string[]): Promise<ReadonlyMap<string, PayoutKey>>;
  /** For good; only a watcher may do this. */
  setChecked(payouts: readonly PayoutId[]): Promise<void>;
}

export interface IncomingToCheck {
  /** Incoming transfers of these blocks, in the order of the chain. */
  written(range: {
    readonly from: number;
    readonly to: number;
    readonly limit: number;
  }): Promise<readonly WrittenTransfer[]>;
  /** Of which an operator says that the ledger may be without them: their names. */
  leftOut(): Promise<ReadonlySet<string>>;
  /** Those of them that are decided, with what became of each. */
  answered(operations: readonly OperationPosition[]): Promise<readonly AnsweredTransfer[]>;
}

/** An agreement that an operator's import has written, and that no watcher has had people look at. */
export interface UncheckedImport {
  /** Of the agreement: its place. */
  readonly name: OperationId;
  readonly amount: Bts;
  /** The login. */
  readonly writtenBy: string;
}

export interface ImportsToCheck {
  unchecked(limit: number): Promise<readonly UncheckedImport[]>;
  /** For good; only a watcher may do this. */
  setChecked(imports: readonly UncheckedImport[]): Promise<void>;
}

export interface Overdue {
  readonly kind: OverdueKind;
  /** Of a transfer, a row or a payout. */
  readonly name: string;
  readonly dueMs: Millis;
}

export interface MonitorLedger {
  /** As of the ledger's control. */
  bind(account: LedgerAccount): Promise<LedgerAccount>;
  knownOf(operations: readonly OperationToLookUp[]): Promise<readonly KnownOfOperation[]>;
  recoveryHoldState(): Promise<RecoveryHoldState>;
  /** Does it hold any withdrawal? */
  hasWithdrawals(): Promise<boolean>;
  readonly cursor: CursorReader;
  readonly passedBlocks: PassedBlocks;
  readonly settlements: SettlementsToCheck;
  readonly incoming: IncomingToCheck;
  readonly imports: ImportsToCheck;
  readonly recordedTransfers: RecordedTransfers;
  /** What a watcher has noted last. Only watchers write there: what another process writes down in a receipt tells it nothing. */
  lastNote(kind: WatcherNoteKind): Promise<string | undefined>;
  /** @param subject what it is about: a block, an account */
  note(kind: WatcherNoteKind, subject: string, value: string): Promise<void>;
  /** The oldest of each kind that was due before this instant and does not get on although nothing holds it. */
  overdue(beforeMs: Millis): Promise<readonly Overdue[]>;
  /** Writes down what people have to know; `false` when a watcher has done so before. */
  tell(receipt: NewReceipt): Promise<boolean>;
  readonly addReceipts: (receipts: readonly NewReceipt[]) => Promise<void>;
  payments(): Promise<PaymentsSwitch>;
  /**
   * Freezes payments and says why; `false` when a watcher has given this alert before: it was dealt with, and a person who has ended
   * that freeze since is not overruled.
   */
  stopPayments(receipt: NewReceipt, reason: string): Promise<boolean>;
  /** What people have said came or went otherwise than by a transfer, after the one of this id; 0 for all of them. */
  adjustmentsAfter(id: bigint): Promise<readonly { readonly id: bigint; readonly amount: bigint }[]>;
  /** Shares of all payments, with their fees, that were signed and are in no final block yet. */
  inFlight(): Promise<Shares>;
  close(): Promise<void>;
}
