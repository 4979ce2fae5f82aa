import { type Shares, shares } from "@stakebts/kernel/amount";
import { type OperationId, operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { millis, type Millis } from "@stakebts/kernel/time";
import { type Database, Prisma } from "../../database/client.ts";
import type { MemoStatus, TransferStatus } from "../../ledger/ledger.ts";
import type { TransferOutcome } from "../../rules/decide.ts";
import type { PayoutKey } from "../../rules/payout.ts";
import {
  allOf,
  type Counted,
  countUpTo,
  type Key,
  keysetPage,
  type KeysetPage,
  type KeysetWindow,
  numbers,
} from "./keyset.ts";

export interface TransferSearch {
  readonly direction?: "in" | "out" | undefined;
  /** Sender or receiver. */
  readonly account?: string | undefined;
  readonly status?: TransferStatus | undefined;
  readonly memoStatus?: MemoStatus | undefined;
  readonly outcome?: TransferOutcome | undefined;
  readonly setAside?: boolean | undefined;
  readonly blockNum?: number | undefined;
  readonly txid?: string | undefined;
  readonly fromMs?: Millis | undefined;
  readonly toMs?: Millis | undefined;
}

export interface TransferLine {
  readonly operation: OperationId;
  /** Of its block. */
  readonly timeMs: Millis;
  readonly direction: "in" | "out";
  readonly txid: string | undefined;
  readonly sender: string;
  readonly receiver: string;
  readonly amount: Shares;
  readonly assetId: string;
  readonly fee: Shares;
  readonly memoStatus: MemoStatus;
  /** What the memo asked for, as the rules name it. */
  readonly request: string | undefined;
  readonly status: TransferStatus;
  readonly outcome: TransferOutcome | undefined;
  readonly reason: string | undefined;
  readonly isSetAside: boolean;
  readonly isReplayed: boolean;
  /** Of one that goes out: the payout that it settled, or that its memo names. */
  readonly payout: PayoutKey | undefined;
}

interface Row {
  readonly block_num: number;
  readonly trx_in_block: number;
  readonly op_in_trx: number;
  readonly block_time_ms: bigint;
  readonly direction: string;
  readonly txid: string | null;
  readonly sender: string;
  readonly receiver: string;
  readonly amount_shares: bigint;
  readonly asset_id: string;
  readonly fee_shares: bigint;
  readonly memo_status: string;
  readonly request: string | null;
  readonly status: string;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly set_aside: boolean;
  readonly replayed: boolean;
  readonly payout: string | null;
}

const IS_SET_ASIDE = Prisma.sql`EXISTS (
  SELECT FROM event_set_aside aside WHERE aside.ended_at IS NULL
     AND aside.event = operation_name(t.block_num, t.trx_in_block, t.op_in_trx))`;

/** Which outgoing transfers were made to an account, and which incoming ones by it: an index each. */
const ofAccount = (account: string, direction: TransferSearch["direction"]): Prisma.Sql => {
  const incoming = Prisma.sql`(t.direction = 'in' AND t.sender = ${account})`;
  const outgoing = Prisma.sql`(t.direction = 'out' AND t.receiver = ${account})`;
  if (direction === undefined) return Prisma.sql`(${incoming} OR ${outgoing})`;
  return direction === "in" ? incoming : outgoing;
};

const where = (search: TransferSearch): Prisma.Sql => {
  const { direction, account, status, memoStatus, outcome, blockNum, txid, fromMs, toMs } = search;
  return allOf([
    account !== undefined && ofAccount(account, direction),
    account === undefined && direction !== undefined && Prisma.sql`t.direction = ${direction}`,
    status !== undefined && Prisma.sql`t.status = ${status}`,
    memoStatus !== undefined && Prisma.sql`t.memo_status = ${memoStatus}`,
    outcome !== undefined && Prisma.sql`t.outcome = ${outcome}`,
    search.setAside === true && Prisma.sql`t.status = 'undecided' AND ${IS_SET_ASIDE}`,
    blockNum !== undefined && Prisma.sql`t.block_num = ${blockNum}`,
    txid !== undefined && Prisma.sql`t.txid = ${txid}`,
    fromMs !== undefined && Prisma.sql`t.block_time_ms >= ${BigInt(fromMs)}`,
    toMs !== undefined && Prisma.sql`t.block_time_ms < ${BigInt(toMs)}`,
  ]);
};

const select = (search: TransferSearch): Prisma.Sql => Prisma.sql`
  SELECT t.block_num, t.trx_in_block, t.op_in_trx, t.block_time_ms, t.direction, t.txid, t.sender, t.receiver,
         t.amount_shares, t.asset_id, t.fee_shares, t.memo_status, t.request ->> 'type' AS request, t.status, t.outcome,
         t.reason, ${IS_SET_ASIDE} AS set_aside, t.replayed,
         coalesce((SELECT p.key FROM settlement s JOIN payout p ON p.id = s.payout_id
                    WHERE s.block_num = t.block_num AND s.trx_in_block = t.trx_in_block AND s.op_in_trx = t.op_in_trx),
                  t.payout_key) AS payout
    FROM transfer t WHERE ${where(search)}`;

const NEWEST_FIRST: Key<Row> = {
  columns: Prisma.sql`t.block_num, t.trx_in_block, t.op_in_trx`,
  descending: true,
  of: (row) => [row.block_num, row.trx_in_block, row.op_in_trx].map(String),
  parse: numbers("int", "int", "int"),
};

const toLine = (row: Row): TransferLine => ({
  operation: operationId({
    blockNum: row.block_num,
    trxInBlock: row.trx_in_block,
    opInTrx: row.op_in_trx,
  }),
  timeMs: millis(Number(row.block_time_ms)),
  direction: row.direction as TransferLine["direction"],
  txid: row.txid ?? undefined,
  sender: row.sender,
  receiver: row.receiver,
  amount: shares(row.amount_shares),
  assetId: row.asset_id,
  fee: shares(row.fee_shares),
  memoStatus: row.memo_status as MemoStatus,
  request: row.request ?? undefined,
  status: row.status as TransferStatus,
  outcome: (row.outcome as TransferOutcome | null) ?? undefined,
  reason: row.reason ?? undefined,
  isSetAside: row.set_aside,
  isReplayed: row.replayed,
  payout: (row.payout as PayoutKey | null) ?? undefined,
});

/** Newest first. */
export const findTransfers = (
  db: Database,
  search: TransferSearch,
  window: KeysetWindow,
): Promise<KeysetPage<TransferLine>> =>
  keysetPage<Row, TransferLine>(db, { select: select(search), key: NEWEST_FIRST, toLine }, window);

export const countTransfers = (db: Database, search: TransferSearch): Promise<Counted> =>
  countUpTo(db, Prisma.sql`FROM transfer t WHERE ${where(search)}`);

export async function findTransfer(
  db: Database,
  { blockNum, trxInBlock, opInTrx }: OperationPosition,
): Promise<TransferLine | undefined> {
  const [row] = await db.$queryRaw<
    Row[]
  >`${select({ blockNum })} AND t.trx_in_block = ${trxInBlock} AND t.op_in_trx = ${opInTrx}`;
  return row === undefined ? undefined : toLine(row);
}
