import { assert } from "@stakebts/kernel/assert";
import { StartupError } from "@stakebts/kernel/errors";
import { type Database, isNotMigrated } from "./client.ts";

/**
 * What the keys of a ledger's queues in Redis begin with: another one for each ledger, and for one that was restored. A
 * queue is a wake-up (ADR 0001), and that of an older ledger is of no use to a newer one.
 * Errors: StartupError when there is no ledger; what the database says.
 */
export async function queuePrefix(db: Database): Promise<string> {
  try {
    const [row] = await db.$queryRaw<{ identity: string }[]>`
      SELECT left(md5(format('%s %s %s', current_database(),
                             (SELECT oid FROM pg_database WHERE datname = current_database()),
                             extract(epoch FROM created_at))), 12) AS identity
        FROM control`;
    assert(row !== undefined, "a ledger has its row of control");
    return `stakebts-${row.identity}`;
  } catch (error) {
    if (isNotMigrated(error))
      throw new StartupError("DATABASE_URL: this database has no ledger yet; run `npm run db:migrate`", {
        cause: error,
      });
    throw error;
  }
}
