import { PAYOUT_MOVES, TOP_UP_MOVES, WITHDRAWAL_MOVES } from "@stakebts/testkit/twins/moves";
import { TOP_UP_STATUSES } from "../../rules/top-up.ts";
import { PAYOUT_STATUSES } from "../../rules/payout.ts";
import { STAKE_ROW_MOVES, STAKE_ROW_STATUSES } from "../../rules/stake-row.ts";
import { WITHDRAWAL_STATUSES } from "../../rules/withdrawal.ts";
import pg from "pg";
import { describe, expect } from "vitest";
import { test as base } from "@stakebts/testkit/database";

// The database itself refuses what the rules do not know, from every client: a worker, a second one, or a person with psql.

const test = base.extend<{ db: pg.Client }>({
  db: async ({ databaseUrl }, use) => {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await use(client);
    await client.end();
  },
});

const PAYOUT = "00000000-0000-4000-8000-000000000001";

const insertPayout = (db: pg.Client, status: string) =>
  db.query(
    `INSERT INTO payout (id, key, kind, payee, amount, memo, due, status, reason, waiting_since, block_processed)
     VALUES ($1, 'refund:1:0:0', 'refund', 'nominator-1', 450, 'memo', 1, $2::text, 'test', 1,
             CASE WHEN $2::text = 'confirmed' THEN 1 END)`,
    [PAYOUT, status],
  );

/** The transfer that has settled it. */
const insertSettlement = async (db: pg.Client): Promise<void> => {
  await db.query(
    `INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, sender, receiver,
                           sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, status)
     VALUES (1, 0, 0, 1, 'out', 'custodian', 'nominator-1', false, 45000000, '1.3.0', 1, 'none', 'decided')`,
  );
  await db.query(
    "INSERT INTO settlement (payout_id, block_num, trx_in_block, op_in_trx, matched_by) VALUES ($1, 1, 0, 0, 'key')",
    [PAYOUT],
  );
};

const insertWithdrawal = (db: pg.Client, id: number, status: string) =>
  db.query(
    `INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch, block_num)
     VALUES ($1, $2, $3, '\\x00', 1, 1, 1, $4::text, 1, CASE WHEN $4::text = 'confirmed' THEN 1 END)`,
    [`00000000-0000-4000-8000-0000000001${String(id).padStart(2, "0")}`, PAYOUT, `txid-${id}`, status],
  );

async function insertAgreementRow(db: pg.Client, status: string): Promise<void> {
  await db.query(
    `INSERT INTO agreement (block_start, trx_idx, ops_idx, nominator, amount, months, start, terms)
     VALUES (1, 0, 0, 'nominator-1', 25000, 3, 1, '{}')`,
  );
  await db.query(
    `INSERT INTO stake_row (id, nominator, digital_asset, amount, type, nonce, start, due, status, block_start, trx_idx,
                            ops_idx, number, processed, block_processed)
     VALUES ('row', 'nominator-1', 'BTS', 2000, 'reward', 1, 1, 2, $1, 1, 0, 0, 1, 1, 1)`,
    [status],
  );
}

/** Does the database let it happen? Its effect is undone. */
async function allows(db: pg.Client, sql: string, values: unknown[] = []): Promise<boolean> {
  await db.query("BEGIN");
  try {
    await db.query(sql, values);
    return true;
  } catch {
    return false;
  } finally {
    await db.query("ROLLBACK");
  }
}

/** Every pair of statuses, with what the domain says of the move. */
const pairs = <S extends string>(statuses: readonly S[], moves: Readonly<Record<S, readonly S[]>>) =>
  statuses.flatMap((from) =>
    statuses.filter((to) => to !== from).map((to) => ({ from, to, known: moves[from].includes(to) })),
  );

const insertTopUp = (db: pg.Client, status: string) =>
  db.query(
    `INSERT INTO top_up (client_id, key, kind, account, amount_shares, memo, status, reason, requested_ms,
                                      arrived_block, arrived_trx, arrived_op, updated_at)
     VALUES ($1, 'top-up:1:1', 'shortage', 1, 100000, 'memo', $2::text, 'test', 1,
             CASE WHEN $2::text = 'arrived' THEN 9 END, CASE WHEN $2::text = 'arrived' THEN 0 END,
             CASE WHEN $2::text = 'arrived' THEN 0 END, now())`,
    [TOP_UP, status],
  );
