import { messageOf } from "../runtime/error-facts.ts";
import type { Queue } from "bullmq";
import { ServiceError } from "@stakebts/kernel/errors";
import type { Log } from "@stakebts/kernel/log";
import type { JobQueue, NewJob } from "./queue.ts";
import { BACKOFF_MS_MAX, catalog, JOB_KINDS, KEEP_COMPLETED, KEEP_FAILED } from "./catalog.ts";
import { openQueue, type QueueStore, servingProblem } from "./connection.ts";

/** The queues of all kinds of jobs, for producers. */
export function createJobQueue({ store, log }: { store: QueueStore; log: Log }): JobQueue {
  const queues = new Map<string, Queue>();
  for (const kind of JOB_KINDS) {
    const { queue } = catalog[kind];
    if (!queues.has(queue)) queues.set(queue, openQueue(store, queue, {}, log));
  }
  return {
    async add(jobs) {
      for (const [name, queue] of queues) {
        const own = jobs.filter((job) => catalog[job.kind].queue === name).map(toJob);
        if (own.length > 0) await asked(() => queue.addBulk(own));
      }
    },
    async waiting(kind, which) {
      return asked(async () => {
        const queue = queues.get(catalog[kind].queue);
        const urgent = which === "later" ? 0 : await queue?.getWaitingCount();
        const later = which === "urgent" ? 0 : await queue?.getPrioritizedCount();
        return (urgent ?? 0) + (later ?? 0);
      });
    },
    async problem() {
      const problems = await Promise.all([...queues.values()].map(servingProblem));
      return problems.find((problem) => problem !== undefined);
    },
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}

/** The queue decides nothing, so nothing that its store says may stop a process. */
async function asked<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    throw new ServiceError(`the queue: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

const toJob = (job: NewJob) => ({
  name: job.kind,
  data: job.data,
  opts: {
    jobId: job.id,
    delay: Math.ceil(job.delayMs),
    // Of BullMQ, jobs without a priority come first.
    ...("later" in job.data && job.data.later === true ? { priority: 1 } : {}),
    attempts: catalog[job.kind].attempts,
    backoff: {
      type: "exponential",
      delay: catalog[job.kind].backoffMs,
      jitter: 0.2,
      maxDelay: BACKOFF_MS_MAX,
    },
    removeOnComplete: KEEP_COMPLETED,
    removeOnFail: KEEP_FAILED,
  },
});
