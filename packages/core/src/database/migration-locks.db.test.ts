import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { deployMigrations } from "./migrations.ts";
import pg from "pg";
import { expect } from "vitest";
import { test as withDatabase } from "@stakebts/testkit/database";

const PRISMA = join(import.meta.dirname, "../../../../prisma");

/** `folder`: that of the schema with one migration more, which locks `payout` and then `stake_row`. `worker`: a session of a process. */
const test = withDatabase.extend<{ worker: pg.Client; folder: string }>({
  worker: async ({ databaseUrl }, use) => {
    const client = new pg.Client({ connectionString: databaseUrl, application_name: "a worker" });
    await client.connect();
    await use(client);
    await client.end();
  },
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of the fixtures from the pattern
  folder: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), "stakebts-schema-change-"));
    for (const part of ["migrations", "functions"])
      cpSync(join(PRISMA, part), join(folder, part), { recursive: true });
    const added = join(folder, "migrations", "20990101000000_two_tables");
    mkdirSync(added);
    writeFileSync(
      join(added, "migration.sql"),
      "ALTER TABLE payout ADD COLUMN extra text;\nALTER TABLE stake_row ADD COLUMN extra text;",
    );
    await use(folder);
    rmSync(folder, { recursive: true });
  },
});

const extraColumns = async (client: pg.Client): Promise<number> =>
  (await client.query("SELECT FROM information_schema.columns WHERE column_name = 'extra'")).rowCount ?? 0;

/** Until a session waits for a lock on the table. */
async function isWaitedFor(client: pg.Client, table: string): Promise<void> {
  for (;;) {
    const { rowCount } = await client.query(
      "SELECT FROM pg_locks WHERE NOT granted AND relation = $1::regclass",
      [table],
    );
    if (rowCount !== 0) return;
    await delay(5);
  }
}

test("a migration and a process that take the same locks in another order both get them", async ({
  databaseUrl,
  worker,
  folder,
}) => {
  // The migration is the one that the server ends: the process would look for a deadlock later.
  await worker.query("SET deadlock_timeout = '1min'");
  await worker.query("BEGIN");
  await worker.query("LOCK TABLE stake_row IN ROW EXCLUSIVE MODE");
  const deployed = deployMigrations(databaseUrl, folder);
  await isWaitedFor(worker, "stake_row");
  await worker.query("LOCK TABLE payout IN ROW EXCLUSIVE MODE");
  await worker.query("COMMIT");
  expect(await deployed).toEqual(["20990101000000_two_tables"]);
  expect(await extraColumns(worker)).toBe(2);
});

test("a migration that waits for a table lets those who come after it have the table in turn", async ({
  databaseUrl,
  worker,
  folder,
}) => {
  await worker.query("BEGIN");
  await worker.query("LOCK TABLE payout IN ACCESS SHARE MODE");
  const patience = { lockWaitMs: 100, pauseMs: 100, attempts: 1_000 };
  const deployed = deployMigrations(databaseUrl, folder, patience);
  await isWaitedFor(worker, "payout");
  const reader = new pg.Client({ connectionString: databaseUrl });
  await reader.connect();
  // Behind the migration, which waits for the worker: without an end to its waiting this never returns.
  await reader.query("SELECT count(*) FROM payout");
  await reader.end();
  expect(await extraColumns(worker)).toBe(0);
  await worker.query("COMMIT");
  expect(await deployed).toEqual(["20990101000000_two_tables"]);
});

test("a migration that never gets its locks changes nothing, and says which sessions are in its way", async ({
  databaseUrl,
  worker,
  folder,
}) => {
  await worker.query("BEGIN");
  await worker.query("LOCK TABLE stake_row IN ACCESS SHARE MODE");
  const patience = { lockWaitMs: 20, pauseMs: 1, attempts: 3 };
  await expect(deployMigrations(databaseUrl, folder, patience)).rejects.toThrow(
    /two_tables.*a worker \(process \d+\) for \d+ s\. .*nothing was changed/u,
  );
  await worker.query("COMMIT");
  expect(await extraColumns(worker)).toBe(0);
});
