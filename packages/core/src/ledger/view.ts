import type { Bts, Shares } from "@stakebts/kernel/amount";
import type { RecoveryHoldState } from "../rules/recovery-hold.ts";
import type { OpenFreeze } from "../rules/freeze.ts";
import type { TopUpStatus } from "../rules/top-up.ts";
import type { LimitedBy, PaymentLimits } from "../rules/limits.ts";
import type { OperationId } from "@stakebts/kernel/operation-id";
import type { PayoutId, PayoutKey, PayoutKind, PayoutStatus } from "../rules/payout.ts";
import type { TermMonths } from "../rules/policy.ts";
import type { StakeRow, StakeRowId, StakeRowStatus, StakeRowType } from "../rules/stake-row.ts";
import type { Millis } from "@stakebts/kernel/time";
import type { WithdrawalStatus } from "../rules/withdrawal.ts";
import type { Cursor, PaymentsSwitch, PayoutApproval } from "./ledger.ts";
import type { NightlyCheck } from "./nightly-checks.ts";
import type { ReconciledBalance } from "./reconciled-balance.ts";

// The ledger as people ask about it. Reading only: nothing that is learnt here decides a payment. Amounts are whole BTS
// unless they are called shares; instants are chain time unless they are called host time.

/** Part of a list. `limit` undefined: all of it. */
export interface Window {
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** How many there are in all. */
  readonly total: number;
}

export interface StakeFilter extends Window {
  readonly nominator?: string | undefined;
  readonly statuses?: readonly StakeRowStatus[] | undefined;
  readonly types?: readonly StakeRowType[] | undefined;
  readonly agreement?: OperationId | undefined;
  readonly dueBeforeMs?: Millis | undefined;
}

export interface StakeLine extends StakeRow {
  readonly processedMs: Millis | undefined;
  readonly blockProcessed: number | undefined;
}

/**
 * - `open`: the base amount is with the custodian.
 * - `closing`: it is on its way back.
 * - `stopped`: it came back early. `ended`: after the full term.
 */
export const AGREEMENT_STATUSES = ["open", "closing", "stopped", "ended"] as const;
export type AgreementStatus = (typeof AGREEMENT_STATUSES)[number];

export interface AgreementFilter extends Window {
  readonly nominator?: string | undefined;
  readonly status?: AgreementStatus | undefined;
}

export interface AgreementLine {
  readonly agreement: OperationId;
  readonly nominator: string;
  readonly amount: Bts;
  readonly months: TermMonths;
  readonly startMs: Millis;
  readonly endMs: Millis;
  readonly status: AgreementStatus;
  readonly rewardsPaid: number;
  /** Paid to the nominator so far, base amount included. */
  readonly paid: Bts;
  /** Still to be paid if the nominator stays. */
  readonly owed: Bts;
  readonly nextDueMs: Millis | undefined;
}

export interface ReceiptFilter extends Window {
  /** A name, or the beginning of one with `*`: `payout.*`. */
  readonly event?: string | undefined;
  readonly subject?: string | undefined;
  /** Host time. */
  readonly sinceMs?: number | undefined;
  /** Only those that this login has written: what is decided by a receipt is decided by one of its own. */
  readonly own?: boolean | undefined;
}

export interface ReceiptLine {
  /** The login, as the database knows it. */
  readonly writtenBy: string;
  readonly id: bigint;
  readonly event: string;
  readonly subject: string;
  readonly chainTimeMs: Millis | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  /** Host time. */
  readonly createdAtMs: number;
}

export interface PayoutFilter extends Window {
  readonly statuses?: readonly PayoutStatus[] | undefined;
  readonly kinds?: readonly PayoutKind[] | undefined;
  readonly payee?: string | undefined;
  readonly dueBeforeMs?: Millis | undefined;
}

export interface PayoutLine {
  readonly id: PayoutId;
  readonly key: PayoutKey;
  readonly kind: PayoutKind;
  readonly payee: string;
  readonly amount: Bts;
  readonly dueMs: Millis;
  readonly status: PayoutStatus;
  readonly reason: string | undefined;
  /** The limit that holds it back, or makes it wait. */
  readonly limitedBy: LimitedBy | undefined;
  readonly attempts: number;
  /** Block and time of the payment, when it is confirmed. */
  readonly blockProcessed: number | undefined;
  readonly processedMs: Millis | undefined;
}

