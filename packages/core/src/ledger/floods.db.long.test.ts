import pg from "pg";
import { afterEach, describe, expect, vi } from "vitest";
import { type AccountId, type ChainBlock, ChainError, type ChainTransfer } from "@stakebts/bitshares/chain";
import { shares } from "@stakebts/kernel/amount";
import { millis } from "@stakebts/kernel/time";
import { test as base } from "@stakebts/testkit/database";
import { ACCOUNT, agreementWithRows, cursorAt, operation } from "@stakebts/testkit/given";
import { DEFAULT_POLICY } from "../rules/policy.ts";
import { applyEvents } from "./apply-events.ts";
import { EXPIRED_PER_STEP, expireWithdrawals } from "./expire-withdrawals.ts";
import { ingestBlocks, type IngestDeps, replayBlocks } from "./ingest-blocks.ts";
import type { Ledger } from "./ledger.ts";
import { createPostgresLedger } from "./postgres/ledger.ts";
import { MemoKeys } from "./memo-keys.ts";
import { ReadAhead } from "./read-ahead.ts";
import { LedgerWatch } from "./recovery-hold.ts";

// Strangers choose how much there is to do at once.

vi.setConfig({ testTimeout: 120_000 });

const CUSTODIAN_ID = ACCOUNT.custodianId;

interface Tables {
  /** In a transaction of its own, in which no trigger looks at what is written. */
  fill(sql: string): Promise<void>;
  count(sql: string): Promise<number>;
}

const test = base.extend<{ ledger: Ledger; tables: Tables }>({
  ledger: async ({ databaseUrl }, use) => {
    const ledger = createPostgresLedger({ url: databaseUrl });
    await use(ledger);
    await ledger.close();
  },
  tables: async ({ databaseUrl }, use) => {
    const client = new pg.Client(databaseUrl);
    await client.connect();
    await use({
      async fill(sql) {
        await client.query(`BEGIN; SET LOCAL session_replication_role = replica; ${sql}; COMMIT; ANALYZE`);
      },
      async count(sql) {
        return Number((await client.query<{ n: string }>(`SELECT count(*) AS n ${sql}`)).rows[0]?.n);
      },
    });
    await client.end();
  },
});

const startAt = (ledger: Ledger, blockNum = 1) =>
  ledger.transaction((tx) => tx.cursor.move(undefined, cursorAt(blockNum)));

/** Payouts on their way whose withdrawals all expire at one instant; every second one for the last time. */
const onTheirWay = (count: number): string => `
  INSERT INTO payout (id, key, kind, payee, amount, memo, due, status, attempts)
  SELECT md5('p' || n)::uuid, 'refund:' || n || ':0:0', 'refund', 'nominator-' || n, 5, 'memo', n, 'sent', CASE n % 2 WHEN 0 THEN ${DEFAULT_POLICY.maxAttempts} ELSE 1 END
    FROM generate_series(1, ${count}) n;
  INSERT INTO withdrawal (id, payout_id, txid, bytes, ref_block_num, expiration_ms, fee_shares, status, writer_epoch, signed_ms)
  SELECT md5('w' || n)::uuid, md5('p' || n)::uuid, md5('w' || n), '\\x00', 5, 100000, 100, 'broadcast', 1, 0
    FROM generate_series(1, ${count}) n`;

describe("8,000 withdrawals that expire together", () => {
  test("end in a few short steps", async ({ ledger, tables }) => {
    await startAt(ledger);
    await tables.fill(onTheirWay(8_000));
    const scanned = cursorAt(50, { blockTimeMs: millis(200_000) });
    let receipts = 0;
    for (let step = 0; step < 8_000 / EXPIRED_PER_STEP; step++)
      receipts += (await ledger.transaction((tx) => expireWithdrawals(tx, DEFAULT_POLICY, scanned))).length;
    expect(receipts).toBe(8_000);
    expect(await tables.count("FROM withdrawal WHERE status = 'expired'")).toBe(8_000);
    expect(await tables.count("FROM payout WHERE kind = 'refund' AND status = 'ready'")).toBe(4_000);
    expect(await tables.count("FROM payout WHERE kind = 'refund' AND status = 'failed'")).toBe(4_000);
    expect(await tables.count("FROM payout WHERE kind = 'notice' AND status = 'due'")).toBe(4_000);
    expect(await tables.count("FROM outbox")).toBe(8_000);
  });

  test("do not wait behind those of which nothing is proved", async ({ ledger, tables }) => {
    await startAt(ledger);
    await tables.fill(`${onTheirWay(EXPIRED_PER_STEP + 1)};
      UPDATE withdrawal SET ref_block_num = 100, expiration_ms = 100001 WHERE id = md5('w1')::uuid`);
    const scanned = cursorAt(150, { blockTimeMs: millis(200_000), scannedFromBlockNum: 90 });
    await ledger.transaction((tx) => expireWithdrawals(tx, DEFAULT_POLICY, scanned));
    expect(await tables.count("FROM withdrawal WHERE status = 'expired' AND id = md5('w1')::uuid")).toBe(1);
    expect(await tables.count("FROM withdrawal WHERE status = 'expired'")).toBe(1);
  });
});

