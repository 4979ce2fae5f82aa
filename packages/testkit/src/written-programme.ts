import { payoutId } from "@stakebts/core/ledger/ids";
import type { PayoutKey } from "@stakebts/core/rules/payout";
import pg from "pg";

const DAY_MS = 86_400_000;

export interface ProgrammeSize {
  readonly agreements: number;
  readonly nominators: number;
  /** Chain time; the host's, so that ages are right. */
  readonly nowMs: number;
}

/**
 * A staking programme that has run for a year, written straight into the tables of an empty ledger by a superuser: agreements
 * of every term and size, everything due paid by a transfer with its attempt and its receipt, one payout that failed and one
 * that waits for an approval. For pictures, and to see how pages behave when there is much. No chain is behind it.
 */
export async function writeProgramme(databaseUrl: string, size: ProgrammeSize): Promise<void> {
  const db = new pg.Client({ connectionString: databaseUrl });
  await db.connect();
  try {
    // No trigger: they let rows begin at the beginning only.
    await db.query("SET session_replication_role = replica");
    await db.query("SET synchronous_commit = off");
    await writeAgreements(db, size);
    await writePayouts(db, size);
    await writePayments(db);
    await writeTroubles(db, size);
    await writeReports(db, size);
    await db.query("SET session_replication_role = DEFAULT");
    await db.query("VACUUM (ANALYZE)"); // As the server does by itself where people work with it.
  } finally {
    await db.end();
  }
}

/** Blocks are three seconds apart, and the newest one has this number. */
const NEWEST_BLOCK = 92_000_000;
const blockAt = (ms: string, nowMs: number): string =>
  `(${NEWEST_BLOCK} - (${nowMs}::bigint - (${ms})) / 3000)::int`;

async function writeAgreements(
  db: pg.Client,
  { agreements, nominators, nowMs }: ProgrammeSize,
): Promise<void> {
  const month = `(30 * ${DAY_MS}::bigint)`;
  // A prime spreads the starts over 400 days, and each over its day.
  const start = `${nowMs}::bigint - (n * 7919317::bigint % (400 * 86400)) * 1000 - 5000`;
  await db.query(`
    CREATE TEMP TABLE opened AS
    SELECT n, 'user' || lpad((n * 31 % ${nominators} + 1)::text, 4, '0') AS nominator,
           (ARRAY[25000, 25000, 50000, 50000, 100000, 100000, 200000, 250000, 500000, 1000000])[n * 13 % 10 + 1]::bigint AS amount,
           (ARRAY[3, 6, 6, 12, 12])[n * 17 % 5 + 1] AS months, ${start} AS start, ${blockAt(start, nowMs)} AS block
      FROM generate_series(1, ${agreements}) n`);
  await db.query(`
    INSERT INTO agreement (block_start, trx_idx, ops_idx, nominator, amount, months, start, terms)
    SELECT block, n, 0, nominator, amount, months, start, '{"monthMs": 2592000000, "rewardBps": "800", "penaltyBps": "1500"}' FROM opened`);
  await db.query(`
    INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, txid, sender, receiver, sender_id,
                          sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, memo_text, request, status, outcome, reason)
    SELECT block, n, 0, start, 'in', substr(md5('in' || n) || md5(n || 'in'), 1, 40), nominator, 'custodian', '1.2.' || (n + 1000),
           false, amount * 100000, '1.3.0', 86869, 'text', NULL,
           jsonb_build_object('type', 'open', 'term', CASE months WHEN 3 THEN 'three_months' WHEN 6 THEN 'six_months' ELSE 'twelve_months' END),
           'decided', 'agreement_opened', 'an agreement of ' || months || ' months' FROM opened`);
  const isPaid = `due <= ${nowMs}`;
  await db.query(`
    INSERT INTO stake_row (id, nominator, digital_asset, amount, type, nonce, start, due, status, block_start, trx_idx,
                           ops_idx, number, processed, block_processed)
    SELECT type || ':' || number || ':' || block || ':' || n || ':0', nominator, 'BTS', r.amount, type, start, start, due,
           CASE WHEN NOT (${isPaid}) THEN 'pending' WHEN type = 'penalty' THEN 'aborted' ELSE 'confirmed' END,
           block, n, 0, number,
           CASE WHEN ${isPaid} THEN due + 9000 END, CASE WHEN ${isPaid} THEN ${blockAt("due", nowMs)} + 3 END
      FROM opened o, LATERAL (
        SELECT 'agreement_' || months AS type, 0 AS number, 1::bigint AS amount, start AS due
        UNION ALL SELECT 'base_amount', 0, o.amount, start + months * ${month}
        UNION ALL SELECT 'penalty', 0, -o.amount * 15 / 100, start + months * ${month}
        UNION ALL SELECT 'reward', m, o.amount * 8 / 100, start + m * ${month} FROM generate_series(1, months) m) r`);
  await db.query(
    `INSERT INTO chain_cursor (block_num, block_id, block_time_ms, scanned_from_block_num, updated_at)
     VALUES ($1, 'id', $2, 1, now()) ON CONFLICT (id) DO UPDATE SET block_num = $1, block_time_ms = $2`,
    [NEWEST_BLOCK, nowMs],
  );
  await db.query(`
    INSERT INTO receipt (event, subject, chain_time_ms, details, created_at)
    SELECT 'transfer.agreement_opened', block || ':' || n || ':0', start,
           jsonb_build_object('sender', nominator, 'amountShares', (amount * 100000)::text, 'reason', 'an agreement of ' || months || ' months'),
           to_timestamp(start / 1000) FROM opened ORDER BY start`);
}

