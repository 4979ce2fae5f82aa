import type { PayoutRequeue } from "../ledger.ts";
import type { DatabaseTx } from "../../database/client.ts";

/** As one call: the console may make it, and may not write to payouts otherwise. */
export async function requeuePayout(
  db: DatabaseTx,
  { payout, job, receipt, despite }: PayoutRequeue,
): Promise<boolean> {
  const [row] = await db.$queryRaw<{ requeued: boolean }[]>`
    SELECT requeue_payout(${payout.id}::uuid, ${payout.status}, ${job.id}, ${receipt.event},
                          ${JSON.stringify(receipt.details)}::jsonb, ${despite ?? null}) AS requeued`;
  return row?.requeued ?? false;
}
