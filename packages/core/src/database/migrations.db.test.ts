import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrationsIn } from "./migrations.ts";
import { startPostgres } from "@stakebts/testkit/postgres";
import pg from "pg";
import { describe, expect, inject } from "vitest";
import { dumpSchema } from "../../../../prisma/dump-schema.ts";
import { create, deploy, onDisk, status } from "../../../../prisma/migrate.ts";
import { prismaHistory, schemaDifference } from "../../../../prisma/schema-difference.ts";
import { emptyDatabase, test } from "@stakebts/testkit/database";
import { installedPostgres } from "@stakebts/testkit/installed-postgres";

const PRISMA = join(import.meta.dirname, "../../../../prisma");
const schema = readFileSync(join(PRISMA, "schema.prisma"), "utf8");

describe("the migrations", () => {
  test("make exactly the tables that schema.prisma describes", async ({ databaseUrl }) => {
    expect(await schemaDifference(databaseUrl, schema)).toBe("");
  });

  test("are in the order and state that Prisma's own tool expects", async ({ databaseUrl }) => {
    expect(await status(databaseUrl)).toEqual({ pending: [], edited: [], missing: [], functions: [] });
    expect(await prismaHistory(databaseUrl, schema, onDisk())).toMatchObject({
      editedMigrationNames: [],
      failedMigrationNames: [],
    });
  });

  test("are applied once when several processes start at the same time", async () => {
    await emptyDatabase(async (url) => {
      const applied = await Promise.all([deploy(url), deploy(url), deploy(url)]);
      expect(applied.flat().sort()).toEqual(onDisk().map(({ name }) => name));
    });
  });

  test("can be deployed again without doing anything", async ({ databaseUrl }) => {
    expect(await deploy(databaseUrl)).toEqual([]);
  });

  test("make the structure that prisma/schema.sql shows", async ({ databaseUrl }) => {
    const shown = readFileSync(join(PRISMA, "schema.sql"), "utf8");
    expect(await dumpSchema(databaseUrl), "run `npm run db:dump` and commit prisma/schema.sql").toBe(shown);
  });
});

describe("prisma/schema.sql", () => {
  test.skipIf(installedPostgres === undefined)(
    "is the same text on the PostgreSQL that the distribution has installed",
    async () => {
      const server = await startPostgres({ installation: installedPostgres as string });
      try {
        const url = await server.createDatabase("other");
        await deploy(url);
        expect(await dumpSchema(url)).toBe(readFileSync(join(PRISMA, "schema.sql"), "utf8"));
        expect((await status(url)).functions).toEqual([]);
      } finally {
        await server.stop();
      }
    },
  );
});

describe("npm run db:create", () => {
  /** A copy of the folder, with the schema changed. */
  async function inCopy(
    change: (schema: string) => string,
    work: (folder: string) => Promise<void>,
  ): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), "stakebts-prisma-"));
    try {
      for (const part of ["migrations", "functions"])
        cpSync(join(PRISMA, part), join(folder, part), { recursive: true });
      writeFileSync(join(folder, "schema.prisma"), change(schema));
      await work(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  const statementsIn = (target: string | null): string[] =>
    readFileSync(join(target ?? "", "migration.sql"), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("--"));
  const serverUrl = (): string => inject("pgAdminUrl");

  test("writes nothing while schema.prisma says what the migrations make", async () => {
    await inCopy(
      (same) => same,
      async (folder) => {
        expect(await create("nothing", { folder, empty: false, serverUrl: serverUrl() })).toBeNull();
        expect(migrationsIn(folder)).toEqual(onDisk());
      },
    );
  });

  test("writes one column and one table and nothing else, so that no check and no partial index is lost", async () => {
    await inCopy(
      (before) =>
        `${before.replace('@map("limited_by")', '@map("limited_by")\n  nickname String?')}
model Extra {
  id Int @id
  @@map("extra")
}
`,
      async (folder) => {
        const target = await create("add_nickname", { folder, empty: false, serverUrl: serverUrl() });
        expect(target).toMatch(/\/migrations\/\d{14}_add_nickname$/u);
        expect(statementsIn(target)).toEqual([
          'ALTER TABLE "payout" ADD COLUMN     "nickname" TEXT;',
          'CREATE TABLE "extra" (',
          '    "id" INTEGER NOT NULL,',
          '    CONSTRAINT "extra_pkey" PRIMARY KEY ("id")',
          ");",
        ]);
        expect(readdirSync(join(folder, "migrations")).sort().at(-2)).toBe(target?.split("/").at(-1));
        expect(await create("again", { folder, empty: false, serverUrl: serverUrl() })).toBeNull();
      },
    );
  });

  test("writes an empty migration when it is told to, for what schema.prisma cannot say", async () => {
    await inCopy(
      (same) => same,
      async (folder) => {
        const target = await create("add_check", { folder, empty: true, serverUrl: serverUrl() });
        expect(statementsIn(target)).toEqual([]);
      },
    );
  });

  test("leaves no database behind", async () => {
    const client = new pg.Client({ connectionString: serverUrl() });
    await client.connect();
    const scratch = async () =>
      (await client.query("SELECT datname FROM pg_database WHERE datname LIKE 'stakebts_scratch_%'")).rows;
    await inCopy(
      () => "model Broken {",
      async (folder) => {
        await expect(create("broken", { folder, empty: false, serverUrl: serverUrl() })).rejects.toThrow();
      },
    );
    expect(await scratch()).toEqual([]);
    await client.end();
  });
});
