import type { PayoutConfirmation } from "../../ports/ledger.ts";
import type { DatabaseTx } from "./client.ts";

/**
 * Payouts that are in an irreversible block, with the rows that each settles, in one statement: a block may confirm
 * hundreds. What is confirmed already stays; what an operator cancelled stays cancelled and is not counted.
 */
export async function confirmPayouts(
  db: DatabaseTx,
  confirmed: readonly PayoutConfirmation[],
): Promise<number> {
  const ids = confirmed.map((c) => c.payoutId as string);
  const blocks = confirmed.map((c) => c.blockNum);
  const times = confirmed.map((c) => BigInt(c.blockTimeMs));
  const [result] = await db.$queryRaw<{ moved: bigint }[]>`
    WITH found AS (
      SELECT * FROM unnest(${ids}::uuid[], ${blocks}::int[], ${times}::bigint[]) AS f (id, block_num, time_ms)
    ), moved AS (
      UPDATE payout SET status = 'confirmed', reason = NULL, block_processed = f.block_num, processed = f.time_ms,
                        updated_at = now()
        FROM found f
       WHERE payout.id = f.id AND payout.status NOT IN ('confirmed', 'cancelled')
      RETURNING payout.id, f.block_num, f.time_ms
    ), settled AS (
      UPDATE stake_row SET status = link.settles_as, block_processed = moved.block_num, processed = moved.time_ms
        FROM payout_stake_row link JOIN moved ON moved.id = link.payout_id
       WHERE stake_row.id = link.stake_row_id AND stake_row.status IN ('processing', 'paid')
    )
    SELECT count(*) AS moved FROM moved`;
  return Number(result?.moved ?? 0n);
}
