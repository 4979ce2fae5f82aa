import pg from "pg";
import { describe, expect, vi } from "vitest";
import { millis } from "@stakebts/kernel/time";
import { test as base } from "@stakebts/testkit/database";
import { agreementAt, cursorAt, operation, refundOf } from "@stakebts/testkit/given";
import { payoutKey, type PayoutId } from "../../rules/payout.ts";
import type { MonitorLedger } from "../../custody/monitor-ledger.ts";
import { createPostgresMonitorLedger } from "../../custody/postgres-monitor-ledger.ts";
import type { Ledger } from "../ledger.ts";
import { createPostgresLedger } from "./ledger.ts";

/*
 * A ledger of many years grows without end, and what is asked for each block and each payment must not grow with it. Every question
 * of that kind is asked of tables that are large in each dimension, and the server says how many rows it has looked at.
 */

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const ROWS = 20_000;
/** What is open is a small part of it. */
const OPEN = 20;
const LOOKED_AT_MAX = 1_000;

/** All of one nominator: strangers choose whose rows are many. Nearly all of it is history. */
const FILL = `
  SET LOCAL session_replication_role = replica;
  INSERT INTO chain_cursor (id, block_num, block_id, block_time_ms, scanned_from_block_num, updated_at)
  VALUES (1, ${ROWS}, 'id', ${ROWS * 3_000}, 1, now());
  INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, txid, sender, receiver, sender_id, sender_is_lifetime_member,
                        amount_shares, asset_id, fee_shares, memo_status, memo_text, request, payout_key, memo_nonce, replayed, status, outcome)
  SELECT n, 0, 0, n * 3000, CASE n % 2 WHEN 0 THEN 'in' ELSE 'out' END, md5('t' || n), 'nominator-1', 'custodian', '1.2.7', false, 100, '1.3.0', 1,
         'text', 'memo ' || n, CASE n % 2 WHEN 0 THEN '{"type": "stop"}'::jsonb END, CASE n % 2 WHEN 1 THEN 'refund:' || n || ':0:0' END,
         CASE n % 2 WHEN 1 THEN n::text END, false, CASE WHEN n % 2 = 0 AND n > ${ROWS - OPEN} THEN 'undecided' ELSE 'decided' END,
         CASE WHEN n % 2 = 0 AND n <= ${ROWS - OPEN} THEN 'kept' END
    FROM generate_series(1, ${ROWS}) n;
  INSERT INTO agreement (block_start, trx_idx, ops_idx, nominator, amount, months, start, terms)
  SELECT n, 0, 0, 'nominator-' || n % 1000, 25000, 3, n, '{"monthMs": 1, "rewardBps": "800", "penaltyBps": "1500"}' FROM generate_series(1, ${ROWS}) n;
  INSERT INTO stake_row (id, nominator, digital_asset, amount, type, nonce, start, due, status, block_start, trx_idx, ops_idx, number)
  SELECT 'row-' || n, 'nominator-' || n % 1000, 'BTS', 5, 'reward', n, n, n, CASE WHEN n > ${ROWS - OPEN} THEN 'pending' ELSE 'aborted' END, n, 0, 0, 1
    FROM generate_series(1, ${ROWS}) n;
  INSERT INTO payout (id, key, kind, payee, amount, memo, due, status, attempts, block_processed)
  SELECT md5('p' || n)::uuid, 'refund:' || n || ':0:0', CASE n % 2 WHEN 0 THEN 'refund' ELSE 'reward' END, 'nominator-1', 5, 'memo', n,
         CASE WHEN n > ${ROWS - OPEN} THEN 'sent' ELSE 'confirmed' END, 1, CASE WHEN n <= ${ROWS - OPEN} THEN n END
    FROM generate_series(1, ${ROWS}) n;
  INSERT INTO payout_stake_row (payout_id, stake_row_id, settles_as) SELECT md5('p' || n)::uuid, 'row-' || n, 'confirmed' FROM generate_series(1, ${ROWS}) n;
  INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch, signed_ms, block_num)
  SELECT md5('w' || n)::uuid, md5('p' || n)::uuid, md5('t' || n), '\\x00', n, n, 100, CASE WHEN n > ${ROWS - OPEN} THEN 'broadcast' ELSE 'confirmed' END,
         1, n, CASE WHEN n <= ${ROWS - OPEN} THEN n END
    FROM generate_series(1, ${ROWS}) n;
  INSERT INTO settlement (payout_id, block_num, trx_in_block, op_in_trx, matched_by)
  SELECT md5('p' || n)::uuid, n, 0, 0, 'txid' FROM generate_series(1, ${ROWS - OPEN}) n;
  INSERT INTO receipt (event, subject, details) SELECT 'transfer.kept', n || ':0:0', '{}' FROM generate_series(1, ${ROWS}) n`;

