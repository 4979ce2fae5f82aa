import { bts, shares, SHARES_PER_BTS, toShares } from "@stakebts/kernel/amount";
import type { RecoveryHold } from "../../rules/recovery-hold.ts";
import type { ImportMark } from "../../rules/import-mark.ts";
import type { OperationPosition } from "@stakebts/kernel/operation-id";
import type { PayoutId, PayoutKey, PayoutKind, PayoutStatus } from "../../rules/payout.ts";
import type { TopUpId, TopUpKey, TopUpKind, TopUpSourceNumber, TopUpStatus } from "../../rules/top-up.ts";
import type { LimitedBy } from "../../rules/limits.ts";
import type { AgreementTerms, TermMonths } from "../../rules/policy.ts";
import type { MemoRequest } from "../../rules/request.ts";
import type {
  NewStakeRow,
  StakeRow,
  StakeRowId,
  StakeRowStatus,
  StakeRowType,
} from "../../rules/stake-row.ts";
import type { Agreement } from "../../rules/terms.ts";
import { millis } from "@stakebts/kernel/time";
import type { WithdrawalId, WithdrawalStatus } from "../../rules/withdrawal.ts";
import type {
  Agreement as AgreementModel,
  ChainCursor as ChainCursorModel,
  TopUp as TopUpModel,
  Control as ControlModel,
  Outbox as OutboxModel,
  Payout as PayoutModel,
  StakeRow as StakeRowModel,
  Transfer as TransferModel,
  Withdrawal as WithdrawalModel,
} from "../../generated/prisma/client.ts";
import type { AccountId } from "@stakebts/bitshares/chain";
import type {
  Cursor,
  TopUpRecord,
  IdentifiedTopUp,
  MemoStatus,
  NewTransfer,
  PayoutRecord,
  WithdrawalRecord,
  TransferStatus,
} from "../ledger.ts";
import type { NewJob } from "../../queue/queue.ts";

// The database holds words and integers, the domain holds closed sets and units. They meet here and nowhere else; the
// check constraints guarantee that the casts below are true.

export const toCursor = (row: ChainCursorModel): Cursor => ({
  blockNum: row.blockNum,
  blockId: row.blockId,
  blockTimeMs: millis(Number(row.blockTimeMs)),
  scannedFromBlockNum: row.scannedFromBlockNum,
});

export type RecoveryHoldColumns = Pick<
  ControlModel,
  "recoveryHoldUntilMs" | "recoveryHoldFromBlockNum" | "recoveryHoldReason"
>;

export const toRecoveryHold = ({
  recoveryHoldUntilMs,
  recoveryHoldFromBlockNum,
  recoveryHoldReason,
}: RecoveryHoldColumns): RecoveryHold | undefined =>
  recoveryHoldUntilMs === null
    ? undefined
    : {
        untilMs: millis(Number(recoveryHoldUntilMs)),
        fromBlockNum: recoveryHoldFromBlockNum ?? 0,
        reason: recoveryHoldReason ?? "",
      };

export const transferKey = (at: OperationPosition) => ({
  blockNum: at.blockNum,
  trxInBlock: at.trxInBlock,
  opInTrx: at.opInTrx,
});

export const fromTransfer = (transfer: NewTransfer) => ({
  ...transferKey(transfer.operation),
  blockTimeMs: BigInt(transfer.blockTimeMs),
  direction: transfer.direction,
  txid: transfer.txid ?? null,
  sender: transfer.sender,
  receiver: transfer.receiver,
  senderId: transfer.senderId ?? null,
  senderIsLifetimeMember: transfer.senderIsLifetimeMember,
  amountShares: transfer.amount,
  assetId: transfer.assetId,
  feeShares: transfer.fee,
  memoStatus: transfer.memoStatus,
  memoText: transfer.memoText ?? null,
  ...(transfer.request === undefined ? {} : { request: fromRequest(transfer.request) }),
  payoutKey: transfer.payoutKey ?? null,
  ...(transfer.importMark === undefined ? {} : { importMark: transfer.importMark }),
  memoNonce: transfer.memoNonce ?? null,
  replayed: transfer.isReplayed,
  status: (transfer.direction === "in" ? "undecided" : "decided") satisfies TransferStatus,
});

