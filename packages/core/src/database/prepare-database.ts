import { migrateQueueStore } from "../queue/migrate.ts";
import { applyRights, type RightsResult } from "./apply-rights.ts";
import { deployMigrations } from "./migrations.ts";

export interface PreparedDatabase extends RightsResult {
  /** Names of the migrations that were missing. */
  readonly applied: readonly string[];
}

/**
 * Everything that a database needs before the programs of this version use it: the tables and functions of the ledger, the
 * tables of queues, and who may do what with them. Safe to repeat, and to start in several places at once.
 */
export async function prepareDatabase(databaseUrl: string, schemaFolder: string): Promise<PreparedDatabase> {
  const applied = await deployMigrations(databaseUrl, schemaFolder);
  await migrateQueueStore(databaseUrl);
  return { applied, ...(await applyRights(databaseUrl)) };
}