const PER_BATCH = 20_000;

/** Ids follow from keys by a hash that the database does not have. */
async function writePayouts(db: pg.Client, { nowMs }: ProgrammeSize): Promise<void> {
  const { rows } = await db.query<{ id: string; key: string }>(`
    SELECT id, CASE type WHEN 'reward' THEN 'reward:' || operation_name(block_start, trx_idx, ops_idx) || ':' || number
                         WHEN 'base_amount' THEN 'base:' || operation_name(block_start, trx_idx, ops_idx)
                         ELSE 'confirm:' || operation_name(block_start, trx_idx, ops_idx) END AS key
      FROM stake_row WHERE due <= ${nowMs} AND type <> 'penalty'`);
  for (let at = 0; at < rows.length; at += PER_BATCH) {
    const batch = rows.slice(at, at + PER_BATCH);
    const columns = [
      batch.map(({ key }) => payoutId(key as PayoutKey)),
      batch.map(({ key }) => key),
      batch.map(({ id }) => id),
    ];
    await db.query(
      `INSERT INTO payout (id, key, kind, payee, amount, memo, due, status, attempts, block_processed, processed)
       SELECT new.id, new.key, split_part(new.key, ':', 1), row.nominator, row.amount,
              jsonb_build_object('type', split_part(new.key, ':', 1), 'payout', new.key)::text, row.due, 'confirmed', 1,
              row.block_processed, row.processed
         FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (id, key, row_id) JOIN stake_row row ON row.id = new.row_id`,
      columns,
    );
    await db.query(
      `INSERT INTO payout_stake_row (payout_id, stake_row_id, settles_as)
       SELECT new.id, new.row_id, 'confirmed' FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (id, key, row_id)`,
      columns,
    );
  }
}

async function writePayments(db: pg.Client): Promise<void> {
  await db.query(`
    CREATE TEMP TABLE paid AS
    SELECT id, key, payee, amount, due, processed, block_processed AS block, 500000 + row_number() OVER (ORDER BY due, id) AS trx,
           substr(md5(id::text) || md5(key), 1, 40) AS txid FROM payout WHERE status = 'confirmed'`);
  await db.query(`
    INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, txid, sender, receiver,
                          sender_is_lifetime_member, amount_shares, asset_id, fee_shares, memo_status, payout_key, status)
    SELECT block, trx, 0, processed, 'out', txid, 'custodian', payee, false, amount * 100000, '1.3.0', 86869, 'text', key, 'decided' FROM paid`);
  await db.query(`
    INSERT INTO settlement (payout_id, block_num, trx_in_block, op_in_trx, matched_by, checked_at)
    SELECT id, block, trx, 0, 'txid', now() FROM paid`);
  await db.query(`
    INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch,
                            signed_ms, block_num, trx_in_block, op_in_trx, created_at)
    SELECT gen_random_uuid(), id, txid, '\\x00', block - 4, processed + 171000, 86869, 'confirmed', 3, due, block, trx, 0,
           to_timestamp(due / 1000) FROM paid`);
  await db.query(`
    INSERT INTO receipt (event, subject, chain_time_ms, details, created_at, written_by)
    SELECT 'payout.confirmed', key, processed,
           jsonb_build_object('payoutId', id, 'payee', payee, 'amountShares', (amount * 100000)::text, 'txid', txid,
                              'operation', block || ':' || trx || ':0'), to_timestamp(processed / 1000), 'ingester'
      FROM paid ORDER BY processed`);
}

