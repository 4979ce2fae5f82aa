import { randomUUID } from "node:crypto";
import pg from "pg";
import { inject, test as base } from "vitest";

let session: Promise<pg.Client> | undefined;

/** One session for all tests of a worker: a new one takes as long as what it is for. It ends with the worker. */
async function admin(sql: string): Promise<void> {
  session ??= (async () => {
    const client = new pg.Client({ connectionString: inject("pgAdminUrl") });
    client.on("error", () => {
      session = undefined; // the server has ended
    });
    await client.connect();
    return client;
  })();
  const client = await session;
  await client.query(sql);
}

/** `databaseUrl`: a fresh database for each test, cloned from the migrated template, gone afterwards. */
export const test = base.extend<{ databaseUrl: string }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of the fixtures from the pattern
  databaseUrl: async ({}, use) => {
    const name = `t_${randomUUID().replaceAll("-", "")}`;
    await admin(`CREATE DATABASE ${name} TEMPLATE template_app STRATEGY file_copy`);
    const url = new URL(inject("pgAdminUrl"));
    url.pathname = `/${name}`;
    await use(url.href);
    await admin(`DROP DATABASE ${name} WITH (FORCE)`);
  },
});

/** A database without a single table. */
export async function emptyDatabase(use: (url: string) => Promise<void>): Promise<void> {
  const name = `t_${randomUUID().replaceAll("-", "")}`;
  await admin(`CREATE DATABASE ${name}`);
  const url = new URL(inject("pgAdminUrl"));
  url.pathname = `/${name}`;
  try {
    await use(url.href);
  } finally {
    await admin(`DROP DATABASE ${name} WITH (FORCE)`);
  }
}
