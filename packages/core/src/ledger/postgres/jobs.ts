import type { Outbox as OutboxModel } from "../../generated/prisma/client.ts";
import type { NewJob } from "../../queue/queue.ts";
import type { DatabaseTx } from "../../database/client.ts";
import { jsonRows } from "./json-rows.ts";

// Jobs to be made, written in the same transaction as the state that causes them: table outbox.

const fromJob = (job: NewJob) => ({
  jobId: job.id,
  kind: job.kind,
  data: job.data,
  delayMs: BigInt(Math.ceil(job.delayMs)),
});

type OutboxColumns = Pick<OutboxModel, "jobId" | "kind" | "data" | "delayMs">;

const toJob = (row: OutboxColumns): NewJob =>
  ({ id: row.jobId, kind: row.kind, data: row.data, delayMs: Number(row.delayMs) }) as NewJob;

/** A job whose id is there already is not written again. */
export async function addJobs(db: DatabaseTx, jobs: readonly NewJob[]): Promise<void> {
  if (jobs.length === 0) return;
  await db.$executeRaw`
    INSERT INTO outbox (job_id, kind, data, delay_ms)
    SELECT "jobId", kind, data, "delayMs"
      FROM jsonb_to_recordset(${jsonRows(jobs.map(fromJob))}::jsonb)
        AS new ("jobId" text, kind text, data jsonb, "delayMs" bigint)
        ON CONFLICT DO NOTHING`;
}

/**
 * Makes the oldest that are not being made by another process. What was made is deleted: the queue knows its id, and no cause
 * writes its job a second time.
 */
export async function dispatchJobs(
  db: DatabaseTx,
  limit: number,
  make: (jobs: readonly NewJob[]) => Promise<void>,
): Promise<number> {
  const rows = await db.$queryRaw<OutboxColumns[]>`
    WITH claimed AS (SELECT id FROM outbox ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED),
         made AS (DELETE FROM outbox USING claimed WHERE outbox.id = claimed.id
                  RETURNING outbox.id, job_id AS "jobId", kind, data, delay_ms AS "delayMs")
    SELECT * FROM made ORDER BY id`;
  if (rows.length > 0) await make(rows.map(toJob));
  return rows.length;
}
