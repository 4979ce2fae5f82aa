import { describe, expect } from "vitest";
import { drift } from "../../../../prisma/drift.ts";
import { deploy, onDisk, status } from "../../../../prisma/migrate.ts";
import { emptyDatabase, test } from "@stakebts/testkit/database";

describe("the migrations", () => {
  test("make exactly the tables that schema.prisma describes", async ({ databaseUrl }) => {
    const found = await drift(databaseUrl);
    expect(found.sql).toMatch(/empty migration/u);
    expect(found.exit).toBe(0);
  });

  test("are in the order and state that Prisma's own tool expects", async ({ databaseUrl }) => {
    expect(await status(databaseUrl)).toEqual({ pending: [], edited: [], missing: [] });
    expect((await drift(databaseUrl)).official).toMatchObject({
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
});
