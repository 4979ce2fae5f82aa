import { randomBytes } from "node:crypto";
import type pg from "pg";
import { StartupError } from "@stakebts/kernel/errors";
import { databaseOf, urlWithDatabase } from "../runtime/database-address.ts";
import { openSession } from "../runtime/database-session.ts";
import { LOCKS } from "../database/locks.ts";
import { deployMigrations } from "../database/migrations.ts";

/** A session that ends with the work in any case. */
export async function withSession<T>(url: string, work: (session: pg.Client) => Promise<T>): Promise<T> {
  const session = openSession(url, { application_name: "stakebts-backup" });
  // A session that breaks fails the query that waits for it; without this it would end the process.
  session.on("error", () => undefined);
  await session.connect();
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** For what is done to a database from outside of it. Every server has one of the two. */
export async function withMaintenance<T>(url: string, work: (session: pg.Client) => Promise<T>): Promise<T> {
  try {
    return await withSession(urlWithDatabase(url, "postgres"), work);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "3D000") throw error;
    return withSession(urlWithDatabase(url, "template1"), work);
  }
}

/** Nothing of the template's but what every database has, so that only the dump decides what is in it. */
export const createEmptyDatabase = async (session: pg.Client, name: string): Promise<void> => {
  await session.query(`CREATE DATABASE ${quoted(name)} TEMPLATE template0 ENCODING 'UTF8'`);
};

/**
 * A database that this user has made, with what this user has left connected to it. No FORCE: that ends every session or fails, and
 * autovacuum is a session of the server's own, which only few may end. A plain DROP has it end, and waits for the others for five seconds.
 */
export async function dropDatabase(session: pg.Client, name: string): Promise<void> {
  await session.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND usename = current_user AND pid <> pg_backend_pid()",
    [name],
  );
  await session.query(`DROP DATABASE IF EXISTS ${quoted(name)}`);
}

export interface ServerSession {
  readonly pid: number;
  readonly name: string;
  readonly from: string;
  readonly holdsPayerLock: boolean;
}

/** Who is connected to a database, other than this session. */
export async function sessionsOf(session: pg.Client, database: string): Promise<readonly ServerSession[]> {
  const { rows } = await session.query<ServerSession>(
    `SELECT pid, coalesce(nullif(application_name, ''), 'a program without a name') AS name,
            coalesce(host(client_addr), 'this machine') AS from,
            EXISTS (SELECT FROM pg_locks WHERE pg_locks.pid = a.pid AND locktype = 'advisory' AND objid = $2)
              AS "holdsPayerLock"
       FROM pg_stat_activity a
      WHERE datname = $1 AND pid <> pg_backend_pid() AND backend_type = 'client backend'
      ORDER BY pid`,
    [database, LOCKS.payer],
  );
  return rows;
}

/**
 * An empty ledger in a database of its own on the same server, for as long as `work` takes. Dropped in any case; one that
 * a killed process has left behind is dropped by the next. The database beside it is not touched: locks, too, are those
 * of the other.
 * Errors: StartupError when another one is at work; what the server says (the user must be allowed to create databases).
 */
export async function withScratchLedger<T>(
  databaseUrl: string,
  schemaFolder: string,
  work: (url: string) => Promise<T>,
): Promise<T> {
  return withMaintenance(databaseUrl, async (session) => {
    const { rows } = await session.query<{ held: boolean; prefix: string; stale: string[] }>(
      `SELECT pg_try_advisory_lock($2, oid::int) AS held, format('stakebts_compare_%s_', oid) AS prefix,
              ARRAY(SELECT datname::text FROM pg_database s
                     WHERE starts_with(s.datname, format('stakebts_compare_%s_', d.oid))) AS stale
         FROM pg_database d WHERE datname = $1`,
      [databaseOf(databaseUrl), LOCKS.scratch],
    );
    const [found] = rows;
    if (found?.held !== true)
      throw new StartupError("another comparison of this database is going on: wait until it ends");
    for (const name of found.stale) await dropDatabase(session, name);
    const name = `${found.prefix}${randomBytes(6).toString("hex")}`;
    await createEmptyDatabase(session, name);
    try {
      const url = urlWithDatabase(databaseUrl, name);
      await deployMigrations(url, schemaFolder);
      return await work(url);
    } finally {
      await dropDatabase(session, name);
    }
  });
}
