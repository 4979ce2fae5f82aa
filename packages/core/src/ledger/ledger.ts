import type { Bts, Shares } from "@stakebts/kernel/amount";
import type { StakeRowMove, TransferOutcome } from "../rules/decide.ts";
import type { TopUpId, TopUpKind, TopUpSourceNumber, TopUpStatus, NewTopUp } from "../rules/top-up.ts";
import { isOnRecoveryHold, type RecoveryHold, type RecoveryHoldState } from "../rules/recovery-hold.ts";
import type { Freeze, FreezeId, FreezeLevel, OpenFreeze } from "../rules/freeze.ts";
import type { ImportMark } from "../rules/import-mark.ts";
import type { OperationId, OperationPosition } from "@stakebts/kernel/operation-id";
import type { LimitedBy, PaymentLimits } from "../rules/limits.ts";
import type {
  PaymentLane,
  NewPayout,
  PayoutId,
  PayoutKey,
  PayoutKind,
  PayoutStatus,
} from "../rules/payout.ts";
import type { MemoRequest } from "../rules/request.ts";
import type { Debt } from "../rules/owed.ts";
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
  /** How far the account's history was read (read-history.ts); missing: not at all. */
  readonly historyBlockNum?: number;
}

/** Without `scannedFromBlockNum` the unbroken run goes on; with it a new one begins. The first cursor needs it. */
export type CursorMove = Omit<Cursor, "scannedFromBlockNum" | "historyBlockNum"> & {
  readonly scannedFromBlockNum?: number;
};

/** How the memo of a transfer could be read. */
export const MEMO_STATUSES = ["none", "text", "public", "unreadable"] as const;
export type MemoStatus = (typeof MEMO_STATUSES)[number];

export const TRANSFER_DIRECTIONS = ["in", "out"] as const;
export type TransferDirection = (typeof TRANSFER_DIRECTIONS)[number];

/**
 * An outgoing transfer is decided by being there. `unread`: its memo is for a memo key of the custodian that the ingester does not
 * have, so that nothing is known of what it asks for; it is read again when the key is there.
 */
export const TRANSFER_STATUSES = ["unread", "undecided", "decided"] as const;
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
  /** Nothing is known yet of what its memo says: a key is missing. Of an incoming one the request is `unread` then. */
  readonly isUnread?: boolean;
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

/**
 * Transfers that bear at least one of these names, each of which is a list of alternatives. No name, or only empty lists:
 * none is found. `direction` narrows what the names have found.
 */
export interface TransferQuery {
  readonly direction?: NewTransfer["direction"];
  readonly txids?: readonly string[];
  /** Payout keys in the memo: proof, from the chain alone, that a payout was sent. */
  readonly keys?: readonly PayoutKey[];
  /** Nonces of the memo. */
  readonly nonces?: readonly string[];
  /** The memo's whole text. */
  readonly memos?: readonly string[];
  readonly operations?: readonly OperationPosition[];
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
  /** So many of them ended for a cause that concerned every payout alike. */
  readonly uncountedAttempts: number;
  /** Since when it has been waiting for funds. Chain time. */
  readonly waitingSinceMs: Millis | undefined;
  /** The limit that holds it back, or makes it wait. */
  readonly limitedBy: LimitedBy | undefined;
}

/** Payouts that meet every condition given. An empty list: none is found. */
export interface PayoutQuery {
  readonly ids?: readonly PayoutId[];
  readonly keys?: readonly PayoutKey[];
  readonly kinds?: readonly PayoutKind[];
  readonly statuses?: readonly PayoutStatus[];
  /** The oldest debts; default all. */
  readonly limit?: number;
}

/** That a person lets a payout go although it is large. */
export interface PayoutApproval {
  /** For this payee and this amount, and no other. */
  readonly payee: string;
  readonly amount: Bts;
  readonly approver: string;
  readonly reason: string;
}

/** What a ledger is of, from its first start on. */
export interface LedgerAccount {
  readonly chainId: string;
  readonly custodianId: AccountId;
  /** Names never change. */
  readonly custodianName: string;
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
  /** The account that pays. Only the one that the ledger is of may. */
  readonly account: LedgerAccount;
}

