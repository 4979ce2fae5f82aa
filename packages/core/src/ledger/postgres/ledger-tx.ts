import { type RecoveryHold, whyOnRecoveryHold } from "../../rules/recovery-hold.ts";
import { type Freeze, type FreezeId, inForce, type OpenFreeze } from "../../rules/freeze.ts";
import type { PaymentLimits } from "../../rules/limits.ts";
import type { Agreement } from "../../rules/terms.ts";
import { SAME_START_MS } from "../../rules/import-mark.ts";
import { operationId, type OperationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import type { PayoutId, PayoutKey, PayoutStatus } from "../../rules/payout.ts";
import { assert } from "@stakebts/kernel/assert";
import { shares } from "@stakebts/kernel/amount";
import { assertStakeRowMove, type NewStakeRow, type StakeRow } from "../../rules/stake-row.ts";
import type { StakeRowMove, TransferOutcome } from "../../rules/decide.ts";
import { millis, type Millis } from "@stakebts/kernel/time";
import type { TopUpId, TopUpSourceNumber, TopUpStatus } from "../../rules/top-up.ts";
import type { WithdrawalId } from "../../rules/withdrawal.ts";
import type {
  Cursor,
  CursorMove,
  TopUpChange,
  TopUpFilter,
  TopUpRecord,
  FreezeEnd,
  IdentifiedTopUp,
  IdentifiedPayout,
  LedgerTx,
  NewAgreement,
  NewFreeze,
  NewReceipt,
  NewTransfer,
  PaidTransfer,
  PaymentsSwitch,
  PayoutApproval,
  PayoutConfirmation,
  PayoutRequeue,
  PayoutRecord,
  WithdrawalRecord,
  WithdrawalRefusal,
} from "../ledger.ts";
import type { NewJob } from "../../queue/queue.ts";
import type { DatabaseTx } from "../../database/client.ts";
import {
  insertAgreements,
  insertReceipts,
  insertReceiptsOnce,
  insertJobs,
  insertTransfers,
} from "./bulk-insert.ts";
import { confirmPayouts } from "./confirm-payouts.ts";
import { confirmWithdrawals } from "./confirm-withdrawals.ts";
import { findImportedDuplicate } from "./imported-duplicate.ts";
import { insertDebts, createNotice } from "./insert-payouts.ts";
import { requeuePayout } from "./requeue-payout.ts";
import { insertTopUp, moveTopUp, readTopUps } from "./top-ups.ts";
import { recoveryHoldState } from "./recovery-hold-state.ts";
import { addFreeze, endFreeze, openFreezes, reportFreezes, toSwitch } from "./freezes.ts";
import { insertApproval, insertLimits, readApprovals, readLimits, requestersOf } from "./limits.ts";
import { LOCKS } from "../../database/locks.ts";
import { isAwaited, isDecidable } from "./undecided.ts";
import {
  fromAgreement,
  fromStakeRow,
  toAgreement,
  toCursor,
  toPayout,
  toStakeRow,
  toTransfer,
  toWithdrawal,
  transferKey,
} from "./rows.ts";

const LIVE = ["signed", "broadcast"];
const CHAIN_ORDER = [
  { blockNum: "asc" as const },
  { trxInBlock: "asc" as const },
  { opInTrx: "asc" as const },
];

/** The ledger port over one Prisma transaction. */
export class PostgresLedgerTx implements LedgerTx {
  readonly #db: DatabaseTx;

  constructor(db: DatabaseTx) {
    this.#db = db;
  }

  async lockEvents(): Promise<void> {
    await this.#db.$executeRaw`SELECT pg_advisory_xact_lock(${LOCKS.events}::bigint)`;
  }

  async cursor(): Promise<Cursor | undefined> {
    const row = await this.#db.chainCursor.findUnique({ where: { id: 1 } });
    return row === null ? undefined : toCursor(row);
  }

  async moveCursor(expected: number | undefined, next: CursorMove): Promise<boolean> {
    const values = { ...next, blockTimeMs: BigInt(next.blockTimeMs) };
    const { scannedFromBlockNum } = next;
    assert(
      expected !== undefined || scannedFromBlockNum !== undefined,
      "the first cursor says where it begins",
    );
    const { count } =
      expected === undefined
        ? await this.#db.chainCursor.createMany({
            data: { id: 1, scannedFromBlockNum: scannedFromBlockNum ?? 0, ...values },
            skipDuplicates: true,
          })
        : await this.#db.chainCursor.updateMany({ where: { id: 1, blockNum: expected }, data: values });
    return count === 1;
  }

  async extendScan({ from, to }: { readonly from: number; readonly to: number }): Promise<void> {
    await this.#db.chainCursor.updateMany({
      where: { id: 1, scannedFromBlockNum: { gt: from, lte: to + 1 } },
      data: { scannedFromBlockNum: from },
    });
  }

  async insertTransfers(transfers: readonly NewTransfer[]): Promise<readonly NewTransfer[]> {
    return transfers.length === 0 ? [] : insertTransfers(this.#db, transfers);
  }

  async oldestUndecidedTransfer(accepting = true): Promise<NewTransfer | undefined> {
    if (accepting) {
      const row = await this.#db.transfer.findFirst({
        where: { status: "undecided" },
        orderBy: CHAIN_ORDER,
      });
      return row === null ? undefined : toTransfer(row);
    }
    const [at] = await this.#db.$queryRaw<OperationPosition[]>`
      SELECT block_num AS "blockNum", trx_in_block AS "trxInBlock", op_in_trx AS "opInTrx" FROM transfer
       WHERE ${isDecidable(accepting)} ORDER BY block_num, trx_in_block, op_in_trx LIMIT 1`;
    return at === undefined ? undefined : this.transferAt(at);
  }

  async decideTransfer(
    operation: OperationPosition,
    outcome: TransferOutcome,
    reason: string,
  ): Promise<boolean> {
    const { count } = await this.#db.transfer.updateMany({
      where: { ...transferKey(operation), status: "undecided" },
      data: { status: "decided", outcome, reason },
    });
    return count === 1;
  }

  async paidTransfers(keys: readonly PayoutKey[]): Promise<readonly PaidTransfer[]> {
    if (keys.length === 0) return [];
    const rows = await this.#db.transfer.findMany({
      where: { payoutKey: { in: [...keys] }, direction: "out" },
      orderBy: CHAIN_ORDER,
    });
    return rows.map((row) => ({
      operation: transferKey(row),
      blockTimeMs: millis(Number(row.blockTimeMs)),
      txid: row.txid ?? undefined,
      receiver: row.receiver,
      amount: shares(row.amountShares),
      payoutKey: row.payoutKey as PayoutKey,
    }));
  }

  async sentTransfers(txids: readonly string[]): Promise<readonly NewTransfer[]> {
    if (txids.length === 0) return [];
    const rows = await this.#db.transfer.findMany({
      where: { txid: { in: [...txids] }, direction: "out" },
      orderBy: CHAIN_ORDER,
    });
    return rows.map(toTransfer);
  }

  async transferAt(operation: OperationPosition): Promise<NewTransfer | undefined> {
    const row = await this.#db.transfer.findFirst({ where: transferKey(operation) });
    return row === null ? undefined : toTransfer(row);
  }

  async knownTransfers(operations: readonly OperationPosition[]): Promise<readonly OperationId[]> {
    if (operations.length === 0) return [];
    const rows = await this.#db.$queryRaw<OperationPosition[]>`
      SELECT block_num AS "blockNum", trx_in_block AS "trxInBlock", op_in_trx AS "opInTrx" FROM transfer
       WHERE (block_num, trx_in_block, op_in_trx) IN (SELECT * FROM unnest(
               ${operations.map(({ blockNum }) => blockNum)}::int[],
               ${operations.map(({ trxInBlock }) => trxInBlock)}::int[],
               ${operations.map(({ opInTrx }) => opInTrx)}::int[]))`;
    return rows.map(operationId);
  }

  async insertAgreement(agreement: Agreement, rows: readonly NewStakeRow[]): Promise<boolean> {
    const { count } = await this.#db.agreement.createMany({
      data: fromAgreement(agreement),
      skipDuplicates: true,
    });
    if (count === 0) return false;
    await this.#db.stakeRow.createMany({ data: rows.map(fromStakeRow) });
    return true;
  }

  async insertAgreements(agreements: readonly NewAgreement[]): Promise<readonly NewAgreement[]> {
    return agreements.length === 0 ? [] : insertAgreements(this.#db, agreements);
  }

  async agreementsOf(nominators: readonly string[]): Promise<readonly Agreement[]> {
    const rows = await this.#db.agreement.findMany({
      where: { nominator: { in: [...nominators] } },
      orderBy: [{ blockStart: "asc" }, { trxIdx: "asc" }, { opsIdx: "asc" }],
    });
    return rows.map(toAgreement);
  }

  importedDuplicate(agreement: Agreement): Promise<OperationId | undefined> {
    return findImportedDuplicate(this.#db, agreement, SAME_START_MS);
  }

  async processedElsewhereUpToBlockNum(): Promise<number> {
    const control = await this.#db.control.findUniqueOrThrow({ where: { id: 1 } });
    return control.processedElsewhereUpToBlockNum ?? 0;
  }

  async setProcessedElsewhereUpToBlockNum(blockNum: number): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE control SET processed_elsewhere_up_to_block_num = ${blockNum}::int, updated_at = now()
       WHERE id = 1 AND COALESCE(processed_elsewhere_up_to_block_num, 0) < ${blockNum}::int`;
  }

  async pendingRowsOf(nominator: string): Promise<readonly StakeRow[]> {
    const rows = await this.#db.stakeRow.findMany({
      where: { nominator, status: "pending" },
      orderBy: [{ start: "asc" }, { due: "asc" }, { id: "asc" }],
    });
    return rows.map(toStakeRow);
  }

  async pendingRowsDue(upToMs: Millis, limit: number): Promise<readonly StakeRow[]> {
    const due = await this.#db.$queryRaw<{ id: string }[]>`
      SELECT id FROM stake_row
       WHERE due <= ${BigInt(upToMs)} AND ${isAwaited}
       ORDER BY due, id LIMIT ${limit}`;
    if (due.length === 0) return [];
    const rows = await this.#db.stakeRow.findMany({
      where: { id: { in: due.map(({ id }) => id) } },
      orderBy: [{ due: "asc" }, { id: "asc" }],
    });
    return rows.map(toStakeRow);
  }

  async moveRows(moves: readonly StakeRowMove[]): Promise<number> {
    const groups = new Map<string, StakeRowMove[]>();
    for (const move of moves) {
      assertStakeRowMove(move.from, move.to);
      const group = groups.get(`${move.from} ${move.to}`);
      if (group === undefined) groups.set(`${move.from} ${move.to}`, [move]);
      else group.push(move);
    }
    let moved = 0;
    for (const group of groups.values()) {
      const [{ from, to }] = group as [StakeRowMove];
      const { count } = await this.#db.stakeRow.updateMany({
        where: { id: { in: group.map((move) => move.row.id) }, status: from },
        data: { status: to },
      });
      moved += count;
    }
    return moved;
  }

  async insertPayouts(payouts: readonly IdentifiedPayout[]): Promise<void> {
    if (payouts.length === 0) return;
    const [notices, debts] = [true, false].map((wanted) =>
      payouts.filter(({ kind }) => (kind === "notice") === wanted),
    ) as [IdentifiedPayout[], IdentifiedPayout[]];
    if (debts.length > 0) await insertDebts(this.#db, debts);
    for (const notice of notices) await createNotice(this.#db, notice);
    const stored = new Map((await this.payoutsByKey(payouts.map((p) => p.key))).map((p) => [p.key, p]));
    for (const payout of payouts) {
      const old = stored.get(payout.key);
      assert(
        old !== undefined &&
          old.id === payout.id &&
          old.payee === payout.payee &&
          old.amount === payout.amount &&
          old.memo === payout.memo,
        `payout ${payout.key} exists with another payee, amount or memo`,
      );
    }
    const links = payouts.flatMap((payout) =>
      payout.rows.map((row) => ({ payoutId: payout.id, stakeRowId: row.id, settlesAs: row.settlesAs })),
    );
    if (links.length > 0) await this.#db.payoutStakeRow.createMany({ data: links, skipDuplicates: true });
  }

  async payouts(ids: readonly PayoutId[]): Promise<readonly PayoutRecord[]> {
    const rows = await this.#db.payout.findMany({ where: { id: { in: [...ids] } } });
    return rows.map(toPayout);
  }

  async payoutsByKey(keys: readonly PayoutKey[]): Promise<readonly PayoutRecord[]> {
    const rows = await this.#db.payout.findMany({ where: { key: { in: [...keys] } } });
    return rows.map(toPayout);
  }

  async rowsOf(id: PayoutId): Promise<readonly StakeRow[]> {
    const rows = await this.#db.stakeRow.findMany({
      where: { payouts: { some: { payoutId: id } } },
      orderBy: { id: "asc" },
    });
    return rows.map(toStakeRow);
  }

  async movePayout(
    id: PayoutId,
    from: readonly PayoutStatus[],
    to: PayoutStatus,
    change: { reason?: string; waitingSinceMs?: Millis } = {},
  ): Promise<boolean> {
    const { count } = await this.#db.payout.updateMany({
      where: { id, status: { in: [...from] } },
      data: {
        status: to,
        reason: change.reason ?? null,
        ...(to === "waiting_funds" ? {} : { waitingSince: null }),
        ...(change.waitingSinceMs === undefined ? {} : { waitingSince: BigInt(change.waitingSinceMs) }),
      },
    });
    return count === 1;
  }

  requeuePayout(request: PayoutRequeue): Promise<boolean> {
    return requeuePayout(this.#db, request);
  }

  async confirmPayouts(confirmed: readonly PayoutConfirmation[]): Promise<number> {
    return confirmed.length === 0 ? 0 : confirmPayouts(this.#db, confirmed);
  }

  async withdrawalsByTxid(txids: readonly string[]): Promise<readonly WithdrawalRecord[]> {
    if (txids.length === 0) return [];
    const rows = await this.#db.withdrawal.findMany({ where: { txid: { in: [...txids] } } });
    return rows.map(toWithdrawal);
  }

  async withdrawalsOf(id: PayoutId): Promise<readonly WithdrawalRecord[]> {
    const rows = await this.#db.withdrawal.findMany({
      where: { payoutId: id },
      orderBy: [{ createdAt: "asc" }, { id: "asc" }],
    });
    return rows.map(toWithdrawal);
  }

  async liveWithdrawalsExpiringBefore(timeMs: Millis): Promise<readonly WithdrawalRecord[]> {
    const rows = await this.#db.withdrawal.findMany({
      where: { status: { in: LIVE }, expirationMs: { lt: BigInt(timeMs) } },
      orderBy: [{ expirationMs: "asc" }, { id: "asc" }],
    });
    return rows.map(toWithdrawal);
  }

  async confirmWithdrawals(found: readonly { id: WithdrawalId; at: OperationPosition }[]): Promise<number> {
    return found.length === 0 ? 0 : confirmWithdrawals(this.#db, found);
  }

  async expireWithdrawal(id: WithdrawalId): Promise<boolean> {
    const { count } = await this.#db.withdrawal.updateMany({
      where: { id, status: { in: LIVE } },
      data: { status: "expired" },
    });
    return count === 1;
  }

  async sentWithNonces(nonces: readonly string[]): Promise<readonly NewTransfer[]> {
    const rows = await this.#db.transfer.findMany({
      where: { memoNonce: { in: [...nonces] }, direction: "out" },
      orderBy: CHAIN_ORDER,
    });
    return rows.map(toTransfer);
  }

  async receivedAs({
    txid,
    memo,
  }: {
    txid: string | undefined;
    memo: string | undefined;
  }): Promise<readonly NewTransfer[]> {
    const names = [
      ...(txid === undefined ? [] : [{ txid }]),
      ...(memo === undefined ? [] : [{ memoText: memo }]),
    ];
    const rows = await this.#db.transfer.findMany({
      where: { direction: "in", OR: names },
      orderBy: CHAIN_ORDER,
    });
    return rows.map(toTransfer);
  }

  async openDeposits(): Promise<readonly PayoutRecord[]> {
    const rows = await this.#db.payout.findMany({
      where: { kind: "deposit", status: { notIn: ["confirmed", "cancelled"] } },
    });
    return rows.map(toPayout);
  }

  insertTopUp(topUp: IdentifiedTopUp): Promise<boolean> {
    return insertTopUp(this.#db, topUp);
  }

  topUps(filter: TopUpFilter): Promise<readonly TopUpRecord[]> {
    return readTopUps(this.#db, filter);
  }

  shortageCount(source: TopUpSourceNumber): Promise<number> {
    return this.#db.topUp.count({ where: { kind: "shortage", account: source } });
  }

  moveTopUp(
    id: TopUpId,
    from: readonly TopUpStatus[],
    to: TopUpStatus,
    change: TopUpChange = {},
  ): Promise<boolean> {
    return moveTopUp(this.#db, id, from, to, change);
  }

  async whyNotPay(writerEpoch: bigint): Promise<Exclude<WithdrawalRefusal, "payout_moved"> | undefined> {
    const { on } = await this.payments(); // Locks the row until this transaction ends.
    const control = await this.#db.control.findUniqueOrThrow({ where: { id: 1 } });
    if (control.writerEpoch !== writerEpoch) return "epoch_over";
    return on && whyOnRecoveryHold(await recoveryHoldState(this.#db)) === undefined
      ? undefined
      : "payments_off";
  }

  async payments(): Promise<PaymentsSwitch> {
    return toSwitch(await this.lockFreezes());
  }

  async lockFreezes(): Promise<readonly OpenFreeze[]> {
    await this.#db.$executeRaw`SELECT FROM control WHERE id = 1 FOR UPDATE`;
    return this.freezes();
  }

  async freezes(): Promise<readonly OpenFreeze[]> {
    return inForce(await openFreezes(this.#db));
  }

  addFreeze(freeze: NewFreeze): Promise<boolean> {
    return addFreeze(this.#db, freeze);
  }

  endFreeze(id: FreezeId, end: FreezeEnd): Promise<boolean> {
    return endFreeze(this.#db, id, end);
  }

  reportFreezes(process: string, found: readonly Freeze[]): Promise<void> {
    return reportFreezes(this.#db, process, found);
  }

  limits(): Promise<PaymentLimits> {
    return readLimits(this.#db);
  }

  setLimits(limits: PaymentLimits, by: { readonly actor: string; readonly reason: string }): Promise<void> {
    return insertLimits(this.#db, limits, by);
  }

  approvePayout(id: PayoutId, approval: PayoutApproval): Promise<boolean> {
    return insertApproval(this.#db, id, approval);
  }

  async releaseApproved(id: PayoutId, job: NewJob): Promise<boolean> {
    const [row] = await this.#db.$queryRaw<{ released: boolean }[]>`
      SELECT release_approved(${id}::uuid, ${job.id}) AS released`;
    return row?.released ?? false;
  }

  approvals(id: PayoutId): Promise<readonly PayoutApproval[]> {
    return readApprovals(this.#db, id);
  }

  whoRequested(key: PayoutKey): Promise<readonly string[]> {
    return requestersOf(this.#db, key);
  }

  async recoveryHold(): Promise<RecoveryHold | undefined> {
    return (await recoveryHoldState(this.#db)).raised;
  }

  async placeRecoveryHold({ untilMs, fromBlockNum, reason }: RecoveryHold): Promise<void> {
    await this.#db.$executeRaw`
      UPDATE control
         SET recovery_hold_until_ms = greatest(recovery_hold_until_ms, ${BigInt(untilMs)}),
             recovery_hold_from_block_num = least(recovery_hold_from_block_num, ${fromBlockNum}),
             recovery_hold_reason = ${reason}, database_identity = database_identity(), updated_at = now()
       WHERE id = 1`;
  }

  async liftRecoveryHold({ untilMs, fromBlockNum }: RecoveryHold): Promise<boolean> {
    const lifted = await this.#db.$executeRaw`
      UPDATE control
         SET recovery_hold_until_ms = NULL, recovery_hold_from_block_num = NULL, recovery_hold_reason = NULL, updated_at = now()
       WHERE recovery_hold_until_ms = ${BigInt(untilMs)} AND recovery_hold_from_block_num = ${fromBlockNum}
         AND recovery_hold_is_passed(recovery_hold_until_ms, recovery_hold_from_block_num)`;
    return lifted === 1;
  }

  async job(jobs: readonly NewJob[]): Promise<void> {
    if (jobs.length > 0) await insertJobs(this.#db, jobs);
  }

  async addReceipts(receipts: readonly NewReceipt[]): Promise<void> {
    if (receipts.length > 0) await insertReceipts(this.#db, receipts);
  }

  async addReceiptsOnce(receipts: readonly NewReceipt[]): Promise<number> {
    return receipts.length === 0 ? 0 : insertReceiptsOnce(this.#db, receipts);
  }
}
