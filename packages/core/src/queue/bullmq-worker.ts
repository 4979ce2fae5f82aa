import { DelayedError, type Job, UnrecoverableError } from "bullmq";
import type { Log } from "@stakebts/kernel/log";
import type { JobKind, JobResult, JobWorker, WorkerTask } from "./queue.ts";
import { brokenStep } from "../runtime/broken-step.ts";
import { mayPass } from "../runtime/passing-trouble.ts";
import { type Progress, STEP_MS_MAX } from "../runtime/progress.ts";
import { catalog, JOB_KINDS } from "./catalog.ts";
import { openWorker, type PatientWorker, type QueueStore } from "./connection.ts";

export interface JobWorkerOptions extends WorkerTask {
  readonly store: QueueStore;
  readonly log: Log;
  /** Notes each job. */
  readonly progress?: Progress | undefined;
}

/**
 * A job whose process died is free again after this. The ledger decides what may be done, so a job that is taken up
 * twice costs nothing, and a short wait brings a take-over sooner.
 */
const LOCK_MS = 5_000;

/** Serves the queues of the kinds that have a handler, one job at a time each. */
export function startJobWorker(options: JobWorkerOptions): JobWorker {
  const { store, log, handlers, onBroken, progress, stepMsMax = STEP_MS_MAX } = options;
  const workers: PatientWorker[] = [];
  for (const kind of JOB_KINDS) {
    const handle = handlers[kind] as ((data: unknown) => Promise<JobResult>) | undefined;
    if (handle === undefined) continue;
    const serve = async (job: Job, token?: string): Promise<void> => {
      progress?.expect(kind, stepMsMax);
      const answer = await answerJob(kind, job, handle, onBroken).finally(() => progress?.end(kind));
      if (answer.done) return;
      await job.moveToDelayed(Date.now() + Math.ceil(answer.againInMs), token);
      throw new DelayedError();
    };
    const settings = {
      concurrency: 1,
      lockDuration: LOCK_MS,
      stalledInterval: LOCK_MS,
    };
    const worker = openWorker(store, catalog[kind].queue, serve, settings, log);
    worker.on("failed", (job, error) => {
      log.warn("job.failed", { kind, jobId: job?.id, attempts: job?.attemptsMade, message: error.message });
    });
    workers.push(worker);
  }
  return {
    problem: () => workers.map(({ trouble }) => trouble.problem).find((problem) => problem !== undefined),
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

async function answerJob(
  kind: JobKind,
  job: Job,
  handle: (data: unknown) => Promise<JobResult>,
  onBroken: (error: Error) => void,
): Promise<JobResult> {
  const data = catalog[kind].data.safeParse(job.data);
  if (!data.success)
    throw new UnrecoverableError(`a job of kind ${kind} with other content: ${data.error.message}`);
  try {
    return await handle(data.data);
  } catch (error) {
    if (!mayPass(error)) onBroken(brokenStep(kind, error));
    throw error;
  }
}
