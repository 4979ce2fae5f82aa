import { bts } from "@stakebts/kernel/amount";
import { operationId, operationPosition } from "@stakebts/kernel/operation-id";
import type { TermMonths } from "../../rules/policy.ts";
import { millis } from "@stakebts/kernel/time";
import type {
  AgreementFilter,
  AgreementLine,
  AgreementStatus,
  Page,
  StakeFilter,
  StakeLine,
} from "../view.ts";
import { type Database, Prisma } from "../../database/client.ts";
import { toStakeRow } from "./stake-rows.ts";

// Agreements and their rows, as people list them.

export async function stakeLines(db: Database, filter: StakeFilter): Promise<Page<StakeLine>> {
  const at = filter.agreement === undefined ? undefined : operationPosition(filter.agreement);
  const where = {
    ...(filter.nominator === undefined ? {} : { nominator: filter.nominator }),
    ...(filter.statuses === undefined ? {} : { status: { in: [...filter.statuses] } }),
    ...(filter.types === undefined ? {} : { type: { in: [...filter.types] } }),
    ...(filter.dueBeforeMs === undefined ? {} : { due: { lt: BigInt(filter.dueBeforeMs) } }),
    ...(at === undefined ? {} : { blockStart: at.blockNum, trxIdx: at.trxInBlock, opsIdx: at.opInTrx }),
  };
  const [rows, total] = await Promise.all([
    db.stakeRow.findMany({
      where,
      orderBy: [{ due: "asc" }, { id: "asc" }],
      ...(filter.limit === undefined ? {} : { take: filter.limit }),
      skip: filter.offset ?? 0,
    }),
    db.stakeRow.count({ where }),
  ]);
  const items = rows.map((row) => ({
    ...toStakeRow(row),
    processedMs: row.processed === null ? undefined : millis(Number(row.processed)),
    blockProcessed: row.blockProcessed ?? undefined,
  }));
  return { items, total };
}

export interface AgreementRow {
  readonly block_start: number;
  readonly trx_idx: number;
  readonly ops_idx: number;
  readonly nominator: string;
  readonly amount: bigint;
  readonly months: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly status: string;
  readonly rewards_paid: bigint;
  readonly paid: bigint;
  readonly owed: bigint;
  readonly next_due: bigint | null;
}

/** What became of the base amount says what became of the agreement. */
const STATUS = Prisma.sql`CASE base.status WHEN 'pending' THEN 'open' WHEN 'processing' THEN 'closing'
                                           WHEN 'premature' THEN 'stopped' ELSE 'ended' END`;

/** Agreements, newest first, each with what was and what will be paid. */
export async function agreementLines(db: Database, filter: AgreementFilter): Promise<Page<AgreementLine>> {
  const from = Prisma.sql`
    FROM agreement a
    JOIN stake_row base ON base.type = 'base_amount' AND base.number = 0 AND base.block_start = a.block_start
                       AND base.trx_idx = a.trx_idx AND base.ops_idx = a.ops_idx
   WHERE (${filter.nominator ?? null}::text IS NULL OR a.nominator = ${filter.nominator ?? null})
     AND (${filter.status ?? null}::text IS NULL OR ${STATUS} = ${filter.status ?? null})`;
  const [rows, [counted]] = await Promise.all([
    db.$queryRaw<AgreementRow[]>`
      SELECT chosen.*, sums.* FROM (
        SELECT a.block_start, a.trx_idx, a.ops_idx, a.nominator, a.amount, a.months, a.start, base.due AS "end",
               ${STATUS} AS status ${from}
         ORDER BY a.block_start DESC, a.trx_idx DESC, a.ops_idx DESC
         LIMIT ${filter.limit ?? null} OFFSET ${filter.offset ?? 0}
      ) AS chosen, LATERAL (
        SELECT count(*) FILTER (WHERE type = 'reward' AND status IN ('confirmed', 'paid')) AS rewards_paid,
               coalesce(sum(amount) FILTER (WHERE status IN ('confirmed', 'premature')
                        OR (status = 'paid' AND type NOT LIKE 'agreement%')), 0)::bigint AS paid,
               coalesce(sum(amount) FILTER (WHERE type IN ('reward', 'base_amount')
                        AND status IN ('pending', 'processing')), 0)::bigint AS owed,
               min(due) FILTER (WHERE type IN ('reward', 'base_amount') AND status = 'pending') AS next_due
          FROM stake_row s
         WHERE s.block_start = chosen.block_start AND s.trx_idx = chosen.trx_idx AND s.ops_idx = chosen.ops_idx
      ) AS sums
      ORDER BY block_start DESC, trx_idx DESC, ops_idx DESC`,
    db.$queryRaw<{ total: bigint }[]>`SELECT count(*) AS total ${from}`,
  ]);
  return { items: rows.map(toAgreementLine), total: Number(counted?.total ?? 0n) };
}

export const toAgreementLine = (row: AgreementRow): AgreementLine => ({
  agreement: operationId({ blockNum: row.block_start, trxInBlock: row.trx_idx, opInTrx: row.ops_idx }),
  nominator: row.nominator,
  amount: bts(row.amount),
  months: row.months as TermMonths,
  startMs: millis(Number(row.start)),
  endMs: millis(Number(row.end)),
  status: row.status as AgreementStatus,
  rewardsPaid: Number(row.rewards_paid),
  paid: bts(row.paid),
  owed: bts(row.owed),
  nextDueMs: row.next_due === null ? undefined : millis(Number(row.next_due)),
});
