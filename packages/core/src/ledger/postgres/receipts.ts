import { millis } from "@stakebts/kernel/time";
import type { Receipt as ReceiptModel } from "../../generated/prisma/client.ts";
import { type Database, type DatabaseTx, Prisma } from "../../database/client.ts";
import type { NewReceipt } from "../ledger.ts";
import type { HashChainProgress, Page, ReceiptFilter, ReceiptLine } from "../view.ts";
import { jsonRows } from "./json-rows.ts";

// Table receipt, insert-only, and how far the hash chain over it is.

/**
 * Adds receipts; with `once` only those whose event and subject this login has not written yet: a receipt that another login has
 * written in advance silences no alert. Asked one by one, through the index: a join would read all receipts that there are.
 * @returns how many were added
 */
export async function addReceipts(
  db: DatabaseTx,
  receipts: readonly NewReceipt[],
  { once }: { readonly once: boolean } = { once: false },
): Promise<number> {
  if (receipts.length === 0) return 0;
  return db.$executeRaw`
    INSERT INTO receipt (event, subject, chain_time_ms, details)
    SELECT event, subject, "chainTimeMs", details
      FROM jsonb_to_recordset(${jsonRows(receipts)}::jsonb)
        AS new (event text, subject text, "chainTimeMs" bigint, details jsonb)
     ${
       once
         ? Prisma.sql`WHERE (SELECT true FROM receipt old WHERE old.subject = new.subject AND old.event = new.event
                                                         AND old.written_by = session_user LIMIT 1) IS NULL`
         : Prisma.empty
     }`;
}

export const toReceiptLine = (row: ReceiptModel): ReceiptLine => ({
  id: row.id,
  event: row.event,
  subject: row.subject,
  chainTimeMs: row.chainTimeMs === null ? undefined : millis(Number(row.chainTimeMs)),
  details: row.details as Record<string, unknown>,
  createdAtMs: row.createdAt.getTime(),
  writtenBy: row.writtenBy,
});

/** Newest first. */
export async function receiptLines(db: Database, filter: ReceiptFilter): Promise<Page<ReceiptLine>> {
  const { event, subject, sinceMs } = filter;
  const [me] = filter.own === true ? await db.$queryRaw<{ name: string }[]>`SELECT session_user AS name` : [];
  const where = {
    ...(event === undefined
      ? {}
      : { event: event.endsWith("*") ? { startsWith: event.slice(0, -1) } : event }),
    ...(subject === undefined ? {} : { subject }),
    ...(me === undefined ? {} : { writtenBy: me.name }),
    ...(sinceMs === undefined ? {} : { createdAt: { gte: new Date(sinceMs) } }),
  };
  const [rows, total] = await Promise.all([
    db.receipt.findMany({
      where,
      orderBy: { id: "desc" },
      ...(filter.limit === undefined ? {} : { take: filter.limit }),
      skip: filter.offset ?? 0,
    }),
    db.receipt.count({ where }),
  ]);
  return { items: rows.map(toReceiptLine), total };
}

/** Receipts may be committed in another order than that of their ids, but not by more than this. */
export const LATE_MS = 3_600_000;

/**
 * Condition on `receipt r`: not chained, and not among those that are older than any transaction takes (LATE_MS). While old
 * receipts are being chained it looks on from the last of them, afterwards through those of the last hour again.
 */
export const isUnchained = Prisma.sql`
  r.id > least((SELECT coalesce(max(receipt_id), 0) FROM hash_chain_entry),
               coalesce((SELECT id FROM receipt WHERE created_at < now() - ${LATE_MS} * interval '1 millisecond' ORDER BY id DESC LIMIT 1), 0))
  AND NOT EXISTS (SELECT FROM hash_chain_entry s WHERE s.receipt_id = r.id)`;

/** More receipts than this are not counted: the caller wants to know whether they become fewer. */
const UNCHAINED_COUNTED_MAX = 100_000;

export async function hashChainProgress(db: DatabaseTx): Promise<HashChainProgress> {
  const [row] = await db.$queryRaw<{ chained: bigint; unchained: bigint; age: number }[]>`
    SELECT (SELECT coalesce(max(seq), 0) FROM hash_chain_entry) AS chained, count(*) AS unchained,
           coalesce(extract(epoch FROM now() - min(created_at)) * 1000, 0)::float8 AS age
      FROM (SELECT created_at FROM receipt r WHERE ${isUnchained} ORDER BY id LIMIT ${UNCHAINED_COUNTED_MAX}) waiting`;
  return {
    chained: Number(row?.chained ?? 0n),
    unchained: Number(row?.unchained ?? 0n),
    oldestAgeMs: Math.max(0, row?.age ?? 0),
  };
}
