import {
  createPostgresBackend,
  Queue,
  type QueueOptions,
  Worker,
  type WorkerOptions,
  type Processor,
} from "bullmq";
import { Redis } from "ioredis";
import type { Log } from "@stakebts/kernel/log";

/** Where jobs live: in Redis, or in the ledger's own PostgreSQL (schema `bullmq`), which needs no second server. */
export type QueueStore = { readonly redisUrl: string } | { readonly databaseUrl: string };

/** Connections that one queue or worker may open on PostgreSQL. */
const POSTGRES_POOL = 3;

/** BullMQ itself retries errors of the store. They have to be logged, and must not end the process. */
const report = (log: Log, queue: string) => (error: Error) =>
  log.warn("queue.store_error", { queue, message: error.message });

export function openQueue(
  store: QueueStore,
  name: string,
  options: Omit<QueueOptions, "connection">,
  log: Log,
): Queue {
  if ("redisUrl" in store) {
    const connection = redis(store.redisUrl, log, name);
    const queue = new Queue(name, { ...options, connection });
    queue.on("error", report(log, name));
    closeWith(queue, connection);
    return queue;
  }
  const queue = new Queue(
    name,
    { ...options, connection: { connectionString: store.databaseUrl, max: POSTGRES_POOL } },
    createPostgresBackend,
  ) as unknown as Queue; // The same class over another store; its type parameter knows the store only.
  queue.on("error", report(log, name));
  return queue;
}

export function openWorker(
  store: QueueStore,
  name: string,
  process: Processor,
  options: Omit<WorkerOptions, "connection">,
  log: Log,
): Worker {
  if ("redisUrl" in store) {
    const connection = redis(store.redisUrl, log, name);
    const worker = new Worker(name, process, { ...options, connection });
    worker.on("error", report(log, name));
    closeWith(worker, connection);
    return worker;
  }
  const worker = new Worker(
    name,
    process,
    { ...options, connection: { connectionString: store.databaseUrl, max: POSTGRES_POOL } },
    createPostgresBackend,
  ) as unknown as Worker;
  worker.on("error", report(log, name));
  return worker;
}

/** `maxRetriesPerRequest: null`: a command waits until the server is back instead of failing. */
function redis(url: string, log: Log, queue: string): Redis {
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  connection.on("error", report(log, queue));
  return connection;
}

/** BullMQ leaves a connection that it was given open. */
function closeWith(owner: Queue | Worker, connection: Redis): void {
  const close = owner.close.bind(owner) as (force?: boolean) => Promise<void>;
  owner.close = async (force?: boolean) => {
    await close(force);
    connection.disconnect();
  };
}

/** Redis when there is one, the ledger's own database otherwise. */
export const queueStoreOf = (config: {
  readonly REDIS_URL?: string | undefined;
  readonly DATABASE_URL: string;
}): QueueStore =>
  config.REDIS_URL === undefined ? { databaseUrl: config.DATABASE_URL } : { redisUrl: config.REDIS_URL };