export interface AttemptLine {
  readonly txid: string;
  readonly status: WithdrawalStatus;
  readonly expirationMs: Millis;
  readonly refBlockNum: number;
  readonly feeShares: Shares;
  readonly operation: OperationId | undefined;
  /** Host time. */
  readonly createdAtMs: number;
}

/** One payout with everything that ever happened to it. */
export interface PayoutStory extends PayoutLine {
  readonly memo: string;
  readonly waitingSinceMs: Millis | undefined;
  readonly approvals: readonly PayoutApproval[];
  readonly rows: readonly {
    readonly id: StakeRowId;
    readonly status: StakeRowStatus;
    readonly settlesAs: string;
  }[];
  readonly withdrawals: readonly AttemptLine[];
  /** Outgoing transfers on the chain that name it. */
  readonly payments: readonly { readonly operation: OperationId; readonly txid: string | undefined }[];
  readonly receipts: readonly ReceiptLine[];
}

/** Payouts that a limit holds back: for a person (`held`), or until there is room. */
export interface LimitedSum {
  readonly by: LimitedBy;
  readonly held: boolean;
  readonly count: number;
  readonly amount: Bts;
}

/** How far the sealing is. */
export interface HashChainProgress {
  /** Seals in all. */
  readonly chained: number;
  /** Receipts that wait for theirs; up to a hundred thousand, more are not counted. */
  readonly unchained: number;
  /** How long the oldest of them has been there; 0 when none waits. */
  readonly oldestAgeMs: number;
}

/** A transfer (`block:trx:op`) or a stake row (its id) that could not be answered and waits until an operator resumes it. */
export interface EventSetAside {
  readonly event: string;
  readonly actor: string;
  readonly reason: string;
  /** Host time. */
  readonly sinceMs: number;
}

export interface GlanceView {
  readonly cursor: Cursor | undefined;
  readonly payments: PaymentsSwitch;
  /** Those in force, oldest first. */
  readonly freezes: readonly OpenFreeze[];
  /** What each process has said last of its environment and its file. */
  readonly processFreezes: readonly OpenFreeze[];
  readonly limits: PaymentLimits;
  readonly limited: readonly LimitedSum[];
  readonly recoveryHold: RecoveryHoldState;
  /** The last one that was made by command. Host time. */
  readonly lastBackup:
    | { readonly file: string; readonly madeAtMs: number; readonly verified: boolean }
    | undefined;
  /** `undefined`: no watcher has compared it yet. */
  readonly balance: ReconciledBalance | undefined;
  /** Those that have passed once, by when they did last. Host time. */
  readonly checksPassed: readonly { readonly check: NightlyCheck; readonly atMs: number }[];
  /** Those that are set aside do not count. */
  readonly undecidedTransfers: number;
  /** Those that wait for a memo key, by the key's public text: incoming ones, and payments whose memo cannot be read. */
  readonly unread: readonly { readonly publicKey: string; readonly count: number }[];
  readonly setAside: readonly EventSetAside[];
  /** Jobs that wait to be made: more than a few mean that the scheduler and the ingester are not running. */
  readonly jobsToDispatch: number;
  readonly hashChain: HashChainProgress;
  /** The oldest debt that is not paid, of those that are not stopped. */
  readonly oldestOpen: { readonly key: PayoutKey; readonly dueMs: Millis } | undefined;
}

/** With counts over whole tables: what takes longer the larger the ledger is. */
export interface StatusView extends GlanceView {
  readonly payouts: readonly {
    readonly status: PayoutStatus;
    readonly count: number;
    readonly amount: Bts;
  }[];
  readonly rows: readonly { readonly status: StakeRowStatus; readonly count: number }[];
  readonly agreements: number;
}

export interface Sum {
  readonly count: number;
  readonly amount: Bts;
}

/**
 * What the custodian owes. Counted are rewards and base amounts that have not fallen due, as if every nominator stays,
 * and every payout that is neither confirmed nor cancelled. Each horizon includes what is past due.
 */
export interface Liabilities {
  readonly asOfMs: Millis;
  readonly gross: Sum;
  readonly within30d: Sum;
  readonly within7d: Sum;
  readonly within48h: Sum;
  readonly within24h: Sum;
  readonly pastDue: Sum;
  /** Of the gross: payouts that wait for a person. */
  readonly stopped: Sum;
  readonly paidLast48h: Sum;
  /** Rows that stay pending because an operator cancelled their payout. Not in the gross. */
  readonly cancelled: Sum;
  readonly nominators: number;
}