interface Server {
  query(sql: string): Promise<void>;
  /** Rows of the large tables that were looked at since the last time, by table. */
  lookedAt(): Promise<ReadonlyMap<string, number>>;
}

const test = base.extend<{ server: Server }>({
  server: async ({ databaseUrl }, use) => {
    const client = new pg.Client(databaseUrl);
    await client.connect();
    const before = new Map<string, number>();
    await use({
      query: async (sql) => void (await client.query(sql)),
      async lookedAt() {
        await vi.waitFor(async () => {
          const others = await client.query(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
          );
          expect(others.rowCount).toBe(0); // What a session has counted is told when it ends.
        });
        await client.query("SELECT pg_stat_clear_snapshot()");
        const { rows } = await client.query<{ name: string; rows: string }>(
          "SELECT relname AS name, seq_tup_read + coalesce(idx_tup_fetch, 0) AS rows FROM pg_stat_user_tables",
        );
        const found = new Map(rows.map((row) => [row.name, Number(row.rows) - (before.get(row.name) ?? 0)]));
        for (const row of rows) before.set(row.name, Number(row.rows));
        return found;
      },
    });
    await client.end();
  },
});

const P1 = (n: number) => n.toString();
const key = payoutKey.refund(operation(101));
const some = Array.from({ length: 20 }, (_, i) => i * 2 + 1);

const ASKED: Readonly<Record<string, (ledger: Ledger, payoutId: PayoutId) => Promise<unknown>>> = {
  "is there work": (ledger) => ledger.hasWork(),
  "is there work while nominations are frozen": (ledger) => ledger.hasWork(false),
  "what is undecided": (ledger) => ledger.transaction((tx) => tx.transfers.undecided(true, 10)),
  "what is unread": (ledger) => ledger.transfers.unread({ after: undefined, limit: 100 }),
  "what came in lately": (ledger) =>
    ledger.transfers.incoming({ after: operation(ROWS - 100), upToBlockNum: ROWS, limit: 200 }),
  "what is undecided while nominations are frozen": (ledger) =>
    ledger.transaction((tx) => tx.transfers.undecided(false, 10)),
  "what is due": (ledger) =>
    ledger.transaction((tx) => tx.rows.find({ dueUpToMs: millis(ROWS * 3_000), limit: 500 })),
  "when something is due next": (ledger) => ledger.rows.nextDueInstants(100),
  "who has pending rows": (ledger) =>
    ledger.transaction((tx) => tx.rows.pendingAmong(["nominator-1", "nominator-2", "stranger"])),
  "the pending rows of one": (ledger) =>
    ledger.transaction((tx) => tx.rows.find({ pendingOf: "nominator-1" })),
  "is an agreement an imported one": (ledger) =>
    ledger.transaction((tx) => tx.agreements.importedDuplicate(agreementAt(operation(50)))),
  "what pays these debts": (ledger) =>
    ledger.transaction((tx) => tx.transfers.find({ direction: "out", keys: [key] })),
  "what bears these nonces": (ledger) =>
    ledger.transaction((tx) => tx.transfers.find({ direction: "out", nonces: some.map(P1) })),
  "what bears these transaction ids": (ledger) =>
    ledger.transaction((tx) => tx.transfers.find({ txids: some.map(P1) })),
  "payouts by key": (ledger) => ledger.payouts.find({ keys: [key] }),
  "open deposits": (ledger) =>
    ledger.payouts.find({ kinds: ["deposit"], statuses: ["due", "ready", "signed", "sent", "held"] }),
  "the view of a payment": (ledger, id) => ledger.payouts.views([id]),
  "what a payout is owed for": (ledger, id) => ledger.payouts.debts([id]),
  "who a payee is": (ledger) => ledger.transfers.accountsNamed(["nominator-1"]),
  "do the limits let it go": (ledger, id) => ledger.payouts.applyLimits(id),
  "what the programme owes": (ledger) =>
    ledger.payouts.open({ lane: "programme", after: undefined, limit: 200 }),
  "what goes back": (ledger) => ledger.payouts.open({ lane: "returns", after: undefined, limit: 200 }),
  "what has no job": (ledger) =>
    ledger.payouts.enqueueStale({ lane: "returns", notEnqueuedForMs: -1_000, limit: 1_000 }),
  "what is on its way by id": (ledger) =>
    ledger.transaction((tx) => tx.withdrawals.find({ txids: some.map(P1) })),
  "what expires": (ledger) =>
    ledger.transaction((tx) => tx.withdrawals.find({ liveExpiringBeforeMs: millis(ROWS * 3_000) })),
  "what was received once": (ledger) =>
    ledger.transaction((tx) =>
      tx.receipts.add([{ event: "payee.differs", subject: key, details: {} }], { once: true }),
    ),
  "the next block": (ledger) => ledger.transaction((tx) => tx.cursor.move(ROWS, cursorAt(ROWS + 1))),
  "a debt that is new": (ledger) =>
    ledger.transaction((tx) => tx.payouts.insert([refundOf(operation(ROWS + 5))])),
};