const blockIdOf = (blockNum: number): string => cursorAt(blockNum).blockId;

const dust = (index: number): ChainTransfer => ({
  trxInBlock: index,
  opInTrx: 0,
  fromId: `1.2.${1_000 + (index % 50)}`,
  toId: CUSTODIAN_ID,
  amount: shares(1n),
  assetId: "1.3.0",
  feeAmount: shares(1n),
  feeAssetId: "1.3.0",
  memo: undefined,
  permissionId: undefined,
  txid: index.toString(16).padStart(40, "0"),
});

const blockWith = (blockNum: number, transfers: readonly ChainTransfer[]): ChainBlock => ({
  blockNum,
  blockId: blockIdOf(blockNum),
  previousId: blockIdOf(blockNum - 1),
  timeMs: millis(blockNum * 3_000),
  transfers,
  payments: [],
});

/** An ingester of a chain whose irreversible block is `irreversible`. */
function ingesterOf(
  ledger: Ledger,
  irreversible: number,
  blocks: (range: { from: number; to: number }) => Promise<readonly ChainBlock[]>,
): IngestDeps {
  const chain = {
    head: async () => ({
      headBlockNum: irreversible,
      headBlockId: blockIdOf(irreversible),
      headTimeMs: millis(irreversible * 3_000),
      irreversibleBlockNum: irreversible,
    }),
    blocks,
    accounts: async (ids: readonly string[]) =>
      ids.map((id) => ({
        id: id as AccountId,
        name: `account-${id.replaceAll(".", "-")}`,
        memoKey: "",
        activeKeys: [],
        activeThreshold: 1,
        activeWeights: [],
        lifetimeMember: false,
      })),
  } as unknown as IngestDeps["chain"];
  const memos: IngestDeps["memos"] = { publicKeys: [], read: () => ({ type: "none" }) };
  const custodian = { id: CUSTODIAN_ID, name: ACCOUNT.custodianName };
  return {
    chain,
    ledger,
    memoKeys: new MemoKeys({ chain, ledger, memos, custodian }),
    ahead: new ReadAhead(chain, CUSTODIAN_ID),
    memos,
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    policy: DEFAULT_POLICY,
    custodian,
    skipBlocks: new Set(),
    adminReplay: false,
    accounts: new Map(),
    watch: new LedgerWatch(),
  };
}

async function ingestAll(deps: IngestDeps): Promise<number> {
  for (let steps = 1; ; steps++) {
    const { ingestedTo, finalBlockNum } = await ingestBlocks(deps);
    if (ingestedTo === undefined || ingestedTo === finalBlockNum) return steps;
  }
}

/** Transfers without a memo, or with a stop of an account that has nothing to stop, all of them before one reward falls due. */
const junk = (count: number): string => `
  INSERT INTO transfer (block_num, trx_in_block, op_in_trx, block_time_ms, direction, sender, receiver, sender_is_lifetime_member,
                        amount_shares, asset_id, fee_shares, memo_status, request, replayed, status)
  SELECT 2, n, 0, 6000, 'in', 'stranger-' || n % 7, 'custodian', false, 10000000, '1.3.0', 1, 'none',
         CASE n % 2 WHEN 0 THEN '{"type": "invalid", "reason": "no_memo"}'::jsonb ELSE '{"type": "stop"}'::jsonb END, false, 'undecided'
    FROM generate_series(1, ${count}) n`;

