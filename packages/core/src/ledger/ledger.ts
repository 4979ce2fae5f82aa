import type { Bts, Shares } from "@stakebts/kernel/amount";
import type { StakeRowMove, TransferOutcome } from "../rules/decide.ts";
import type { TopUpId, TopUpKind, TopUpSourceNumber, TopUpStatus, NewTopUp } from "../rules/top-up.ts";
import type { RecoveryHold, RecoveryHoldState } from "../rules/recovery-hold.ts";
import type { Freeze, FreezeId, FreezeLevel, OpenFreeze } from "../rules/freeze.ts";
import type { ImportMark } from "../rules/import-mark.ts";
import type { OperationId, OperationPosition } from "@stakebts/kernel/operation-id";
import type { LimitedBy, PaymentLimits } from "../rules/limits.ts";
import type { NewPayout, PayoutId, PayoutKey, PayoutStatus } from "../rules/payout.ts";
import type { MemoRequest } from "../rules/request.ts";
import type { NewStakeRow, StakeRow } from "../rules/stake-row.ts";
import type { Agreement } from "../rules/terms.ts";
import type { Millis } from "@stakebts/kernel/time";
import type { WithdrawalId, WithdrawalState } from "../rules/withdrawal.ts";
import type { AccountId } from "@stakebts/bitshares/chain";
import type { NewJob } from "../queue/queue.ts";

/** The last irreversible block that was fully processed. */
export interface Cursor {
  readonly blockNum: number;
  readonly blockId: string;
  readonly blockTimeMs: Millis;
  /** First block of the unbroken run that ends here: every block from it on has been looked into. */
  readonly scannedFromBlockNum: number;
}

/** Without `scannedFromBlockNum` the unbroken run goes on; with it a new one begins. The first cursor needs it. */
export type CursorMove = Omit<Cursor, "scannedFromBlockNum"> & { readonly scannedFromBlockNum?: number };

/** How the memo of a transfer could be read. */
export const MEMO_STATUSES = ["none", "text", "public", "unreadable"] as const;
export type MemoStatus = (typeof MEMO_STATUSES)[number];

export const TRANSFER_DIRECTIONS = ["in", "out"] as const;
export type TransferDirection = (typeof TRANSFER_DIRECTIONS)[number];

/** An outgoing transfer is decided by being there. */
export const TRANSFER_STATUSES = ["undecided", "decided"] as const;
export type TransferStatus = (typeof TRANSFER_STATUSES)[number];

/** A transfer of the custodian as it is written down when its block is processed. */
export interface NewTransfer {
  readonly operation: OperationPosition;
  readonly blockTimeMs: Millis;
  readonly direction: TransferDirection;
  readonly txid: string | undefined;
  /** Account names. */
  readonly sender: string;
  readonly receiver: string;
  /** As the block has it; `undefined` for what was read before it was kept. */
  readonly senderId?: AccountId;
  readonly senderIsLifetimeMember: boolean;
  readonly amount: Shares;
  readonly assetId: string;
  readonly fee: Shares;
  readonly memoStatus: MemoStatus;
  readonly memoText: string | undefined;
  /** What an incoming transfer asks for; an outgoing one asks nothing. */
  readonly request: MemoRequest | undefined;
  /** The payout that an outgoing transfer says it settles. */
  readonly payoutKey: PayoutKey | undefined;
  /** Of the memo of an outgoing transfer: an unsigned 64-bit number as digits. Names a payout whose memo is not ours to write. */
  readonly memoNonce: string | undefined;
  /** See IncomingTransfer in the domain. */
  readonly isReplayed: boolean;
  /** Found by an import: it was answered elsewhere before. ADR 0011. */
  readonly importMark?: ImportMark;
}

/** An outgoing transfer that carries a payout key: proof, from the chain alone, that the payout was sent. */
export interface PaidTransfer {
  readonly operation: OperationPosition;
  readonly blockTimeMs: Millis;
  readonly txid: string | undefined;
  readonly receiver: string;
  readonly amount: Shares;
  readonly payoutKey: PayoutKey;
}

/** A debt with its id, which follows from its key. */
export interface IdentifiedPayout extends NewPayout {
  readonly id: PayoutId;
}

