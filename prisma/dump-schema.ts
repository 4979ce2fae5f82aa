// The structure of a migrated database as text: prisma/schema.sql. Read from the catalogue, because pg_dump is not part of
// the embedded PostgreSQL and says the same thing differently in each version.
//
//   npm run db:dump
import pg from "pg";

const HEADER = `-- The structure of the database after all migrations: for reading, and for a test. \`npm run db:dump\` writes this file.
-- The bodies of the functions are in prisma/functions, the rights in packages/core (rights.ts).
`;

/** What only describes the migrations themselves. */
const HISTORY = "_prisma_migrations";

/** @returns the same text on PostgreSQL 15 to 18 for the same structure */
export async function dumpSchema(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    // Names outside of the path would be written with their schema.
    await client.query("SET search_path = public");
    const tables = await linesByTable(client, COLUMNS);
    const constraints = await linesByTable(client, CONSTRAINTS);
    const indexes = await linesByTable(client, INDEXES);
    const triggers = await linesByTable(client, TRIGGERS);
    const parts = [...tables].map(([table, columns]) => {
      const inside = [...columns, ...(constraints.get(table) ?? [])].map((line) => `  ${line}`);
      const after = [...(indexes.get(table) ?? []), ...(triggers.get(table) ?? [])].map(
        (line) => `${line};\n`,
      );
      return `CREATE TABLE ${table} (\n${inside.join(",\n")}\n);\n${after.join("")}`;
    });
    const { rows: functions } = await client.query<{ line: string }>(FUNCTIONS);
    return [HEADER, ...parts, functions.map(({ line }) => `-- FUNCTION ${line}\n`).join("")].join("\n");
  } finally {
    await client.end();
  }
}

async function linesByTable(client: pg.Client, sql: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await client.query<{ table: string; line: string }>(sql);
  const found = new Map<string, string[]>();
  for (const { table, line } of rows)
    if (table !== HISTORY) found.set(table, [...(found.get(table) ?? []), plain(line)]);
  return found;
}

/** Without what says nothing here. */
const plain = (line: string): string =>
  line
    .replaceAll(/\s+/gu, " ")
    .replaceAll("::text", "")
    .replaceAll(" USING btree", "")
    .replaceAll(/timestamp\((\d)\) with time zone/gu, "timestamptz($1)");

const COLUMNS = `
  SELECT c.relname AS table,
         concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
                   CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)) AS line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
   WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
   ORDER BY c.relname COLLATE "C", a.attnum`;

// PostgreSQL 18 keeps NOT NULL as a constraint too (n); it stands with the column.
const CONSTRAINTS = `
  SELECT c.relname AS table, format('CONSTRAINT %I %s', conname, pg_get_constraintdef(k.oid, true)) AS line
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
   WHERE c.relnamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f', 'c', 'x')
   ORDER BY position(contype::text IN 'puxfc'), conname COLLATE "C"`;

const INDEXES = `
  SELECT c.relname AS table, pg_get_indexdef(indexrelid, 0, true) AS line
    FROM pg_index JOIN pg_class c ON c.oid = indrelid JOIN pg_class i ON i.oid = indexrelid
   WHERE c.relnamespace = 'public'::regnamespace
     AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
   ORDER BY i.relname COLLATE "C"`;

const TRIGGERS = `
  SELECT c.relname AS table, pg_get_triggerdef(t.oid, true) AS line
    FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
   WHERE c.relnamespace = 'public'::regnamespace AND NOT tgisinternal
   ORDER BY tgname COLLATE "C"`;

const FUNCTIONS = `
  SELECT format('%I(%s) RETURNS %s', proname, pg_get_function_arguments(oid), pg_get_function_result(oid)) AS line
    FROM pg_proc
   WHERE pronamespace = 'public'::regnamespace
     AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
   ORDER BY proname COLLATE "C", pg_get_function_arguments(oid) COLLATE "C"`;
