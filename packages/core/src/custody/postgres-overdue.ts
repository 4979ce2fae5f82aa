import { type Millis, millis } from "@stakebts/kernel/time";
import { type Database, Prisma } from "../database/client.ts";
import { isAwaited, isDecidable } from "../ledger/postgres/undecided.ts";
import type { OverdueKind } from "./overdue-check.ts";
import type { Overdue } from "./monitor-ledger.ts";

/** The oldest of each kind that was due before this instant and does not get on. */
export async function overdueIn(
  db: Database,
  { beforeMs, accepting, paying }: { beforeMs: Millis; accepting: boolean; paying: boolean },
): Promise<readonly Overdue[]> {
  const before = BigInt(beforeMs);
  const rows = await db.$queryRaw<{ kind: OverdueKind; name: string; due: bigint }[]>`
    (SELECT 'transfer' AS kind, block_num || ':' || trx_in_block || ':' || op_in_trx AS name, block_time_ms AS due FROM transfer
      WHERE block_time_ms < ${before} AND ${isDecidable(accepting)} ORDER BY block_num, trx_in_block, op_in_trx LIMIT 1)
    UNION ALL
    (SELECT 'unread', block_num || ':' || trx_in_block || ':' || op_in_trx, block_time_ms FROM transfer
      WHERE block_time_ms < ${before} AND status = 'unread' AND direction = 'in'
      ORDER BY block_num, trx_in_block, op_in_trx LIMIT 1)
    UNION ALL
    (SELECT 'row', id, due FROM stake_row WHERE due < ${before} AND ${isAwaited} ORDER BY due, id LIMIT 1)
    UNION ALL
    (SELECT 'lost', id, due FROM stake_row
      WHERE status = 'processing' AND NOT EXISTS (
        SELECT FROM payout_stake_row link JOIN payout ON payout.id = link.payout_id
         WHERE link.stake_row_id = stake_row.id AND payout.status <> 'cancelled')
      ORDER BY due, id LIMIT 1)
    ${
      paying
        ? Prisma.sql`
    UNION ALL
    (SELECT 'payout', key, due FROM payout
      WHERE status IN ('due', 'ready', 'signed', 'sent') AND limited_by IS NULL AND due < ${before}
        AND created_at < now() - interval '2 hours' AND kind <> 'refund'
      ORDER BY due LIMIT 1)`
        : Prisma.empty
    }`;
  return rows.map(({ kind, name, due }) => ({ kind, name, dueMs: millis(Number(due)) }));
}
