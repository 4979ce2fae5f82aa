import { createAuditLog } from "./postgres-audit-log.ts";
import { createPostgresLedger } from "../ledger/postgres/ledger.ts";
import { millis } from "@stakebts/kernel/time";
import type { AuditLog } from "./audit-log.ts";
import type { Log } from "@stakebts/kernel/log";
import { createCheckpoint } from "./checkpoint.ts";
import { type AuditFinding, verifyLog } from "./verify-log.ts";
import { chainAll, extendHashChain } from "./hash-chain.ts";
import { cursorAt } from "@stakebts/testkit/given";
import pg from "pg";
import { describe, expect } from "vitest";
import { stakebtsWith, inProcess } from "../../../../apps/cli/test/stakebts.ts";
import { test as base } from "@stakebts/testkit/database";

// The log on a real server: what its triggers refuse is done by one with all rights, who switches them off.

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

interface Session {
  (text: string, values?: readonly unknown[]): Promise<pg.QueryResult<Record<string, unknown>>>;
}

const test = base.extend<{ audit: AuditLog; sql: Session; another: () => Promise<Session> }>({
  audit: async ({ databaseUrl }, use) => {
    const audit = createAuditLog({ url: databaseUrl });
    await use(audit);
    await audit.close();
  },
  another: async ({ databaseUrl }, use) => {
    const open: pg.Client[] = [];
    await use(async () => {
      const client = new pg.Client({ connectionString: databaseUrl });
      await client.connect();
      open.push(client);
      return (text, values) => client.query(text, values === undefined ? undefined : [...values]);
    });
    await Promise.all(open.map((client) => client.end()));
  },
  sql: async ({ another }: { another: () => Promise<Session> }, use: (sql: Session) => Promise<void>) => {
    await use(await another());
  },
});

const write = (sql: Session, subject: string, more: { id?: number; agoMs?: number } = {}) =>
  sql(
    `INSERT INTO receipt (${more.id === undefined ? "" : "id, "}event, subject, details, created_at)
     VALUES (${more.id === undefined ? "" : `${more.id}, `}'payout.confirmed', $1, '{"amount": "450", "n": 1.5}', now() - $2 * interval '1 millisecond')`,
    [subject, more.agoMs ?? 0],
  );

/** As one with all rights: no trigger, no foreign key. */
const forge = (sql: Session, text: string) =>
  sql(`SET session_replication_role = replica; ${text}; RESET session_replication_role`);

async function verify(audit: AuditLog, request: Parameters<typeof verifyLog>[1] = {}) {
  const found: AuditFinding[] = [];
  const verification = await audit.look((contents) =>
    verifyLog(contents, request, (finding) => found.push(finding)),
  );
  return { verification, found, kinds: found.map(({ kind }) => kind) };
}

async function aLog(sql: Session, audit: AuditLog, count = 12): Promise<void> {
  for (let n = 1; n <= count; n++) await write(sql, `refund:${n}:0:0`);
  await extendHashChain(audit);
}

describe("the chained log", () => {
  test("hash chain entries what was there before it, thousands in batches, and what comes", async ({
    sql,
    audit,
  }) => {
    await sql(
      `INSERT INTO receipt (event, subject, details) SELECT 'old', n::text, '{}' FROM generate_series(1, 2500) n`,
    );
    expect(await extendHashChain(audit)).toBe(2_500);
    expect(await extendHashChain(audit)).toBe(0);
    await write(sql, "new");
    expect(await extendHashChain(audit)).toBe(1);
    const { verification, found } = await verify(audit);
    expect(found).toEqual([]);
    expect(verification).toMatchObject({ chained: 2_501, waiting: 0, head: { seq: 2_501 } });
  });

  test("does not miss a gap that a transaction has left which was rolled back", async ({ sql, audit }) => {
    await write(sql, "one");
    await sql("BEGIN");
    await write(sql, "never");
    await sql("ROLLBACK");
    await write(sql, "two");
    await extendHashChain(audit);
    expect(await verify(audit)).toMatchObject({ found: [], verification: { chained: 2 } });
  });

  test("hash chain entries a receipt that is committed after later ones", async ({ sql, another, audit }) => {
    const slow = await another();
    await slow("BEGIN");
    await write(slow, "slow");
    await write(sql, "fast");
    expect(await extendHashChain(audit)).toBe(1);
    await slow("COMMIT");
    expect(await extendHashChain(audit)).toBe(1);
    const order = await sql(
      "SELECT subject FROM hash_chain_entry JOIN receipt ON id = receipt_id ORDER BY seq",
    );
    expect(order.rows).toEqual([{ subject: "fast" }, { subject: "slow" }]);
    expect((await verify(audit)).found).toEqual([]);
  });

  test("comes out whole from many writers and three sealers at once", async ({
    another,
    audit,
    databaseUrl,
  }) => {
    const sealers = [audit, createAuditLog({ url: databaseUrl }), createAuditLog({ url: databaseUrl })];
    let writing = true;
    const hashChain = sealers.map(async (sealer) => {
      while (writing) await sealer.appendEntries(7, chainAll);
    });
    await Promise.all(
      Array.from({ length: 6 }, async (_, writer) => {
        const session = await another();
        for (let n = 0; n < 30; n++) {
          await session("BEGIN");
          await write(session, `${writer}:${n}`);
          await session("SELECT pg_sleep(random() * 0.01)");
          await session(n % 7 === 0 ? "ROLLBACK" : "COMMIT");
        }
      }),
    );
    writing = false;
    await Promise.all(hashChain);
    await extendHashChain(audit);
    const { verification, found } = await verify(audit);
    expect(found).toEqual([]);
    expect(verification).toMatchObject({ chained: 6 * 25, waiting: 0, head: { seq: 6 * 25 } });
    await Promise.all(sealers.slice(1).map((sealer) => sealer.close()));
  });

  test("refuses to be changed by a login without all rights", async ({ sql, audit }) => {
    await aLog(sql, audit);
    for (const text of [
      "UPDATE hash_chain_entry SET hash = repeat('0', 64)",
      "DELETE FROM hash_chain_entry",
      "TRUNCATE hash_chain_entry",
      "DELETE FROM receipt",
    ])
      await expect(sql(text), text).rejects.toThrow(/never|ever deleted/u);
  });
});

