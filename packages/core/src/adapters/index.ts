export { createJobQueue, migrateQueueStore, openQueue, type QueueStore, startJobWorker } from "./bullmq/index.ts";
export { hostClock } from "./host-clock.ts";
export { createLog } from "./logger.ts";
export { withPayerLock } from "./payer-lock.ts";
export { createPostgresLedger } from "./postgres/index.ts";
export { EXIT, runProcess, StartupError } from "./process.ts";
export { repeat } from "./repeat.ts";
