export { catalog, MONEY_QUEUE, QUEUE_NAMES, RING_KINDS } from "./catalog.ts";
export { openQueue, type QueueStore, queueStoreOf } from "./connection.ts";
export { migrateQueueStore } from "./migrate.ts";
export { queueStoreProblem } from "./queue-store-problem.ts";
export { createJobQueue } from "./queue.ts";
export { type JobWorkerOptions, startJobWorker } from "./worker.ts";
