import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const VERSIONS = "/usr/lib/postgresql";

/**
 * Folder of a PostgreSQL that the distribution has installed, with server and `pg_dump` of one version: the one that comes
 * with the tests has no `pg_dump`. Without one, tests of backups are skipped, and say so.
 */
export const installedPostgres: string | undefined = (
  existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a)) : []
)
  .map((version) => join(VERSIONS, version))
  .find((folder) => ["initdb", "postgres", "pg_dump"].every((name) => existsSync(join(folder, "bin", name))));

if (installedPostgres === undefined)
  console.warn(
    "\n  No PostgreSQL with pg_dump is installed (Debian: postgresql): tests of backups are SKIPPED.\n",
  );
