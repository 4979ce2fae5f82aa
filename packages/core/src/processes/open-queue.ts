import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import type { Database } from "../database/client.ts";
import { queuePrefix } from "../database/queue-prefix.ts";
import { createJobQueue } from "../queue/bullmq-queue.ts";
import { startJobWorker } from "../queue/bullmq-worker.ts";
import { type QueueStore, queueStoreOf } from "../queue/connection.ts";
import type { JobQueue, StartWorker } from "../queue/queue.ts";
import { DONE, repeat } from "../runtime/loop.ts";
import type { Progress } from "../runtime/progress.ts";

interface StoreSettings {
  readonly DATABASE_URL: string;
  readonly REDIS_URL?: string | undefined;
}

/**
 * Where the jobs of this ledger are. In Redis its queues have a name of their own, so that another ledger on the same server
 * neither gets its jobs nor waits for them: the ledger is asked who it is, until it answers or the signal comes.
 */
export async function findQueueStore(
  config: StoreSettings,
  db: Database,
  loop: { readonly clock: HostClock; readonly log: Log; readonly progress: Progress },
  signal: AbortSignal,
): Promise<QueueStore> {
  let store = queueStoreOf(config);
  if ("redisUrl" in store)
    await repeat({ ...loop, name: "find queues" }, signal, async () => {
      store = queueStoreOf(config, await queuePrefix(db));
      return DONE;
    });
  return store;
}

export const openJobQueue = (store: QueueStore, log: Log): JobQueue => createJobQueue({ store, log });

export const workerOn =
  (store: QueueStore, observed: { readonly log: Log; readonly progress: Progress }): StartWorker =>
  (task) =>
    startJobWorker({ store, ...observed, ...task });
