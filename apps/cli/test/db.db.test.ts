import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { describe, expect } from "vitest";
import { MAINNET_CHAIN_ID } from "@stakebts/core/rules/policy";
import { emptyDatabase, test } from "@stakebts/testkit/database";
import { inProcess, stakebtsWith } from "./stakebts.ts";

describe("stakebts db", () => {
  test("makes the ledger in an empty database whose address is in a file, and is harmless the second time", async () => {
    const folder = mkdtempSync(join(tmpdir(), "stakebts-db-"));
    try {
      await emptyDatabase(async (url) => {
        const file = join(folder, "database_url");
        writeFileSync(file, `${url}\n`);
        const stakebts = stakebtsWith({ DATABASE_URL_FILE: file }, inProcess);
        expect(await stakebts("db", "status")).toMatchObject({
          code: 1,
          out: expect.stringMatching(/^pending: .*_baseline/u),
        });
        expect(await stakebts("db", "migrate")).toMatchObject({
          code: 0,
          out: expect.stringMatching(/^applied: .*_baseline/u),
        });
        expect(await stakebts("db", "migrate")).toMatchObject({
          code: 0,
          out: "the database is up to date\n",
        });
        expect(await stakebts("db", "status")).toMatchObject({
          code: 0,
          out: "the database is up to date\n",
        });
        expect(await stakebts.json("db", "status")).toEqual({
          pending: [],
          edited: [],
          missing: [],
          functions: [],
        });
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("status refuses a ledger of the main network where a development chain is started", async ({
    databaseUrl,
  }) => {
    const stakebts = stakebtsWith({ DATABASE_URL: databaseUrl }, inProcess);
    expect(await stakebts("db", "status", "--not-main-network")).toMatchObject({ code: 0 });
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await client.query("SELECT bind_ledger($1, '1.2.3', 'custodian')", [MAINNET_CHAIN_ID]);
    await client.end();
    expect(await stakebts("db", "status")).toMatchObject({ code: 0 });
    expect(await stakebts("db", "status", "--not-main-network")).toMatchObject({
      code: 1,
      err: expect.stringContaining("custodian on the main network"),
    });
  });

  test("says what is wrong with the address", async () => {
    const stakebts = stakebtsWith({ DATABASE_URL_FILE: "/nowhere" }, inProcess);
    expect(await stakebts("db", "migrate")).toMatchObject({
      code: 78,
      err: expect.stringContaining("DATABASE_URL_FILE"),
    });
  });

  test("doctor prints a message of several lines as lines", async () => {
    const { out } = await stakebtsWith({ STAKEBTS_NODEZ: "ws://127.0.0.1:9" }, inProcess)("doctor");
    expect(out).not.toContain("\u{FFFD}");
    expect(out).toMatch(/^problem +settings +The configuration is wrong.*\n {20,}.*STAKEBTS_NODEZ/mu);
  });

  test("status and doctor name a function and a trigger that are not those of this program", async ({
    databaseUrl,
  }) => {
    const stakebts = stakebtsWith({ DATABASE_URL: databaseUrl }, inProcess);
    expect((await stakebts("doctor")).out).toMatch(/ok +database +answers, \d+ migrations/u);
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await client.query("DROP TRIGGER payout_moves ON payout; CREATE FUNCTION old() RETURNS int RETURN 1");
    await client.end();
    expect(await stakebts("db", "status")).toMatchObject({ code: 1, out: "functions: old, payout_moves\n" });
    expect((await stakebts("doctor")).out).toMatch(
      /problem +database +functions or triggers are not those of this program: old, payout_moves/u,
    );
    await stakebts("db", "migrate");
    expect(await stakebts("db", "status")).toMatchObject({ code: 0 });
  });
});
