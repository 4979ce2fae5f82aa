import { LOCKS } from "../database/locks.ts";
import type pg from "pg";
import { openSession } from "../runtime/database-session.ts";
import type { HostClock } from "@stakebts/kernel/clock";
import type { Log } from "@stakebts/kernel/log";
import type { Progress } from "../runtime/progress.ts";
import { repeat } from "../runtime/loop.ts";

const LOOK_EVERY_MS = 2_000;
const KEEPALIVE =
  "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3";

/** Holds a shared lock in the ledger's database while a watcher runs. The lock ends with the session, however the process ends. */
export async function showPresence(
  deps: {
    readonly databaseUrl: string;
    readonly clock: HostClock;
    readonly log: Log;
    readonly progress?: Progress | undefined;
  },
  signal: AbortSignal,
): Promise<void> {
  let session: pg.Client | undefined;
  await repeat({ ...deps, name: "show presence" }, signal, async () => {
    try {
      session ??= await open(deps.databaseUrl, () => (session = undefined));
      await session.query("SELECT 1");
      return LOOK_EVERY_MS;
    } catch (error) {
      await session?.end().catch(() => undefined);
      session = undefined;
      throw error;
    }
  });
  await session?.end().catch(() => undefined);
}

async function open(url: string, onLost: () => void): Promise<pg.Client> {
  const session = openSession(url, { connectionTimeoutMillis: 5_000, keepAlive: true });
  session.on("error", onLost);
  session.on("end", onLost);
  try {
    await session.connect();
    await session.query(KEEPALIVE);
    await session.query("SELECT pg_advisory_lock_shared($1)", [LOCKS.watcher]);
    return session;
  } catch (error) {
    await session.end().catch(() => undefined);
    throw error;
  }
}