export type WithdrawalQuery =
  | { readonly txids: readonly string[] }
  /** Every attempt to pay it, dead ones included. */
  | { readonly payoutId: PayoutId }
  /** Live ones whose expiration is before this time, strictly; that refer to this block or a later one; the first so many. */
  | {
      readonly liveExpiringBeforeMs: Millis;
      readonly refBlockNumMin?: number;
      readonly limit?: number;
    };

export interface WithdrawalRecord extends Omit<NewWithdrawal, "account">, WithdrawalState {
  /** A cause that concerned every payout alike, as nodes said: the attempt does not count. */
  readonly refusedFor: string | undefined;
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
  readonly txids?: readonly string[] | undefined;
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

/** Whether payments go, as far as the ledger is asked. Off, it says why. */
export type PaymentsSwitch = { readonly on: true } | { readonly on: false; readonly reason: string };

/** What governs payments, all of it from one moment. */
export interface ControlState {
  /** `undefined`: nothing was ever started on this ledger. */
  readonly account: LedgerAccount | undefined;
  /** Every freeze in force, oldest first. Processes may have more of their own. */
  readonly freezes: readonly OpenFreeze[];
  /** What processes have reported of their environments and files. Each of these stops that process alone. */
  readonly processFreezes: readonly OpenFreeze[];
  /** What those freezes amount to for payments. */
  readonly payments: PaymentsSwitch;
  readonly limits: PaymentLimits;
  readonly recoveryHold: RecoveryHoldState;
  /** Of the payer that became the only one last; 0 before the first. Everything signed under an older one is refused. */
  readonly writerEpoch: bigint;
  /** Up to this block another installation has answered every transfer; 0 for none. */
  readonly processedElsewhereUpToBlockNum: number;
}

/**
 * Why a payer of this epoch may not start anything that moves money; `undefined`: it may. The answer is good for as long as
 * the state is: until the transaction ends, if it comes from {@link ControlTx.lock}.
 */
export function whyNotPay(
  { writerEpoch, payments, recoveryHold }: ControlState,
  ofPayer: bigint,
): "epoch_over" | "payments_off" | undefined {
  if (writerEpoch !== ofPayer) return "epoch_over";
  return payments.on && !isOnRecoveryHold(recoveryHold) ? undefined : "payments_off";
}

/** All that the payer has to know before it acts, from one moment. */
export interface PaymentView extends Pick<ControlState, "payments" | "recoveryHold" | "limits"> {
  readonly payout: PayoutRecord;
  readonly live: WithdrawalRecord | undefined;
  readonly cursor: Cursor | undefined;
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

/** That a person takes a payout out of the payer's hands, or back for good. */
export interface PayoutDecision {
  readonly payout: PayoutRecord;
  /** Who, why, and for which command. What is known of the payout is added to it. */
  readonly receipt: NewReceipt;
}

/** A person wants a payout cancelled; where it takes two people, another one may say the same from `openFromMs` on (host time). */
export interface CancelAsked {
  readonly actor: string;
  readonly reason: string;
  readonly askedAtMs: number;
  readonly openFromMs: number;
  readonly isOpen: boolean;
}

export interface PayoutConfirmation {
  readonly payoutId: PayoutId;
  /** The outgoing transfer of an irreversible block that paid it. */
  readonly by: OperationPosition;
}

/** How a transfer was found to be the payment of a payout. */
export const SETTLEMENT_MATCHES = ["txid", "key", "nonce", "operator"] as const;
export type SettlementMatch = (typeof SETTLEMENT_MATCHES)[number];

/** Why a withdrawal could not be written. Nothing was written, and its bytes must never be sent. */
export type WithdrawalRefusal =
  /** Another payer has taken over. This one has to stop. */
  | "epoch_over"
  /** Another withdrawal is live, or the payout is no longer payable. */
  | "payout_moved"
  /** Not now: frozen, there is a recovery hold, or a cap leaves no room. The next view says which. */
  | "payments_off"
  /** The ledger is of another account: this process must stop. */
  | "another_account";

// The ledger, noun by noun. What is asked outside of a transaction is declared once, as a reader, and is part of both.
// Every method that moves a state compares first: it returns whether (or how many) it moved, and `false` or 0 means that
// another process was faster. No method forces a move.

/** The last irreversible block that was fully processed. */
export interface CursorReader {
  read(): Promise<Cursor | undefined>;
}

export interface CursorTx extends CursorReader {
  /** @param expected number of the block that the caller believes to be the cursor, `undefined` for none */
  move(expected: number | undefined, next: CursorMove): Promise<boolean>;
  /** Blocks below the unbroken run have been looked into after all: it begins earlier, if they reach up to it. */
  extendScan(range: { readonly from: number; readonly to: number }): Promise<void>;
  /** @param expected up to where the caller believes the history to be read; `undefined`: not at all */
  moveHistory(expected: number | undefined, to: number): Promise<boolean>;
}

export interface TransfersTx {
  /** In chain order. */
  find(query: TransferQuery): Promise<readonly NewTransfer[]>;
  /**
   * The first in chain order that has not been decided; incoming only.
   * Not one that is set aside, nor one that depends on what waits: see `isDecidable` of postgres/undecided.ts, and its twin in testkit.
   * @param accepting `false`: not one that asks for an agreement either.
   */
  oldestUndecided(accepting?: boolean): Promise<NewTransfer | undefined>;
  /** The first so many of them: to answer one changes nothing about which of the others can be. */
  undecided(accepting: boolean, limit: number): Promise<readonly NewTransfer[]>;
  /** Writes those that are not there yet, and returns them. */
  insert(transfers: readonly NewTransfer[]): Promise<readonly NewTransfer[]>;
  /** Those whose memos were read at last, with their memos and requests. @returns those that were unread until now */
  read(transfers: readonly NewTransfer[]): Promise<readonly NewTransfer[]>;
  decide(operation: OperationPosition, outcome: TransferOutcome, reason: string): Promise<boolean>;
  /** @returns how many of them were undecided */
  decideAll(
    decided: readonly {
      readonly operation: OperationPosition;
      readonly outcome: TransferOutcome;
      readonly reason: string;
    }[],
  ): Promise<number>;
}

export interface AgreementsTx {
  /** In chain order. */
  find(query: { readonly nominators: readonly string[] }): Promise<readonly Agreement[]>;
  /**
   * Writes those whose place is free, with their rows, and returns them.
   * @param options `imported`: an operator writes them, and no transfer of this ledger has to have opened them. Only the login of
   * operators may say so.
   */
  insert(
    agreements: readonly NewAgreement[],
    options?: { readonly imported: boolean },
  ): Promise<readonly NewAgreement[]>;
  /**
   * An agreement that an import has written and that this one is, see {@link isSameAgreement}: at its own place first, then by
   * the nearest start. Not one that a transfer of this ledger opened, or that another transfer was found to be.
   */
  importedDuplicate(agreement: Agreement): Promise<OperationId | undefined>;
}

export type StakeRowQuery =
  /** Pending rows of a nominator, by start and due date. */
  | { readonly pendingOf: string }
  /** The rows that a payout settles. */
  | { readonly payoutId: PayoutId }
  /**
   * Pending rewards, base amounts and penalties that fell due at this time or before, oldest first. Not those whose payout an
   * operator has cancelled: their debt has its name already, and does not come back under it. Nor those of a nominator
   * whose stop, made before they fell due, is not answered yet.
   */
  | { readonly dueUpToMs: Millis; readonly limit: number };

export interface StakeRowsTx {
  find(query: StakeRowQuery): Promise<readonly StakeRow[]>;
  /** Those of the nominators who have a pending row. */
  pendingAmong(nominators: readonly string[]): Promise<readonly string[]>;
  move(moves: readonly StakeRowMove[]): Promise<number>;
}

export interface PayoutReader {
  /** Oldest debts first. */
  find(query: PayoutQuery): Promise<readonly PayoutRecord[]>;
}

export interface PayoutsTx extends PayoutReader {
  /** The payout that this transfer has settled. */
  settledBy(transfer: OperationPosition): Promise<PayoutKey | undefined>;
  /**
   * Same key and same debt: the old one stays, nothing happens. Same key and another debt: throws, because two parts of
   * the product disagree about what is owed.
   */
  insert(payouts: readonly IdentifiedPayout[]): Promise<void>;
  move(
    id: PayoutId,
    from: readonly PayoutStatus[],
    to: PayoutStatus,
    change?: { reason?: string; waitingSinceMs?: Millis },
  ): Promise<boolean>;
  /** What waits for funds is enqueued again at once. */
  fundsCame(): Promise<void>;
  /** Attempts that are over, of payouts that are on their way. @returns those that were, and have moved */
  endAttempts(
    ends: readonly {
      readonly id: PayoutId;
      readonly to: "ready" | "failed";
      readonly counts: boolean;
      readonly reason: string;
    }[],
  ): Promise<ReadonlySet<PayoutId>>;
  /**
   * Gives a failed or held payout back to the payer, with its job and its receipt, all or nothing. `false`: it has been
   * moved, or it is known by now that it must not be: an attempt is alive, a payment is recorded, there is a recovery hold.
   */
  requeue(request: PayoutRequeue): Promise<boolean>;
  /** The payer leaves it alone until it is released; with a receipt. `false`: it has been moved, or cannot be held. */
  hold(request: PayoutDecision): Promise<boolean>;
  /** The first of two people: it is held from now on; with a receipt. `false`: it has been moved, or cannot be cancelled. */
  askToCancel(request: PayoutDecision): Promise<boolean>;
  /** What was asked for and not ended by a release since, oldest first. */
  cancelAsked(id: PayoutId): Promise<readonly CancelAsked[]>;
  /**
   * Takes it back for good, with its rows and a receipt. `false`: it has been moved, or it is known by now that it must not be: as in
   * {@link PayoutsTx.requeue}. With the console's login also where no other person has asked for it in time.
   */
  cancel(request: PayoutDecision & { readonly despite: string | undefined }): Promise<boolean>;
  /**
   * Confirms payouts together with the rows that they settle, with a receipt for each; those that are confirmed or cancelled already
   * stay as they are. The transfer pays that amount to the payee, is named by nothing else and settles nothing else, and is
   * matched by a transaction id of ours, the payout's key or a deposit's nonce. Else it throws.
   * @param said of an operator, with `actor` and `reason`: for the receipts, and enough for a transfer that nothing names
   */
  confirm(confirmed: readonly PayoutConfirmation[], said?: NewReceipt["details"]): Promise<number>;
}

/** A debt that is to be paid, or is being paid. */
export type OpenPayout = Pick<PayoutRecord, "id" | "dueMs" | "status">;

export interface OpenPage {
  readonly lane: PaymentLane;
  readonly after: OpenPayout | undefined;
  readonly limit: number;
  /** Only those that nothing was signed for and that wait for nothing. */
  readonly untouched?: boolean;
}

export interface Payouts extends PayoutReader {
  /** Those of the lane that are open, oldest debts first, that come after one of them: page by page. */
  open(page: OpenPage): Promise<readonly OpenPayout[]>;
  /** What they are owed for, as the ledger has it. One that is not there is left out. */
  debts(ids: readonly PayoutId[]): Promise<ReadonlyMap<PayoutId, Debt>>;
  /** All of one moment, in any order. One that is not there is left out. */
  views(ids: readonly PayoutId[]): Promise<readonly PaymentView[]>;
  /**
   * Do the limits let it be paid now? `held`: they made it wait for a person. What {@link Withdrawals.save} finds out as well,
   * before anything is fetched for it.
   */
  applyLimits(id: PayoutId): Promise<"go" | "held" | "later">;
  /**
   * Writes a job for every open payout of the lane that has had none for `notEnqueuedForMs` (host time). Oldest debts first.
   * @returns how many
   */
  enqueueStale(options: {
    readonly lane: PaymentLane;
    readonly notEnqueuedForMs: number;
    readonly limit: number;
  }): Promise<number>;
}

export interface WithdrawalsTx {
  /** Oldest attempt first; of those that expire, the one that expires first. */
  find(query: WithdrawalQuery): Promise<readonly WithdrawalRecord[]>;
  confirm(found: readonly { readonly id: WithdrawalId; readonly at: OperationPosition }[]): Promise<number>;
  /** @returns how many of them were live */
  expire(ids: readonly WithdrawalId[]): Promise<number>;
}

export interface Withdrawals {
  /**
   * The point of no return. Of each, in the order given: the payout (which must be payable) becomes `signed` and the withdrawal
   * is saved, if the epoch is the newest, payments are on, there is no recovery hold and the limits let it go, those before it
   * counted. A payout that a limit holds has become `held` then, and the answer is `payout_moved`. One that is refused keeps no
   * other from being saved. All of it is written, or nothing: then it throws.
   * @returns an answer for each, in the same order
   */
  save(withdrawals: readonly NewWithdrawal[]): Promise<readonly ("saved" | WithdrawalRefusal)[]>;
  /** The bytes have left at least once: withdrawal → broadcast, payout → sent. Late calls change nothing. */
  markSent(withdrawals: readonly Pick<WithdrawalRecord, "id" | "payoutId">[]): Promise<void>;
  /**
   * What nodes had against it. The reason is for people who look at the payout. A common cause, the first that is noted, says that the
   * attempt does not count if it ends unpaid; that it ends is proved otherwise.
   */
  noteRefusal(
    withdrawal: Pick<WithdrawalRecord, "id" | "payoutId">,
    refusal: { readonly reason: string | undefined; readonly commonCause: string | undefined },
  ): Promise<void>;
}

export interface TopUpReader {
  /** The newest that fit, in the order in which they were written. */
  find(filter: TopUpFilter): Promise<readonly TopUpRecord[]>;
}

export interface TopUpsTx extends TopUpReader {
  count(filter: TopUpFilter): Promise<number>;
  /** `false`: it is there already. Same key and another request: throws. */
  insert(topUp: IdentifiedTopUp): Promise<boolean>;
  /** `to` may be where it stands: then only what is known of it changes. */
  move(id: TopUpId, from: readonly TopUpStatus[], to: TopUpStatus, change?: TopUpChange): Promise<boolean>;
}

export interface ControlReader {
  read(): Promise<ControlState>;
}

export interface ControlTx extends ControlReader {
  /** The same, as it stays until this transaction ends: no payer starts anything and no freeze is added or ended meanwhile. */
  lock(): Promise<ControlState>;
  /** Once this is committed nothing is signed that it stops. `false`: the same one is open already. */
  addFreeze(freeze: NewFreeze): Promise<boolean>;
  /** `false`: it is over already. */
  endFreeze(id: FreezeId, end: FreezeEnd): Promise<boolean>;
  /** What this process finds in its environment and its file: these replace what it reported before, for others to see. */
  reportFreezes(process: string, found: readonly Freeze[]): Promise<void>;
  /** They hold from now on; those before stay on record. */
  setLimits(limits: PaymentLimits, by: { readonly actor: string; readonly reason: string }): Promise<void>;
  /**
   * From now on no new withdrawal can be saved. Of two recovery holds the later end and the earlier block hold. The database as it
   * is now counts as looked at.
   */
  placeRecoveryHold(recoveryHold: RecoveryHold): Promise<void>;
  /** @param recoveryHold as it was read: one that was placed meanwhile stays, and so does one that the cursor has not passed */
  liftRecoveryHold(recoveryHold: RecoveryHold): Promise<boolean>;
  /** Never goes back. */
  setProcessedElsewhereUpToBlockNum(blockNum: number): Promise<void>;
}

export interface Control extends ControlReader {
  /** Binds the ledger to this account if it is of none yet; what it is of. */
  bind(account: LedgerAccount): Promise<LedgerAccount>;
  /** A new epoch for a payer that has just become the only one. Everything signed under an older one is refused. */
  startWriterEpoch(): Promise<bigint>;
}

export interface ApprovalsTx {
  /** Who has approved it, and who has requeued or released it: those people do not approve it. */
  of(payout: Pick<PayoutRecord, "id">): Promise<{
    readonly given: readonly PayoutApproval[];
    readonly requesters: readonly string[];
  }>;
  /** `false`: this person has approved it before. */
  add(id: PayoutId, approval: PayoutApproval): Promise<boolean>;
  /** A payout that a limit holds goes back to the payer, with its job. `false`: none holds it, or it is not approved. */
  release(id: PayoutId, job: NewJob): Promise<boolean>;
}

export interface SetAsideOrder {
  readonly event: string;
  readonly actor: string;
  readonly reason: string;
  /** Of the command; in the receipt, which is written with it. */
  readonly action?: string;
}

/** Old blocks that an operator wants read again, by an ingester, while payments are off. */
export interface ReplayOrder {
  readonly id: bigint;
  readonly from: number;
  readonly to: number;
  readonly actor: string;
  readonly reason: string;
  /** The first block that is not read again yet. */
  readonly nextBlock: number;
  readonly transfersAdded: number;
  /** Host times. */
  readonly orderedAtMs: number;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  /** Who ended it before its last block. */
  readonly endedBy: string | undefined;
  /** What it waits for, or why it was ended. */
  readonly remark: string | undefined;
}

export interface ReplaysTx {
  /** `undefined`: one is open already. Throws for blocks that the cursor has not passed, or more than a million. */
  order(
    range: { readonly from: number; readonly to: number },
    receipt: NewReceipt,
  ): Promise<bigint | undefined>;
  /** `false`: it is over already. */
  end(id: bigint, receipt: NewReceipt): Promise<boolean>;
  /** How far an ingester is: everything before `nextBlock` is read. `false`: an operator has ended it. */
  progress(
    id: bigint,
    now: {
      readonly nextBlock: number;
      readonly transfersAdded: number;
      readonly remark: string | undefined;
      readonly isOver: boolean;
    },
  ): Promise<boolean>;
}

/** The ledger inside one database transaction: either everything that is done through it happens, or nothing. */
export interface LedgerTx {
  /** Waits until no other transaction applies events. Released at the end of this one. */
  lockEvents(): Promise<void>;
  readonly cursor: CursorTx;
  readonly transfers: TransfersTx;
  readonly agreements: AgreementsTx;
  readonly rows: StakeRowsTx;
  readonly payouts: PayoutsTx;
  readonly withdrawals: WithdrawalsTx;
  readonly topUps: TopUpsTx;
  readonly control: ControlTx;
  readonly approvals: ApprovalsTx;
  readonly replays: ReplaysTx;
  readonly jobs: {
    /** A job whose id is there already is not written again. */
    add(jobs: readonly NewJob[]): Promise<void>;
  };
  readonly memoKeys: {
    /** Those that are there already stay as they are. */
    add(keys: readonly SeenMemoKey[]): Promise<void>;
    /** Of the operator's login only. `false`: it counts as lost already. */
    lose(lost: LostMemoKey): Promise<boolean>;
  };
  readonly passedBlocks: {
    /** `false`: it was ordered before. */
    add(order: { blockNum: number; actor: string; reason: string }): Promise<boolean>;
  };
  /** Of the operator's login only. */
  readonly recordedTransfers: RecordedTransfers & {
    /** `false`: this operation of this proposal, or this place, was recorded before. */
    add(recorded: RecordedTransfer & { readonly actor: string; readonly reason: string }): Promise<boolean>;
  };
  /** What the custodian got or gave otherwise than by a transfer: a person vouches for it. Of the operator's login only. */
  readonly balanceAdjustments: {
    add(adjustment: {
      readonly amountShares: bigint;
      readonly actor: string;
      readonly reason: string;
    }): Promise<void>;
  };
  /** Transfers (`block:trx:op`) and stake rows (ids) that wait until an operator resumes them; each with its receipt. */
  readonly setAside: {
    /**
     * `there`: it is set aside already. `unknown`: nothing of this name waits to be answered, or to be read after the cursor.
     */
    add(order: SetAsideOrder): Promise<"set_aside" | "there" | "unknown">;
    /** `false`: it is not set aside. */
    end(order: SetAsideOrder): Promise<boolean>;
    /** What is set aside now. */
    open(): Promise<ReadonlySet<string>>;
  };
  readonly receipts: {
    /**
     * @param options `once`: only those whose event and subject are not there yet
     * @returns how many were added
     */
    add(receipts: readonly NewReceipt[], options?: { readonly once: boolean }): Promise<number>;
  };
}

/** A memo key that the custodian's account has, or had. Ingesters alone write it down. */
export interface SeenMemoKey {
  readonly publicKey: string;
  /** The block in which the account gave it to itself; `undefined`: it was found on the chain. */
  readonly sinceBlockNum: number | undefined;
  /** Its private key is lost, as two people have said. What only it opens is unreadable for good. */
  readonly isLost?: true;
}

export interface LostMemoKey {
  readonly publicKey: string;
  readonly actor: string;
  /** Another person than the actor. */
  readonly agreedBy: string;
  readonly reason: string;
}

/** Unread transfers, page by page. */
export interface UnreadPage {
  readonly after: OperationPosition | undefined;
  readonly limit: number;
}

/** Incoming transfers, page by page. */
export interface IncomingPage {
  readonly after: OperationPosition;
  readonly upToBlockNum: number;
  readonly limit: number;
}

/** Blocks that no node can deliver, and that an operator has ordered to pass (pass-blocks.ts). */
export interface PassedBlocks {
  /** Lowest first. */
  within(range: { readonly from: number; readonly to: number }): Promise<readonly number[]>;
}

/** A transfer to the custodian that a proposal made when it was executed, recorded by a person because no node tells of it. */
export interface RecordedTransfer {
  /** Its place in the ledger. */
  readonly operation: OperationPosition;
  /** The operation that made the proposal; what the transfer says stands there. */
  readonly proposal: OperationPosition;
  /** Among the operations of the proposal, from 0 on. */
  readonly proposedOp: number;
}

export interface RecordedTransfers {
  at(operation: OperationPosition): Promise<RecordedTransfer | undefined>;
  /** In blocks of this range; they are few. */
  within(range: { readonly from: number; readonly to: number }): Promise<readonly RecordedTransfer[]>;
}

/** The truth. */
export interface Ledger {
  /** Runs `work` in one transaction and returns what it returns; on an exception nothing has happened. */
  transaction<T>(work: (tx: LedgerTx) => Promise<T>): Promise<T>;
  /**
   * Is there a transfer that has not been decided, or a row that is due by now?
   * @param accepting as of {@link TransfersTx.oldestUndecided}
   */
  hasWork(accepting?: boolean): Promise<boolean>;
  close(): Promise<void>;