export interface PayoutRecord extends Omit<NewPayout, "rows"> {
  readonly id: PayoutId;
  readonly status: PayoutStatus;
  readonly reason: string | undefined;
  readonly attempts: number;
  /** Since when it has been waiting for funds. Chain time. */
  readonly waitingSinceMs: Millis | undefined;
  /** The limit that holds it back, or makes it wait. */
  readonly limitedBy: LimitedBy | undefined;
}

/** That a person lets a payout go although it is large. */
export interface PayoutApproval {
  /** For this payee and this amount, and no other. */
  readonly payee: string;
  readonly amount: Bts;
  readonly approver: string;
  readonly reason: string;
}

export interface NewWithdrawal {
  readonly id: WithdrawalId;
  readonly payoutId: PayoutId;
  readonly txid: string;
  /** The signed transaction; every retry sends exactly this. */
  readonly bytes: Uint8Array;
  readonly refBlockNum: number;
  readonly expirationMs: Millis;
  readonly fee: Shares;
  /** Epoch of the payer that signed it. A payer whose epoch is over cannot write. */
  readonly writerEpoch: bigint;
}

export interface WithdrawalRecord extends NewWithdrawal, WithdrawalState {
  readonly id: WithdrawalId;
  readonly expirationMs: Millis;
  readonly refBlockNum: number;
}

/** A request for funds with its id, which follows from its key. */
export interface IdentifiedTopUp extends NewTopUp {
  readonly id: TopUpId;
  /** Chain time at which it was written down. */
  readonly requestedMs: Millis;
}

export interface TopUpRecord extends IdentifiedTopUp {
  readonly status: TopUpStatus;
  readonly reason: string | undefined;
  /** The source's own id and word for where it stands. */
  readonly venueId: string | undefined;
  readonly venueStatus: string | undefined;
  readonly txid: string | undefined;
  /** How often the source was asked to send it, and when last: host time. */
  readonly asks: number;
  readonly askedAtMs: number | undefined;
  /** When anything about it changed last: host time. */
  readonly changedAtMs: number;
  /** Of the reserve account: what was signed, and is sent again and again. */
  readonly signed: SignedTopUp | undefined;
  /** The transfer that brought it. */
  readonly arrivedBy: OperationPosition | undefined;
}

export interface SignedTopUp {
  readonly bytes: Uint8Array;
  readonly refBlockNum: number;
  readonly expirationMs: Millis;
}

/** What is learnt of a request for funds. What is left out stays as it is; `reason` is replaced. */
export interface TopUpChange {
  readonly reason?: string | undefined;
  readonly venueId?: string | undefined;
  readonly venueStatus?: string | undefined;
  readonly txid?: string | undefined;
  readonly signed?: SignedTopUp;
  readonly arrivedBy?: OperationPosition;
  /** The source is about to be asked: counts as one more time, now. */
  readonly isAsking?: boolean;
}

export interface TopUpFilter {
  readonly statuses?: readonly TopUpStatus[] | undefined;
  readonly kinds?: readonly TopUpKind[] | undefined;
  readonly sources?: readonly TopUpSourceNumber[] | undefined;
  readonly txid?: string | undefined;
  /** Newest first; default all. */
  readonly limit?: number | undefined;
}

export interface NewFreeze extends Freeze {
  /** Of every source but `operator` and `manager`. */
  readonly process?: string | undefined;
}

/** Who ends a freeze, and why. */
export interface FreezeEnd {
  /** The part of it that goes on. */
  readonly still?: FreezeLevel | undefined;
  readonly actor: string;
  readonly reason: string;
}

/** Whether payments go, as far as the ledger is asked. */
export type PaymentsSwitch = { readonly on: true } | { readonly on: false; readonly reason: string };

/** All that the payer has to know before it acts, from one moment. */
export interface PaymentView {
  readonly payout: PayoutRecord;
  readonly live: WithdrawalRecord | undefined;
  readonly payments: PaymentsSwitch;
  readonly cursor: Cursor | undefined;
  readonly recoveryHold: RecoveryHoldState;
  readonly limits: PaymentLimits;
}

/** One line of the audit trail. Never a secret, never the text of a memo that is not ours. */
export interface NewReceipt {
  /** Stable name, `noun.verb`: `payout.confirmed`, `transfer.refunded`, `chain.disagrees`. */
  readonly event: string;
  /** What it is about: an operation id, a payout key, a process. */
  readonly subject: string;
  /** Chain time of the event, where it has one. */
  readonly chainTimeMs?: Millis;
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

/**
 * The ledger inside one database transaction: either everything that is done through it happens, or nothing.
 * Every method that moves a state compares first: it returns whether (or how many) it moved, and 0 means that somebody
 * else was faster. Nobody forces.
 */
export interface LedgerTx {
  /** Waits until no other transaction applies events. Released at the end of this one. */
  lockEvents(): Promise<void>;

