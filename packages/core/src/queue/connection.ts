import {
  type BackendFactory,
  Queue,
  type QueueOptions,
  type RedisQueueBackend,
  Worker,
  type WorkerOptions,
  type Processor,
} from "bullmq";
import { Redis } from "ioredis";
import type { Log } from "@stakebts/kernel/log";
import { hostClock } from "../runtime/host-clock.ts";
import { postgresBackend, sharePool } from "./postgres-pool.ts";

/** Where jobs live: in Redis, or in the ledger's own PostgreSQL (schema `bullmq`), which needs no second server. */
export type QueueStore = { readonly redisUrl: string } | { readonly databaseUrl: string };

/** After trouble with the store, before the next try. BullMQ's own: none at all for most errors, which keeps a core busy. */
const RETRY_MS = 1_000;

/** BullMQ itself retries errors of the store. They have to be logged, and must not end the process. */
const report = (log: Log, queue: string) => (error: Error) =>
  log.warn("queue.store_error", { queue, message: error.message });

export function openQueue(
  store: QueueStore,
  name: string,
  options: Omit<QueueOptions, "connection">,
  log: Log,
): Queue {
  const { connection, backend, close } = connect(store, name, { listens: false }, log);
  const queue = new Queue(name, { ...options, connection }, backend);
  queue.on("error", report(log, name));
  closeWith(queue, close);
  return queue;
}

export function openWorker(
  store: QueueStore,
  name: string,
  process: Processor,
  options: Omit<WorkerOptions, "connection">,
  log: Log,
): Worker {
  const { connection, backend, close } = connect(store, name, { listens: true }, log);
  const worker = new PatientWorker(
    name,
    process,
    { ...options, runRetryDelay: RETRY_MS, connection },
    backend,
  );
  worker.on("error", report(log, name));
  closeWith(worker, close);
  return worker;
}

/** Waits before it asks a store again that has refused: BullMQ's own loop turns without a pause, and starves the process. */
class PatientWorker extends Worker {
  protected override async moveToActive(token: string, name?: string): ReturnType<Worker["moveToActive"]> {
    try {
      return await super.moveToActive(token, name);
    } catch (error) {
      if (this.closing === undefined) await hostClock.sleep(RETRY_MS);
      throw error;
    }
  }
}

interface Connected {
  readonly connection: Redis;
  readonly backend: BackendFactory<RedisQueueBackend>;
  /** BullMQ leaves a connection that it was given open. */
  readonly close: () => Promise<void>;
}

function connect(store: QueueStore, name: string, use: { readonly listens: boolean }, log: Log): Connected {
  if ("redisUrl" in store) {
    const connection = redis(store.redisUrl, log, name);
    // Without a backend it is BullMQ's own, of Redis; its types do not say so.
    return { connection, backend: undefined as never, close: async () => connection.disconnect() };
  }
  const { pool, release } = sharePool(store.databaseUrl, use);
  // The same classes over another store; their type parameters know the store only.
  return { connection: pool, backend: postgresBackend, close: release } as unknown as Connected;
}

/** `maxRetriesPerRequest: null`: a command waits until the server is back instead of failing. */
function redis(url: string, log: Log, queue: string): Redis {
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  connection.on("error", report(log, queue));
  return connection;
}

function closeWith(owner: Queue | Worker, closeConnection: () => Promise<void>): void {
  const close = owner.close.bind(owner) as (force?: boolean) => Promise<void>;
  let closed: Promise<void> | undefined;
  owner.close = (force?: boolean) => (closed ??= close(force).then(closeConnection));
}

/** Redis when there is one, the ledger's own database otherwise. */
export const queueStoreOf = (config: {
  readonly REDIS_URL?: string | undefined;
  readonly DATABASE_URL: string;
}): QueueStore =>
  config.REDIS_URL === undefined ? { databaseUrl: config.DATABASE_URL } : { redisUrl: config.REDIS_URL };
