import { openCursors } from "../../runtime/database-session.ts";
import { bts, shares } from "@stakebts/kernel/amount";
import { operationId } from "@stakebts/kernel/operation-id";
import type { PayoutKind } from "../../rules/payout.ts";
import type { JournalFilter, JournalLine, YearTotal } from "../view.ts";
import type { Payout as PayoutModel } from "../../generated/prisma/client.ts";
import { type Database, Prisma } from "../../database/client.ts";
import { toPayoutLine } from "./payout-lists.ts";

const LINES_PER_PAGE = 5_000;

interface Row extends PayoutModel {
  readonly txid: string | null;
  readonly block_num: number | null;
  readonly trx_in_block: number | null;
  readonly op_in_trx: number | null;
  readonly fee_shares: bigint | null;
  readonly matches: boolean | null;
}

/** First and last millisecond of a year, UTC. */
const yearBounds = (year: number) =>
  Prisma.sql`AND p.processed >= ${BigInt(Date.UTC(year, 0))} AND p.processed < ${BigInt(Date.UTC(year + 1, 0))}`;

/**
 * The whole journal of one moment, page after page: a cursor in the database, so that a ledger of any size needs little
 * memory and payments that are made meanwhile neither double a line nor hide one. (Prisma has no cursors of this kind.)
 * The payment of each payout is the transfer that has settled it.
 */
export async function* journal(url: string, filter: JournalFilter): AsyncGenerator<readonly JournalLine[]> {
  const sql = await openCursors(url, { name: "stakebts-journal" });
  const { payee, statuses, year } = filter;
  try {
    const pages = sql<Row[]>`
      SELECT p.id, p.key, p.kind, p.payee, p.amount, p.due, p.status, p.reason, p.attempts, p.processed,
             p.block_processed AS "blockProcessed",
             t.txid, t.block_num, t.trx_in_block, t.op_in_trx, t.fee_shares,
             t.receiver = p.payee AND t.amount_shares = p.amount * 100000 AS matches
        FROM payout p
        LEFT JOIN settlement s ON s.payout_id = p.id
        LEFT JOIN transfer t USING (block_num, trx_in_block, op_in_trx)
       WHERE true
         ${payee === undefined ? sql`` : sql`AND p.payee = ${payee}`}
         ${statuses === undefined ? sql`` : sql`AND p.status = ANY(${[...statuses]})`}
         ${year === undefined ? sql`` : sql`AND p.processed >= ${Date.UTC(year, 0)} AND p.processed < ${Date.UTC(year + 1, 0)}`}
       ORDER BY p.processed NULLS LAST, p.due, p.id`.cursor(LINES_PER_PAGE);
    for await (const rows of pages) yield rows.map(toJournalLine);
  } finally {
    await sql.end();
  }
}

const toJournalLine = (row: Row): JournalLine => ({
  ...toPayoutLine(row),
  txid: row.txid ?? undefined,
  operation:
    row.block_num === null
      ? undefined
      : operationId({
          blockNum: row.block_num,
          trxInBlock: row.trx_in_block ?? 0,
          opInTrx: row.op_in_trx ?? 0,
        }),
  feeShares: row.fee_shares === null ? undefined : shares(row.fee_shares),
  matchesChain: row.matches ?? undefined,
});

export async function yearTotals(
  db: Database,
  filter: Pick<JournalFilter, "payee" | "year">,
): Promise<readonly YearTotal[]> {
  const rows = await db.$queryRaw<
    { payee: string; year: number; kind: string; count: bigint; amount: bigint }[]
  >`
    SELECT p.payee, extract(year FROM to_timestamp(p.processed / 1000) AT TIME ZONE 'UTC')::int AS year, p.kind,
           count(*) AS count, sum(p.amount)::bigint AS amount
      FROM payout p
     WHERE p.status = 'confirmed' AND (${filter.payee ?? null}::text IS NULL OR p.payee = ${filter.payee ?? null})
       ${filter.year === undefined ? Prisma.empty : yearBounds(filter.year)}
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;
  return rows.map((row) => ({
    nominator: row.payee,
    year: row.year,
    kind: row.kind as PayoutKind,
    count: Number(row.count),
    amount: bts(row.amount),
  }));
}