  cursor(): Promise<Cursor | undefined>;
  /** @param expected number of the block that the caller believes to be the cursor, `undefined` for none */
  moveCursor(expected: number | undefined, next: CursorMove): Promise<boolean>;

  /** Blocks below the unbroken run have been looked into after all: it begins earlier, if they reach up to it. */
  extendScan(range: { readonly from: number; readonly to: number }): Promise<void>;

  /** Writes those that are not there yet, and returns them. */
  insertTransfers(transfers: readonly NewTransfer[]): Promise<readonly NewTransfer[]>;
  /**
   * In chain order; incoming only.
   * @param accepting `false`: not one that asks for an agreement, nor a stop of somebody who asked for one before it. All
   * else comes to the same whether those are answered before it or after it.
   */
  oldestUndecidedTransfer(accepting?: boolean): Promise<NewTransfer | undefined>;
  decideTransfer(operation: OperationPosition, outcome: TransferOutcome, reason: string): Promise<boolean>;
  paidTransfers(keys: readonly PayoutKey[]): Promise<readonly PaidTransfer[]>;
  /** Outgoing transfers that the chain holds under these transaction ids, in chain order. */
  sentTransfers(txids: readonly string[]): Promise<readonly NewTransfer[]>;

  transferAt(operation: OperationPosition): Promise<NewTransfer | undefined>;
  /** Which of these transfers are written down already. */
  knownTransfers(operations: readonly OperationPosition[]): Promise<readonly OperationId[]>;

  insertAgreement(agreement: Agreement, rows: readonly NewStakeRow[]): Promise<boolean>;
  /** Writes those whose place is free, with their rows, and returns them. */
  insertAgreements(agreements: readonly NewAgreement[]): Promise<readonly NewAgreement[]>;
  agreementsOf(nominators: readonly string[]): Promise<readonly Agreement[]>;
  /**
   * An agreement that an import has written and that this one is, see {@link isSameAgreement}; not one that a transfer
   * of this ledger opened, or that another transfer was found to be.
   */
  importedDuplicate(agreement: Agreement): Promise<OperationId | undefined>;
  /** Up to this block another installation has answered every transfer; 0 for none. */
  processedElsewhereUpToBlockNum(): Promise<number>;
  /** Never goes back. */
  setProcessedElsewhereUpToBlockNum(blockNum: number): Promise<void>;
  pendingRowsOf(nominator: string): Promise<readonly StakeRow[]>;
  /**
   * Rewards, base amounts and penalties that fell due at `upToMs` or before, oldest first. Not those whose payout an
   * operator has cancelled: their debt has its name already, and does not come back under it. Nor those of a nominator
   * whose stop, made before they fell due, is not answered yet.
   */
  pendingRowsDue(upToMs: Millis, limit: number): Promise<readonly StakeRow[]>;
  moveRows(moves: readonly StakeRowMove[]): Promise<number>;

  /**
   * Same key and same debt: the old one stays, nothing happens. Same key and another debt: throws, because two parts of
   * the product disagree about what is owed.
   */
  insertPayouts(payouts: readonly IdentifiedPayout[]): Promise<void>;
  payouts(ids: readonly PayoutId[]): Promise<readonly PayoutRecord[]>;
  payoutsByKey(keys: readonly PayoutKey[]): Promise<readonly PayoutRecord[]>;
  /** The rows that a payout settles. */
  rowsOf(id: PayoutId): Promise<readonly StakeRow[]>;
  movePayout(
    id: PayoutId,
    from: readonly PayoutStatus[],
    to: PayoutStatus,
    change?: { reason?: string; waitingSinceMs?: Millis },
  ): Promise<boolean>;
  /**
   * Gives a failed or held payout back to the payer, with its job and its receipt, all or nothing. `false`: it has been
   * moved, or it is known by now that it must not be: an attempt is alive, a payment is recorded, the recovery hold is up.
   */
  requeuePayout(request: PayoutRequeue): Promise<boolean>;
  /**
   * Confirms payouts together with the rows that they settle; those that are confirmed already stay as they are. The ledger
   * has to know the payment: a transfer to the payee in that block, or a withdrawal that is confirmed in it. Else it throws.
   */
  confirmPayouts(confirmed: readonly PayoutConfirmation[]): Promise<number>;