  readonly cursor: CursorReader;
  readonly transfers: {
    /** The accounts that have sent something under each name: one, if no node has ever lied about it; none that is known of. */
    accountsNamed(names: readonly string[]): Promise<ReadonlyMap<string, readonly AccountId[]>>;
    /** In chain order, of both directions. */
    unread(page: UnreadPage): Promise<readonly NewTransfer[]>;
    /** In chain order. */
    incoming(page: IncomingPage): Promise<readonly NewTransfer[]>;
  };
  readonly memoKeys: {
    /** Every memo key that the custodian's account was seen to have. */
    all(): Promise<readonly SeenMemoKey[]>;
  };
  readonly rows: {
    /** The distinct instants at which pending rows fall due, whose payout is not cancelled, from the earliest on. */
    nextDueInstants(limit: number): Promise<readonly Millis[]>;
  };
  readonly payouts: Payouts;
  readonly withdrawals: Withdrawals;
  readonly topUps: TopUpReader;
  readonly control: Control;
  readonly passedBlocks: PassedBlocks;
  readonly recordedTransfers: RecordedTransfers;
  readonly replays: {
    /** The one that is open. */
    open(): Promise<ReplayOrder | undefined>;
  };
  readonly jobs: {
    /**
     * Jobs that have not been made, oldest first; each caller gets others. They come again if `make` throws.
     * @returns how many were made
     */
    dispatch(limit: number, make: (jobs: readonly NewJob[]) => Promise<void>): Promise<number>;
  };
}
