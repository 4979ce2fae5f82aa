import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { functionRights, rolesThatExist } from "./apply-rights.ts";

/** `prisma/functions/<name>.sql`: one function, and the triggers that call it. */
export interface FunctionFile {
  readonly name: string;
  /** CREATE OR REPLACE FUNCTION. */
  readonly sql: string;
  /** CREATE OR REPLACE TRIGGER, one each. */
  readonly triggers: readonly string[];
}

export function functionsIn(folder: string): FunctionFile[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .map((file) => {
      const [sql = "", ...triggers] = readFileSync(join(folder, file), "utf8").split(
        /^(?=CREATE OR REPLACE TRIGGER )/mu,
      );
      return { name: file.slice(0, -".sql".length), sql, triggers };
    });
}

/**
 * Makes the functions and triggers of the schema `public` those of the files, no more and no less: one
 * that an older version has left would go on with the old behaviour. In one transaction, with the rights of their owner, so
 * that a process that runs notices nothing. The caller holds the lock of migrations.
 */
export async function applyFunctions(session: pg.Client, files: readonly FunctionFile[]): Promise<void> {
  await session.query("BEGIN");
  try {
    const before = await functionsOf(session);
    // The first round makes all names known, the second one checks the bodies.
    await session.query("SET LOCAL check_function_bodies = off");
    for (const file of files) await define(session, file);
    await session.query("SET LOCAL check_function_bodies = on");
    for (const file of files) await run(session, file.sql, file.name);
    await applyTriggers(session, files);
    const untouched = new Map(before.map(({ signature, version }) => [signature, version]));
    for (const { signature, version } of await functionsOf(session))
      if (untouched.get(signature) === version) await session.query(`DROP ROUTINE ${signature}`);
    const rights = await functionRights(session, await rolesThatExist(session));
    await session.query(rights.join(";\n"));
    await session.query("COMMIT");
  } catch (error) {
    await session.query("ROLLBACK");
    throw error;
  }
}

/** Names of the files whose function or trigger is missing or another one, and of functions and triggers without a file. */
export async function differingFunctions(
  session: pg.Client,
  files: readonly FunctionFile[],
): Promise<string[]> {
  const there = await functionsOf(session);
  const triggers = await triggersOf(session);
  const differing = files.filter(({ name, sql, triggers: declared }) => {
    const same = there.filter((found) => found.name === name);
    return (
      same.length !== 1 ||
      same[0]?.body !== bodyOf(sql) ||
      declared.some((text) => !triggers.some(({ definition }) => definition === declarationOf(text)))
    );
  });
  const declared = files.flatMap((file) => file.triggers.map((text) => declaredName(declarationOf(text))));
  return [
    ...differing.map(({ name }) => name),
    ...there.map(({ name }) => name).filter((name) => !files.some((file) => file.name === name)),
    ...triggers.map(nameOf).filter((name) => !declared.includes(name)),
  ].sort();
}

/** Also where the names of its arguments or what it returns have changed, which CREATE OR REPLACE refuses to change. */
async function define(session: pg.Client, { name, sql }: FunctionFile): Promise<void> {
  await session.query("SAVEPOINT function");
  try {
    await session.query(sql);
  } catch (error) {
    await session.query("ROLLBACK TO SAVEPOINT function");
    if ((error as { code?: unknown }).code === INVALID_FUNCTION_DEFINITION)
      for (const found of await functionsOf(session))
        if (found.name === name) await session.query(`DROP ROUTINE ${found.signature}`);
    await run(session, sql, name);
  }
  await session.query("RELEASE SAVEPOINT function");
}
const INVALID_FUNCTION_DEFINITION = "42P13";

/**
 * Only those that are not there as they are declared: to make a trigger waits for everyone who writes to the table, and makes
 * them wait.
 */
async function applyTriggers(session: pg.Client, files: readonly FunctionFile[]): Promise<void> {
  const there = await triggersOf(session);
  const declared = new Set<string>();
  for (const { name, triggers } of files)
    for (const sql of triggers) {
      const text = declarationOf(sql);
      declared.add(declaredName(text));
      if (!there.some(({ definition }) => definition === text)) await run(session, sql, name);
    }
  for (const trigger of there)
    if (!declared.has(nameOf(trigger)))
      await session.query(
        `DROP TRIGGER ${pg.escapeIdentifier(trigger.name)} ON ${pg.escapeIdentifier(trigger.table)}`,
      );
}

interface Trigger {
  readonly name: string;
  readonly table: string;
  /** As {@link declarationOf} writes it; something else when the trigger is switched off. */
  readonly definition: string;
}

const nameOf = ({ name, table }: Trigger): string => `${name} on ${table}`;
const declaredName = (declaration: string): string =>
  declaration.replace(/^CREATE TRIGGER (\S+) .*? ON (\S+) .*$/u, "$1 on $2");

/** As PostgreSQL says it. One that it says otherwise than its file is made anew each time, which is right and slower. */
const declarationOf = (sql: string): string =>
  sql
    .replaceAll(/--.*$/gmu, "")
    .replace("CREATE OR REPLACE TRIGGER", "CREATE TRIGGER")
    .replaceAll(/\s+/gu, " ")
    .replace(/ ?; ?$/u, "");

async function triggersOf(session: pg.Client): Promise<readonly Trigger[]> {
  const { rows } = await session.query<Trigger & { enabled: string }>(
    `SELECT tgname AS name, c.relname AS table, pg_get_triggerdef(t.oid, true) AS definition, tgenabled AS enabled
       FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
      WHERE c.relnamespace = 'public'::regnamespace AND NOT tgisinternal`,
  );
  return rows.map(({ name, table, definition, enabled }) => ({
    name,
    table,
    definition: enabled === "O" ? definition.replaceAll(/\s+/gu, " ") : `switched off (${enabled})`,
  }));
}

interface FunctionThere {
  readonly name: string;
  readonly signature: string;
  readonly body: string;
  /** A new value after each change: an equal one means that nothing was changed. */
  readonly version: string;
}

async function functionsOf(session: pg.Client): Promise<readonly FunctionThere[]> {
  const { rows } = await session.query<FunctionThere>(
    `SELECT proname AS name, prosrc AS body, format('%s:%s', oid, xmin) AS version,
            format('public.%I(%s)', proname, pg_get_function_identity_arguments(oid)) AS signature
       FROM pg_proc
      WHERE pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')`,
  );
  return rows;
}

const bodyOf = (sql: string): string => /\$\$(.*)\$\$/su.exec(sql)?.[1] ?? "";

async function run(session: pg.Client, sql: string, name: string): Promise<void> {
  try {
    await session.query(sql);
  } catch (error) {
    throw new Error(`prisma/functions/${name}.sql: ${(error as Error).message}`, { cause: error });
  }
}