  withdrawalsByTxid(txids: readonly string[]): Promise<readonly WithdrawalRecord[]>;
  /** Every attempt to pay it, dead ones included, oldest first. */
  withdrawalsOf(id: PayoutId): Promise<readonly WithdrawalRecord[]>;
  /** Live ones whose expiration is before `timeMs`, strictly. */
  liveWithdrawalsExpiringBefore(timeMs: Millis): Promise<readonly WithdrawalRecord[]>;
  confirmWithdrawals(found: readonly { id: WithdrawalId; at: OperationPosition }[]): Promise<number>;
  expireWithdrawal(id: WithdrawalId): Promise<boolean>;

  /** Outgoing transfers whose memo has one of these nonces, in chain order. */
  sentWithNonces(nonces: readonly string[]): Promise<readonly NewTransfer[]>;
  /** Incoming transfers with this transaction id or this memo, in chain order. */
  receivedAs(name: {
    readonly txid: string | undefined;
    readonly memo: string | undefined;
  }): Promise<readonly NewTransfer[]>;
  /** Deposits at an exchange that are neither confirmed nor cancelled. */
  openDeposits(): Promise<readonly PayoutRecord[]>;

  /** `false`: it is there already. Same key and another request: throws. */
  insertTopUp(topUp: IdentifiedTopUp): Promise<boolean>;
  /** The newest that fit, in the order in which they were written. */
  topUps(filter: TopUpFilter): Promise<readonly TopUpRecord[]>;
  /** How many covers of this source have ever been written down. */
  shortageCount(source: TopUpSourceNumber): Promise<number>;
  /** `to` may be where it stands: then only what is known of it changes. */
  moveTopUp(
    id: TopUpId,
    from: readonly TopUpStatus[],
    to: TopUpStatus,
    change?: TopUpChange,
  ): Promise<boolean>;

  /** May a payer of this epoch start something that moves money? Nothing changes that until this transaction ends. */
  whyNotPay(writerEpoch: bigint): Promise<Exclude<WithdrawalRefusal, "payout_moved"> | undefined>;
  /** As it stays until this transaction ends: no freeze is added or ended meanwhile. */
  payments(): Promise<PaymentsSwitch>;
  /** Once this is committed nothing is signed that it stops. `false`: the same one is open already. */
  addFreeze(freeze: NewFreeze): Promise<boolean>;
  /** `false`: it is over already. */
  endFreeze(id: FreezeId, end: FreezeEnd): Promise<boolean>;
  /** What this process finds in its environment and its file: from now on these, for others to see. */
  reportFreezes(process: string, found: readonly Freeze[]): Promise<void>;
  /** Every freeze in force, as it stays until this transaction ends. */
  lockFreezes(): Promise<readonly OpenFreeze[]>;
  freezes(): Promise<readonly OpenFreeze[]>;
  limits(): Promise<PaymentLimits>;
  /** They hold from now on; those before stay on record. */
  setLimits(limits: PaymentLimits, by: { readonly actor: string; readonly reason: string }): Promise<void>;
  /** `false`: this person has approved it before. */
  approvePayout(id: PayoutId, approval: PayoutApproval): Promise<boolean>;
  /** A payout that a limit holds goes back to the payer, with its job. `false`: none holds it, or it is not approved. */
  releaseApproved(id: PayoutId, job: NewJob): Promise<boolean>;
  approvals(id: PayoutId): Promise<readonly PayoutApproval[]>;
  /** Who has requeued or released it: they do not approve it. */
  whoRequested(key: PayoutKey): Promise<readonly string[]>;
  recoveryHold(): Promise<RecoveryHold | undefined>;
  /**
   * From now on no new withdrawal can be saved. Of two recovery holds the later end and the earlier block hold. The database as it
   * is now counts as looked at.
   */
  placeRecoveryHold(recoveryHold: RecoveryHold): Promise<void>;
  /** @param recovery hold as it was read: one that was raised meanwhile stays, and so does one that the cursor has not passed */
  liftRecoveryHold(recoveryHold: RecoveryHold): Promise<boolean>;
  job(jobs: readonly NewJob[]): Promise<void>;
  addReceipts(receipts: readonly NewReceipt[]): Promise<void>;
  /** Adds those whose event and subject are not there yet; how many. */
  addReceiptsOnce(receipts: readonly NewReceipt[]): Promise<number>;
}

/** An agreement with all of its rows, as an import writes it. */
export interface NewAgreement {
  readonly agreement: Agreement;
  readonly rows: readonly NewStakeRow[];
}

export interface PayoutRequeue {
  readonly payout: PayoutRecord;
  readonly job: NewJob;
  /** Who, why, and for which command. What is known of the payout is added to it. */
  readonly receipt: NewReceipt;
  /** `block:trx:op` of a transfer that names this payout and pays something else. */
  readonly despite: string | undefined;
}

export interface PayoutConfirmation {
  readonly payoutId: PayoutId;
  /** The irreversible block of its payment. */
  readonly blockNum: number;
  readonly blockTimeMs: Millis;
}

/** Why a withdrawal could not be written. Nothing was written, and its bytes must never be sent. */
export type WithdrawalRefusal =
  /** Another payer has taken over. This one has to stop. */
  | "epoch_over"
  /** Another withdrawal is live, or the payout is no longer payable. */
  | "payout_moved"
  /** Not now: frozen, the recovery hold is up, or a cap leaves no room. The next view says which. */
  | "payments_off";

/** The truth. */
export interface Ledger {
  /** Runs `work` in one transaction and returns what it returns; on an exception nothing has happened. */
  transaction<T>(work: (tx: LedgerTx) => Promise<T>): Promise<T>;
  cursor(): Promise<Cursor | undefined>;
  paymentView(id: PayoutId): Promise<PaymentView | undefined>;
  payments(): Promise<PaymentsSwitch>;
  /** Every freeze in force, oldest first. Processes may have more of their own. */
  freezes(): Promise<readonly OpenFreeze[]>;
  limits(): Promise<PaymentLimits>;
  recoveryHoldState(): Promise<RecoveryHoldState>;

