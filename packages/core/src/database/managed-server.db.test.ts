import { groupOf, PROCESS_ROLES } from "./rights.ts";
import { type Pg, startPostgres } from "@stakebts/testkit/postgres";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prepare } from "../../../../prisma/migrate.ts";
import { inProcess, stakebtsWith } from "../../../../apps/cli/test/stakebts.ts";

// A server of its own, because roles belong to the whole server.

let server: Pg;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

async function admin(sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: server.url("postgres") });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

const groups = async (): Promise<string[]> =>
  (await admin("SELECT rolname FROM pg_roles WHERE rolname LIKE 'stakebts\\_%' ORDER BY 1")).rows.map(
    ({ rolname }: { rolname: string }) => rolname,
  );

/** A database, and its owner who may do everything in it and nothing on the server. */
async function ownDatabase(name: string): Promise<string> {
  await admin(`CREATE ROLE ${name} LOGIN PASSWORD 'plain'`);
  const url = new URL(await server.createDatabase(name));
  await admin(`ALTER DATABASE ${name} OWNER TO ${name}`);
  [url.username, url.password] = [name, "plain"];
  return url.href;
}

describe("on a server where the owner of the database may not make roles", () => {
  it("the ledger is migrated all the same, and an operator is told what an administrator has to run", async () => {
    const url = await ownDatabase("plain");
    const stakebts = stakebtsWith({ DATABASE_URL: url }, inProcess);
    const first = await stakebts("db", "migrate");
    expect(first).toMatchObject({ code: 0, out: expect.stringContaining("applied: ") });
    expect(first.err).toContain("CREATE ROLE stakebts_payer NOLOGIN;");
    expect(await groups()).toEqual([]);

    const folder = mkdtempSync(join(tmpdir(), "stakebts-logins-"));
    try {
      const file = join(folder, "database_url_payer");
      writeFileSync(file, url.replace("//plain:plain@", "//payer_login:a-long-password@"));
      const refused = await stakebts("db", "migrate", "--logins", file);
      expect(refused.code).toBe(78);
      expect(refused.err).toContain("an administrator of the server has to run this once");
      expect(refused.err).not.toContain("a-long-password");

      for (const role of PROCESS_ROLES) await admin(`CREATE ROLE ${groupOf(role)} NOLOGIN`);
      await admin("CREATE ROLE payer_login LOGIN PASSWORD 'a-long-password' IN ROLE stakebts_payer");
      expect(await stakebts("db", "migrate")).toMatchObject({ code: 0, err: "" });
      const payer = new pg.Client({
        connectionString: url.replace("//plain:plain@", "//payer_login:a-long-password@"),
      });
      await payer.connect();
      await payer.query("UPDATE control SET writer_epoch = writer_epoch + 1");
      await expect(payer.query("DELETE FROM receipt")).rejects.toThrow("permission denied");
      await payer.end();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("on a server with several databases", () => {
  it("roles are made once, however many are migrated at the same moment", async () => {
    await admin(`DROP OWNED BY payer_login; DROP ROLE payer_login`);
    const old = new pg.Client({ connectionString: server.url("plain") });
    await old.connect();
    for (const role of PROCESS_ROLES)
      await old.query(`DROP OWNED BY ${groupOf(role)}; DROP ROLE ${groupOf(role)}`);
    await old.end();
    expect(await groups()).toEqual([]);
    const urls = await Promise.all(["a", "b", "c"].map((name) => server.createDatabase(name)));
    const prepared = await Promise.all(urls.map(prepare));
    expect(prepared.map(({ missingRoles }) => missingRoles)).toEqual([[], [], []]);
    expect(await groups()).toEqual(PROCESS_ROLES.map(groupOf));
  });
});

describe("a file with an address", () => {
  it.each([
    [
      "database_url_boss",
      "postgresql://a:a-long-password@h/d",
      "expected a file with the name database_url_",
    ],
    ["database_url_payer", "postgresql://h/d", "has no user and password"],
    ["database_url_payer", "postgresql://a:short@h/d", "at least 12 characters"],
  ])("%s that says %s is refused in words", async (name, content, words) => {
    const folder = mkdtempSync(join(tmpdir(), "stakebts-logins-"));
    try {
      writeFileSync(join(folder, name), content);
      const stakebts = stakebtsWith({ DATABASE_URL: server.url("postgres") }, inProcess);
      const answer = await stakebts("db", "migrate", "--logins", join(folder, name));
      expect(answer).toMatchObject({ code: 78, err: expect.stringContaining(words) });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
