import { bts, shares } from "@stakebts/kernel/amount";
import type { LimitedBy } from "../../rules/limits.ts";
import { operationId } from "@stakebts/kernel/operation-id";
import type { PayoutId, PayoutKey, PayoutKind, PayoutStatus } from "../../rules/payout.ts";
import type { StakeRowId, StakeRowStatus } from "../../rules/stake-row.ts";
import { millis } from "@stakebts/kernel/time";
import type { WithdrawalStatus } from "../../rules/withdrawal.ts";
import type { Payout as PayoutModel } from "../../generated/prisma/client.ts";
import type { Page, PayoutFilter, PayoutLine, PayoutStory } from "../view.ts";
import type { Database } from "../../database/client.ts";
import { readApprovals } from "./approvals.ts";
import { toReceiptLine } from "./receipts.ts";

const RECEIPTS_IN_A_STORY = 200;

export const toPayoutLine = (
  row: Pick<
    PayoutModel,
    | "id"
    | "key"
    | "kind"
    | "payee"
    | "amount"
    | "due"
    | "status"
    | "reason"
    | "limitedBy"
    | "attempts"
    | "blockProcessed"
    | "processed"
  >,
): PayoutLine => ({
  id: row.id as PayoutId,
  key: row.key as PayoutKey,
  kind: row.kind as PayoutKind,
  payee: row.payee,
  amount: bts(row.amount),
  dueMs: millis(Number(row.due)),
  status: row.status as PayoutStatus,
  reason: row.reason ?? undefined,
  limitedBy: (row.limitedBy as LimitedBy | null) ?? undefined,
  attempts: row.attempts,
  blockProcessed: row.blockProcessed ?? undefined,
  processedMs: row.processed === null ? undefined : millis(Number(row.processed)),
});

export async function payoutLines(db: Database, filter: PayoutFilter): Promise<Page<PayoutLine>> {
  const where = {
    ...(filter.statuses === undefined ? {} : { status: { in: [...filter.statuses] } }),
    ...(filter.kinds === undefined ? {} : { kind: { in: [...filter.kinds] } }),
    ...(filter.payee === undefined ? {} : { payee: filter.payee }),
    ...(filter.dueBeforeMs === undefined ? {} : { due: { lt: BigInt(filter.dueBeforeMs) } }),
  };
  const [rows, total] = await Promise.all([
    db.payout.findMany({
      where,
      orderBy: [{ due: "desc" }, { id: "asc" }],
      ...(filter.limit === undefined ? {} : { take: filter.limit }),
      skip: filter.offset ?? 0,
    }),
    db.payout.count({ where }),
  ]);
  return { items: rows.map(toPayoutLine), total };
}

export async function payoutStory(db: Database, id: PayoutId): Promise<PayoutStory | undefined> {
  const payout = await db.payout.findUnique({
    where: { id },
    include: { rows: { include: { stakeRow: true } }, withdrawals: { orderBy: { createdAt: "asc" } } },
  });
  if (payout === null) return undefined;
  const [approvals, transfers, receipts] = await Promise.all([
    readApprovals(db, id),
    db.transfer.findMany({
      where: {
        direction: "out",
        OR: [{ payoutKey: payout.key }, { txid: { in: payout.withdrawals.map((w) => w.txid) } }],
      },
      orderBy: [{ blockNum: "asc" }, { trxInBlock: "asc" }, { opInTrx: "asc" }],
    }),
    db.receipt.findMany({
      where: { subject: { in: [payout.key, payout.id, ...payout.rows.map((row) => row.stakeRowId)] } },
      orderBy: { id: "asc" },
      take: RECEIPTS_IN_A_STORY,
    }),
  ]);
  return {
    ...toPayoutLine(payout),
    memo: payout.memo,
    waitingSinceMs: payout.waitingSince === null ? undefined : millis(Number(payout.waitingSince)),
    approvals,
    rows: payout.rows.map((row) => ({
      id: row.stakeRowId as StakeRowId,
      status: row.stakeRow.status as StakeRowStatus,
      settlesAs: row.settlesAs,
    })),
    withdrawals: payout.withdrawals.map((w) => ({
      txid: w.txid,
      status: w.status as WithdrawalStatus,
      expirationMs: millis(Number(w.expirationMs)),
      refBlockNum: w.refBlockNum,
      feeShares: shares(w.feeShares),
      operation:
        w.blockNum === null
          ? undefined
          : operationId({
              blockNum: w.blockNum,
              trxInBlock: w.trxInBlock ?? 0,
              opInTrx: w.opInTrx ?? 0,
            }),
      createdAtMs: w.createdAt.getTime(),
    })),
    payments: transfers.map((t) => ({ operation: operationId(t), txid: t.txid ?? undefined })),
    receipts: receipts.map(toReceiptLine),
  };
}