  /** A new epoch for a payer that has just become the only one. Everything signed under an older one is refused. */
  startWriterEpoch(): Promise<bigint>;
  /**
   * The point of no return, in one transaction: the payout (which must be `ready`) becomes `signed` and the withdrawal
   * is saved, if the epoch is the newest, payments are on, no recovery hold is up and the limits let it go. A payout that a limit
   * holds has become `held` then, and the answer is `payout_moved`.
   */
  saveWithdrawal(withdrawal: NewWithdrawal): Promise<"saved" | WithdrawalRefusal>;
  /**
   * Do the limits let it be paid now? `held`: they made it wait for a person. What {@link saveWithdrawal} finds out as well,
   * before anything is fetched for it.
   */
  limitPayment(id: PayoutId): Promise<"go" | "held" | "later">;
  /** The bytes have left at least once: withdrawal → broadcast, payout → sent. Late calls change nothing. */
  markSent(withdrawal: Pick<WithdrawalRecord, "id" | "payoutId">): Promise<void>;
  /** What a node had against it, for whoever looks at the payout. Decides nothing. */
  noteRefusal(withdrawal: Pick<WithdrawalRecord, "payoutId">, reason: string): Promise<void>;

  /** What each open payout is about to take, oldest debt first; not deposits at an exchange, which nobody covers. */
  openNeeds(limit: number): Promise<readonly Pick<PayoutRecord, "amount" | "memo" | "status">[]>;
  topUps(filter: TopUpFilter): Promise<readonly TopUpRecord[]>;

  /** Jobs that have not been made, oldest first; each caller gets others. They come again if `made` is not called. */
  dispatchJobs(limit: number, make: (jobs: readonly NewJob[]) => Promise<void>): Promise<number>;
  /** Writes a job for every open payout that nobody has rung for `notEnqueuedForMs` (host time). Oldest debts first. */
  enqueueStalePayouts(options: { notEnqueuedForMs: number; limit: number }): Promise<number>;
  /** The distinct instants at which pending rows fall due (see `pendingRowsDue`), from the earliest on. */
  nextDueInstants(limit: number): Promise<readonly Millis[]>;
  /** The accounts that have sent something under this name: one, if no node has ever lied about it; none that is known of. */
  accountsNamed(name: string): Promise<readonly AccountId[]>;
  /**
   * Is there a transfer that has not been decided, or a row that is due by now?
   * @param accepting as of {@link LedgerTx.oldestUndecidedTransfer}
   */
  hasWork(accepting?: boolean): Promise<boolean>;

  close(): Promise<void>;
}
