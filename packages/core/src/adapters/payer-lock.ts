import postgres from "postgres";
import { AssertionError } from "../domain/assert.ts";
import { StartupError } from "../domain/errors.ts";
import type { HostClock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

/** One payer works, any number wait. Any number does, as long as nothing else takes it. */
const PAYER_LOCK = 7_270_002;
const HEARTBEAT_MS = 1_000;
/** A database that does not answer for this long has lost us, and our lock may be somebody else's by now. */
const HEARTBEAT_MS_MAX = 5_000;
const RETRY_MS = 1_000;

/**
 * Runs `work` while this process, and no other, holds the payer's lock: an advisory lock of a database session that is
 * kept for nothing else. When the session is lost `work` is told to stop, and after it has, the lock is asked for again.
 *
 * The lock keeps payers apart for order and speed. What keeps the money safe from a payer that has not noticed yet is
 * the writer epoch in the ledger.
 */
export async function withPayerLock(
  { databaseUrl, clock, log }: { databaseUrl: string; clock: HostClock; log: Log },
  signal: AbortSignal,
  work: (lost: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await holdOnce({ databaseUrl, clock, log }, signal, work);
    } catch (error) {
      if (error instanceof AssertionError || error instanceof StartupError) throw error;
      log.warn("payer.lock_unavailable", { message: error instanceof Error ? error.message : String(error) });
    }
    await clock.sleep(RETRY_MS, signal);
  }
}

async function holdOnce(
  { databaseUrl, clock, log }: { databaseUrl: string; clock: HostClock; log: Log },
  signal: AbortSignal,
  work: (lost: AbortSignal) => Promise<void>,
): Promise<void> {
  const sql = postgres(databaseUrl, {
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 5,
    onnotice: () => {},
  });
  try {
    const session = await sql.reserve();
    let waiting = false;
    for (;;) {
      const [row] = await session<{ held: boolean; pid: number }[]>`
        SELECT pg_try_advisory_lock(${PAYER_LOCK}) AS held, pg_backend_pid() AS pid`;
      if (row?.held === true) {
        log.info("payer.leads");
        await workWhileHeld(session, row.pid, { clock, log }, signal, work);
        return;
      }
      if (!waiting) log.info("payer.stands_by", { reason: "another payer leads" });
      waiting = true;
      await clock.sleep(RETRY_MS, signal);
      if (signal.aborted) return;
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** The session that took the lock is asked again and again whether it is still the same. */
async function workWhileHeld(
  session: postgres.ReservedSql,
  pid: number,
  { clock, log }: { clock: HostClock; log: Log },
  signal: AbortSignal,
  work: (lost: AbortSignal) => Promise<void>,
): Promise<void> {
  const lost = new AbortController();
  const done = new AbortController();
  const stop = AbortSignal.any([signal, lost.signal]);
  const heartbeat = (async () => {
    while (!done.signal.aborted && !lost.signal.aborted) {
      await clock.sleep(HEARTBEAT_MS, done.signal);
      if (done.signal.aborted) return;
      const same = await Promise.race([
        session<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`.then(
          ([row]) => row?.pid === pid,
          () => false,
        ),
        clock.sleep(HEARTBEAT_MS_MAX, done.signal).then(() => done.signal.aborted),
      ]);
      if (!same) {
        log.warn("payer.lock_lost", { todo: "nothing: it is asked for again" });
        lost.abort();
      }
    }
  })();
  try {
    await work(stop);
  } finally {
    done.abort();
    await heartbeat;
  }
}
