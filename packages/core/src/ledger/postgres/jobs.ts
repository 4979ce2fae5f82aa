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

const toJob = (row: OutboxModel): NewJob =>
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

/** Makes the oldest that have not been made and are not being made by another process. */
export async function dispatchJobs(
  db: DatabaseTx,
  limit: number,
  make: (jobs: readonly NewJob[]) => Promise<void>,
): Promise<number> {
  const claimed = await db.$queryRaw<{ id: bigint }[]>`
    SELECT id FROM outbox WHERE made_at IS NULL ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED`;
  if (claimed.length === 0) return 0;
  const ids = claimed.map((row) => row.id);
  const rows = await db.outbox.findMany({ where: { id: { in: ids } }, orderBy: { id: "asc" } });
  await make(rows.map(toJob));
  await db.outbox.updateMany({ where: { id: { in: ids } }, data: { madeAt: new Date() } });
  return rows.length;
}
