import { LOCKS } from "../database/locks.ts";
import { randomBytes } from "node:crypto";
import { StartupError } from "@stakebts/kernel/errors";
import { deployMigrations } from "../database/migrations.ts";
import { createEmptyDatabase, databaseOf, quoted, urlWithDatabase, withMaintenance } from "./server.ts";

/**
 * An empty ledger in a database of its own on the same server, for as long as `work` takes. Dropped whatever comes; one that
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
    for (const name of found.stale) await session.query(`DROP DATABASE ${quoted(name)} WITH (FORCE)`);
    const name = `${found.prefix}${randomBytes(6).toString("hex")}`;
    await createEmptyDatabase(session, name);
    try {
      const url = urlWithDatabase(databaseUrl, name);
      await deployMigrations(url, schemaFolder);
      return await work(url);
    } finally {
      await session.query(`DROP DATABASE ${quoted(name)} WITH (FORCE)`);
    }
  });
}
