import type { ProcessRole } from "@stakebts/core/database/rights";
import pg from "pg";
import { test as base } from "./database.ts";
import { processLogins } from "./process-logins.ts";

interface Logins {
  readonly urls: Readonly<Record<ProcessRole, string>>;
  readonly as: (role: ProcessRole) => Promise<pg.Client>;
  readonly owner: pg.Client;
}

/** A test with a ledger of its own: `urls` and `as` of each process's login, and a session of its owner. */
export const test = base.extend<Logins>({
  owner: async ({ databaseUrl }, use) => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await use(client);
    await client.end();
  },
  urls: async ({ databaseUrl }, use) => use(await processLogins(databaseUrl)),
  as: async ({ urls }, use) => {
    const open: pg.Client[] = [];
    await use(async (role) => {
      const client = new pg.Client({ connectionString: urls[role] });
      await client.connect();
      open.push(client);
      return client;
    });
    for (const client of open) await client.end();
  },
});
