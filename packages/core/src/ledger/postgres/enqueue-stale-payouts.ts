import type { Database } from "../../database/client.ts";

/**
 * A job for every open payout that nobody has rung for a while, oldest debts first: what a lost queue, a crashed payer
 * or a forgotten job left behind. `enqueued_at` is written with the job, so that a second scheduler takes others. A new debt
 * has it from the clock of the host that wrote it: what was rung for in the future counts as forgotten too, or a clock that
 * is hours ahead would keep a payout waiting for hours.
 */
export function enqueueStalePayouts(
  db: Database,
  { notEnqueuedForMs, limit }: { notEnqueuedForMs: number; limit: number },
): Promise<number> {
  return db.$executeRaw`
    WITH stale AS (
      SELECT id FROM payout
       WHERE status IN ('due', 'ready', 'signed', 'sent', 'waiting_funds')
         AND (enqueued_at < now() - ${notEnqueuedForMs}::double precision * interval '1 millisecond' OR enqueued_at > now())
       ORDER BY due, id LIMIT ${limit}
         FOR UPDATE SKIP LOCKED
    ), rung AS (
      UPDATE payout SET enqueued_at = now() FROM stale WHERE payout.id = stale.id RETURNING payout.id, payout.due
    )
    INSERT INTO outbox (job_id, kind, data, delay_ms)
    SELECT 'payout-' || id || '-' || (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
           'payout.pay', jsonb_build_object('payoutId', id), 0
      FROM rung ORDER BY due, id`;
}
