import { toShares } from "@stakebts/kernel/amount";
import { assert } from "@stakebts/kernel/assert";
import type { AccountId } from "@stakebts/bitshares/chain";
import type { StakeRowMove, TransferOutcome } from "@stakebts/core/rules/decide";
import {
  type RecoveryHold,
  type RecoveryHoldState,
  longerRecoveryHold,
  isOnRecoveryHold,
  isRecoveryHoldPassed,
} from "@stakebts/core/rules/recovery-hold";
import {
  type Freeze,
  type FreezeId,
  inForce,
  isLocal,
  type OpenFreeze,
  whyPaysNothing,
} from "@stakebts/core/rules/freeze";
import { isApproved } from "@stakebts/core/rules/approval";
import { weighEvidence } from "@stakebts/core/rules/payment-evidence";
import { DUE_TYPES, isStopped, oldestDecidable } from "@stakebts/core/rules/undecided";
import { memoNonces } from "@stakebts/core/ledger/ids";
import { isSameAgreement } from "@stakebts/core/rules/import-mark";
import { hasLimits, limitPayment, NO_LIMITS, type PaymentLimits } from "@stakebts/core/rules/limits";
import {
  compareOperations,
  type OperationId,
  operationId,
  type OperationPosition,
} from "@stakebts/kernel/operation-id";
import { PAYOUT_MOVES, type PayoutId, type PayoutKey, type PayoutStatus } from "@stakebts/core/rules/payout";
import {
  assertStakeRowMove,
  type NewStakeRow,
  type StakeRow,
  type StakeRowId,
  type StakeRowStatus,
} from "@stakebts/core/rules/stake-row";
import {
  TOP_UP_MOVES,
  type TopUpId,
  type TopUpSourceNumber,
  type TopUpStatus,
  OPEN_TOP_UP_STATUSES,
} from "@stakebts/core/rules/top-up";
import type { Agreement } from "@stakebts/core/rules/terms";
import type { Millis } from "@stakebts/kernel/time";
import {
  isLive,
  WITHDRAWAL_MOVES,
  type WithdrawalId,
  type WithdrawalStatus,
} from "@stakebts/core/rules/withdrawal";
import type { HostClock } from "@stakebts/kernel/clock";
import type {
  Cursor,
  CursorMove,
  FreezeEnd,
  TopUpChange,
  TopUpFilter,
  TopUpRecord,
  IdentifiedTopUp,
  IdentifiedPayout,
  Ledger,
  LedgerTx,
  NewAgreement,
  NewFreeze,
  NewReceipt,
  NewTransfer,
  NewWithdrawal,
  PaidTransfer,
  PaymentsSwitch,
  PaymentView,
  PayoutApproval,
  PayoutConfirmation,
  PayoutRequeue,
  PayoutRecord,
  WithdrawalRecord,
  WithdrawalRefusal,
} from "@stakebts/core/ledger/ledger";
import type { NewJob } from "@stakebts/core/queue/queue";

interface StoredTransfer extends NewTransfer {
  readonly outcome: TransferOutcome | undefined;
  readonly reason?: string;
}

interface StoredPayout extends PayoutRecord {
  readonly rows: IdentifiedPayout["rows"];
  readonly rungAtMs: number;
  readonly blockProcessed: number | undefined;
}

interface StoredWithdrawal extends WithdrawalRecord {
  readonly signedMs: Millis;
  readonly at: OperationPosition | undefined;
}

interface StoredApproval extends PayoutApproval {
  readonly payoutId: PayoutId;
  /** Receipts that there were before it. */
  readonly receipts: number;
}

interface StoredJob {
  readonly job: NewJob;
  readonly made: boolean;
}

/** Everything, in maps of values that are never changed in place: a copy of the maps is a snapshot. */
interface State {
  cursor: Cursor | undefined;
  /** Those that are open. */
  freezes: readonly OpenFreeze[];
  freezesAdded: bigint;
  limits: PaymentLimits;
  approvals: readonly StoredApproval[];
  recoveryHold: RecoveryHoldState;
  writerEpoch: bigint;
  processedElsewhereUpToBlockNum: number;
  transfers: Map<string, StoredTransfer>;
  agreements: Map<string, Agreement>;
  rows: Map<StakeRowId, StakeRow & { readonly blockProcessed?: number }>;
  payouts: Map<PayoutId, StoredPayout>;
  withdrawals: Map<WithdrawalId, StoredWithdrawal>;
  topUps: Map<TopUpId, TopUpRecord>;
  jobs: Map<string, StoredJob>;
  receipts: readonly NewReceipt[];
}

const copy = (state: State): State => ({
  ...state,
  transfers: new Map(state.transfers),
  agreements: new Map(state.agreements),
  rows: new Map(state.rows),
  payouts: new Map(state.payouts),
  withdrawals: new Map(state.withdrawals),
  topUps: new Map(state.topUps),
  jobs: new Map(state.jobs),
});

/**
 * The ledger in memory, for tests of services: the same rules and recovery holds as the one in PostgreSQL, which both prove by
 * the same conformance suite. One transaction at a time; an exception puts everything back.
 */