/** What a watcher asks. */
const WATCHED: Readonly<Record<string, (ledger: MonitorLedger) => Promise<unknown>>> = {
  "what is called paid": ({ settlements }) => settlements.unchecked({ before: undefined, limit: 500 }),
  "what was called paid before that": ({ settlements }) =>
    settlements.unchecked({
      before: { createdAtMs: Date.now() + 60_000, payoutId: refundOf(operation(1)).id },
      limit: 500,
    }),
  "what was sent in these blocks": ({ incoming }) => incoming.written({ from: 100, to: 300, limit: 200 }),
  "what is overdue": (ledger) => ledger.overdue(millis(ROWS * 3_000)),
  "what became of it": ({ incoming }) => incoming.answered(some.map((n) => operation(n + 1))),
  "what these transactions were signed for": ({ settlements }) => settlements.signedFor(some.map(P1)),
};

describe("what is asked for each block and each payment", () => {
  test("looks at few rows, however many there are", async ({ databaseUrl, server }) => {
    await server.query(`BEGIN; ${FILL}; COMMIT`);
    await server.query("ANALYZE");
    const costly: string[] = [];
    await server.lookedAt();
    const judge = async (question: string): Promise<void> => {
      for (const [table, rows] of await server.lookedAt())
        if (rows > LOOKED_AT_MAX) costly.push(`${question}: ${rows} rows of ${table}`);
    };
    for (const [question, ask] of Object.entries(ASKED)) {
      const ledger = createPostgresLedger({ url: databaseUrl, max: 1 });
      await ask(ledger, refundOf(operation(ROWS - 2)).id);
      await ledger.close();
      await judge(question);
    }
    for (const [question, ask] of Object.entries(WATCHED)) {
      const ledger = createPostgresMonitorLedger({ url: databaseUrl, max: 1 });
      await ask(ledger);
      await ledger.close();
      await judge(question);
    }
    expect(costly).toEqual([]);
  });
});

describe("steps of many payouts", () => {
  const STEP = 100;
  // After five calls a function has one plan for any arguments.
  const STEPS = 8;
  const LOOKED_AT_PER_PAYOUT_MAX = 30;

  test("look at few rows for each payout, in a session that does many of them, while nothing is known of the tables", async ({
    databaseUrl,
    server,
  }) => {
    await server.query(`BEGIN; ${FILL}; COMMIT`);
    await server.query(`
      UPDATE control SET database_identity = database_identity();
      INSERT INTO payout (id, key, kind, payee, amount, memo, due, status)
      SELECT md5('new' || n)::uuid, 'refund:' || ${ROWS} + n || ':0:0', 'refund', 'nominator-1', 99, 'memo', n, 'due'
        FROM generate_series(1, ${STEP * STEPS}) n`);
    await server.lookedAt();
    const session = new pg.Client(databaseUrl);
    await session.connect();
    for (let from = 1; from <= STEP * STEPS; from += STEP) {
      const places = Array.from({ length: STEP }, (_, i) => from + i);
      const { rows } = await session.query<{ id: string }>(
        "SELECT md5('new' || n)::uuid AS id FROM unnest($1::int[]) n",
        [places],
      );
      const ids = rows.map(({ id }) => id);
      const withdrawals = places.map((n, i) => ({
        id: ids[i],
        payoutId: ids[i],
        txid: `new ${n}`,
        bytes: "00",
        refBlockNum: 1,
        expirationMs: 1,
        fee: 1,
      }));
      const saved = await session.query<{ answers: string[] }>(
        "SELECT save_withdrawals($1::jsonb, 0, 'chain', '1.2.7', 'custodian') AS answers",
        [JSON.stringify(withdrawals)],
      );
      expect(new Set(saved.rows[0]?.answers)).toEqual(new Set(["saved"]));
      await session.query(
        `INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, txid, sender, receiver, sender_id,
                               sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, replayed, status)
         SELECT ${ROWS} + n, 0, 0, n, 'out', 'new ' || n, 'custodian', 'nominator-1', '1.2.7', false, 9900000, '1.3.0', 1, 'none', false, 'decided'
           FROM unnest($1::int[]) n`,
        [places],
      );
      const confirmed = await session.query<{ count: string }>(
        "SELECT confirm_payouts($1, $2, $3, $3, '{}') AS count",
        [ids, places.map((n) => ROWS + n), places.map(() => 0)],
      );
      expect(confirmed.rows[0]?.count).toBe(`${STEP}`);
    }
    await session.end();
    const many = [...(await server.lookedAt())].filter(
      ([, rows]) => rows > LOOKED_AT_PER_PAYOUT_MAX * STEP * STEPS,
    );
    expect(many).toEqual([]);
  });
});
