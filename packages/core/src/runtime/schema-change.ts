import { setTimeout as delay } from "node:timers/promises";
import type pg from "pg";
import { sqlStateOf } from "./error-facts.ts";
import { StartupError } from "@stakebts/kernel/errors";

export interface LockPatience {
  /** Longest wait for one lock. Who asks for the table after us waits behind us, be it only to read: payments wait so long, too. */
  readonly lockWaitMs: number;
  /** Between two attempts, so that those who had to wait behind us get their turn. */
  readonly pauseMs: number;
  readonly attempts: number;
}

/** Two minutes at the least, as a deployment is waited for. */
const PATIENCE: LockPatience = { lockWaitMs: 2_000, pauseMs: 1_000, attempts: 120 };

const DEADLOCK = "40P01";
const LOCK_NOT_AVAILABLE = "55P03";

/**
 * A transaction of a deployment that locks tables while processes work with them. A process takes the same locks in its own order, so
 * that each may wait for the other: the server ends one of the two, and both try again.
 * @param attempt one transaction, which it ends itself, and which leaves nothing when it throws
 * @throws StartupError when the locks are not to be had at all; it names the oldest transactions
 */
export async function changeSchema<T>(
  session: pg.Client,
  attempt: () => Promise<T>,
  { lockWaitMs, pauseMs, attempts }: LockPatience = PATIENCE,
): Promise<T> {
  await session.query(`SET lock_timeout = ${lockWaitMs}`);
  for (let left = attempts; ; left -= 1) {
    try {
      const result = await attempt();
      await session.query("RESET lock_timeout");
      return result;
    } catch (error) {
      const state = sqlStateOf(error);
      if (state !== DEADLOCK && state !== LOCK_NOT_AVAILABLE) throw error;
      if (left <= 1) throw await locksAreHeld(session, error);
      await delay(pauseMs);
    }
  }
}

async function locksAreHeld(session: pg.Client, error: unknown): Promise<StartupError> {
  const { rows } = await session.query<{ name: string; pid: number; seconds: number }>(
    `SELECT application_name AS name, pid, floor(extract(epoch FROM now() - xact_start))::int AS seconds
       FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
      ORDER BY xact_start LIMIT 3`,
  );
  const oldest = rows.map(
    ({ name, pid, seconds }) => `${name || "unnamed"} (process ${pid}) for ${seconds} s`,
  );
  return new StartupError(
    `other sessions hold the locks that are needed (${(error as Error).message}). The oldest transactions: ` +
      `${oldest.join(", ") || "none"}. Stop what holds them, or end it with SELECT pg_terminate_backend(<process>), and migrate again: nothing was changed.`,
    { cause: error },
  );
}