describe("audit verify", () => {
  test.for([
    ['UPDATE receipt SET details = \'{"amount": "451", "n": 1.5}\' WHERE id = 5', "changed", 5],
    ['UPDATE receipt SET details = \'{"amount": "450", "n": 1.6}\' WHERE id = 5', "changed", 5],
    ["UPDATE receipt SET subject = 'x' WHERE id = 1", "changed", 1],
    ["UPDATE receipt SET event = 'x' WHERE id = 12", "changed", 12],
    ["UPDATE receipt SET chain_time_ms = 1 WHERE id = 5", "changed", 5],
    ["UPDATE receipt SET created_at = created_at - interval '1 second' WHERE id = 5", "changed", 5],
    ["UPDATE hash_chain_entry SET chained_at = chained_at - interval '1 second' WHERE seq = 5", "changed", 5],
    ["UPDATE hash_chain_entry SET hash = repeat('0', 64) WHERE seq = 5", "changed", 5],
    [
      "UPDATE receipt SET id = 99 WHERE id = 5; UPDATE hash_chain_entry SET receipt_id = 99 WHERE seq = 5",
      "changed",
      5,
    ],
    ["DELETE FROM receipt WHERE id = 5", "missing", 5],
    ["DELETE FROM receipt WHERE id = 5; DELETE FROM hash_chain_entry WHERE seq = 5", "entries_missing", 5],
    ["DELETE FROM hash_chain_entry WHERE seq BETWEEN 3 AND 6", "entries_missing", 3],
    [
      "DELETE FROM receipt WHERE id = 5; DELETE FROM hash_chain_entry WHERE seq = 5; UPDATE hash_chain_entry SET seq = seq - 1 WHERE seq > 5",
      "changed",
      5,
    ],
    [
      "UPDATE hash_chain_entry SET receipt_id = 100 WHERE seq = 4; UPDATE hash_chain_entry SET receipt_id = 4 WHERE seq = 5; UPDATE hash_chain_entry SET receipt_id = 5 WHERE seq = 4",
      "changed",
      4,
    ],
  ] as const)("finds %s", async ([forgery, kind, seq], { sql, audit, databaseUrl }) => {
    await aLog(sql, audit);
    await forge(sql, forgery);
    const { found } = await verify(audit);
    expect(found).toContainEqual(expect.objectContaining({ kind, seq }));
    const { code, out } = await stakebtsWith({ DATABASE_URL: databaseUrl }, inProcess)("audit", "verify");
    expect(code).toBe(1);
    expect(out).toContain(kind);
  });

  test("finds a record that was put in among old ones, which get no entry any more", async ({
    sql,
    audit,
  }) => {
    for (const id of [1, 2, 4, 5]) await write(sql, `old ${id}`, { id, agoMs: 3 * 3_600_000 });
    await audit.appendEntries(100, (last, receipts, nowMs) =>
      chainAll(last, receipts, nowMs - 2 * 3_600_000),
    );
    await write(sql, "forged", { id: 3, agoMs: 3 * 3_600_000 });
    expect(await extendHashChain(audit)).toBe(0);
    const { found } = await verify(audit);
    expect(found).toMatchObject([{ kind: "inserted", receiptId: 3n }]);
  });

  test("finds a record that says it is older than it is", async ({ sql, audit }) => {
    await aLog(sql, audit);
    await write(sql, "forged", { agoMs: 90 * 86_400_000 });
    await extendHashChain(audit);
    expect((await verify(audit)).kinds).toEqual(["back_dated"]);
  });

  test("finds a log that was cut or chained anew, by a head that was written down", async ({
    sql,
    audit,
    databaseUrl,
  }) => {
    const command = stakebtsWith({ DATABASE_URL: databaseUrl }, inProcess);
    expect(await command("audit", "head")).toMatchObject({ code: 1 });
    await aLog(sql, audit);
    const written = (await command("audit", "head")).out.trim();
    expect(written).toMatch(/^[0-9a-f]{64}@12$/u);
    expect(await command("audit", "verify", "--checkpoint", written)).toMatchObject({ code: 0 });
    await forge(sql, "DELETE FROM hash_chain_entry; UPDATE receipt SET subject = 'forged' WHERE id = 12");
    await extendHashChain(audit);
    expect(await command("audit", "verify")).toMatchObject({ code: 0 });
    const { code, out } = await command("audit", "verify", "--checkpoint", written);
    expect(code).toBe(1);
    expect(out).toContain("checkpoint_differs");
    await forge(sql, "DELETE FROM hash_chain_entry WHERE seq >= 12; DELETE FROM receipt WHERE id >= 12");
    expect((await command("audit", "verify", "--checkpoint", written)).out).toContain("this log ends at 11");
    expect(await command("audit", "verify", "--checkpoint", "nonsense")).toMatchObject({ code: 2 });
  });

  test("says of a head that a restored ledger has lost that it was restored", async ({
    sql,
    audit,
    databaseUrl,
  }) => {
    const command = stakebtsWith({ DATABASE_URL: databaseUrl }, inProcess);
    await aLog(sql, audit);
    await sql("INSERT INTO receipt (event, subject, details) VALUES ('ledger.restored', 'stakebts', '{}')");
    await extendHashChain(audit);
    const { out } = await command("audit", "verify", "--checkpoint", `${"a".repeat(64)}@99`);
    expect(out).toContain("this ledger has ledger.restored of");
  });
});

