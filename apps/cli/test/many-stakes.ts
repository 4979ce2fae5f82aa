import pg from "pg";

const DAY_MS = 86_400_000;

/**
 * A large staking programme, written straight into the tables: agreements of twelve months with 15 rows each, opened
 * evenly over the last 300 days. What is past due at `nowMs` is paid.
 */
export async function manyStakes(
  databaseUrl: string,
  { agreements, nowMs }: { agreements: number; nowMs: number },
): Promise<void> {
  const db = new pg.Client({ connectionString: databaseUrl });
  await db.connect();
  const startOf = `${nowMs}::bigint - ((n % 300) + 1) * ${DAY_MS}::bigint`;
  const month = `30 * ${DAY_MS}::bigint`;
  await db.query(`
    INSERT INTO agreement (block_start, trx_idx, ops_idx, nominator, amount, months, start, terms)
    SELECT n, 0, 0, 'nominator-' || n % 5000, 25000, 12, ${startOf}, '{}' FROM generate_series(1, ${agreements}) n`);
  await db.query(`
    INSERT INTO stake_row (id, nominator, digital_asset, amount, type, nonce, start, due, status, block_start, trx_idx,
                           ops_idx, number, processed, block_processed)
    SELECT type || ':' || number || ':' || n || ':0:0', 'nominator-' || n % 5000, 'BTS', amount, type, start, start, due,
           CASE WHEN type = 'agreement_12' OR due <= ${nowMs} THEN 'confirmed' ELSE 'pending' END, n, 0, 0, number,
           CASE WHEN type = 'agreement_12' OR due <= ${nowMs} THEN due END,
           CASE WHEN type = 'agreement_12' OR due <= ${nowMs} THEN n END
      FROM generate_series(1, ${agreements}) n, LATERAL (SELECT ${startOf} AS start) s, LATERAL (
        SELECT 'agreement_12' AS type, 0 AS number, 1 AS amount, start AS due
        UNION ALL SELECT 'base_amount', 0, 25000, start + 12 * ${month}
        UNION ALL SELECT 'penalty', 0, -3750, start + 12 * ${month}
        UNION ALL SELECT 'reward', m, 2000, start + m * ${month} FROM generate_series(1, 12) m) r`);
  await db.query(`
    INSERT INTO payout (id, key, kind, payee, amount, memo, due, status, block_processed, processed)
    SELECT gen_random_uuid(), 'reward:' || block_start || ':0:0:' || number, 'reward', nominator, amount, id, due,
           'confirmed', block_processed, processed
      FROM stake_row WHERE type = 'reward' AND status = 'confirmed'`);
  await db.query(`
    INSERT INTO payout_stake_row (payout_id, stake_row_id, settles_as) SELECT id, memo, 'confirmed' FROM payout`);
  await db.query(
    `INSERT INTO chain_cursor (block_num, block_id, block_time_ms, scanned_from_block_num, updated_at)
     VALUES (1000000, 'id', $1, 1, now())`,
    [nowMs],
  );
  await db.query("ANALYZE");
  await db.end();
}
