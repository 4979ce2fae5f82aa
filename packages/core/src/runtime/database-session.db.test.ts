import { randomBytes } from "node:crypto";
import pg from "pg";
import { describe, expect, inject } from "vitest";
import { StartupError } from "@stakebts/kernel/errors";
import { test } from "@stakebts/testkit/database";
import { createPostgresLedger } from "../ledger/postgres/ledger.ts";
import { createWholeLedger } from "../rebuild/postgres-contents.ts";
import { openDatabase } from "../database/client.ts";
import { openCursors, openPool, openSession } from "./database-session.ts";

/** Everything that a user can be given as a default of its own and that would change what is read or written. */
const HOSTILE: Readonly<Record<string, string>> = {
  DateStyle: "'German, DMY'",
  TimeZone: "'Asia/Kathmandu'",
  IntervalStyle: "'sql_standard'",
  bytea_output: "'escape'",
  extra_float_digits: "-10",
  xmloption: "'document'",
  standard_conforming_strings: "off",
  array_nulls: "off",
  transform_null_equals: "on",
  quote_all_identifiers: "on",
  row_security: "on",
  session_replication_role: "'replica'",
  default_transaction_isolation: "'serializable'",
  default_transaction_read_only: "on",
  default_transaction_deferrable: "on",
  synchronous_commit: "off",
  statement_timeout: "'5s'",
  lock_timeout: "'5s'",
  idle_session_timeout: "'5s'",
  idle_in_transaction_session_timeout: "'5s'",
  exit_on_error: "on",
  search_path: "'pg_temp'",
  client_encoding: "'LATIN1'",
};

async function onServer(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** A user with all of these as defaults, and the rights of the owner. */
async function hostileUser(databaseUrl: string): Promise<string> {
  const user = `hostile_${randomBytes(6).toString("hex")}`;
  await onServer(
    databaseUrl,
    `CREATE ROLE ${user} SUPERUSER LOGIN PASSWORD 'a-long-password'`,
    ...Object.entries(HOSTILE).map(([name, value]) => `ALTER ROLE ${user} SET ${name} = ${value}`),
  );
  const url = new URL(databaseUrl);
  [url.username, url.password] = [user, "a-long-password"];
  return url.href;
}

const NAMES = `SELECT name, setting FROM pg_settings WHERE name = ANY($1) ORDER BY name`;
const WANTED = [...Object.keys(HOSTILE), "transaction_timeout"];

describe("a session has the settings of ours, not those of its user", () => {
  test("through every way of opening one", async ({ databaseUrl }) => {
    const plain = openSession(databaseUrl);
    await plain.connect();
    const expected = (await plain.query(NAMES, [WANTED])).rows as unknown[];
    await plain.end();
    const url = await hostileUser(databaseUrl);

    const session = openSession(url);
    await session.connect();
    expect((await session.query(NAMES, [WANTED])).rows).toEqual(expected);
    await session.end();

    const pool = openPool(url, { max: 1 });
    expect((await pool.query(NAMES, [WANTED])).rows).toEqual(expected);
    await pool.end();

    const cursors = await openCursors(url, { name: "test" });
    expect([...(await cursors.unsafe(NAMES, [WANTED]))]).toEqual(expected);
    await cursors.end();
  });

  test("and so the ledger writes, reads and lists the same", async ({ databaseUrl }) => {
    const [ledger, hostile] = [
      createPostgresLedger({ url: databaseUrl }),
      createPostgresLedger({ url: await hostileUser(databaseUrl) }),
    ];
    const receipt = { event: "test.told", subject: "a\\'b \u{1F600}", details: { text: "\\x41 'é'" } };
    await hostile.transaction((tx) => tx.receipts.add([receipt]));
    await ledger.transaction((tx) => tx.receipts.add([receipt]));
    expect(await hostile.control.read()).toEqual(await ledger.control.read());
    await Promise.all([ledger.close(), hostile.close()]);
    const db = openDatabase(databaseUrl, 1);
    const rows = await db.receipt.findMany({ where: { event: "test.told" } });
    await db.$disconnect();
    expect(rows.map(({ subject, details }) => ({ event: "test.told", subject, details }))).toEqual([
      receipt,
      receipt,
    ]);
    const whole = createWholeLedger({ url: await hostileUser(databaseUrl) });
    await whole.look(async (contents) => expect(contents).toBeDefined());
  });
});

describe("a database that can only be read for a while", () => {
  test("is written to again over new connections, without a new start", async ({ databaseUrl }) => {
    const ledger = createPostgresLedger({ url: databaseUrl, max: 1 });
    const write = () =>
      ledger.transaction((tx) => tx.receipts.add([{ event: "a", subject: "b", details: {} }]));
    await write();
    const pool = openPool(databaseUrl, { max: 1 });
    const before = (await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;
    // As a server does that has become a stand-by while its connections stay open.
    await expect(pool.query("SET transaction_read_only = on; DELETE FROM outbox")).rejects.toThrow(
      "read-only",
    );
    const after = (await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;
    expect(after).not.toBe(before);
    await write();
    await Promise.all([pool.end(), ledger.close()]);
  });
});

test("a wrong address is a wrong configuration", () => {
  const [server] = inject("pgAdminUrl").split("?");
  expect(() => openSession(`${server}?sslmode=prefer`)).toThrow(StartupError);
});

describe("a session that its server ends between two statements", () => {
  test("is an error of the next statement, and not of the process", async ({ databaseUrl }) => {
    const session = openSession(databaseUrl);
    await session.connect();
    const { rows } = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const ended = new Promise((resolve) => session.once("end", resolve));
    await onServer(databaseUrl, `SELECT pg_terminate_backend(${rows[0]?.pid ?? 0})`);
    await ended;
    await expect(session.query("SELECT 1")).rejects.toThrow();
  });
});