export class MemoryLedger implements Ledger {
  #state: State = {
    cursor: undefined,
    freezes: [],
    freezesAdded: 0n,
    limits: NO_LIMITS,
    approvals: [],
    recoveryHold: { raised: undefined, databaseChanged: true },
    writerEpoch: 0n,
    processedElsewhereUpToBlockNum: 0,
    transfers: new Map(),
    agreements: new Map(),
    rows: new Map(),
    payouts: new Map(),
    withdrawals: new Map(),
    topUps: new Map(),
    jobs: new Map(),
    receipts: [],
  };
  #last: Promise<unknown> = Promise.resolve();
  readonly #clock: Pick<HostClock, "nowMs">;

  constructor(clock: Pick<HostClock, "nowMs">) {
    this.#clock = clock;
  }

  transaction<T>(work: (tx: LedgerTx) => Promise<T>): Promise<T> {
    const run = this.#last.then(async () => {
      const before = this.#state;
      this.#state = copy(before);
      try {
        return await work(new MemoryLedgerTx(this.#state, this.#clock));
      } catch (error) {
        this.#state = before;
        throw error;
      }
    });
    this.#last = run.catch(() => undefined);
    return run;
  }

  /** For assertions in tests: what the ledger holds now. */
  get contents(): Readonly<State> {
    return this.#state;
  }

  /** A copy to come back to, as a dump of the database is. */
  backup(): unknown {
    return copy(this.#state);
  }

  /** Another database, with the rows of the backup. */
  restore(backup: unknown): void {
    this.rewind(backup);
    this.#state.recoveryHold = { ...this.#state.recoveryHold, databaseChanged: true };
  }

  /** Older rows in the same database, where nothing but the rows themselves shows it. */
  rewind(backup: unknown): void {
    this.#state = copy(backup as State);
  }

  cursor(): Promise<Cursor | undefined> {
    return Promise.resolve(this.#state.cursor);
  }

  paymentView(id: PayoutId): Promise<PaymentView | undefined> {
    const { payouts, withdrawals, cursor, recoveryHold, limits } = this.#state;
    const payments = paymentsIn(this.#state);
    const payout = payouts.get(id);
    const live = [...withdrawals.values()].find((w) => w.payoutId === id && isLive(w.status));
    return Promise.resolve(
      payout === undefined ? undefined : { payout, live, payments, cursor, recoveryHold, limits },
    );
  }

  payments(): Promise<PaymentsSwitch> {
    return Promise.resolve(paymentsIn(this.#state));
  }

  freezes(): Promise<readonly OpenFreeze[]> {
    return Promise.resolve(inForce(this.#state.freezes));
  }

  limits(): Promise<PaymentLimits> {
    return Promise.resolve(this.#state.limits);
  }

  limitPayment(id: PayoutId): Promise<"go" | "held" | "later"> {
    return this.#inTurn((state) => limitIn(state, id));
  }

  recoveryHoldState(): Promise<RecoveryHoldState> {
    return Promise.resolve(this.#state.recoveryHold);
  }

  startWriterEpoch(): Promise<bigint> {
    return this.#inTurn((state) => ++state.writerEpoch);
  }

  saveWithdrawal(withdrawal: NewWithdrawal): Promise<"saved" | WithdrawalRefusal> {
    return this.#inTurn((state) => {
      if (state.writerEpoch !== withdrawal.writerEpoch) return "epoch_over";
      if (!paymentsIn(state).on || isOnRecoveryHold(state.recoveryHold)) return "payments_off";
      const payout = state.payouts.get(withdrawal.payoutId);
      assert(payout !== undefined, `payout ${withdrawal.payoutId} does not exist`);
      if (!["due", "ready", "waiting_funds"].includes(payout.status)) return "payout_moved";
      for (const other of state.withdrawals.values())
        if (other.txid === withdrawal.txid || (other.payoutId === payout.id && other.status !== "expired"))
          return "payout_moved";
      const limited = limitIn(state, payout.id);
      if (limited !== "go") return limited === "held" ? "payout_moved" : "payments_off";
      state.payouts.set(payout.id, {
        ...payout,
        status: "signed",
        reason: undefined,
        limitedBy: undefined,
        waitingSinceMs: undefined,
        attempts: payout.attempts + 1,
        rungAtMs: this.#clock.nowMs(),
      });
      const signedMs = state.cursor?.blockTimeMs ?? withdrawal.expirationMs;
      state.withdrawals.set(withdrawal.id, { ...withdrawal, status: "signed", at: undefined, signedMs });
      return "saved";
    });
  }

  markSent({ id }: Pick<WithdrawalRecord, "id" | "payoutId">): Promise<void> {
    return this.#inTurn((state) => {
      const withdrawal = state.withdrawals.get(id);
      if (withdrawal?.status !== "signed") return;
      state.withdrawals.set(id, { ...withdrawal, status: "broadcast" });
      const payout = state.payouts.get(withdrawal.payoutId);
      if (payout?.status === "signed") state.payouts.set(payout.id, { ...payout, status: "sent" });
    });
  }

  noteRefusal({ payoutId }: Pick<WithdrawalRecord, "payoutId">, reason: string): Promise<void> {
    return this.#inTurn((state) => {
      const payout = state.payouts.get(payoutId);
      if (payout?.status === "signed" || payout?.status === "sent")
        state.payouts.set(payoutId, { ...payout, reason });
    });
  }

  openNeeds(limit: number): Promise<readonly PayoutRecord[]> {
    const open = [...this.#state.payouts.values()]
      .filter((payout) => ["due", "ready", "waiting_funds"].includes(payout.status))
      .filter((payout) => payout.kind !== "deposit")
      .sort((a, b) => a.dueMs - b.dueMs);
    return Promise.resolve(open.slice(0, limit));
  }

  topUps(filter: TopUpFilter): Promise<readonly TopUpRecord[]> {
    return Promise.resolve(topUpsIn(this.#state, filter));
  }

  async dispatchJobs(limit: number, make: (jobs: readonly NewJob[]) => Promise<void>): Promise<number> {
    const claimed = [...this.#state.jobs.values()].filter(({ made }) => !made).slice(0, limit);
    if (claimed.length === 0) return 0;
    await make(claimed.map(({ job }) => job));
    await this.#inTurn((state) => {
      for (const { job } of claimed) state.jobs.set(job.id, { job, made: true });
    });
    return claimed.length;
  }

  enqueueStalePayouts({
    notEnqueuedForMs,
    limit,
  }: {
    notEnqueuedForMs: number;
    limit: number;
  }): Promise<number> {
    return this.#inTurn((state) => {
      const nowMs = this.#clock.nowMs();
      const stale = [...state.payouts.values()]
        .filter((payout) => ["due", "ready", "signed", "sent", "waiting_funds"].includes(payout.status))
        .filter((payout) => payout.rungAtMs < nowMs - notEnqueuedForMs)
        .sort((a, b) => a.dueMs - b.dueMs)
        .slice(0, limit);
      for (const payout of stale) {
        state.payouts.set(payout.id, { ...payout, rungAtMs: nowMs });
        const id = `payout-${payout.id}-${nowMs}-${state.jobs.size}`;
        const job: NewJob = { id, kind: "payout.pay", data: { payoutId: payout.id }, delayMs: 0 };
        state.jobs.set(id, { job, made: false });
      }
      return stale.length;
    });
  }

  nextDueInstants(limit: number): Promise<readonly Millis[]> {
    const instants = [...this.#state.rows.values()]
      .filter((row) => row.status === "pending" && !isDebtCancelled(this.#state, row.id))
      .map((row) => row.dueMs);
    return Promise.resolve([...new Set(instants)].sort((a, b) => a - b).slice(0, limit));
  }

  async accountsNamed(name: string): Promise<readonly AccountId[]> {
    const ids = [...this.#state.transfers.values()].flatMap((t) =>
      t.sender === name && t.senderId !== undefined ? [t.senderId] : [],
    );
    return [...new Set(ids)];
  }

  hasWork(accepting = true): Promise<boolean> {
    const { cursor, rows } = this.#state;
    const undecided = oldestDecidable(undecidedIn(this.#state), accepting) !== undefined;
    const due = [...rows.values()].some(
      (row) => row.dueMs <= (cursor?.blockTimeMs ?? 0) && isAwaited(this.#state, row),
    );
    return Promise.resolve(undecided || (cursor !== undefined && due));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #inTurn<T>(work: (state: State) => T): Promise<T> {
    const run = this.#last.then(() => work(this.#state));
    this.#last = run.catch(() => undefined);
    return run;
  }
}

/** An operator has cancelled the payout that this row makes when it falls due. */
const isDebtCancelled = (state: State, id: StakeRowId): boolean =>
  [...state.payouts.values()].some(
    (payout) =>
      payout.status === "cancelled" &&
      (payout.kind === "reward" || payout.kind === "base") &&
      payout.rows.some((row) => row.id === id),
  );

const undecidedIn = (state: State): readonly StoredTransfer[] =>
  [...state.transfers.values()]
    .filter((transfer) => transfer.direction === "in" && transfer.outcome === undefined)
    .sort((a, b) => compareOperations(a.operation, b.operation));

/** It waits for its due date, and nothing ends it before that. */
const isAwaited = (state: State, row: StakeRow): boolean =>
  row.status === "pending" &&
  (DUE_TYPES as readonly string[]).includes(row.type) &&
  !isDebtCancelled(state, row.id) &&
  !isStopped(row, undecidedIn(state));

const isSameFreeze = (one: NewFreeze, other: NewFreeze): boolean =>
  one.source === other.source &&
  one.level === other.level &&
  one.process === other.process &&
  one.reason === other.reason;

function paymentsIn(state: State): PaymentsSwitch {
  const reason = whyPaysNothing(inForce(state.freezes));
  return reason === undefined ? { on: true } : { on: false, reason };
}

const REQUESTS = ["payout.requeued", "payout.released"];

const isApprovedIn = (state: State, payout: PayoutRecord): boolean =>
  isApproved(
    payout,
    state.approvals
      .filter(({ payoutId }) => payoutId === payout.id)
      .map(({ receipts, ...approval }) => ({ ...approval, at: receipts })),
    state.receipts.flatMap(({ event, subject, details }, index) =>
      subject === payout.key && REQUESTS.includes(event)
        ? [{ actor: String(details["actor"]), at: index + 1 }]
        : [],
    ),
  );

const byAge = (a: PayoutRecord, b: PayoutRecord): number =>
  a.dueMs - b.dueMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** The function `limit_payment` of the database: decides, and writes down what holds the payout back. */
function limitIn(state: State, id: PayoutId): "go" | "held" | "later" {
  const { limits } = state;
  const payout = state.payouts.get(id);
  assert(payout !== undefined, `payout ${id} does not exist`);
  if (!hasLimits(limits) || !["due", "ready", "waiting_funds"].includes(payout.status)) return "go";
  const waits = [...state.payouts.values()]
    .filter((other) => ["due", "ready"].includes(other.status))
    .filter((other) => other.limitedBy === "hour_cap" || other.limitedBy === "day_cap")
    .sort(byAge);
  const older = waits.find(
    (other) =>
      byAge(other, payout) < 0 &&
      (other.limitedBy === "hour_cap" ? limits.hourCap : limits.dayCap) !== undefined,
  );
  const verdict = limitPayment(payout.amount, limits, {
    approved: isApprovedIn(state, payout),
    signed: [...state.withdrawals.values()]
      .filter(({ status }) => status !== "expired")
      .map(({ payoutId, signedMs }) => ({
        amount: state.payouts.get(payoutId)?.amount ?? payout.amount,
        signedMs,
      })),
    nowMs: state.cursor?.blockTimeMs ?? (0 as Millis),
    olderWaits: older?.limitedBy as "hour_cap" | "day_cap" | undefined,
  });
  if (verdict.type === "go") return "go";
  const { type, by, reason } = verdict;
  const receipt =
    type === "held"
      ? { event: "payout.held", subject: payout.key, details: { payoutId: id, limit: by, reason } }
      : { event: "limit.reached", subject: by, details: { payout: payout.key, reason } };
  if (type === "held" || !waits.some((other) => other.limitedBy === by))
    state.receipts = [...state.receipts, receipt];
  const status = type === "held" ? "held" : payout.status === "waiting_funds" ? "ready" : payout.status;
  state.payouts.set(id, { ...payout, status, reason, limitedBy: by, waitingSinceMs: undefined });
  return type;
}

function topUpsIn(
  state: State,
  { statuses, kinds, sources, txid, limit = Number.POSITIVE_INFINITY }: TopUpFilter,
): readonly TopUpRecord[] {
  const found = [...state.topUps.values()].filter(
    (topUp) =>
      (statuses?.includes(topUp.status) ?? true) &&
      (kinds?.includes(topUp.kind) ?? true) &&
      (sources?.includes(topUp.source) ?? true) &&
      (txid === undefined || topUp.txid === txid),
  );
  return found.slice(Math.max(0, found.length - limit));
}

class MemoryLedgerTx implements LedgerTx {
  readonly #state: State;
  readonly #clock: Pick<HostClock, "nowMs">;

  constructor(state: State, clock: Pick<HostClock, "nowMs">) {
    this.#state = state;
    this.#clock = clock;
  }

  /** Transactions run one at a time as it is. */
  lockEvents(): Promise<void> {
    return Promise.resolve();
  }

  cursor(): Promise<Cursor | undefined> {
    return Promise.resolve(this.#state.cursor);
  }

  async moveCursor(expected: number | undefined, next: CursorMove): Promise<boolean> {
    if (this.#state.cursor?.blockNum !== expected) return false;
    assert(
      expected === undefined || next.blockNum > expected,
      `the cursor does not go back to ${next.blockNum}`,
    );
    const scannedFromBlockNum = next.scannedFromBlockNum ?? this.#state.cursor?.scannedFromBlockNum;
    assert(scannedFromBlockNum !== undefined, "the first cursor says where it begins");
    this.#state.cursor = { ...next, scannedFromBlockNum };
    return true;
  }

  async extendScan({ from, to }: { readonly from: number; readonly to: number }): Promise<void> {
    const { cursor } = this.#state;
    if (cursor === undefined || cursor.scannedFromBlockNum <= from || cursor.scannedFromBlockNum > to + 1)
      return;
    this.#state.cursor = { ...cursor, scannedFromBlockNum: from };
  }

  async insertTransfers(transfers: readonly NewTransfer[]): Promise<readonly NewTransfer[]> {
    const fresh = transfers.filter((transfer) => !this.#state.transfers.has(operationId(transfer.operation)));
    for (const transfer of fresh)
      this.#state.transfers.set(operationId(transfer.operation), { ...transfer, outcome: undefined });
    return fresh;
  }

  async oldestUndecidedTransfer(accepting = true): Promise<NewTransfer | undefined> {
    return oldestDecidable(undecidedIn(this.#state), accepting);
  }

  async decideTransfer(
    operation: OperationPosition,
    outcome: TransferOutcome,
    reason: string,
  ): Promise<boolean> {
    const transfer = this.#state.transfers.get(operationId(operation));
    if (transfer === undefined || transfer.direction === "out" || transfer.outcome !== undefined)
      return false;
    this.#state.transfers.set(operationId(operation), { ...transfer, outcome, reason });
    return true;
  }

  async paidTransfers(keys: readonly PayoutKey[]): Promise<readonly PaidTransfer[]> {
    return [...this.#state.transfers.values()]
      .filter(
        (t): t is StoredTransfer & PaidTransfer => t.payoutKey !== undefined && keys.includes(t.payoutKey),
      )
      .filter((t) => t.direction === "out")
      .sort((a, b) => compareOperations(a.operation, b.operation));
  }

  async sentTransfers(txids: readonly string[]): Promise<readonly NewTransfer[]> {
    return [...this.#state.transfers.values()]
      .filter((t) => t.direction === "out" && t.txid !== undefined && txids.includes(t.txid))
      .sort((a, b) => compareOperations(a.operation, b.operation));
  }

  async transferAt(operation: OperationPosition): Promise<NewTransfer | undefined> {
    return this.#state.transfers.get(operationId(operation));
  }

  async knownTransfers(operations: readonly OperationPosition[]): Promise<readonly OperationId[]> {
    return operations.map(operationId).filter((at) => this.#state.transfers.has(at));
  }

  async insertAgreement(agreement: Agreement, rows: readonly NewStakeRow[]): Promise<boolean> {
    const id = operationId(agreement.operation);
    if (this.#state.agreements.has(id)) return false;
    this.#state.agreements.set(id, agreement);
    for (const row of rows) {
      assert(!this.#state.rows.has(row.id), `row ${row.id} exists`);
      this.#state.rows.set(row.id, row);
    }
    return true;
  }

  async insertAgreements(agreements: readonly NewAgreement[]): Promise<readonly NewAgreement[]> {
    const written: NewAgreement[] = [];
    for (const one of agreements) if (await this.insertAgreement(one.agreement, one.rows)) written.push(one);
    return written;
  }

  async agreementsOf(nominators: readonly string[]): Promise<readonly Agreement[]> {
    return [...this.#state.agreements.values()]
      .filter((agreement) => nominators.includes(agreement.nominator))
      .sort((a, b) => compareOperations(a.operation, b.operation));
  }

  async importedDuplicate(agreement: Agreement): Promise<OperationId | undefined> {
    const at = operationId(agreement.operation);
    const transfers = [...this.#state.transfers.values()];
    const farness = (other: Agreement): number =>
      operationId(other.operation) === at ? -1 : Math.abs(other.startMs - agreement.startMs);
    const [duplicate] = [...this.#state.agreements.values()]
      .filter((other) => operationId(other.operation) === at || isSameAgreement(other, agreement))
      .filter((other) => {
        const name = operationId(other.operation);
        return (
          this.#state.transfers.get(name)?.outcome !== "agreement_opened" &&
          !transfers.some((t) => t.outcome === "already_processed" && t.reason?.endsWith(` ${name}`) === true)
        );
      })
      .sort((a, b) => farness(a) - farness(b) || compareOperations(a.operation, b.operation));
    return duplicate === undefined ? undefined : operationId(duplicate.operation);
  }

  async processedElsewhereUpToBlockNum(): Promise<number> {
    return this.#state.processedElsewhereUpToBlockNum;
  }

  async setProcessedElsewhereUpToBlockNum(blockNum: number): Promise<void> {
    this.#state.processedElsewhereUpToBlockNum = Math.max(
      this.#state.processedElsewhereUpToBlockNum,
      blockNum,
    );
  }

  async pendingRowsOf(nominator: string): Promise<readonly StakeRow[]> {
    return [...this.#state.rows.values()].filter(
      (row) => row.nominator === nominator && row.status === "pending",
    );
  }

  async pendingRowsDue(upToMs: Millis, limit: number): Promise<readonly StakeRow[]> {
    return [...this.#state.rows.values()]
      .filter((row) => row.dueMs <= upToMs && isAwaited(this.#state, row))
      .sort((a, b) => a.dueMs - b.dueMs || (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  }

  async moveRows(moves: readonly StakeRowMove[]): Promise<number> {
    let moved = 0;
    for (const { row, from, to } of moves) {
      assertStakeRowMove(from, to);
      const stored = this.#state.rows.get(row.id);
      if (stored?.status !== from) continue;
      this.#state.rows.set(row.id, { ...stored, status: to });
      moved++;
    }
    return moved;
  }

  async insertPayouts(payouts: readonly IdentifiedPayout[]): Promise<void> {
    for (const payout of payouts) {
      const old = this.#state.payouts.get(payout.id);
      assert(
        old === undefined ||
          (old.payee === payout.payee && old.amount === payout.amount && old.memo === payout.memo),
        `payout ${payout.key} exists with another payee, amount or memo`,
      );
      if (old !== undefined) continue;
      this.#state.payouts.set(payout.id, {
        ...payout,
        status: "due",
        reason: undefined,
        limitedBy: undefined,
        attempts: 0,
        waitingSinceMs: undefined,
        rungAtMs: this.#clock.nowMs(),
        blockProcessed: undefined,
      });
    }
  }

  async payouts(ids: readonly PayoutId[]): Promise<readonly PayoutRecord[]> {
    return ids.flatMap((id) => this.#state.payouts.get(id) ?? []);
  }

  async payoutsByKey(keys: readonly PayoutKey[]): Promise<readonly PayoutRecord[]> {
    return [...this.#state.payouts.values()].filter((payout) => keys.includes(payout.key));
  }

  async rowsOf(id: PayoutId): Promise<readonly StakeRow[]> {
    const settles = this.#state.payouts.get(id)?.rows ?? [];
    return settles
      .flatMap((row) => this.#state.rows.get(row.id) ?? [])
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async movePayout(
    id: PayoutId,
    from: readonly PayoutStatus[],
    to: PayoutStatus,
    change: { reason?: string; waitingSinceMs?: Millis } = {},
  ): Promise<boolean> {
    const payout = this.#state.payouts.get(id);
    if (payout === undefined || !from.includes(payout.status)) return false;
    this.#putPayout(payout, to, {
      reason: change.reason,
      waitingSinceMs: change.waitingSinceMs ?? (to === "waiting_funds" ? payout.waitingSinceMs : undefined),
    });
    return true;
  }

  async requeuePayout({ payout, job, receipt, despite }: PayoutRequeue): Promise<boolean> {
    const { id, key, payee, amount, status, reason } = payout;
    const evidence = weighEvidence(payout, this.#recordedOf(payout), despite);
    if (isOnRecoveryHold(this.#state.recoveryHold) || evidence.type !== "nothing_sent") return false;
    if (!(await this.movePayout(id, [status], "ready"))) return false;
    await this.job([job]);
    const known = { payoutId: id, payee, amount: `${amount}`, was: status, because: reason ?? null };
    const details = { ...receipt.details, ...known, despite: despite ?? null };
    await this.addReceipts([{ ...receipt, subject: key, details }]);
    return true;
  }

  /** What names this payout: by its key, an attempt's transaction id or, of a deposit, a nonce. */
  #recordedOf({ id, key, kind }: PayoutRecord) {
    const withdrawals = [...this.#state.withdrawals.values()].filter(({ payoutId }) => payoutId === id);
    const txids = withdrawals.map(({ txid }) => txid);
    const nonces = kind === "deposit" ? memoNonces(key) : [];
    const transfers = [...this.#state.transfers.values()].filter(
      ({ direction, payoutKey, txid, memoNonce }) =>
        direction === "out" &&
        (payoutKey === key || txids.includes(txid ?? "") || nonces.includes(memoNonce ?? "")),
    );
    return { withdrawals, transfers };
  }

  #putPayout(payout: StoredPayout, to: PayoutStatus, change: Partial<StoredPayout>): void {
    assert(
      PAYOUT_MOVES[payout.status].includes(to),
      `payout ${payout.key} does not go from ${payout.status} to ${to}`,
    );
    const live = [...this.#state.withdrawals.values()].some(
      (w) => w.payoutId === payout.id && isLive(w.status),
    );
    assert(!live || ["sent", "confirmed"].includes(to), `payout ${payout.key} has a live withdrawal`);
    assert(
      !["held", "failed", "cancelled"].includes(to) || change.reason !== undefined,
      `${to} without a reason`,
    );
    const limitedBy = to === payout.status ? payout.limitedBy : undefined;
    this.#state.payouts.set(payout.id, { ...payout, limitedBy, ...change, status: to });
  }

  async confirmPayouts(confirmed: readonly PayoutConfirmation[]): Promise<number> {
    let moved = 0;
    for (const { payoutId, blockNum } of confirmed) {
      const payout = this.#state.payouts.get(payoutId);
      if (payout === undefined || payout.status === "confirmed" || payout.status === "cancelled") continue;
      assert(
        this.#isPaid(payout, blockNum),
        `the ledger knows no payment of payout ${payout.key} in that block`,
      );
      this.#putPayout(payout, "confirmed", { reason: undefined, blockProcessed: blockNum });
      for (const { id, settlesAs } of payout.rows) this.#settleRow(id, settlesAs, blockNum);
      moved++;
    }
    return moved;
  }

  #isPaid({ id, payee, amount }: StoredPayout, blockNum: number): boolean {
    const { withdrawals, transfers } = this.#state;
    return (
      [...withdrawals.values()].some((w) => w.payoutId === id && w.at?.blockNum === blockNum) ||
      [...transfers.values()].some(
        (t) =>
          t.direction === "out" &&
          t.operation.blockNum === blockNum &&
          t.receiver === payee &&
          t.amount === toShares(amount),
      )
    );
  }

  #settleRow(id: StakeRowId, settlesAs: StakeRowStatus, blockProcessed: number): void {
    const row = this.#state.rows.get(id);
    if (row === undefined || !["processing", "paid"].includes(row.status)) return;
    assertStakeRowMove(row.status, settlesAs);
    this.#state.rows.set(id, { ...row, status: settlesAs, blockProcessed });
  }

  async withdrawalsByTxid(txids: readonly string[]): Promise<readonly WithdrawalRecord[]> {
    return [...this.#state.withdrawals.values()].filter((withdrawal) => txids.includes(withdrawal.txid));
  }

  async withdrawalsOf(id: PayoutId): Promise<readonly WithdrawalRecord[]> {
    return [...this.#state.withdrawals.values()].filter((withdrawal) => withdrawal.payoutId === id);
  }

  async liveWithdrawalsExpiringBefore(timeMs: Millis): Promise<readonly WithdrawalRecord[]> {
    return [...this.#state.withdrawals.values()].filter((w) => isLive(w.status) && w.expirationMs < timeMs);
  }

  async confirmWithdrawals(found: readonly { id: WithdrawalId; at: OperationPosition }[]): Promise<number> {
    return found.filter(({ id, at }) => this.#putWithdrawal(id, "confirmed", at)).length;
  }

  async expireWithdrawal(id: WithdrawalId): Promise<boolean> {
    return this.#putWithdrawal(id, "expired", undefined);
  }

  #putWithdrawal(id: WithdrawalId, to: WithdrawalStatus, at: OperationPosition | undefined): boolean {
    const withdrawal = this.#state.withdrawals.get(id);
    if (withdrawal === undefined || !isLive(withdrawal.status)) return false;
    assert(
      WITHDRAWAL_MOVES[withdrawal.status].includes(to),
      `withdrawal ${id}: ${withdrawal.status} to ${to}`,
    );
    this.#state.withdrawals.set(id, { ...withdrawal, status: to, at });
    return true;
  }

  async sentWithNonces(nonces: readonly string[]): Promise<readonly NewTransfer[]> {
    return [...this.#state.transfers.values()]
      .filter((t) => t.direction === "out" && t.memoNonce !== undefined && nonces.includes(t.memoNonce))
      .sort((a, b) => compareOperations(a.operation, b.operation));
  }

  async receivedAs({
    txid,
    memo,
  }: {
    txid: string | undefined;
    memo: string | undefined;
  }): Promise<readonly NewTransfer[]> {
    return [...this.#state.transfers.values()]
      .filter((t) => t.direction === "in")
      .filter((t) => (memo !== undefined && t.memoText === memo) || (txid !== undefined && t.txid === txid))
      .sort((a, b) => compareOperations(a.operation, b.operation));
  }

  async openDeposits(): Promise<readonly PayoutRecord[]> {
    return [...this.#state.payouts.values()].filter(
      (payout) => payout.kind === "deposit" && !["confirmed", "cancelled"].includes(payout.status),
    );
  }

  async insertTopUp(topUp: IdentifiedTopUp): Promise<boolean> {
    const old = this.#state.topUps.get(topUp.id);
    assert(
      old === undefined ||
        (old.source === topUp.source && old.amount === topUp.amount && old.memo === topUp.memo),
      `request ${topUp.key} exists with another source, amount or memo`,
    );
    if (old !== undefined) return false;
    const open = topUpsIn(this.#state, {
      statuses: OPEN_TOP_UP_STATUSES,
      kinds: ["shortage"],
      sources: [topUp.source],
    });
    if (topUp.kind === "shortage" && open.length > 0) return false;
    this.#state.topUps.set(topUp.id, {
      ...topUp,
      status: "requested",
      reason: undefined,
      venueId: undefined,
      venueStatus: undefined,
      txid: undefined,
      asks: 0,
      askedAtMs: undefined,
      changedAtMs: this.#clock.nowMs(),
      signed: undefined,
      arrivedBy: undefined,
    });
    return true;
  }

  async topUps(filter: TopUpFilter): Promise<readonly TopUpRecord[]> {
    return topUpsIn(this.#state, filter);
  }

  async shortageCount(source: TopUpSourceNumber): Promise<number> {
    return topUpsIn(this.#state, { kinds: ["shortage"], sources: [source] }).length;
  }

  async moveTopUp(
    id: TopUpId,
    from: readonly TopUpStatus[],
    to: TopUpStatus,
    change: TopUpChange = {},
  ): Promise<boolean> {
    const old = this.#state.topUps.get(id);
    if (old === undefined || !from.includes(old.status)) return false;
    assert(
      old.status === to || TOP_UP_MOVES[old.status].includes(to),
      `request ${old.key} does not go from ${old.status} to ${to}`,
    );
    assert(old.signed === undefined || change.signed === undefined, `request ${old.key} is signed`);
    const nowMs = this.#clock.nowMs();
    this.#state.topUps.set(id, {
      ...old,
      status: to,
      reason: change.reason,
      venueId: change.venueId ?? old.venueId,
      venueStatus: change.venueStatus ?? old.venueStatus,
      txid: change.txid ?? old.txid,
      signed: change.signed ?? old.signed,
      arrivedBy: change.arrivedBy ?? old.arrivedBy,
      changedAtMs: nowMs,
      ...(change.isAsking === true ? { asks: old.asks + 1, askedAtMs: nowMs } : {}),
    });
    return true;
  }

  async whyNotPay(writerEpoch: bigint): Promise<Exclude<WithdrawalRefusal, "payout_moved"> | undefined> {
    if (this.#state.writerEpoch !== writerEpoch) return "epoch_over";
    return paymentsIn(this.#state).on && !isOnRecoveryHold(this.#state.recoveryHold)
      ? undefined
      : "payments_off";
  }

  async payments(): Promise<PaymentsSwitch> {
    return paymentsIn(this.#state);
  }

  async lockFreezes(): Promise<readonly OpenFreeze[]> {
    return inForce(this.#state.freezes);
  }

  async freezes(): Promise<readonly OpenFreeze[]> {
    return inForce(this.#state.freezes);
  }

  async addFreeze({ source, level, process, reason }: NewFreeze): Promise<boolean> {
    const { freezes } = this.#state;
    if (freezes.some((one) => isSameFreeze(one, { source, level, process, reason }))) return false;
    const id = ++this.#state.freezesAdded as FreezeId;
    const sinceMs = this.#clock.nowMs();
    this.#state.freezes = [...freezes, { id, source, level, process, reason, sinceMs }];
    return true;
  }

  async endFreeze(id: FreezeId, { still }: FreezeEnd): Promise<boolean> {
    const old = this.#state.freezes.find((one) => one.id === id);
    if (old === undefined) return false;
    assert(still === undefined || (old.level === "all" && still !== "all"), `a part of ${old.level}`);
    this.#state.freezes = this.#state.freezes.filter((one) => one !== old);
    if (still !== undefined) await this.addFreeze({ ...old, level: still });
    return true;
  }

  async reportFreezes(process: string, found: readonly Freeze[]): Promise<void> {
    this.#state.freezes = this.#state.freezes.filter(
      (one) =>
        one.process !== process ||
        !isLocal(one.source) ||
        found.some((freeze) => isSameFreeze(one, { ...freeze, process })),
    );
    for (const freeze of found) await this.addFreeze({ ...freeze, process });
  }

  async limits(): Promise<PaymentLimits> {
    return this.#state.limits;
  }

  async setLimits(limits: PaymentLimits): Promise<void> {
    this.#state.limits = limits;
  }

  async approvePayout(payoutId: PayoutId, approval: PayoutApproval): Promise<boolean> {
    const { approver, payee, amount } = approval;
    const isThere = this.#state.approvals.some(
      (old) =>
        old.payoutId === payoutId &&
        old.approver === approver &&
        old.payee === payee &&
        old.amount === amount,
    );
    if (isThere) return false;
    this.#state.approvals = [
      ...this.#state.approvals,
      { payoutId, receipts: this.#state.receipts.length, ...approval },
    ];
    return true;
  }

  async releaseApproved(id: PayoutId, job: NewJob): Promise<boolean> {
    const payout = this.#state.payouts.get(id);
    if (payout?.limitedBy === undefined || !isApprovedIn(this.#state, payout)) return false;
    if (!(await this.movePayout(id, ["held"], "ready"))) return false;
    await this.job([job]);
    return true;
  }

  async approvals(id: PayoutId): Promise<readonly PayoutApproval[]> {
    return this.#state.approvals
      .filter(({ payoutId }) => payoutId === id)
      .map(({ payee, amount, approver, reason }) => ({ payee, amount, approver, reason }));
  }

  async whoRequested(key: PayoutKey): Promise<readonly string[]> {
    return this.#state.receipts
      .filter(({ event, subject }) => subject === key && REQUESTS.includes(event))
      .map(({ details }) => String(details["actor"]));
  }

  async recoveryHold(): Promise<RecoveryHold | undefined> {
    return this.#state.recoveryHold.raised;
  }

  async placeRecoveryHold(recoveryHold: RecoveryHold): Promise<void> {
    this.#state.recoveryHold = {
      raised: longerRecoveryHold(this.#state.recoveryHold.raised, recoveryHold),
      databaseChanged: false,
    };
  }

  async liftRecoveryHold(recoveryHold: RecoveryHold): Promise<boolean> {
    const { cursor, recoveryHold: state } = this.#state;
    const { raised } = state;
    if (raised?.untilMs !== recoveryHold.untilMs || raised.fromBlockNum !== recoveryHold.fromBlockNum)
      return false;
    if (cursor === undefined || !isRecoveryHoldPassed(raised, cursor)) return false;
    this.#state.recoveryHold = { ...state, raised: undefined };
    return true;
  }

  async job(jobs: readonly NewJob[]): Promise<void> {
    for (const job of jobs)
      if (!this.#state.jobs.has(job.id)) this.#state.jobs.set(job.id, { job, made: false });
  }

  async addReceipts(receipts: readonly NewReceipt[]): Promise<void> {
    this.#state.receipts = [...this.#state.receipts, ...receipts];
  }

  async addReceiptsOnce(receipts: readonly NewReceipt[]): Promise<number> {
    const fresh = receipts.filter(
      ({ event, subject }) =>
        !this.#state.receipts.some((old) => old.event === event && old.subject === subject),
    );
    await this.addReceipts(fresh);
    return fresh.length;
  }
}