const TOP_UP = "00000000-0000-4000-8000-000000000002";

describe("the database and the domain know the same moves", () => {
  test("of a request for funds, pair by pair", async ({ db }) => {
    for (const { from, to, known } of pairs(TOP_UP_STATUSES, TOP_UP_MOVES)) {
      await db.query("BEGIN");
      await insertTopUp(db, from);
      const moved = await db
        .query(
          `UPDATE top_up SET status = $2::text, reason = 'test',
                  arrived_block = CASE WHEN $2::text = 'arrived' THEN 9 END
            WHERE client_id = $1`,
          [TOP_UP, to],
        )
        .then(
          () => true,
          () => false,
        );
      expect(moved, `${from} → ${to}`).toBe(known);
      await db.query("ROLLBACK");
    }
  });

  test("of a payout, pair by pair", async ({ db }) => {
    for (const { from, to, known } of pairs(PAYOUT_STATUSES, PAYOUT_MOVES)) {
      // Truncating is refused too, so each pair gets its payout inside a transaction that is undone.
      await db.query("BEGIN");
      await insertPayout(db, from);
      await insertSettlement(db);
      const moved = await db
        .query(
          "UPDATE payout SET status = $1::text, block_processed = CASE WHEN $1::text = 'confirmed' THEN 1 END",
          [to],
        )
        .then(
          () => true,
          () => false,
        );
      await db.query("ROLLBACK");
      expect({ from, to, moved }).toEqual({ from, to, moved: known });
    }
  });

  test("of a withdrawal, pair by pair", async ({ db }) => {
    for (const { from, to, known } of pairs(WITHDRAWAL_STATUSES, WITHDRAWAL_MOVES)) {
      await db.query("BEGIN");
      await insertPayout(db, "signed");
      await insertWithdrawal(db, 1, from);
      const moved = await db
        .query(
          "UPDATE withdrawal SET status = $1::text, block_num = CASE WHEN $1::text = 'confirmed' THEN 1 END",
          [to],
        )
        .then(
          () => true,
          () => false,
        );
      await db.query("ROLLBACK");
      expect({ from, to, moved }).toEqual({ from, to, moved: known });
    }
  });

  test("of a stake row, pair by pair", async ({ db }) => {
    for (const { from, to, known } of pairs(STAKE_ROW_STATUSES, STAKE_ROW_MOVES)) {
      await db.query("BEGIN");
      await insertAgreementRow(db, from);
      const moved = await db.query("UPDATE stake_row SET status = $1", [to]).then(
        () => true,
        () => false,
      );
      await db.query("ROLLBACK");
      expect({ from, to, moved }).toEqual({ from, to, moved: known });
    }
  });
});

