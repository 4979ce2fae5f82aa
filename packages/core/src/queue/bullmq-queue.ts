import type { Queue } from "bullmq";
import type { Log } from "@stakebts/kernel/log";
import type { JobQueue, Ring } from "./queue.ts";
import { BACKOFF_MS_MAX, catalog, KEEP_FAILED, REMOVE_COMPLETED, RING_KINDS } from "./catalog.ts";
import { openQueue, type QueueStore } from "./connection.ts";

/** The queues of all kinds, to ring at. */
export function createJobQueue({ store, log }: { store: QueueStore; log: Log }): JobQueue {
  const queues = new Map<string, Queue>();
  for (const kind of RING_KINDS) {
    const { queue } = catalog[kind];
    if (!queues.has(queue)) queues.set(queue, openQueue(store, queue, {}, log));
  }
  return {
    async add(rings) {
      for (const [name, queue] of queues) {
        const jobs = rings.filter((ring) => catalog[ring.kind].queue === name).map(toJob);
        if (jobs.length > 0) await queue.addBulk(jobs);
      }
    },
    async waiting(kind) {
      return (await queues.get(catalog[kind].queue)?.getWaitingCount()) ?? 0;
    },
    async close() {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}

const toJob = (ring: Ring) => ({
  name: ring.kind,
  data: ring.data,
  opts: {
    jobId: ring.id,
    delay: Math.ceil(ring.delayMs),
    attempts: catalog[ring.kind].attempts,
    backoff: {
      type: "exponential",
      delay: catalog[ring.kind].backoffMs,
      jitter: 0.2,
      maxDelay: BACKOFF_MS_MAX,
    },
    removeOnComplete: REMOVE_COMPLETED,
    removeOnFail: KEEP_FAILED,
  },
});
