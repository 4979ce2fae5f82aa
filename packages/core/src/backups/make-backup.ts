import { LOCKS } from "../database/locks.ts";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";
import { assert } from "@stakebts/kernel/assert";
import { isoText } from "@stakebts/kernel/text";
import { type Contents, contentsOf, differences, type Manifest, manifestPath, sha256Of } from "./manifest.ts";
import { findPgTools, majorOf, type PgTools, restoreThroughPsql, runTool } from "./pg-tools.ts";
import { backupName, backupTime, type Retention, superfluousBackups } from "./retention.ts";
import { createEmptyDatabase, dropDatabase, withMaintenance, withSession } from "./server.ts";
import { toolEnvironment } from "../runtime/database-session.ts";
import { databaseOf, urlWithDatabase } from "../runtime/database-address.ts";

/** Queues are a wake-up (ADR 0001): a new ledger gets new ones. */
const QUEUE_SCHEMA = "bullmq";

export interface BackupRequest {
  readonly databaseUrl: string;
  readonly dir: string;
  readonly retention: Retention;
  readonly verify: boolean;
  readonly nowMs: number;
  /** Where to look for the programs. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export type BackupResult =
  | {
      readonly made: true;
      readonly path: string;
      readonly manifest: Manifest;
      readonly removed: readonly string[];
    }
  /** Another one is at work, or what was written is not what was there. Nothing is left behind. */
  | { readonly made: false; readonly reason: string };

/**
 * Writes the ledger into a file that only its owner reads, restores it into a database of its own to see that it can be,
 * and only then gives it its name. Old ones go by the rule, once there is a new one.
 * Errors: StartupError (no program for this server); ToolFailed; what the database says.
 */
export function makeBackup(request: BackupRequest): Promise<BackupResult> {
  return withSession(request.databaseUrl, async (session) => {
    const { rows } = await session.query<{ held: boolean }>("SELECT pg_try_advisory_lock($1) AS held", [
      LOCKS.backup,
    ]);
    if (rows[0]?.held !== true)
      return { made: false, reason: "another backup of this database is being made" };
    const version = await serverVersion(session);
    const tools = await findPgTools(request.environment, version.major);
    await mkdir(request.dir, { recursive: true, mode: 0o700 });
    await removeUnfinished(request.dir);
    const partial = join(request.dir, `.stakebts-${randomBytes(6).toString("hex")}.partial`);
    try {
      return await dumpInto(partial, { request, session, tools, serverVersion: version.text });
    } finally {
      await rm(partial, { force: true });
    }
  });
}

/** Errors: StartupError when no program here can dump this server; what the database says. */
export const requirePgTools = (
  databaseUrl: string,
  environment: BackupRequest["environment"],
): Promise<PgTools> =>
  withSession(databaseUrl, async (session) => findPgTools(environment, (await serverVersion(session)).major));

export async function serverVersion(session: pg.Client): Promise<{ major: number; text: string }> {
  const { rows } = await session.query<{ server_version: string; num: string }>(
    "SELECT current_setting('server_version') AS server_version, current_setting('server_version_num') AS num",
  );
  const [row] = rows;
  assert(row !== undefined, "a server has a version");
  return { major: Math.floor(Number(row.num) / 10_000), text: row.server_version };
}

async function dumpInto(
  partial: string,
  {
    request,
    session,
    tools,
    serverVersion: version,
  }: { request: BackupRequest; session: pg.Client; tools: PgTools; serverVersion: string },
): Promise<BackupResult> {
  const { databaseUrl, dir, nowMs } = request;
  // The dump and the counts are of one and the same moment, while the workers go on.
  await session.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const { rows } = await session.query<{ snapshot: string }>("SELECT pg_export_snapshot() AS snapshot");
  const contents = await contentsOf(session);
  const file = await open(partial, "wx", 0o600);
  try {
    const args = ["--format=custom", `--snapshot=${rows[0]?.snapshot}`, `--exclude-schema=${QUEUE_SCHEMA}`];
    await runTool(tools.dump, args, {
      environment: toolEnvironment(databaseUrl, majorOf(tools)),
      stdout: file.fd,
    });
    await file.sync();
  } finally {
    await file.close();
  }
  await session.query("COMMIT");
  if (request.verify) {
    const wrong = await tryOut(partial, { databaseUrl, tools, contents });
    if (wrong.length > 0)
      return { made: false, reason: `restored, it is not what was dumped: ${wrong.join("; ")}` };
  }
  const name = backupName(nowMs, /^\d{14}/u.exec(contents.migrations.at(-1) ?? "")?.[0] ?? "");
  const path = join(dir, name);
  if (existsSync(path)) return { made: false, reason: `${path} exists already` };
  const manifest: Manifest = {
    format: 1,
    file: name,
    madeAt: isoText(nowMs),
    database: databaseOf(databaseUrl),
    serverVersion: version,
    pgDumpVersion: tools.version,
    ...contents,
    bytes: (await stat(partial)).size,
    sha256: await sha256Of(partial),
    verified: request.verify,
  };
  await writeFile(manifestPath(path), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  await chmod(partial, 0o600);
  await rename(partial, path);
  return { made: true, path, manifest, removed: await removeOld(request) };
}

/** The tables that are not the same after a restore into a database that is made for it, and dropped in any case. */
async function tryOut(
  path: string,
  { databaseUrl, tools, contents }: { databaseUrl: string; tools: PgTools; contents: Contents },
): Promise<readonly string[]> {
  return withMaintenance(databaseUrl, async (session) => {
    const { rows } = await session.query<{ prefix: string; stale: string[] }>(
      `SELECT format('stakebts_verify_%s_', oid) AS prefix,
              ARRAY(SELECT datname::text FROM pg_database s
                     WHERE starts_with(s.datname, format('stakebts_verify_%s_', d.oid))) AS stale
         FROM pg_database d WHERE datname = $1`,
      [databaseOf(databaseUrl)],
    );
    const { prefix, stale } = rows[0] ?? { prefix: "stakebts_verify_", stale: [] };
    // Of a backup that was killed: we hold the lock, so no process is at work in it.
    for (const name of stale) await dropDatabase(session, name);
    const scratch = `${prefix}${randomBytes(6).toString("hex")}`;
    await createEmptyDatabase(session, scratch);
    try {
      const url = urlWithDatabase(databaseUrl, scratch);
      await restoreInto(url, { path, tools });
      return await withSession(url, async (restored) => differences(contents, await contentsOf(restored)));
    } finally {
      await dropDatabase(session, scratch);
    }
  });
}

/** Owners and grants are those of the database it goes into: who may do what is not the backup's to say. */
export async function restoreInto(
  url: string,
  { path, tools }: { path: string; tools: PgTools },
): Promise<void> {
  const options = ["--no-owner", "--no-privileges"];
  const environment = toolEnvironment(url, majorOf(tools));
  if (tools.psql !== undefined) {
    await restoreThroughPsql({ restore: tools.restore, psql: tools.psql, path }, options, environment);
    return;
  }
  const args = [
    "--exit-on-error",
    "--single-transaction",
    ...options,
    // Else it writes what it restores to its output. The rest of the address is in its environment.
    `--dbname=${libpqText(databaseOf(url))}`,
  ];
  await runTool(tools.restore, [...args, path], { environment });
}

/** A name with `=` in it would be read as an address. */
const libpqText = (name: string): string =>
  `dbname='${name.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** Of a process that was killed. The lock is held: no other process is writing one, to this database's backups at least. */
async function removeUnfinished(dir: string): Promise<void> {
  const hourAgoMs = Date.now() - 3_600_000;
  for (const name of await readdir(dir)) {
    if (!/^\.stakebts-[0-9a-f]{12}\.partial$/u.test(name)) continue;
    const path = join(dir, name);
    if ((await stat(path)).mtimeMs < hourAgoMs) await rm(path, { force: true });
  }
}

/** Backups with a manifest only: one that was copied here without it is not ours to delete. */
async function removeOld({ dir, nowMs, retention }: BackupRequest): Promise<readonly string[]> {
  const gone = superfluousBackups(await backupsIn(dir), nowMs, retention);
  for (const name of gone) {
    await rm(join(dir, name));
    await rm(manifestPath(join(dir, name)));
  }
  return gone;
}

/** Names of the complete backups in a folder. */
export async function backupsIn(dir: string): Promise<readonly string[]> {
  const names = existsSync(dir) ? await readdir(dir) : [];
  return names.filter((name) => backupTime(name) !== undefined && existsSync(manifestPath(join(dir, name))));
}
