import { applyFunctions, differingFunctions, functionsIn } from "./functions.ts";
import { LOCKS } from "./locks.ts";
import { openSession } from "../runtime/database-session.ts";
import { changeSchema, type LockPatience } from "../runtime/schema-change.ts";
import { createHash, randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { StartupError } from "@stakebts/kernel/errors";

export interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

/** The migrations of a schema folder (`prisma`), in the order in which they are applied. */
export function migrationsIn(schemaFolder: string): Migration[] {
  const dir = join(schemaFolder, "migrations");
  return readdirSync(dir, { withFileTypes: true })
    .filter((d) => d.isDirectory())
    .map((d) => d.name)
    .sort()
    .map((name) => {
      const sql = readFileSync(join(dir, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    });
}

async function applied(c: pg.Client): Promise<Map<string, string>> {
  // Not IF NOT EXISTS: that asks for the right to make tables even where there is nothing to make.
  const { rows: tables } = await c.query("SELECT WHERE to_regclass('public._prisma_migrations') IS NOT NULL");
  if (tables.length === 0)
    await c.query(`CREATE TABLE _prisma_migrations (
    id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz,
    migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)`);
  const { rows } = await c.query<{ migration_name: string; checksum: string }>(
    "SELECT migration_name, checksum FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
  );
  return new Map(rows.map((r) => [r.migration_name, r.checksum]));
}

async function connected<T>(url: string, fn: (c: pg.Client) => Promise<T>): Promise<T> {
  const c = openSession(url);
  await c.connect();
  try {
    await c.query("SELECT pg_advisory_lock($1)", [LOCKS.migrate]);
    // What is made lands there, and the catalogue writes the names in it without a schema.
    await c.query("SET search_path = public");
    return await fn(c);
  } finally {
    await c.end();
  }
}

export interface MigrationStatus {
  pending: string[];
  edited: string[];
  missing: string[];
  /** Functions and triggers that are not those of this program; not looked at while migrations are pending. */
  functions: string[];
}

type History = Omit<MigrationStatus, "functions">;

function compare(files: Migration[], done: Map<string, string>): History {
  return {
    pending: files.filter((m) => !done.has(m.name)).map((m) => m.name),
    edited: files.filter((m) => done.has(m.name) && done.get(m.name) !== m.checksum).map((m) => m.name),
    missing: [...done.keys()].filter((n) => !files.some((m) => m.name === n)),
  };
}

export const migrationStatus = (url: string, schemaFolder: string): Promise<MigrationStatus> =>
  connected(url, async (c) => {
    const history = compare(migrationsIn(schemaFolder), await applied(c));
    const isReady = history.pending.length === 0;
    return { ...history, functions: isReady ? await differingFunctions(c, functionsOf(schemaFolder)) : [] };
  });

const functionsOf = (schemaFolder: string) => functionsIn(join(schemaFolder, "functions"));

/**
 * Names of functions and triggers that are not those of the folder; [] when all are. Any role may ask. Waits for nothing,
 * unlike {@link migrationStatus}.
 */
export async function differingFunctionsOf(url: string, schemaFolder: string): Promise<string[]> {
  const c = openSession(url);
  await c.connect();
  try {
    await c.query("SET search_path = public");
    return await differingFunctions(c, functionsOf(schemaFolder));
  } finally {
    await c.end();
  }
}

/**
 * Applies the migrations that are missing, each in a transaction of its own, and then the functions and triggers, all in one; each
 * is tried again while processes hold its locks.
 * @returns the names of the migrations. Throws when the history differs: then the functions of another version stay, too.
 */
export function deployMigrations(
  url: string,
  schemaFolder: string,
  patience?: LockPatience,
): Promise<string[]> {
  return connected(url, async (c) => {
    const files = migrationsIn(schemaFolder);
    const done = await applied(c);
    const { edited, missing } = compare(files, done);
    if (edited.length || missing.length)
      throw new StartupError(
        `the database's migrations are not those of this program: edited [${edited.join()}], missing here [${missing.join()}]`,
      );
    const now: string[] = [];
    for (const m of files.filter((f) => !done.has(f.name))) {
      await changeSchema(c, () => apply(c, m), patience);
      now.push(m.name);
    }
    await changeSchema(c, () => applyFunctions(c, functionsOf(schemaFolder)), patience);
    return now;
  });
}

async function apply(c: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  await c.query("BEGIN");
  try {
    await c.query(sql); // no parameters: the simple protocol takes many statements and $$ bodies
    await c.query(
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ($1, $2, $3, now(), 1)",
      [randomUUID(), checksum, name],
    );
    await c.query("COMMIT");
  } catch (e) {
    await c.query("ROLLBACK");
    const at = (e as pg.DatabaseError).position;
    const line = at ? ` line ${sql.slice(0, Number(at)).split("\n").length}` : "";
    throw new Error(`${name}/migration.sql${line}: ${(e as Error).message}`, { cause: e });
  }
}