/** One that failed, one that is too large for one person, one that waits for funds. Each was due a while ago. */
async function writeTroubles(db: pg.Client, { nowMs }: ProgrammeSize): Promise<void> {
  const troubles = [
    {
      status: "failed",
      reason: "the account's memo key is not valid, and the node refuses the transfer",
      limit: null,
    },
    {
      status: "held",
      reason: "payments from 500,000 BTS on need the approval of a second person",
      limit: "approval",
    },
    { status: "waiting_funds", reason: null, limit: null },
  ];
  for (const { status, reason, limit } of troubles) {
    const { rows } = await db.query<{ id: string; key: string }>(
      `SELECT p.id, p.key FROM payout p WHERE status = 'confirmed' AND kind = $1
          AND ($2::text IS NULL OR amount >= 500000) AND ($3 <> 'failed' OR payee = 'user0007') ORDER BY due DESC LIMIT 1`,
      [limit === null ? "reward" : "base", limit, status],
    );
    const [found] = rows;
    if (found === undefined) continue;
    await db.query("DELETE FROM settlement WHERE payout_id = $1", [found.id]);
    await db.query("DELETE FROM transfer WHERE payout_key = $1", [found.key]);
    await db.query(
      status === "failed"
        ? "UPDATE withdrawal SET status = 'expired', block_num = NULL, trx_in_block = NULL, op_in_trx = NULL, refused_for = 'Assert Exception: is_valid_memo' WHERE payout_id = $1"
        : "DELETE FROM withdrawal WHERE payout_id = $1",
      [found.id],
    );
    await db.query("DELETE FROM receipt WHERE subject = $1", [found.key]);
    await db.query(
      `UPDATE payout SET status = $2, reason = $3, limited_by = $4, processed = NULL, block_processed = NULL,
              attempts = $5, waiting_since = $6 WHERE id = $1`,
      [
        found.id,
        status,
        reason,
        limit,
        status === "failed" ? 1 : 0,
        status === "waiting_funds" ? nowMs - 7_200_000 : null,
      ],
    );
    await db.query(
      `UPDATE stake_row SET status = 'processing', processed = NULL, block_processed = NULL
        WHERE id IN (SELECT stake_row_id FROM payout_stake_row WHERE payout_id = $1)`,
      [found.id],
    );
    if (status !== "waiting_funds")
      await db.query(
        "INSERT INTO receipt (event, subject, chain_time_ms, details, written_by) VALUES ($1, $2, $3, $4, 'payer')",
        [`payout.${status}`, found.key, nowMs - 3_600_000, { reason }],
      );
  }
  await db.query(
    "INSERT INTO payment_limits (day_cap, approval_from, actor, reason) VALUES (20000000, 500000, 'berta', 'two people look at large sums')",
  );
  await db.query(
    `INSERT INTO receipt (event, subject, details, written_by) VALUES
       ('limits.set', 'limits', '{"approvalFrom": "500000", "dayCap": "20000000", "actor": "berta", "reason": "two people look at large sums"}', 'operator')`,
  );
}

async function writeReports(db: pg.Client, { nowMs }: ProgrammeSize): Promise<void> {
  await db.query(
    `INSERT INTO receipt (event, subject, details, created_at, written_by)
     SELECT 'treasury.balances', 'treasury',
            jsonb_build_object('hotWalletShares', (hot * 100000)::bigint::text, 'reserveShares', (reserve * 100000)::bigint::text,
                               'exchange1Shares', '150000000000', 'totalShares', ((hot + reserve + 1500000) * 100000)::bigint::text),
            to_timestamp($1 / 1000.0) - d * interval '1 day', 'payer'
       FROM generate_series(89, 0, -1) d,
       LATERAL (SELECT 9000000 + 4000000 * sin(d / 9.0) AS hot, 30000000 + 9000000 * cos(d / 20.0) AS reserve) b`,
    [nowMs],
  );
  const settings = {
    STAKEBTS_CUSTODIAN: '"custodian"',
    STAKEBTS_NODES: '["wss://node-one.example/ws","wss://node-two.example/ws"]',
    STAKEBTS_NODE_QUORUM: "2",
    STAKEBTS_ACTIVE_KEY: "(secret)",
    version: "3.0.0",
  };
  for (const process of ["ingester", "scheduler", "payer", "watcher", "console"])
    await db.query(
      "INSERT INTO receipt (event, subject, details, created_at, written_by) VALUES ('process.started', $1, $2, to_timestamp($3 / 1000.0) - interval '3 days', $1)",
      [process, { ...settings, STAKEBTS_PAYMENTS: process === "payer" ? '"on"' : undefined }, nowMs],
    );
}