export const toTransfer = (row: TransferModel): NewTransfer => ({
  operation: transferKey(row),
  blockTimeMs: millis(Number(row.blockTimeMs)),
  direction: row.direction as NewTransfer["direction"],
  txid: row.txid ?? undefined,
  sender: row.sender,
  receiver: row.receiver,
  ...(row.senderId === null ? {} : { senderId: row.senderId as AccountId }),
  senderIsLifetimeMember: row.senderIsLifetimeMember,
  amount: shares(row.amountShares),
  assetId: row.assetId,
  fee: shares(row.feeShares),
  memoStatus: row.memoStatus as MemoStatus,
  memoText: row.memoText ?? undefined,
  request: row.request === null ? undefined : toRequest(row.request as unknown as StoredRequest),
  payoutKey: (row.payoutKey as PayoutKey | null) ?? undefined,
  ...(row.importMark === null ? {} : { importMark: row.importMark as unknown as ImportMark }),
  memoNonce: row.memoNonce ?? undefined,
  isReplayed: row.replayed,
});

/** JSON has no bigint: an amount is stored as digits. */
type StoredRequest = { readonly type: string; readonly amount?: string };
const fromRequest = (request: MemoRequest): object =>
  "amount" in request && request.amount !== undefined
    ? { ...request, amount: `${request.amount}` }
    : { ...request };
const toRequest = (stored: StoredRequest): MemoRequest =>
  (stored.amount === undefined ? stored : { ...stored, amount: bts(BigInt(stored.amount)) }) as MemoRequest;

export const fromAgreement = (agreement: Agreement) => ({
  blockStart: agreement.operation.blockNum,
  trxIdx: agreement.operation.trxInBlock,
  opsIdx: agreement.operation.opInTrx,
  nominator: agreement.nominator,
  amount: agreement.amount,
  months: agreement.months,
  start: BigInt(agreement.startMs),
  terms: fromTerms(agreement.terms),
});

const fromTerms = (terms: AgreementTerms) => ({
  monthMs: terms.monthMs,
  rewardBps: `${terms.rewardBps}`,
  penaltyBps: `${terms.penaltyBps}`,
});

export const toAgreement = (row: AgreementModel): Agreement => ({
  operation: { blockNum: row.blockStart, trxInBlock: row.trxIdx, opInTrx: row.opsIdx },
  nominator: row.nominator,
  amount: bts(row.amount),
  months: row.months as TermMonths,
  startMs: millis(Number(row.start)),
  terms: toTerms(row.terms as unknown as ReturnType<typeof fromTerms>),
});

const toTerms = (stored: ReturnType<typeof fromTerms>): AgreementTerms => ({
  monthMs: stored.monthMs,
  rewardBps: BigInt(stored.rewardBps),
  penaltyBps: BigInt(stored.penaltyBps),
});

export const fromStakeRow = (row: NewStakeRow) => ({
  id: row.id,
  nominator: row.nominator,
  digitalAsset: row.digitalAsset,
  amount: row.amount,
  type: row.type,
  nonce: BigInt(row.startMs),
  start: BigInt(row.startMs),
  due: BigInt(row.dueMs),
  status: row.status,
  blockStart: row.agreement.blockNum,
  trxIdx: row.agreement.trxInBlock,
  opsIdx: row.agreement.opInTrx,
  number: row.number,
  ...settlementOf(row),
});

