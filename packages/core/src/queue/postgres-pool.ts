import { type BackendFactory, createPostgresBackend } from "bullmq";
import type pg from "pg";
import { openPool } from "../runtime/database-session.ts";

/**
 * The connections that all queues and workers of this process share on one database: one, and one for each worker to listen
 * on. BullMQ would open a pool for each.
 */
interface SharedPool {
  readonly pool: pg.Pool;
  users: number;
  listening: number;
}

const pools = new Map<string, SharedPool>();

/** A pool until `release`; the last one that releases it closes it. */
export function sharePool(
  databaseUrl: string,
  { listens }: { readonly listens: boolean },
): { readonly pool: pg.Pool; readonly release: () => Promise<void> } {
  const shared = pools.get(databaseUrl) ?? open(databaseUrl);
  pools.set(databaseUrl, shared);
  const change = (by: 1 | -1): void => {
    shared.users += by;
    if (listens) shared.listening += by;
    shared.pool.options.max = 1 + shared.listening;
  };
  change(1);
  return {
    pool: shared.pool,
    release: async () => {
      change(-1);
      if (shared.users > 0) return;
      pools.delete(databaseUrl);
      await shared.pool.end();
    },
  };
}

function open(databaseUrl: string): SharedPool {
  // BullMQ's commands name its tables without their schema.
  const pool = openPool(databaseUrl, { max: 1, keepAlive: true, session: { searchPath: "bullmq" } });
  return { pool, users: 0, listening: 0 };
}

/**
 * BullMQ keeps the outcome of its first connection for ever: a server without a free connection at that moment, or without
 * BullMQ's tables, would be refused until the process is started again. With this, what failed is tried again.
 * Its fields are private; a test shows that they are what they were.
 */
export const postgresBackend: BackendFactory = (name, options, factoryOptions) => {
  const backend = createPostgresBackend(name, options as never, factoryOptions);
  forgetFailure(backend as unknown as Memoized);
  forgetFailure((backend as unknown as { readonly connection: Memoized }).connection);
  return backend;
};

interface Memoized {
  readyPromise?: Promise<unknown> | undefined;
  waitUntilReady(): Promise<unknown>;
}

function forgetFailure(memoized: Memoized): void {
  const wait = memoized.waitUntilReady.bind(memoized);
  memoized.waitUntilReady = async () => {
    try {
      return await wait();
    } catch (error) {
      memoized.readyPromise = undefined;
      throw error;
    }
  };
}