describe("a flood of junk", () => {
  const ROLES = { managers: [], treasuryAccounts: [], exchangeDeposit: { account: "exchange", memos: {} } };
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

  test("is answered many at a time, after what is due", async ({ ledger, tables }) => {
    await ledger.transaction(async (tx) => {
      const opened = agreementWithRows(operation(1));
      await tx.cursor.move(undefined, cursorAt(3, { blockTimeMs: millis(40 * 86_400_000) }));
      await tx.agreements.insert([opened], { imported: true });
    });
    await tables.fill(junk(3_000));
    let transactions = 0;
    const counting: Ledger = {
      ...ledger,
      hasWork: (accepting) => ledger.hasWork(accepting),
      transaction: (work) => {
        transactions++;
        return ledger.transaction(work);
      },
    };
    await applyEvents({ ledger: counting, log, policy: DEFAULT_POLICY, roles: ROLES });
    expect(transactions).toBeLessThan(6);
    expect(await tables.count("FROM transfer WHERE outcome = 'refunded'")).toBe(3_000);
    expect(await tables.count("FROM payout WHERE kind = 'refund'")).toBe(3_000);
    expect(
      await tables.count(
        "FROM receipt due WHERE event = 'row.due' AND id < (SELECT min(id) FROM receipt WHERE event = 'transfer.refunded')",
      ),
    ).toBe(1);
    expect(await tables.count("FROM outbox WHERE data ->> 'later' = 'true'")).toBe(3_000);
  });

  test("in which one cannot be answered is answered but for that one", async ({ ledger, tables }) => {
    await ledger.transaction((tx) => tx.cursor.move(undefined, cursorAt(3)));
    await tables.fill(junk(40));
    const broken: Ledger = {
      ...ledger,
      hasWork: (accepting) => ledger.hasWork(accepting),
      transaction: (work) =>
        ledger.transaction(async (tx) => {
          const done = await work(tx);
          const [refused] = await tx.transfers.undecided(true, 1);
          if (refused === undefined || refused.operation.trxInBlock > 38) throw new Error("refused");
          return done;
        }),
    };
    await expect(applyEvents({ ledger: broken, log, policy: DEFAULT_POLICY, roles: ROLES })).rejects.toThrow(
      "refused",
    );
    expect(await tables.count("FROM transfer WHERE outcome = 'refunded'")).toBe(37);
  });
});

describe("a flood of transfers", () => {
  afterEach(() => vi.restoreAllMocks());

  test("of 24,000 in a batch of blocks is written in steps", async ({ ledger, tables }) => {
    await startAt(ledger);
    await ledger.control.bind(ACCOUNT);
    const asked: number[] = [];
    const deps = ingesterOf(ledger, 14, async ({ from, to }) => {
      asked.push(from);
      return Array.from({ length: to - from + 1 }, (_, i) =>
        blockWith(
          from + i,
          Array.from({ length: 2_000 }, (_unused, index) => dust(index)),
        ),
      );
    });
    expect(await ingestAll(deps)).toBeGreaterThan(4);
    expect(asked).toEqual([2]);
    expect(await tables.count("FROM transfer WHERE status = 'undecided'")).toBe(12 * 2_000);
  });

  test("that is read again is written in steps too", async ({ ledger, tables }) => {
    await startAt(ledger, 13);
    await ledger.control.bind(ACCOUNT);
    const deps = ingesterOf(ledger, 14, async ({ from, to }) =>
      Array.from({ length: to - from + 1 }, (_, i) =>
        blockWith(
          from + i,
          Array.from({ length: 2_000 }, (_unused, index) => dust(index)),
        ),
      ),
    );
    const transactions = vi.spyOn(ledger, "transaction");
    expect(await replayBlocks(deps, { from: 2, to: 13 })).toBe(12 * 2_000);
    expect(transactions.mock.calls.length).toBeGreaterThan(4);
    expect(await tables.count("FROM transfer WHERE status = 'undecided'")).toBe(12 * 2_000);
  });

  test("of 15,000 in one block is written whole", async ({ ledger, tables }) => {
    await startAt(ledger);
    await ledger.control.bind(ACCOUNT);
    const deps = ingesterOf(ledger, 3, async () => [
      blockWith(
        2,
        Array.from({ length: 15_000 }, (_, index) => dust(index)),
      ),
    ]);
    await ingestAll(deps);
    expect(await tables.count("FROM transfer")).toBe(15_000);
    expect(await tables.count("FROM receipt WHERE event = 'transfer.received'")).toBe(15_000);
  });

  test("that no node can deliver together is read block by block", async ({ ledger, tables }) => {
    await startAt(ledger);
    await ledger.control.bind(ACCOUNT);
    const deps = ingesterOf(ledger, 50, async ({ from, to }) => {
      if (to > from) throw new ChainError("deadline", "too slow for more than one");
      return [blockWith(from, [dust(from)])];
    });
    for (let failures = 0; (await ledger.cursor.read())?.blockNum !== 49;)
      await ingestBlocks(deps).catch(() => expect(++failures).toBeLessThan(60));
    expect(await tables.count("FROM transfer")).toBe(48);
  });
});
