import type { OpenFreeze } from "@stakebts/core/rules/freeze";
import { NO_LIMITS, type PaymentLimits } from "@stakebts/core/rules/limits";
import type { RecoveryHoldState } from "@stakebts/core/rules/recovery-hold";
import type { PayoutId } from "@stakebts/core/rules/payout";
import type { StakeRow, StakeRowId } from "@stakebts/core/rules/stake-row";
import type { Agreement } from "@stakebts/core/rules/terms";
import type { TopUpId } from "@stakebts/core/rules/top-up";
import type { TransferOutcome } from "@stakebts/core/rules/decide";
import type { WithdrawalId } from "@stakebts/core/rules/withdrawal";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { Millis } from "@stakebts/kernel/time";
import type { HostClock } from "@stakebts/kernel/clock";
import type {
  Cursor,
  IdentifiedPayout,
  LedgerAccount,
  NewReceipt,
  NewTransfer,
  PayoutApproval,
  PayoutRecord,
  SeenMemoKey,
  RecordedTransfer,
  ReplayOrder,
  SettlementMatch,
  TopUpRecord,
  WithdrawalRecord,
} from "@stakebts/core/ledger/ledger";
import type { NewJob } from "@stakebts/core/queue/queue";

/** What the ledger in memory writes down instants with. */
export type Clock = Pick<HostClock, "nowMs">;

export interface StoredTransfer extends NewTransfer {
  readonly outcome: TransferOutcome | undefined;
  readonly reason?: string;
}

export interface StoredPayout extends PayoutRecord {
  readonly rows: IdentifiedPayout["rows"];
  readonly enqueuedAtMs: number;
  readonly blockProcessed: number | undefined;
}

export interface StoredWithdrawal extends WithdrawalRecord {
  readonly signedMs: Millis;
  readonly at: OperationPosition | undefined;
}

export interface StoredSettlement {
  readonly by: OperationPosition;
  readonly matchedBy: SettlementMatch;
  /** A watcher has held it against the chain. */
  readonly isChecked?: boolean;
}

export interface StoredApproval extends PayoutApproval {
  readonly payoutId: PayoutId;
  /** Requests that there were before it. */
  readonly requests: number;
}

export interface StoredJob {
  readonly job: NewJob;
  readonly made: boolean;
}

/** Everything, in maps of values that are never changed in place: a copy of the maps is a snapshot. */
export interface State {
  account: LedgerAccount | undefined;
  cursor: Cursor | undefined;
  /** Those that are open. */
  freezes: readonly OpenFreeze[];
  freezesAdded: bigint;
  limits: PaymentLimits;
  approvals: readonly StoredApproval[];
  /** Numbers of blocks. */
  passedBlocks: readonly number[];
  /** Of the custodian, as they were seen. */
  memoKeys: readonly SeenMemoKey[];
  /** Who has given which payout back to the payer, in order. */
  requests: readonly { readonly payoutId: PayoutId; readonly actor: string }[];
  /** Who has asked to cancel which payout, in order; `given`: how often it had been given back to the payer. */
  cancelRequests: readonly {
    readonly payoutId: PayoutId;
    readonly actor: string;
    readonly reason: string;
    readonly atMs: number;
    readonly given: number;
  }[];
  replays: readonly ReplayOrder[];
  /** Of watchers, in order; those of alerts are named by event and subject. */
  watcherNotes: readonly { readonly kind: string; readonly subject: string; readonly value: string }[];
  /** What people have said came or went otherwise than by a transfer. */
  recordedTransfers: readonly RecordedTransfer[];
  adjustments: readonly { readonly id: bigint; readonly amount: bigint }[];
  /** Operations of transfers and ids of rows. */
  setAside: ReadonlySet<string>;
  recoveryHold: RecoveryHoldState;
  writerEpoch: bigint;
  processedElsewhereUpToBlockNum: number;
  transfers: Map<string, StoredTransfer>;
  agreements: Map<string, Agreement>;
  /** The places of those that an operator's import has written. */
  importedAgreements: Set<string>;
  rows: Map<StakeRowId, StakeRow & { readonly blockProcessed?: number }>;
  payouts: Map<PayoutId, StoredPayout>;
  /** By the payout's id. */
  settlements: Map<PayoutId, StoredSettlement>;
  withdrawals: Map<WithdrawalId, StoredWithdrawal>;
  topUps: Map<TopUpId, TopUpRecord>;
  jobs: Map<string, StoredJob>;
  receipts: readonly NewReceipt[];
}

export const emptyState = (): State => ({
  account: undefined,
  cursor: undefined,
  freezes: [],
  freezesAdded: 0n,
  limits: NO_LIMITS,
  approvals: [],
  passedBlocks: [],
  memoKeys: [],
  requests: [],
  cancelRequests: [],
  replays: [],
  watcherNotes: [],
  recordedTransfers: [],
  adjustments: [],
  setAside: new Set(),
  recoveryHold: { raised: undefined, databaseChanged: true },
  writerEpoch: 0n,
  processedElsewhereUpToBlockNum: 0,
  transfers: new Map(),
  agreements: new Map(),
  importedAgreements: new Set(),
  rows: new Map(),
  payouts: new Map(),
  settlements: new Map(),
  withdrawals: new Map(),
  topUps: new Map(),
  jobs: new Map(),
  receipts: [],
});

export const copy = (state: State): State => ({
  ...state,
  transfers: new Map(state.transfers),
  agreements: new Map(state.agreements),
  importedAgreements: new Set(state.importedAgreements),
  rows: new Map(state.rows),
  payouts: new Map(state.payouts),
  settlements: new Map(state.settlements),
  withdrawals: new Map(state.withdrawals),
  topUps: new Map(state.topUps),
  jobs: new Map(state.jobs),
});