function settlementOf({ settlement, status, startMs, agreement }: NewStakeRow) {
  if (settlement !== undefined)
    return {
      processed: settlement.processedMs === undefined ? null : BigInt(settlement.processedMs),
      blockProcessed: settlement.blockProcessed ?? null,
    };
  // An agreement row is settled by the transfer that opened it.
  return status === "paid" ? { processed: BigInt(startMs), blockProcessed: agreement.blockNum } : {};
}

export const toStakeRow = (row: StakeRowModel): StakeRow => ({
  id: row.id as StakeRowId,
  agreement: { blockNum: row.blockStart, trxInBlock: row.trxIdx, opInTrx: row.opsIdx },
  nominator: row.nominator,
  digitalAsset: row.digitalAsset,
  amount: bts(row.amount),
  type: row.type as StakeRowType,
  number: row.number,
  startMs: millis(Number(row.start)),
  dueMs: millis(Number(row.due)),
  status: row.status as StakeRowStatus,
});

export const toPayout = (row: PayoutModel): PayoutRecord => ({
  id: row.id as PayoutId,
  key: row.key as PayoutKey,
  kind: row.kind as PayoutKind,
  payee: row.payee,
  amount: bts(row.amount),
  memo: row.memo,
  dueMs: millis(Number(row.due)),
  status: row.status as PayoutStatus,
  reason: row.reason ?? undefined,
  attempts: row.attempts,
  waitingSinceMs: row.waitingSince === null ? undefined : millis(Number(row.waitingSince)),
  limitedBy: (row.limitedBy as LimitedBy | null) ?? undefined,
});

export const toWithdrawal = (row: WithdrawalModel): WithdrawalRecord => ({
  id: row.id as WithdrawalId,
  payoutId: row.payoutId as PayoutId,
  txid: row.txid,
  bytes: row.bytes,
  refBlockNum: row.refBlockNum,
  expirationMs: millis(Number(row.expirationMs)),
  fee: shares(row.feeShares),
  status: row.status as WithdrawalStatus,
  writerEpoch: row.writerEpoch,
});

export const fromTopUp = (topUp: IdentifiedTopUp) => ({
  clientId: topUp.id,
  key: topUp.key,
  kind: topUp.kind,
  account: topUp.source,
  amountShares: toShares(topUp.amount),
  memo: topUp.memo,
  status: "requested",
  requestedMs: BigInt(topUp.requestedMs),
});

export const toTopUp = (row: TopUpModel): TopUpRecord => ({
  id: row.clientId as TopUpId,
  key: row.key as TopUpKey,
  kind: row.kind as TopUpKind,
  source: row.account as TopUpSourceNumber,
  amount: bts(row.amountShares / SHARES_PER_BTS),
  memo: row.memo,
  requestedMs: millis(Number(row.requestedMs)),
  status: row.status as TopUpStatus,
  reason: row.reason ?? undefined,
  venueId: row.exchangeId ?? undefined,
  venueStatus: row.venueStatus ?? undefined,
  txid: row.txid ?? undefined,
  asks: row.asks,
  askedAtMs: row.askedAt?.getTime(),
  changedAtMs: row.updatedAt.getTime(),
  signed:
    row.bytes === null || row.refBlockNum === null || row.expirationMs === null
      ? undefined
      : {
          bytes: row.bytes,
          refBlockNum: row.refBlockNum,
          expirationMs: millis(Number(row.expirationMs)),
        },
  arrivedBy:
    row.arrivedBlock === null || row.arrivedTrx === null || row.arrivedOp === null
      ? undefined
      : { blockNum: row.arrivedBlock, trxInBlock: row.arrivedTrx, opInTrx: row.arrivedOp },
});

export const fromJob = (job: NewJob) => ({
  jobId: job.id,
  kind: job.kind,
  data: job.data,
  delayMs: BigInt(Math.ceil(job.delayMs)),
});

export const toJob = (row: OutboxModel): NewJob =>
  ({ id: row.jobId, kind: row.kind, data: row.data, delayMs: Number(row.delayMs) }) as NewJob;