describe("the daily checkpoint", () => {
  test("is owed once a day by however many schedulers, and verified against the chain", async ({
    sql,
    audit,
    databaseUrl,
  }) => {
    const ledgers = [1, 2, 3].map(() => createPostgresLedger({ url: databaseUrl }));
    const [ledger] = ledgers;
    if (ledger === undefined) throw new Error("no ledger");
    expect(await createCheckpoint({ ledger, audit, log: silent }, "keeper")).toBeUndefined();
    const day = Date.UTC(2026, 10, 25);
    await ledger.transaction((tx) =>
      tx.cursor.move(undefined, { ...cursorAt(10), blockTimeMs: millis(day + 1) }),
    );
    await aLog(sql, audit);
    await Promise.all(
      ledgers.map((each) => createCheckpoint({ ledger: each, audit, log: silent }, "keeper")),
    );
    const { rows } = await sql("SELECT key, kind, payee, amount, memo, status FROM payout");
    expect(rows).toMatchObject([
      { key: "checkpoint:2026-11-25", kind: "checkpoint", payee: "keeper", amount: "1", status: "due" },
    ]);
    const said = await sql("SELECT FROM receipt WHERE event = 'audit.checkpoint_made'");
    expect(said.rows).toHaveLength(1);
    await extendHashChain(audit);
    await createCheckpoint({ ledger, audit, log: silent }, "keeper");
    await ledger.transaction((tx) =>
      tx.cursor.move(10, { ...cursorAt(11), blockTimeMs: millis(day + 86_400_001) }),
    );
    await createCheckpoint({ ledger, audit, log: silent }, "keeper");
    expect((await sql("SELECT key FROM payout ORDER BY key")).rows).toEqual([
      { key: "checkpoint:2026-11-25" },
      { key: "checkpoint:2026-11-26" },
    ]);
    // As the ingester writes it down when the block is final.
    await sql(
      `INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, sender, receiver, sender_is_lifetime_member,
                             amount_shares, asset_id, fee_shares, memo_status, memo_text, payout_key, status)
       SELECT 20, 0, 0, 1, 'out', 'custodian', 'keeper', false, 100000, '1.3.0', 0, 'text', memo, key, 'decided'
         FROM payout WHERE key = 'checkpoint:2026-11-25'`,
    );
    expect((await verify(audit)).verification).toMatchObject({ findings: 0, checkpointsHeld: 1 });
    await forge(sql, "DELETE FROM hash_chain_entry; UPDATE receipt SET subject = 'forged' WHERE id = 3");
    await extendHashChain(audit);
    expect((await verify(audit)).kinds).toEqual(["checkpoint_differs"]);
    await Promise.all(ledgers.map((each) => each.close()));
  });
});
