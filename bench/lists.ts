import { createPostgresLedger } from "@stakebts/core/ledger/postgres/ledger";
import { createPostgresLedgerView } from "@stakebts/core/ledger/postgres/ledger-view";
import { createBrowser } from "@stakebts/core/operators/browse/browser";
import { millis } from "@stakebts/kernel/time";
import { startPostgres } from "@stakebts/testkit/postgres";
import pg from "pg";
import { deploy } from "../prisma/migrate.ts";
import { quantile, ratio, type Row } from "./measure.ts";

const ROWS_FEW = 10_000;
const CALLS = 200;
/** What is open does not grow with the years: the same of the smallest ledger and of the largest. */
const OPEN = 2_000;

/**
 * What is asked all day and what people look at, on a ledger with few stake rows and with many: the 99th percentile of each. One row has
 * one agreement and one payout, each nominator has ten of them, and all but the newest are history.
 */
export async function benchLists(rowsMany: number): Promise<readonly Row[]> {
  const postgres = await startPostgres();
  try {
    const [few, many] = [await measure(ROWS_FEW), await measure(rowsMany)];
    return [...few].map(([name, ms]) => ({
      name: `${name}: p99 with ${rowsMany} and ${ROWS_FEW} stake rows`,
      ours: `${(many.get(name) ?? Number.NaN).toFixed(1)} ms`,
      ceiling: `${ms.toFixed(1)} ms`,
      ratio: ratio((many.get(name) ?? Number.NaN) / ms),
      target: "1.50 ×",
    }));
  } finally {
    await postgres.stop();
  }

  async function measure(rows: number): Promise<ReadonlyMap<string, number>> {
    const url = await postgres.createDatabase(`lists_${rows}`);
    await deploy(url);
    await fill(url, rows);
    const found = new Map<string, number>();
    const { asked, close } = questions(url, rows);
    for (const [name, ask] of Object.entries(asked)) {
      const ms: number[] = [];
      for (let n = 0; n < CALLS; n++) {
        const startMs = performance.now();
        await ask();
        ms.push(performance.now() - startMs);
      }
      found.set(name, quantile(ms, 0.99));
    }
    await close();
    await postgres.dropDatabase(`lists_${rows}`);
    return found;
  }
}

interface Questions {
  readonly asked: Readonly<Record<string, () => Promise<unknown>>>;
  readonly close: () => Promise<unknown>;
}

function questions(url: string, rows: number): Questions {
  const ledger = createPostgresLedger({ url, max: 1 });
  const view = createPostgresLedgerView({ url, max: 1 });
  const browse = createBrowser({ url, max: 1 });
  const page = { limit: 50 };
  const asked = {
    "what is due": () => ledger.transaction((tx) => tx.rows.find({ dueUpToMs: millis(rows), limit: 500 })),
    "a stop": () => ledger.transaction((tx) => tx.rows.find({ pendingOf: "nominator-7" })),
    "what has no job": () =>
      ledger.payouts.enqueueStale({ lane: "programme", notEnqueuedForMs: 3_600_000, limit: 1_000 }),
    "console, payouts": () => browse.payouts({}, page),
    "console, payouts that have failed": () => browse.payouts({ statuses: ["failed"] }, page),
    "console, agreements": () => browse.agreements({}, page),
    "console, one nominator": () => browse.nominator("nominator-7"),
    "console, nominators": () => browse.nominators({}, page),
    "command line, stakes of one": () => view.stakes({ nominator: "nominator-7", limit: 50 }),
    "command line, payouts that have failed": () => view.payouts({ statuses: ["failed"], limit: 50 }),
    "command line, status": () => view.status(),
  };
  return { asked, close: () => Promise.all([ledger.close(), view.close(), browse.close()]) };
}

async function fill(url: string, rows: number): Promise<void> {
  const client = new pg.Client(url);
  try {
    await client.connect();
    await fillWith(client, rows);
  } finally {
    await client.end();
  }
}

async function fillWith(client: pg.Client, rows: number): Promise<void> {
  const nominators = rows / 10;
  // Keys of others are not looked up for each row, and what a trigger would refuse is not asked.
  await client.query(`
    SET session_replication_role = replica;
    INSERT INTO chain_cursor (id, block_num, block_id, block_time_ms, scanned_from_block_num, updated_at)
    VALUES (1, ${rows}, 'id', ${rows}, 1, now());
    INSERT INTO agreement (block_start, trx_idx, ops_idx, nominator, amount, months, start, terms)
    SELECT n, 0, 0, 'nominator-' || n % ${nominators}, 25000, 3, n, '{"monthMs": 1, "rewardBps": "800", "penaltyBps": "1500"}' FROM generate_series(1, ${rows}) n;
    INSERT INTO stake_row (id, nominator, digital_asset, amount, type, nonce, start, due, status, block_start, trx_idx, ops_idx, number,
                           processed, block_processed)
    SELECT 'row-' || n, 'nominator-' || n % ${nominators}, 'BTS', 5, CASE n % 2 WHEN 0 THEN 'reward' ELSE 'base_amount' END, n, n, n,
           CASE WHEN n > ${rows - OPEN} THEN 'pending' ELSE 'confirmed' END, n, 0, 0, 1 - n % 2,
           CASE WHEN n <= ${rows - OPEN} THEN n END, CASE WHEN n <= ${rows - OPEN} THEN n END FROM generate_series(1, ${rows}) n;
    INSERT INTO payout (id, key, kind, payee, amount, memo, due, status, reason, attempts, block_processed, processed)
    SELECT md5('p' || n)::uuid, 'reward:' || n || ':0:0:1', 'reward', 'nominator-' || n % ${nominators}, 5, 'memo', n,
           CASE WHEN n <= ${rows - OPEN} THEN 'confirmed' WHEN n % 10 = 0 THEN 'failed' ELSE 'due' END,
           CASE WHEN n > ${rows - OPEN} AND n % 10 = 0 THEN 'because' END, 1, CASE WHEN n <= ${rows - OPEN} THEN n END,
           CASE WHEN n <= ${rows - OPEN} THEN n END FROM generate_series(1, ${rows}) n;
    INSERT INTO payout_stake_row (payout_id, stake_row_id, settles_as) SELECT md5('p' || n)::uuid, 'row-' || n, 'confirmed' FROM generate_series(1, ${rows}) n`);
  await client.query("VACUUM ANALYZE");
}
