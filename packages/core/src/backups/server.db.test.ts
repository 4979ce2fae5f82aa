import { installedPostgres } from "@stakebts/testkit/installed-postgres";
import { type Pg, startPostgres } from "@stakebts/testkit/postgres";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createEmptyDatabase, dropDatabase, withSession } from "./server.ts";

// A server of its own, on which autovacuum is at work at once and takes long.
let server: Pg;
beforeAll(async () => {
  server = await startPostgres({
    // Of an older version, where this machine has one: there a DROP with FORCE fails.
    ...(installedPostgres === undefined ? {} : { installation: installedPostgres }),
    settings: {
      autovacuum: "on",
      autovacuum_naptime: "1",
      autovacuum_vacuum_cost_delay: "100",
      autovacuum_vacuum_cost_limit: "1",
    },
  });
});
afterAll(() => server?.stop());

it("a database is dropped while the server vacuums it and a session of ours is left in it, by who may do no more than make databases", async () => {
  const admin = new pg.Client({ connectionString: server.url("postgres") });
  await admin.connect();
  await admin.query("CREATE ROLE keeper LOGIN CREATEDB PASSWORD 'plain'");
  const urlOf = (database: string): string =>
    server.url(database).replace("postgres:postgres@", "keeper:plain@");
  const left = new pg.Client({ connectionString: urlOf("scratch") });
  const ended = new Promise((resolve) => left.on("error", resolve));
  await withSession(urlOf("postgres"), async (session) => {
    await createEmptyDatabase(session, "scratch");
    await left.connect();
    await left.query("CREATE TABLE large AS SELECT generate_series(1, 100000) AS n");
    await left.query("DELETE FROM large WHERE n % 2 = 0");
    const workers = () =>
      admin.query(
        "SELECT FROM pg_stat_activity WHERE datname = 'scratch' AND backend_type = 'autovacuum worker'",
      );
    while ((await workers()).rowCount === 0);
    await dropDatabase(session, "scratch");
  });
  await ended;
  expect((await admin.query("SELECT FROM pg_database WHERE datname = 'scratch'")).rowCount).toBe(0);
  await admin.end();
});
