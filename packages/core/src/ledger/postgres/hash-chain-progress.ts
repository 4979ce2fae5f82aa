import { type DatabaseTx, Prisma } from "../../database/client.ts";
import type { Sealing } from "../view.ts";

/** Receipts may be committed in another order than that of their ids, but not by more than this. */
export const LATE_MS = 3_600_000;

/**
 * Condition on `receipt r`: not sealed, and not among those that are older than any transaction takes (LATE_MS). While old
 * receipts are being sealed it looks on from the last of them, afterwards through those of the last hour again.
 */
export const isUnsealed = Prisma.sql`
  r.id > least((SELECT coalesce(max(receipt_id), 0) FROM receipt_seal),
               coalesce((SELECT id FROM receipt WHERE created_at < now() - ${LATE_MS} * interval '1 millisecond' ORDER BY id DESC LIMIT 1), 0))
  AND NOT EXISTS (SELECT FROM receipt_seal s WHERE s.receipt_id = r.id)`;

/** More receipts than this are not counted: whoever asks wants to know whether they become fewer. */
const UNSEALED_COUNTED_MAX = 100_000;

export async function sealingOf(db: DatabaseTx): Promise<Sealing> {
  const [row] = await db.$queryRaw<{ sealed: bigint; unsealed: bigint; age: number }[]>`
    SELECT (SELECT coalesce(max(seq), 0) FROM receipt_seal) AS sealed, count(*) AS unsealed,
           coalesce(extract(epoch FROM now() - min(created_at)) * 1000, 0)::float8 AS age
      FROM (SELECT created_at FROM receipt r WHERE ${isUnsealed} ORDER BY id LIMIT ${UNSEALED_COUNTED_MAX}) waiting`;
  return {
    sealed: Number(row?.sealed ?? 0n),
    unsealed: Number(row?.unsealed ?? 0n),
    oldestAgeMs: Math.max(0, row?.age ?? 0),
  };
}
