import type { Database } from "../../database/client.ts";

/**
 * A ring for every open payout that nobody has rung for a while, oldest debts first: what a lost queue, a crashed payer
 * or a forgotten ring left behind. `rung_at` is written with the ring, so that a second scheduler takes others. A new debt
 * has it from the clock of the host that wrote it: what was rung for in the future counts as forgotten too, or a clock that
 * is hours ahead would keep a payout waiting for hours.
 */
export function ringStalePayouts(
  db: Database,
  { notRungForMs, limit }: { notRungForMs: number; limit: number },
): Promise<number> {
  return db.$executeRaw`
    WITH stale AS (
      SELECT id FROM payout
       WHERE status IN ('due', 'ready', 'signed', 'sent', 'waiting_funds')
         AND (rung_at < now() - ${notRungForMs}::double precision * interval '1 millisecond' OR rung_at > now())
       ORDER BY due, id LIMIT ${limit}
         FOR UPDATE SKIP LOCKED
    ), rung AS (
      UPDATE payout SET rung_at = now() FROM stale WHERE payout.id = stale.id RETURNING payout.id, payout.due
    )
    INSERT INTO outbox (ring_id, kind, data, delay_ms)
    SELECT 'payout-' || id || '-' || (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
           'payout.pay', jsonb_build_object('payoutId', id), 0
      FROM rung ORDER BY due, id`;
}
