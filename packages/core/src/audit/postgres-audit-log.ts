import { LOCKS } from "../database/locks.ts";
import type postgres from "postgres";
import { openCursors } from "../runtime/database-session.ts";
import { BEGINNINGS } from "./verify-log.ts";
import { checkpointInMemo } from "./checkpoint.ts";
import type { OperationId } from "@stakebts/kernel/operation-id";
import type { PayoutKey } from "../rules/payout.ts";
import { millis } from "@stakebts/kernel/time";
import {
  type Checkpoint,
  type AuditLog,
  type AuditLogContents,
  type Receipt,
  type HashChainEntry,
} from "./audit-log.ts";
import { jsonRows } from "../ledger/postgres/json-rows.ts";
import { isUnchained } from "../ledger/postgres/receipts.ts";
import { type DatabaseSource, type DatabaseTx, openSource } from "../database/client.ts";

const ROWS_PER_PAGE = 2_000;

interface ReceiptRow {
  readonly id: bigint;
  readonly event: string;
  readonly subject: string;
  readonly chain_time_ms: bigint | null;
  readonly details: Record<string, unknown>;
  readonly created_at: Date;
  readonly written_by: string;
  /** Of those that tell of a beginning. */
  readonly is_by_operator?: boolean | null;
}
interface EntryRow {
  readonly seq: bigint;
  readonly receipt_id: bigint;
  readonly hash: string;
  readonly chained_at: Date;
}

const toReceipt = (row: ReceiptRow): Receipt => ({
  id: row.id,
  event: row.event,
  subject: row.subject,
  chainTimeMs: row.chain_time_ms === null ? undefined : millis(Number(row.chain_time_ms)),
  details: row.details,
  createdAtMs: row.created_at.getTime(),
  writtenBy: row.written_by,
  isByOperator: row.is_by_operator ?? undefined,
});
const toEntry = (row: EntryRow): HashChainEntry => ({
  seq: Number(row.seq),
  receiptId: row.receipt_id,
  hash: row.hash,
  chainedAtMs: row.chained_at.getTime(),
});

const fromEntry = ({ seq, receiptId, hash, chainedAtMs }: HashChainEntry) => ({
  seq,
  receiptId,
  hash,
  chainedAt: new Date(chainedAtMs).toISOString(),
});

export function createAuditLog(source: DatabaseSource): AuditLog {
  const { db, close } = openSource(source, 2);
  return {
    appendEntries: (limit, entry) => db.$transaction((tx) => appendEntries(tx, limit, entry)),
    head: () => headOf(db),
    look: (work) => look(source.url, work),
    close,
  };
}

async function headOf(db: DatabaseTx): Promise<HashChainEntry | undefined> {
  const [row] = await db.$queryRaw<EntryRow[]>`SELECT * FROM hash_chain_entry ORDER BY seq DESC LIMIT 1`;
  return row === undefined ? undefined : toEntry(row);
}

async function appendEntries(
  tx: DatabaseTx,
  limit: number,
  entry: Parameters<AuditLog["appendEntries"]>[1],
): Promise<number> {
  const [lock] = await tx.$queryRaw<{ held: boolean; now: Date }[]>`
    SELECT pg_try_advisory_xact_lock(${LOCKS.hashChain}::bigint) AS held, date_trunc('milliseconds', now()) AS now`;
  if (lock?.held !== true) return 0;
  const receipts = await tx.$queryRaw<ReceiptRow[]>`
    SELECT id, event, subject, chain_time_ms, details, created_at, written_by FROM receipt r
     WHERE ${isUnchained} ORDER BY id LIMIT ${limit}`;
  if (receipts.length === 0) return 0;
  const entries = entry(await headOf(tx), receipts.map(toReceipt), lock.now.getTime());
  await tx.$executeRaw`
    INSERT INTO hash_chain_entry (seq, receipt_id, hash, chained_at)
    SELECT seq, "receiptId", hash, "chainedAt"
      FROM jsonb_to_recordset(${jsonRows(entries.map(fromEntry))}::jsonb)
        AS new (seq bigint, "receiptId" bigint, hash text, "chainedAt" timestamptz)`;
  return entries.length;
}

/** One moment of the log, page after page: a cursor in the database. (Prisma has none of this kind.) */
async function look<T>(url: string, work: (contents: AuditLogContents) => Promise<T>): Promise<T> {
  const sql = await openCursors(url, { name: "stakebts-audit" });
  try {
    return (await sql.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY", async (tx) =>
      work(await contentsOf(tx)),
    )) as Awaited<T>;
  } finally {
    await sql.end();
  }
}

type Sql = postgres.TransactionSql<{ bigint: bigint }>;

async function contentsOf(sql: Sql): Promise<AuditLogContents> {
  const [now] = await sql<{ now: Date }[]>`SELECT now() AS now`;
  const [head] = await sql<EntryRow[]>`SELECT * FROM hash_chain_entry ORDER BY seq DESC LIMIT 1`;
  return {
    nowMs: (now?.now ?? new Date(Number.NaN)).getTime(),
    head: head === undefined ? undefined : toEntry(head),
    chained: (fromSeq) => chainedReceipts(sql, fromSeq),
    unchained: () => unchainedReceipts(sql),
    checkpoints: () => checkpointsOf(sql),
  };
}

/** Asked of few receipts: the server looks at its roles for each. */
const isByOperator = (sql: Sql) =>
  sql`CASE WHEN r.event = ANY(${[...BEGINNINGS]}) THEN written_by_one_of(r.written_by, '{operator}') END AS is_by_operator`;

async function* chainedReceipts(sql: Sql, fromSeq: number) {
  const pages = sql<(EntryRow & { [name in keyof ReceiptRow]: ReceiptRow[name] | null })[]>`
    SELECT s.*, r.*, ${isByOperator(sql)} FROM hash_chain_entry s LEFT JOIN receipt r ON r.id = s.receipt_id
     WHERE s.seq >= ${fromSeq} ORDER BY s.seq`.cursor(ROWS_PER_PAGE);
  for await (const page of pages)
    yield page.map((row) => ({
      entry: toEntry(row),
      receipt: row.id === null ? undefined : toReceipt(row as ReceiptRow),
    }));
}

async function* unchainedReceipts(sql: Sql) {
  const pages = sql<ReceiptRow[]>`
    SELECT r.*, ${isByOperator(sql)} FROM receipt r WHERE NOT EXISTS (SELECT FROM hash_chain_entry s WHERE s.receipt_id = r.id)
     ORDER BY r.id`.cursor(ROWS_PER_PAGE);
  for await (const page of pages) yield page.map(toReceipt);
}

async function checkpointsOf(sql: Sql): Promise<readonly Checkpoint[]> {
  const rows = await sql<
    { at: OperationId; block_time_ms: bigint; payout_key: PayoutKey; memo_text: string; is_own: boolean }[]
  >`
    SELECT operation_name(block_num, trx_in_block, op_in_trx) AS at, block_time_ms, payout_key, memo_text,
           EXISTS (SELECT FROM payout p WHERE p.key = t.payout_key AND p.memo = t.memo_text) AS is_own
      FROM transfer t
     WHERE direction = 'out' AND payout_key LIKE 'checkpoint:%' AND memo_text IS NOT NULL
     ORDER BY block_num, trx_in_block, op_in_trx`;
  return rows.flatMap((row) => {
    const said = checkpointInMemo(row.memo_text);
    return said === undefined
      ? []
      : {
          ...said,
          payout: row.payout_key,
          operation: row.at,
          chainTimeMs: millis(Number(row.block_time_ms)),
          isOwn: row.is_own,
        };
  });
}
