import { LOCKS } from "../database/locks.ts";
import pg from "pg";

/** A session that ends with the work, whatever comes. */
export async function withSession<T>(url: string, work: (session: pg.Client) => Promise<T>): Promise<T> {
  const session = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: "stakebts-backup",
  });
  // A session that breaks fails the query that waits for it; without this it would end the process.
  session.on("error", () => undefined);
  await session.connect();
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}

export const databaseOf = (url: string): string => decodeURIComponent(new URL(url).pathname.slice(1));

export function urlWithDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
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
