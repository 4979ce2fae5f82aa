import type pg from "pg";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import { LOCKS } from "../database/locks.ts";
import { openSession } from "../runtime/database-session.ts";
import { type Progress, STEP_MS_MAX } from "../runtime/progress.ts";
import type { PayerLock } from "./payer-lock.ts";

const HEARTBEAT_MS = 1_000;
/** A database that does not answer for this long has lost us, and our lock may be another payer's by now. */
const HEARTBEAT_MS_MAX = 5_000;
const RETRY_MS = 1_000;
/**
 * How soon the server lets go of a session whose machine has died without a word, or is cut off: by its own default after
 * two hours, in which no stand-by on another machine could lead. About eleven seconds. The kernel of a process that is
 * frozen answers for it all the while; what it misses is the liveness ping, and the server gives it ten.
 */
const LETS_GO =
  "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3; SET idle_session_timeout = '10s'";
const LOOP = "payer lock";

interface LockDeps {
  readonly databaseUrl: string;
  readonly clock: HostClock;
  readonly log: Log;
  /** Told of every sign of life of the session, held or asked for. */
  readonly progress?: Progress | undefined;
}

/** The payer's lock as an advisory lock of a database session that is kept for nothing else. */
export const createPostgresPayerLock = (deps: LockDeps): PayerLock => ({
  hold: (signal, work) => holdOnce(deps, signal, work),
});

async function holdOnce(
  deps: LockDeps,
  signal: AbortSignal,
  work: (lost: AbortSignal) => Promise<void>,
): Promise<void> {
  const { log, progress } = deps;
  progress?.expect(LOOP, STEP_MS_MAX);
  const session = openSession(deps.databaseUrl, {
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  });
  const lost = new AbortController();
  // The end of the session is the end of the lock, and the first to hear of it is its socket.
  session.on("error", () => lost.abort());
  session.on("end", () => lost.abort());
  try {
    await session.connect();
    await session.query(LETS_GO);
    if (!(await acquire(session, deps, AbortSignal.any([signal, lost.signal])))) return;
    log.info("payer.leads");
    await workWhileHeld(session, deps, signal, lost, work);
  } finally {
    await session.end().catch(() => undefined);
  }
}

/** Asks for the lock until it has it; `false` when it was told to stop before. */
async function acquire(
  session: pg.Client,
  { clock, log, progress }: LockDeps,
  stop: AbortSignal,
): Promise<boolean> {
  for (let tries = 0; !stop.aborted; tries++) {
    const { rows } = await session.query<{ held: boolean }>("SELECT pg_try_advisory_lock($1) AS held", [
      LOCKS.payer,
    ]);
    progress?.expect(LOOP, STEP_MS_MAX);
    if (rows[0]?.held === true) return true;
    if (tries === 0) log.info("payer.stands_by", { reason: "another payer leads" });
    await clock.sleep(RETRY_MS, stop);
  }
  return false;
}

/** A session that neither ends nor answers, behind a network that swallows packets, is as good as lost. */
async function workWhileHeld(
  session: pg.Client,
  { clock, log, progress }: LockDeps,
  signal: AbortSignal,
  lost: AbortController,
  work: (lost: AbortSignal) => Promise<void>,
): Promise<void> {
  const done = new AbortController();
  const over = AbortSignal.any([done.signal, lost.signal]);
  const heartbeat = (async () => {
    while (!over.aborted) {
      await clock.sleep(HEARTBEAT_MS, over);
      if (over.aborted) break;
      const answered = session.query("SELECT 1").then(
        () => true,
        () => false,
      );
      const late = clock.sleep(HEARTBEAT_MS_MAX, over).then(() => over.aborted);
      if (!(await Promise.race([answered, late]))) lost.abort();
      progress?.expect(LOOP, STEP_MS_MAX);
    }
    if (lost.signal.aborted) log.warn("payer.lock_lost", { todo: "nothing: it is asked for again" });
  })();
  try {
    await work(AbortSignal.any([signal, lost.signal]));
  } finally {
    done.abort();
    await heartbeat;
  }
}
