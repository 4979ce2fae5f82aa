import type { AccountId } from "@stakebts/bitshares/chain";
import { bts, shares } from "@stakebts/kernel/amount";
import { operationId, type OperationPosition } from "@stakebts/kernel/operation-id";
import { millis } from "@stakebts/kernel/time";
import type { TransferOutcome } from "../../rules/decide.ts";
import type { ImportMark } from "../../rules/import-mark.ts";
import type { PayoutKey } from "../../rules/payout.ts";
import type { MemoRequest } from "../../rules/request.ts";
import type { Transfer as TransferModel } from "../../generated/prisma/client.ts";
import { type DatabaseTx, Prisma } from "../../database/client.ts";
import type {
  MemoStatus,
  NewTransfer,
  TransferQuery,
  TransferStatus,
  TransfersTx,
  IncomingPage,
  UnreadPage,
} from "../ledger.ts";
import { jsonRows } from "./json-rows.ts";
import { isDecidable } from "./undecided.ts";

export const transferKey = (at: OperationPosition) => ({
  blockNum: at.blockNum,
  trxInBlock: at.trxInBlock,
  opInTrx: at.opInTrx,
});

const fromTransfer = (transfer: NewTransfer) => ({
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
  status: statusOf(transfer),
});

const statusOf = ({ isUnread, direction }: NewTransfer): TransferStatus =>
  isUnread === true ? "unread" : direction === "in" ? "undecided" : "decided";

type TransferColumns = Omit<TransferModel, "outcome" | "reason" | "createdAt">;

export const toTransfer = (row: TransferColumns): NewTransfer => ({
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
  ...(row.status === "unread" ? { isUnread: true } : {}),
  request: row.request === null ? undefined : toRequest(row.request as unknown as StoredRequest),
  payoutKey: (row.payoutKey as PayoutKey | null) ?? undefined,
  ...(row.importMark === null ? {} : { importMark: row.importMark as unknown as ImportMark }),
  memoNonce: row.memoNonce ?? undefined,
  isReplayed: row.replayed,
});

/** JSON has no bigint: an amount is stored as digits. */
export type StoredRequest = { readonly type: string; readonly amount?: string };
const fromRequest = (request: MemoRequest): object =>
  "amount" in request && request.amount !== undefined
    ? { ...request, amount: `${request.amount}` }
    : { ...request };
export const toRequest = (stored: StoredRequest): MemoRequest =>
  (stored.amount === undefined ? stored : { ...stored, amount: bts(BigInt(stored.amount)) }) as MemoRequest;

const COLUMNS = Prisma.sql`
  block_num AS "blockNum", trx_in_block AS "trxInBlock", op_in_trx AS "opInTrx", block_time_ms AS "blockTimeMs", direction, txid,
  sender, receiver, sender_id AS "senderId", sender_is_lifetime_member AS "senderIsLifetimeMember",
  amount_shares AS "amountShares", asset_id AS "assetId", fee_shares AS "feeShares", memo_status AS "memoStatus",
  memo_text AS "memoText", request, payout_key AS "payoutKey", import_mark AS "importMark", memo_nonce AS "memoNonce", replayed, status`;
const CHAIN_ORDER = Prisma.sql`ORDER BY block_num, trx_in_block, op_in_trx`;

/** The names of a query as conditions on `transfer`, one for each that is given. */
function namesIn({ txids, keys, nonces, memos, operations }: TransferQuery): readonly Prisma.Sql[] {
  const texts = [
    [Prisma.sql`txid`, txids],
    [Prisma.sql`payout_key`, keys],
    [Prisma.sql`memo_nonce`, nonces],
    [Prisma.sql`memo_text`, memos],
  ] as const;
  const conditions = texts.flatMap(([column, values = []]) =>
    values.length === 0 ? [] : [Prisma.sql`${column} = ANY(${[...values]}::text[])`],
  );
  if (operations === undefined || operations.length === 0) return conditions;
  const positions = Prisma.sql`
    (block_num, trx_in_block, op_in_trx) IN (SELECT * FROM unnest(
      ${operations.map(({ blockNum }) => blockNum)}::int[],
      ${operations.map(({ trxInBlock }) => trxInBlock)}::int[],
      ${operations.map(({ opInTrx }) => opInTrx)}::int[]))`;
  return [...conditions, positions];
}

/** Table transfer. */
export class PostgresTransfers implements TransfersTx {
  readonly #db: DatabaseTx;

  constructor(db: DatabaseTx) {
    this.#db = db;
  }

