import { millis } from "@stakebts/kernel/time";
import { type Database, Prisma } from "../../database/client.ts";
import type { ReceiptLine } from "../../ledger/view.ts";
import { allOf, type Key, keysetPage, type KeysetPage, type KeysetWindow, numbers } from "./keyset.ts";

export interface ReceiptSearch {
  /** A name, or the beginning of one with `*`: `payout.*`. */
  readonly event?: string | undefined;
  readonly subject?: string | undefined;
  /** Only those that name this person as the one who acted. */
  readonly actor?: string | undefined;
  readonly login?: string | undefined;
  /** Host time, from (inclusive) to (exclusive). */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

interface Row {
  readonly id: bigint;
  readonly event: string;
  readonly subject: string;
  readonly chain_time_ms: bigint | null;
  readonly details: Record<string, unknown>;
  readonly created_at: Date;
  readonly written_by: string;
  readonly hash: string | null;
  readonly seq: bigint | null;
}

export interface ChainedReceiptLine extends ReceiptLine {
  /** Its place in the hash chain; `undefined` until the scheduler has chained it. */
  readonly chained: { readonly seq: number; readonly hash: string } | undefined;
}

/** Every name of an event that there is, found from one to the next in the index: a few steps for millions of receipts. */
export async function eventNames(db: Database): Promise<readonly string[]> {
  const rows = await db.$queryRaw<{ event: string }[]>`
    WITH RECURSIVE names AS (
      (SELECT event FROM receipt ORDER BY event LIMIT 1)
      UNION ALL
      SELECT (SELECT event FROM receipt WHERE event > names.event ORDER BY event LIMIT 1) FROM names
       WHERE names.event IS NOT NULL)
    SELECT event FROM names WHERE event IS NOT NULL`;
  return rows.map(({ event }) => event);
}

async function where(db: Database, search: ReceiptSearch): Promise<Prisma.Sql> {
  const { event, subject, actor, login, fromMs, toMs } = search;
  return allOf([
    event !== undefined && Prisma.sql`event = ANY(${await eventsOf(db, event)}::text[])`,
    subject !== undefined && Prisma.sql`subject = ${subject}`,
    actor !== undefined && Prisma.sql`details ->> 'actor' = ${actor}`,
    login !== undefined && Prisma.sql`written_by = ${login}`,
    fromMs !== undefined && Prisma.sql`r.created_at >= ${new Date(fromMs)}`,
    toMs !== undefined && Prisma.sql`r.created_at < ${new Date(toMs)}`,
  ]);
}

/** Names instead of a pattern, so that the index serves. */
const eventsOf = async (db: Database, event: string): Promise<readonly string[]> =>
  event.endsWith("*")
    ? (await eventNames(db)).filter((name) => name.startsWith(event.slice(0, -1)))
    : [event];

const NEWEST_FIRST: Key<Row> = {
  columns: Prisma.sql`id`,
  descending: true,
  of: ({ id }) => [`${id}`],
  parse: numbers("bigint"),
};

/** Newest first. */
export async function findReceipts(
  db: Database,
  search: ReceiptSearch,
  window: KeysetWindow,
): Promise<KeysetPage<ChainedReceiptLine>> {
  const select = Prisma.sql`
    SELECT id, event, subject, chain_time_ms, details, r.created_at, written_by, e.hash, e.seq
      FROM receipt r LEFT JOIN hash_chain_entry e ON e.receipt_id = r.id WHERE ${await where(db, search)}`;
  return keysetPage<Row, ChainedReceiptLine>(db, { select, key: NEWEST_FIRST, toLine }, window);
}

const toLine = (row: Row): ChainedReceiptLine => ({
  id: row.id,
  event: row.event,
  subject: row.subject,
  chainTimeMs: row.chain_time_ms === null ? undefined : millis(Number(row.chain_time_ms)),
  details: row.details,
  createdAtMs: row.created_at.getTime(),
  writtenBy: row.written_by,
  chained: row.hash === null || row.seq === null ? undefined : { seq: Number(row.seq), hash: row.hash },
});