/** Something that has to be paid: a row that has not fallen due, or a payout that is neither confirmed nor cancelled. */
export interface DebtLine {
  readonly payee: string;
  readonly amount: Bts;
  readonly dueMs: Millis;
  readonly kind: PayoutKind;
  /** `pending`: there is no payout for it yet. */
  readonly status: PayoutStatus | "pending";
}

/** Of those that are not stopped, in the order in which they fall due. */
export interface DebtFilter extends Window {
  readonly dueAfterMs?: Millis | undefined;
  readonly dueUpToMs?: Millis | undefined;
}

export interface JournalLine extends PayoutLine {
  /** The transfer that paid it, from the chain; `undefined` until it is confirmed. */
  readonly txid: string | undefined;
  readonly operation: OperationId | undefined;
  readonly feeShares: Shares | undefined;
  /** Does that transfer pay this amount to this account? `undefined` when there is none to compare with. */
  readonly matchesChain: boolean | undefined;
}

export interface YearTotal {
  readonly nominator: string;
  /** Of the block that holds the payment, UTC. */
  readonly year: number;
  readonly kind: PayoutKind;
  readonly count: number;
  readonly amount: Bts;
}

export interface JournalFilter {
  readonly payee?: string | undefined;
  readonly year?: number | undefined;
  readonly statuses?: readonly PayoutStatus[] | undefined;
}

/** What a watchman looks at: cheap to find out, and enough to say whether payments get on. */
export interface WatchView {
  readonly cursor: Cursor | undefined;
  readonly payments: PaymentsSwitch;
  readonly freezes: readonly OpenFreeze[];
  readonly processFreezes: readonly OpenFreeze[];
  readonly limited: readonly LimitedSum[];
  readonly recoveryHold: RecoveryHoldState;
  /** Does any payer hold the lock that makes it the one that pays? */
  readonly payerLeads: boolean;
  /** Does any watcher look at what the custodian's authority does? */
  readonly watcherPresent: boolean;
  /** When the earliest debt falls or fell due that is neither stopped nor paid, written as a payout or not yet. */
  readonly oldestUnpaidMs: Millis | undefined;
  readonly topUps: readonly { readonly status: TopUpStatus; readonly count: number }[];
}

export interface LedgerView {
  status(): Promise<StatusView>;
  glance(): Promise<GlanceView>;
  watch(): Promise<WatchView>;
  /** @param asOfMs "now" on the chain: the time of the cursor */
  liabilities(asOfMs: Millis): Promise<Liabilities>;
  /** What falls due per day (UTC) from the oldest open debt up to `untilMs`. */
  dueByDay(
    untilMs: Millis,
  ): Promise<readonly { readonly dayMs: Millis; readonly payments: number; readonly amount: Bts }[]>;
  debts(filter: DebtFilter): Promise<Page<DebtLine>>;
  stakes(filter: StakeFilter): Promise<Page<StakeLine>>;
  agreements(filter: AgreementFilter): Promise<Page<AgreementLine>>;
  receipts(filter: ReceiptFilter): Promise<Page<ReceiptLine>>;
  payouts(filter: PayoutFilter): Promise<Page<PayoutLine>>;
  payout(id: PayoutId): Promise<PayoutStory | undefined>;
  /** Every payout in the order in which they were paid, and after them those that are not, in the order they fell due. */
  journal(filter: JournalFilter): AsyncIterable<readonly JournalLine[]>;
  yearTotals(filter: Pick<JournalFilter, "payee" | "year">): Promise<readonly YearTotal[]>;
  /** Names of the migrations that this database has, in order; `undefined` when it has never been migrated. */
  migrations(): Promise<readonly string[] | undefined>;
  /**
   * Payments on the chain whose memo names a debt that this ledger does not have, newest first. While transfers wait to be
   * decided there may be some; later, a person has decided something that a restored ledger does not know. The notice of a
   * failure is none, since a rebuilt ledger does not know of failures, nor is a checkpoint of the audit log.
   */
  paymentsWithoutDebt(
    limit: number,
  ): Promise<
    readonly { readonly operation: OperationId; readonly payout: PayoutKey; readonly payee: string }[]
  >;
  /** The clock of the database's host. */
  hostTimeMs(): Promise<number>;
  close(): Promise<void>;
}