  async find(query: TransferQuery): Promise<readonly NewTransfer[]> {
    const names = namesIn(query);
    if (names.length === 0) return [];
    const rows = await this.#db.$queryRaw<TransferColumns[]>`
      SELECT ${COLUMNS} FROM transfer
       WHERE (${Prisma.join([...names], " OR ")})
             ${query.direction === undefined ? Prisma.empty : Prisma.sql`AND direction = ${query.direction}`}
       ${CHAIN_ORDER}`;
    return rows.map(toTransfer);
  }

  async oldestUndecided(accepting = true): Promise<NewTransfer | undefined> {
    return (await this.undecided(accepting, 1))[0];
  }

  async undecided(accepting: boolean, limit: number): Promise<readonly NewTransfer[]> {
    const rows = await this.#db.$queryRaw<TransferColumns[]>`
      SELECT ${COLUMNS} FROM transfer WHERE ${isDecidable(accepting)} ${CHAIN_ORDER} LIMIT ${limit}`;
    return rows.map(toTransfer);
  }

  async insert(transfers: readonly NewTransfer[]): Promise<readonly NewTransfer[]> {
    if (transfers.length === 0) return [];
    const written = await this.#db.$queryRaw<OperationPosition[]>`
      INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, txid, sender, receiver, sender_id,
                            sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, memo_text,
                            request, payout_key, import_mark, memo_nonce, replayed, status)
      SELECT "blockNum", "trxInBlock", "opInTrx", "blockTimeMs", direction, txid, sender, receiver, "senderId",
             "senderIsLifetimeMember", "amountShares", "assetId", "feeShares", "memoStatus", "memoText",
             request, "payoutKey", "importMark", "memoNonce", replayed, status
        FROM jsonb_to_recordset(${jsonRows(transfers.map(fromTransfer))}::jsonb) AS new (
               "blockNum" int, "trxInBlock" int, "opInTrx" int, "blockTimeMs" bigint, direction text, txid text,
               sender text, receiver text, "senderId" text, "senderIsLifetimeMember" boolean, "amountShares" bigint, "assetId" text,
               "feeShares" bigint, "memoStatus" text, "memoText" text, request jsonb, "payoutKey" text,
               "importMark" jsonb, "memoNonce" text, replayed boolean, status text)
          ON CONFLICT DO NOTHING
      RETURNING block_num AS "blockNum", trx_in_block AS "trxInBlock", op_in_trx AS "opInTrx"`;
    const isNew = new Set(written.map(operationId));
    return transfers.filter(({ operation }) => isNew.delete(operationId(operation)));
  }

  async unread({ after, limit }: UnreadPage): Promise<readonly NewTransfer[]> {
    const { blockNum, trxInBlock, opInTrx } = after ?? { blockNum: 0, trxInBlock: 0, opInTrx: 0 };
    const rows = await this.#db.$queryRaw<TransferColumns[]>`
      SELECT ${COLUMNS} FROM transfer
       WHERE status = 'unread'
         ${after === undefined ? Prisma.empty : Prisma.sql`AND (block_num, trx_in_block, op_in_trx) > (${blockNum}::int, ${trxInBlock}::int, ${opInTrx}::int)`}
       ${CHAIN_ORDER} LIMIT ${limit}`;
    return rows.map(toTransfer);
  }

  async incoming({ after, upToBlockNum, limit }: IncomingPage): Promise<readonly NewTransfer[]> {
    const rows = await this.#db.$queryRaw<TransferColumns[]>`
      SELECT ${COLUMNS} FROM transfer
       WHERE (block_num, trx_in_block, op_in_trx) > (${after.blockNum}::int, ${after.trxInBlock}::int, ${after.opInTrx}::int)
         AND block_num <= ${upToBlockNum}::int AND direction = 'in'
       ${CHAIN_ORDER} LIMIT ${limit}`;
    return rows.map(toTransfer);
  }

  async read(transfers: readonly NewTransfer[]): Promise<readonly NewTransfer[]> {
    if (transfers.length === 0) return [];
    const read = await this.#db.$queryRaw<{ at: string }[]>`
      SELECT read_transfers(${jsonRows(transfers.map(fromTransfer))}::jsonb) AS at`;
    const isRead = new Set(read.map((row) => row.at));
    return transfers.filter(({ operation }) => isRead.has(operationId(operation)));
  }

  async decide(operation: OperationPosition, outcome: TransferOutcome, reason: string): Promise<boolean> {
    const { count } = await this.#db.transfer.updateMany({
      where: { ...transferKey(operation), status: "undecided" },
      data: { status: "decided", outcome, reason },
    });
    return count === 1;
  }

  async decideAll(decided: Parameters<TransfersTx["decideAll"]>[0]): Promise<number> {
    if (decided.length === 0) return 0;
    const rows = decided.map(({ operation, outcome, reason }) => ({ ...operation, outcome, reason }));
    return this.#db.$executeRaw`
      UPDATE transfer SET status = 'decided', outcome = new.outcome, reason = new.reason
        FROM jsonb_to_recordset(${jsonRows(rows)}::jsonb)
          AS new ("blockNum" int, "trxInBlock" int, "opInTrx" int, outcome text, reason text)
       WHERE (block_num, trx_in_block, op_in_trx) = ("blockNum", "trxInBlock", "opInTrx") AND status = 'undecided'`;
  }

  async accountsNamed(names: readonly string[]): Promise<ReadonlyMap<string, readonly AccountId[]>> {
    // From one id to the next through the index: a payee may have sent any number of transfers.
    const rows = await this.#db.$queryRaw<{ name: string; id: AccountId }[]>`
      SELECT name, id FROM unnest(${[...new Set(names)]}::text[]) AS asked (name) CROSS JOIN LATERAL (
        WITH RECURSIVE known (id) AS (
          SELECT min(sender_id) FROM transfer WHERE sender = name
          UNION ALL
          SELECT (SELECT min(sender_id) FROM transfer WHERE sender = name AND sender_id > known.id) FROM known
           WHERE known.id IS NOT NULL
        ) SELECT id FROM known WHERE id IS NOT NULL) AS found`;
    const named = new Map(names.map((name): [string, AccountId[]] => [name, []]));
    for (const { name, id } of rows) named.get(name)?.push(id);
    return named;
  }
}
