import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const VERSIONS = "/usr/lib/postgresql";

const SERVER = ["initdb", "postgres"];
const TOOLS = ["pg_dump", "pg_restore", "psql"];
const has = (folder: string, names: readonly string[]): boolean =>
  names.every((name) => existsSync(join(folder, "bin", name)));

const installed: readonly string[] = (
  existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a)) : []
).map((version) => join(VERSIONS, version));

/**
 * Folder of a PostgreSQL that the distribution has installed, with server and `pg_dump` of one version: the one that comes
 * with the tests has no `pg_dump`. Without one, tests of backups are skipped, and say so.
 */
export const installedPostgres: string | undefined = installed.find((folder) =>
  has(folder, [...SERVER, "pg_dump"]),
);

if (installedPostgres === undefined)
  console.warn(
    "\n  No PostgreSQL with pg_dump is installed (Debian: postgresql): tests of backups are SKIPPED.\n",
  );

/**
 * Folders, each with a bin/, of the distribution's versions and of those that POSTGRES_FOLDERS names (separated by `:`), for tests
 * that try one version with another. `servers` can be started, `tools` can dump and restore.
 */
export function postgresFolders(): {
  readonly servers: readonly string[];
  readonly tools: readonly string[];
} {
  const named = (process.env["POSTGRES_FOLDERS"] ?? "").split(":").filter((folder) => folder !== "");
  const folders = [...named, ...installed];
  return {
    servers: folders.filter((folder) => has(folder, SERVER)),
    tools: folders.filter((folder) => has(folder, TOOLS)),
  };
}
