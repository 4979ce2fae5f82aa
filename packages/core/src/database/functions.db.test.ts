import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deployMigrations, migrationStatus } from "./migrations.ts";
import { FUNCTION_RIGHTS } from "./rights.ts";
import { prepareDatabase } from "./prepare-database.ts";
import pg from "pg";
import { describe, expect } from "vitest";
import { deploy, status } from "../../../../prisma/migrate.ts";
import { test as withDatabase } from "@stakebts/testkit/database";

const PRISMA = join(import.meta.dirname, "../../../../prisma");

/** `folder`: a copy of prisma/migrations and prisma/functions, to be changed. `client`: a session of the owner. */
const test = withDatabase.extend<{ client: pg.Client; folder: string }>({
  client: async ({ databaseUrl }, use) => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await use(client);
    await client.end();
  },
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of the fixtures from the pattern
  folder: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), "stakebts-functions-"));
    for (const part of ["migrations", "functions"])
      cpSync(join(PRISMA, part), join(folder, part), { recursive: true });
    await use(folder);
    rmSync(folder, { recursive: true });
  },
});

function change(folder: string, name: string, from: string, to: string): void {
  const path = join(folder, "functions", `${name}.sql`);
  const before = readFileSync(path, "utf8");
  expect(before).toContain(from);
  writeFileSync(path, before.replace(from, to));
}

const one = async (client: pg.Client, sql: string): Promise<unknown> =>
  Object.values((await client.query<Record<string, unknown>>(sql)).rows[0] ?? {})[0];

describe("a deployment", () => {
  test("makes a function and a trigger again that an older version or a hand has changed", async ({
    databaseUrl,
    client,
  }) => {
    await client.query(
      "CREATE OR REPLACE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$",
    );
    await client.query("DROP TRIGGER payout_moves ON payout");
    await client.query("ALTER TABLE receipt DISABLE TRIGGER written_once");
    expect((await status(databaseUrl)).functions).toEqual([
      "payout_moves",
      "refuse_change",
      "refuse_removal",
    ]);

    expect(await deploy(databaseUrl)).toEqual([]);

    expect((await status(databaseUrl)).functions).toEqual([]);
    await expect(client.query("DELETE FROM control")).rejects.toThrow("nothing is ever deleted");
    expect(
      await one(
        client,
        "SELECT tgenabled FROM pg_trigger WHERE tgname = 'written_once' AND tgrelid = 'receipt'::regclass",
      ),
    ).toBe("O");
  });

  test("drops a function, an overload and a trigger that this version does not have", async ({
    databaseUrl,
    client,
  }) => {
    await client.query(`
      CREATE FUNCTION old_rule() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
      CREATE TRIGGER old_rule BEFORE INSERT ON receipt FOR EACH ROW EXECUTE FUNCTION old_rule();
      CREATE FUNCTION limit_payment(text) RETURNS text LANGUAGE sql AS $$ SELECT 'go' $$;
      CREATE PROCEDURE old_work() LANGUAGE sql AS $$ SELECT 1 $$`);
    expect((await status(databaseUrl)).functions).toEqual([
      "limit_payment",
      "old_rule",
      "old_rule on receipt",
      "old_work",
    ]);

    await deploy(databaseUrl);

    expect((await status(databaseUrl)).functions).toEqual([]);
    await client.query("INSERT INTO receipt (event, subject, details) VALUES ('e', 's', '{}')");
    expect(await one(client, "SELECT count(*)::int FROM receipt")).toBe(1);
  });

  test("leaves the functions of an extension alone", async ({ databaseUrl, client }) => {
    await client.query("CREATE EXTENSION pgcrypto SCHEMA public");
    await deploy(databaseUrl);
    expect(await one(client, "SELECT length(digest('a', 'sha256'))")).toBe(32);
  });

  test("takes a function whose signature has changed, and the old one is gone", async ({
    databaseUrl,
    client,
    folder,
  }) => {
    // Other names of arguments and another answer: CREATE OR REPLACE refuses both. Then other arguments.
    change(
      folder,
      "limit_payment",
      "limit_payment(of_payout uuid) RETURNS text",
      "limit_payment(payout_id uuid) RETURNS varchar",
    );
    change(
      folder,
      "limit_payment",
      "DECLARE",
      "#variable_conflict use_column\nDECLARE\n  of_payout uuid := $1;",
    );
    change(folder, "database_identity", "database_identity()", "database_identity(salt text DEFAULT '')");
    await deployMigrations(databaseUrl, folder);
    const { rows } = await client.query(
      `SELECT proname, pg_get_function_arguments(oid) AS arguments, pg_get_function_result(oid) AS result
         FROM pg_proc WHERE proname IN ('limit_payment', 'database_identity') ORDER BY 1`,
    );
    expect(rows).toEqual([
      { proname: "database_identity", arguments: "salt text DEFAULT ''::text", result: "text" },
      { proname: "limit_payment", arguments: "payout_id uuid", result: "character varying" },
    ]);
    expect((await migrationStatus(databaseUrl, folder)).functions).toEqual([]);
  });

  test("goes back as a whole when one function is wrong, and names its file", async ({
    databaseUrl,
    client,
    folder,
  }) => {
    change(folder, "is_approved", "payout_approval approval", "no_such_table approval");
    change(folder, "refuse_removal", "nothing is ever deleted", "not deleted");
    await expect(deployMigrations(databaseUrl, folder)).rejects.toThrow(
      /prisma\/functions\/is_approved\.sql: .*no_such_table/u,
    );
    await expect(client.query("DELETE FROM control")).rejects.toThrow("nothing is ever deleted");
  });

  test("never shows a function without the rights of its owner, and does not wait for those who write", async ({
    databaseUrl,
    client,
  }) => {
    await prepareDatabase(databaseUrl, PRISMA);
    const guarded = Object.keys(FUNCTION_RIGHTS).filter((name) => FUNCTION_RIGHTS[name]?.asOwner === true);
    const unguarded = `SELECT array_agg(proname::text) FROM pg_proc
      WHERE proname IN (${guarded.map((name) => `'${name}'`).join()})
        AND NOT (prosecdef AND proconfig IS NOT NULL AND proacl IS NOT NULL)`;
    // A writer holds locks on tables with triggers all the while.
    await client.query("BEGIN");
    await client.query("UPDATE control SET updated_at = now()");
    await client.query("INSERT INTO receipt (event, subject, details) VALUES ('e', 's', '{}')");
    await deploy(databaseUrl);
    expect(await one(client, unguarded)).toBeNull();
    expect(
      await one(client, "SELECT has_function_privilege('stakebts_payer', 'limit_payment(uuid)', 'EXECUTE')"),
    ).toBe(true);
    await client.query("COMMIT");
  });
});
