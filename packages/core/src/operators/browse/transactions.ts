import { operationId, type OperationId } from "@stakebts/kernel/operation-id";
import { millis, type Millis } from "@stakebts/kernel/time";
import { type Shares, shares } from "@stakebts/kernel/amount";
import { type Database, Prisma } from "../../database/client.ts";
import type { PayoutKey, PayoutStatus } from "../../rules/payout.ts";
import type { TopUpKey } from "../../rules/top-up.ts";
import type { WithdrawalStatus } from "../../rules/withdrawal.ts";
import { findTransfers, type TransferLine } from "./transfers.ts";

/** All that the ledger knows of one transaction of the chain. */
export interface TransactionStory {
  /** Our own attempt to pay, when it is one. */
  readonly attempt:
    | {
        readonly payout: PayoutKey;
        readonly payoutStatus: PayoutStatus;
        readonly payee: string;
        readonly status: WithdrawalStatus;
        readonly feeShares: Shares;
        readonly refBlockNum: number;
        readonly expirationMs: Millis;
        readonly writerEpoch: bigint;
        readonly refusedFor: string | undefined;
        readonly operation: OperationId | undefined;
        /** Host time. */
        readonly createdAtMs: number;
      }
    | undefined;
  readonly transfers: readonly TransferLine[];
  readonly topUp: TopUpKey | undefined;
}

export async function transactionStory(db: Database, txid: string): Promise<TransactionStory | undefined> {
  const [row, transfers, topUp] = await Promise.all([
    db.withdrawal.findUnique({ where: { txid }, include: { payout: true } }),
    findTransfers(db, { txid }, { limit: 100 }),
    db.topUp.findFirst({ where: { txid }, select: { key: true } }),
  ]);
  if (row === null && transfers.items.length === 0 && topUp === null) return undefined;
  return {
    attempt:
      row === null
        ? undefined
        : {
            payout: row.payout.key as PayoutKey,
            payoutStatus: row.payout.status as PayoutStatus,
            payee: row.payout.payee,
            status: row.status as WithdrawalStatus,
            feeShares: shares(row.feeShares),
            refBlockNum: row.refBlockNum,
            expirationMs: millis(Number(row.expirationMs)),
            writerEpoch: row.writerEpoch,
            refusedFor: row.refusedFor ?? undefined,
            operation:
              row.blockNum === null
                ? undefined
                : operationId({
                    blockNum: row.blockNum,
                    trxInBlock: row.trxInBlock ?? 0,
                    opInTrx: row.opInTrx ?? 0,
                  }),
            createdAtMs: row.createdAt.getTime(),
          },
    transfers: transfers.items,
    topUp: (topUp?.key as TopUpKey | undefined) ?? undefined,
  };
}

/** A payment of the ledger in the file of one account: in both directions, oldest first. */
export interface StatementLine {
  readonly operation: OperationId;
  readonly timeMs: Millis;
  readonly direction: "in" | "out";
  readonly amount: Shares;
  readonly txid: string | undefined;
  /** What the custodian took it for, or what it was paid for. */
  readonly what: string;
  readonly reference: string | undefined;
}

/** Everything that the account sent to the custodian and got from him, from (inclusive) to (exclusive) by block time. */
export async function statement(
  db: Database,
  { account, fromMs, toMs, limit }: { account: string; fromMs: Millis; toMs: Millis; limit: number },
): Promise<readonly StatementLine[]> {
  const time = Prisma.sql`block_time_ms >= ${BigInt(fromMs)} AND block_time_ms < ${BigInt(toMs)} AND asset_id = '1.3.0'`;
  const rows = await db.$queryRaw<
    {
      block_num: number;
      trx_in_block: number;
      op_in_trx: number;
      block_time_ms: bigint;
      direction: "in" | "out";
      amount_shares: bigint;
      txid: string | null;
      outcome: string | null;
      kind: string | null;
      key: string | null;
    }[]
  >`
    SELECT t.*, p.kind, p.key FROM (
      SELECT block_num, trx_in_block, op_in_trx, block_time_ms, direction, amount_shares, txid, outcome
        FROM transfer WHERE direction = 'in' AND sender = ${account} AND ${time}
      UNION ALL
      SELECT block_num, trx_in_block, op_in_trx, block_time_ms, direction, amount_shares, txid, outcome
        FROM transfer WHERE direction = 'out' AND receiver = ${account} AND ${time}) AS t
      LEFT JOIN settlement s USING (block_num, trx_in_block, op_in_trx)
      LEFT JOIN payout p ON p.id = s.payout_id
     ORDER BY block_num, trx_in_block, op_in_trx LIMIT ${limit}`;
  return rows.map((row) => ({
    operation: operationId({ blockNum: row.block_num, trxInBlock: row.trx_in_block, opInTrx: row.op_in_trx }),
    timeMs: millis(Number(row.block_time_ms)),
    direction: row.direction,
    amount: shares(row.amount_shares),
    txid: row.txid ?? undefined,
    what:
      (row.direction === "in" ? row.outcome : row.kind) ?? (row.direction === "in" ? "undecided" : "other"),
    reference: row.key ?? undefined,
  }));
}
