import type { Ledger } from "./ledger.ts";
import type { JobQueue } from "../queue/queue.ts";
import { groupPayouts, jobForDueRows } from "./jobs.ts";

/** Jobs that are dispatched at once. */
const JOBS_PER_BATCH = 500;

/**
 * Puts the jobs of the outbox on the queue. A crash between putting and deleting them means that they are put again: the queue
 * knows their ids, and running a job twice is harmless.
 */
export async function dispatchJobs({ ledger, queue }: { ledger: Ledger; queue: JobQueue }): Promise<number> {
  for (let total = 0; ;) {
    const made = await ledger.jobs.dispatch(JOBS_PER_BATCH, (jobs) => queue.add(groupPayouts(jobs)));
    total += made;
    if (made < JOBS_PER_BATCH) return total;
  }
}

/** While more jobs than this wait, the payer needs no further ones. */
const WAITING_JOBS_MAX = 100;
const STALE_PAYOUTS_PER_TURN = 1_000;

/**
 * Jobs for open payouts that have had none for a while: after a lost queue or a crashed payer, and for bytes that are to be
 * sent once more. Not while many jobs wait: in a long queue every payout would look forgotten,
 * and more jobs would only make it longer.
 */
export async function enqueueStalePayouts(
  { ledger, queue }: { ledger: Ledger; queue: JobQueue },
  { notEnqueuedForMs }: { notEnqueuedForMs: number },
): Promise<number> {
  let enqueued = 0;
  for (const [lane, which] of [
    ["programme", "urgent"],
    ["returns", "later"],
  ] as const) {
    if ((await queue.waiting("payout.pay", which)) > WAITING_JOBS_MAX) continue;
    enqueued += await ledger.payouts.enqueueStale({ lane, notEnqueuedForMs, limit: STALE_PAYOUTS_PER_TURN });
  }
  return enqueued;
}

/**
 * A delayed job for each of the next instants at which rows fall due, so that the scheduler looks at the right moment.
 * @param rate how many chain milliseconds pass in one of the host: 1, except on a network whose time runs fast
 */
export async function scheduleDueRows(
  { ledger, queue }: { ledger: Ledger; queue: JobQueue },
  { rate, horizonMs, limit = 100 }: { rate: number; horizonMs: number; limit?: number },
): Promise<number> {
  const cursor = await ledger.cursor.read();
  if (cursor === undefined) return 0;
  const jobs = (await ledger.rows.nextDueInstants(limit))
    .map((dueMs) => jobForDueRows(dueMs, Math.max(0, (dueMs - cursor.blockTimeMs) / rate)))
    .filter((job) => job.delayMs <= horizonMs);
  await queue.add(jobs);
  return jobs.length;
}