describe("the database refuses", () => {
  test("a second live withdrawal for a payout, and one beside a confirmed one", async ({ db }) => {
    for (const first of ["signed", "broadcast"]) {
      await db.query("BEGIN");
      await insertPayout(db, "signed");
      await insertWithdrawal(db, 1, first);
      await expect(insertWithdrawal(db, 2, "signed")).rejects.toThrow("withdrawal_one_live_per_payout");
      await db.query("ROLLBACK");
    }
    await db.query("BEGIN");
    await insertPayout(db, "signed");
    await insertWithdrawal(db, 1, "confirmed");
    await expect(insertWithdrawal(db, 2, "confirmed")).rejects.toThrow("withdrawal_one_confirmed_per_payout");
    await db.query("ROLLBACK");
  });

  test("a withdrawal for a payout that is not being signed", async ({ db }) => {
    for (const status of PAYOUT_STATUSES.filter((s) => s !== "signed")) {
      await db.query("BEGIN");
      await insertPayout(db, status);
      await expect(insertWithdrawal(db, 1, "signed")).rejects.toThrow("not being signed");
      await db.query("ROLLBACK");
    }
  });

  test("to call a payout paid that no transfer has settled, or another block than that of the transfer", async ({
    db,
  }) => {
    const confirmed = "UPDATE payout SET status = 'confirmed', block_processed = $1";
    await insertPayout(db, "due");
    expect(await allows(db, confirmed, [1])).toBe(false);
    await insertSettlement(db);
    expect(await allows(db, confirmed, [2])).toBe(false);
    expect(await allows(db, confirmed, [1])).toBe(true);
    expect(await allows(db, "UPDATE settlement SET block_num = 2")).toBe(false);
    expect(await allows(db, "DELETE FROM settlement")).toBe(false);
  });

  test("to free a payout whose withdrawal is alive", async ({ db }) => {
    await insertPayout(db, "signed");
    await insertWithdrawal(db, 1, "broadcast");
    for (const status of ["ready", "failed", "held"])
      expect(await allows(db, "UPDATE payout SET status = $1, reason = 'test'", [status])).toBe(false);
    expect(await allows(db, "UPDATE withdrawal SET status = 'expired'")).toBe(true);
  });

  test("to change what is owed, what was signed and what was written once", async ({ db }) => {
    await insertPayout(db, "signed");
    await insertWithdrawal(db, 1, "signed");
    await insertAgreementRow(db, "pending");
    await db.query("INSERT INTO receipt (event, subject, details) VALUES ('test', 'test', '{}')");
    for (const change of [
      "UPDATE payout SET amount = amount + 1",
      "UPDATE payout SET payee = 'another-account'",
      "UPDATE payout SET memo = 'other'",
      "UPDATE withdrawal SET bytes = '\\x01'",
      "UPDATE withdrawal SET txid = 'other'",
      "UPDATE withdrawal SET expiration_ms = expiration_ms + 1",
      "UPDATE stake_row SET amount = amount + 1",
      "UPDATE stake_row SET due = due - 1",
      "UPDATE agreement SET amount = amount + 1",
      "UPDATE receipt SET details = '{\"changed\":true}'",
    ])
      expect(`${change}: ${await allows(db, change)}`).toBe(`${change}: false`);
  });

  test("to delete anything of the ledger, row by row or all at once", async ({ db }) => {
    await insertPayout(db, "signed");
    await insertWithdrawal(db, 1, "signed");
    await insertAgreementRow(db, "pending");
    await db.query("INSERT INTO receipt (event, subject, details) VALUES ('test', 'test', '{}')");
    await db.query(
      `INSERT INTO chain_cursor (block_num, block_id, block_time_ms, scanned_from_block_num, updated_at)
       VALUES (1, 'id', 1, 1, now())`,
    );
    for (const table of [
      "payout",
      "withdrawal",
      "agreement",
      "stake_row",
      "receipt",
      "chain_cursor",
      "control",
    ]) {
      expect(`delete ${table}: ${await allows(db, `DELETE FROM ${table}`)}`).toBe(`delete ${table}: false`);
      expect(`truncate ${table}: ${await allows(db, `TRUNCATE ${table} CASCADE`)}`).toBe(
        `truncate ${table}: false`,
      );
    }
  });

  test("a cursor that goes back, and an epoch that comes again", async ({ db }) => {
    await db.query(
      `INSERT INTO chain_cursor (block_num, block_id, block_time_ms, scanned_from_block_num, updated_at)
       VALUES (5, 'id', 1, 1, now())`,
    );
    expect(await allows(db, "UPDATE chain_cursor SET block_num = 4")).toBe(false);
    expect(await allows(db, "UPDATE chain_cursor SET block_num = 6")).toBe(true);
    await db.query("UPDATE control SET writer_epoch = 3");
    expect(await allows(db, "UPDATE control SET writer_epoch = 2")).toBe(false);
  });

  test("a freeze that is incomplete, changed, ended twice or taken away", async ({ db }) => {
    const add = (columns: string, values: string) =>
      `INSERT INTO ledger_freeze (level, source, reason${columns}) VALUES ('all', ${values})`;
    for (const wrong of [
      add("", "'operator', ''"),
      add(", process", "'operator', 'x', 'payer'"),
      add("", "'file', 'x'"),
      add(", process", "'process', 'x', 'stranger'"),
      add(", ended_at", "'operator', 'x', now()"),
      add(", ended_at, ended_by, end_reason", "'operator', 'x', now(), '', 'x'"),
    ])
      expect(await allows(db, wrong), wrong).toBe(false);
    await db.query(add("", "'operator', 'x'"));
    for (const wrong of [
      "SET level = 'accept-nothing'",
      "SET reason = 'y'",
      "SET source = 'file', process = 'payer'",
      "SET level = 'accept-nothing', ended_at = now(), ended_by = 'a', end_reason = 'b'",
      "SET created_at = now(), ended_at = now(), ended_by = 'a', end_reason = 'b'",
      "SET ended_at = now()",
    ])
      expect(await allows(db, `UPDATE ledger_freeze ${wrong}`), wrong).toBe(false);
    const end = "UPDATE ledger_freeze SET ended_at = now(), ended_by = 'a', end_reason = 'b'";
    expect(await allows(db, "DELETE FROM ledger_freeze")).toBe(false);
    expect(await allows(db, "TRUNCATE ledger_freeze")).toBe(false);
    await db.query(end);
    expect(await allows(db, end)).toBe(false);
    expect(
      await allows(db, "UPDATE ledger_freeze SET ended_at = NULL, ended_by = NULL, end_reason = NULL"),
    ).toBe(false);
  });

  test("a recovery hold that is lowered, or falls before the ledger has passed it", async ({ db }) => {
    const lift =
      "UPDATE control SET recovery_hold_until_ms = NULL, recovery_hold_from_block_num = NULL, recovery_hold_reason = NULL";
    await db.query(
      `INSERT INTO chain_cursor (block_num, block_id, block_time_ms, scanned_from_block_num, updated_at)
       VALUES (5, 'id', 100, 3, now())`,
    );
    expect(await allows(db, "UPDATE control SET recovery_hold_until_ms = 100")).toBe(false);
    await db.query(
      "UPDATE control SET recovery_hold_until_ms = 100, recovery_hold_from_block_num = 2, recovery_hold_reason = 'test'",
    );
    expect(await allows(db, "UPDATE control SET recovery_hold_until_ms = 99")).toBe(false);
    expect(await allows(db, "UPDATE control SET recovery_hold_from_block_num = 3")).toBe(false);
    expect(await allows(db, "UPDATE control SET updated_at = now()")).toBe(true);
    expect(await allows(db, lift)).toBe(false);
    await db.query("UPDATE chain_cursor SET block_time_ms = 101");
    expect(await allows(db, lift)).toBe(false); // Block 2 was jumped over.
    await db.query("UPDATE chain_cursor SET scanned_from_block_num = 2");
    expect(await allows(db, lift)).toBe(true);
  });

  test("amounts of the wrong sign and rows settled without a block", async ({ db }) => {
    await insertAgreementRow(db, "pending");
    const row = (type: string, amount: number, number: number) =>
      allows(
        db,
        `INSERT INTO stake_row (id, nominator, digital_asset, amount, type, nonce, start, due, status, block_start,
                                trx_idx, ops_idx, number)
         VALUES ('other', 'n', 'BTS', $1, $2, 1, 1, 2, 'pending', 1, 0, 0, $3)`,
        [amount, type, number],
      );
    expect(await row("reward", 2000, 2)).toBe(true);
    expect(await row("reward", -2000, 2)).toBe(false);
    expect(await row("penalty", 3750, 0)).toBe(false);
    expect(await row("penalty", -3750, 0)).toBe(true);
    expect(await row("reward", 2000, 0)).toBe(false);
    expect(await row("base_amount", 25000, 1)).toBe(false);
    expect(await row("reward", 2000, 1)).toBe(false); // The same row twice.
    expect(
      await allows(
        db,
        "UPDATE stake_row SET status = 'processing', block_processed = NULL, processed = NULL",
      ),
    ).toBe(true);
    await db.query("UPDATE stake_row SET status = 'processing', block_processed = NULL, processed = NULL");
    expect(await allows(db, "UPDATE stake_row SET status = 'confirmed'")).toBe(false);
  });
});
