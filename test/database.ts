import { randomUUID } from "node:crypto";
import { createDb, type Db } from "@stakebts/core/db";
import pg from "pg";
import { test as base, inject } from "vitest";

async function admin(sql: string): Promise<void> {
  const c = new pg.Client({ connectionString: inject("pgAdminUrl") });
  await c.connect();
  try {
    await c.query(sql);
  } finally {
    await c.end();
  }
}

/** `db`: a fresh database per test, cloned from the migrated template. */
export const test = base.extend<{ databaseUrl: string; db: Db }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest needs the destructuring
  databaseUrl: async ({}, use) => {
    const name = `t_${randomUUID().replaceAll("-", "")}`;
    await admin(`CREATE DATABASE ${name} TEMPLATE template_app STRATEGY file_copy`);
    const url = new URL(inject("pgAdminUrl"));
    url.pathname = `/${name}`;
    await use(url.href);
    await admin(`DROP DATABASE ${name} WITH (FORCE)`);
  },
  db: async ({ databaseUrl }, use) => {
    const db = createDb(databaseUrl, 4);
    await use(db);
    await db.$disconnect();
  },
});
