import { messageOf } from "../runtime/error-facts.ts";
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
export type QueueStore =
  | {
      readonly redisUrl: string;
      /** What the keys in Redis begin with: queues of different ledgers are different queues. BullMQ's own if not said. */
      readonly prefix?: string;
    }
  | { readonly databaseUrl: string };

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
  const queue = new Queue(name, { ...options, ...prefixOf(store), connection }, backend);
  queue.on("error", report(log, name));
  if ("redisUrl" in store) connections.set(queue, connection);
  closeWith(queue, close);
  return queue;
}

export function openWorker(
  store: QueueStore,
  name: string,
  process: Processor,
  options: Omit<WorkerOptions, "connection">,
  log: Log,
): PatientWorker {
  const { connection, backend, close } = connect(store, name, { listens: true }, log);
  const worker = new PatientWorker(
    name,
    process,
    { ...options, ...prefixOf(store), runRetryDelay: RETRY_MS, connection },
    backend,
  );
  worker.on("error", (error) => {
    worker.trouble.failed(error);
    report(log, name)(error);
  });
  closeWith(worker, close);
  return worker;
}

/** Waits before it asks a store again that has refused: BullMQ's own loop turns without a pause, and starves the process. */
export class PatientWorker extends Worker {
  readonly trouble = new StoreTrouble();

  protected override async moveToActive(token: string, name?: string): ReturnType<Worker["moveToActive"]> {
    try {
      const job = await super.moveToActive(token, name);
      this.trouble.over();
      return job;
    } catch (error) {
      if (this.closing === undefined) await hostClock.sleep(RETRY_MS);
      throw error;
    }
  }

  /** After a wait for a job has failed. */
  override delay(...[milliseconds = RETRY_MS, abort]: Parameters<Worker["delay"]>): Promise<void> {
    return super.delay(milliseconds, abort);
  }
}

/** What has lasted for less is not worth a word, and what was not seen for longer is over. */
const TROUBLE_MS_MIN = 10_000;

/** Whether the store refuses, now and for a while. A worker asks every few seconds, whether jobs come or not. */
class StoreTrouble {
  #sinceMs: number | undefined;
  #lastMs = 0;
  #message = "";

  failed({ message }: Error): void {
    this.#lastMs = hostClock.nowMs();
    this.#sinceMs ??= this.#lastMs;
    this.#message = message;
  }

  over(): void {
    this.#sinceMs = undefined;
  }

  get problem(): string | undefined {
    const nowMs = hostClock.nowMs();
    return this.#sinceMs === undefined ||
      nowMs - this.#sinceMs < TROUBLE_MS_MIN ||
      nowMs - this.#lastMs > TROUBLE_MS_MIN
      ? undefined
      : this.#message;
  }
}

const prefixOf = (store: QueueStore) =>
  "redisUrl" in store && store.prefix !== undefined ? { prefix: store.prefix } : {};

/**
 * Why jobs of a queue do not get through, asked over its own connection: another one may reach another server. `undefined`
 * when they do.
 */
export async function servingProblem(queue: Queue): Promise<string | undefined> {
  try {
    // What a replica refuses, and a server without memory or disk.
    await connections.get(queue)?.set(`${queue.opts.prefix ?? "bull"}:health`, "", "PX", 60_000);
    if (await queue.isPaused()) return `the queue ${queue.name} is paused`;
    const limitedMs = await queue.getRateLimitTtl();
    return limitedMs > 0 ? `the queue ${queue.name} is rate limited for ${limitedMs} ms` : undefined;
  } catch (error) {
    return messageOf(error);
  }
}

const connections = new WeakMap<Queue, Redis>();

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

/** A server that has become a replica, or has lost its master. Another one has its place, at the same address. */
const OTHER_ROLE = /READONLY|MASTERDOWN|NOMASTERLINK|UNBLOCKED|instance state changed/u;

/**
 * `maxRetriesPerRequest: null`: a command waits until the server is back instead of failing. What a server refuses that
 * changed its role is not sent again by the driver, but the next command goes over a new connection.
 */
function redis(url: string, log: Log, queue: string): Redis {
  const connection = new Redis(url, {
    maxRetriesPerRequest: null,
    reconnectOnError: ({ message }) => OTHER_ROLE.test(message),
  });
  connection.on("error", report(log, queue));
  return connection;
}

function closeWith(owner: Queue | Worker, closeConnection: () => Promise<void>): void {
  const close = owner.close.bind(owner) as (force?: boolean) => Promise<void>;
  let closed: Promise<void> | undefined;
  owner.close = (force?: boolean) => (closed ??= close(force).then(closeConnection));
}

/** Redis when there is one, the ledger's own database otherwise. */
export const queueStoreOf = (
  config: { readonly REDIS_URL?: string | undefined; readonly DATABASE_URL: string },
  prefix?: string,
): QueueStore =>
  config.REDIS_URL === undefined
    ? { databaseUrl: config.DATABASE_URL }
    : { redisUrl: config.REDIS_URL, ...(prefix === undefined ? {} : { prefix }) };
