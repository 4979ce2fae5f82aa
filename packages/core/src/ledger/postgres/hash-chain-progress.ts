import { type DatabaseTx, Prisma } from "../../database/client.ts";
import type { HashChainProgress } from "../view.ts";

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

/** More receipts than this are not counted: whoever asks wants to know whether they become fewer. */
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
