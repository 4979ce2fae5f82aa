import { StartupError } from "@stakebts/kernel/errors";
import {
  type Database,
  type DatabaseSource,
  type DatabaseTx,
  isNotMigrated,
  isWriteConflict,
  openSource,
} from "../../database/client.ts";
import { LOCKS } from "../../database/locks.ts";
import type { Ledger, LedgerTx } from "../ledger.ts";
import { PostgresAgreements } from "./agreements.ts";
import { PostgresApprovals } from "./approvals.ts";
import { PostgresControl } from "./control.ts";
import { PostgresCursor } from "./cursor.ts";
import { addJobs, dispatchJobs } from "./jobs.ts";
import { PostgresMemoKeys } from "./memo-keys.ts";
import { PostgresPassedBlocks } from "./passed-blocks.ts";
import { PostgresPayouts } from "./payouts.ts";
import { PostgresRecordedTransfers } from "./recorded-transfers.ts";
import { addReceipts } from "./receipts.ts";
import { openReplay, replaysIn } from "./replays.ts";
import { setAsideIn } from "./set-aside.ts";
import { PostgresStakeRows } from "./stake-rows.ts";
import { PostgresTopUps } from "./top-ups.ts";
import { PostgresTransfers } from "./transfers.ts";
import { hasWork } from "./undecided.ts";
import { PostgresWithdrawals } from "./withdrawals.ts";

const CONFLICT_RETRIES = 5;

/**
 * The ledger in PostgreSQL.
 * @param source of its connections each thing that is done at a time needs one
 */
export function createPostgresLedger(source: DatabaseSource): Ledger {
  const { db, close } = openSource(source, 5);
  const control = new PostgresControl(db);
  return {
    transaction: (work) => inTransaction(db, (tx) => work(ledgerTx(tx))),
    hasWork: async (accepting = true) => {
      const [row] = await db.$queryRaw<{ work: boolean }[]>`SELECT ${hasWork(accepting)} AS work`;
      return row?.work ?? false;
    },
    close,
    cursor: new PostgresCursor(db),
    transfers: new PostgresTransfers(db),
    rows: new PostgresStakeRows(db),
    payouts: new PostgresPayouts(db),
    withdrawals: new PostgresWithdrawals(db),
    topUps: new PostgresTopUps(db),
    passedBlocks: new PostgresPassedBlocks(db),
    memoKeys: new PostgresMemoKeys(db),
    recordedTransfers: new PostgresRecordedTransfers(db),
    replays: { open: () => openReplay(db) },
    control: {
      read: () => control.read(),
      bind: (account) => inTransaction(db, (tx) => new PostgresControl(tx).bind(account)),
      startWriterEpoch: () => control.startWriterEpoch(),
    },
    jobs: { dispatch: (limit, make) => inTransaction(db, (tx) => dispatchJobs(tx, limit, make)) },
  };
}

const ledgerTx = (tx: DatabaseTx): LedgerTx => ({
  lockEvents: async () => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCKS.events}::bigint)`;
  },
  cursor: new PostgresCursor(tx),
  transfers: new PostgresTransfers(tx),
  agreements: new PostgresAgreements(tx),
  rows: new PostgresStakeRows(tx),
  payouts: new PostgresPayouts(tx),
  withdrawals: new PostgresWithdrawals(tx),
  topUps: new PostgresTopUps(tx),
  control: new PostgresControl(tx),
  passedBlocks: new PostgresPassedBlocks(tx),
  memoKeys: new PostgresMemoKeys(tx),
  recordedTransfers: new PostgresRecordedTransfers(tx),
  balanceAdjustments: {
    add: async ({ amountShares, actor, reason }) => {
      await tx.$executeRaw`
        INSERT INTO balance_adjustment (amount_shares, actor, reason) VALUES (${amountShares}, ${actor}, ${reason})`;
    },
  },
  setAside: setAsideIn(tx),
  approvals: new PostgresApprovals(tx),
  replays: replaysIn(tx),
  jobs: { add: (jobs) => addJobs(tx, jobs) },
  receipts: { add: (receipts, options) => addReceipts(tx, receipts, options) },
});

/** Two transactions that wrote the same rows: one of them is told to come again, and does. */
async function inTransaction<T>(db: Database, work: (tx: DatabaseTx) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await db.$transaction(work);
    } catch (error) {
      if (isNotMigrated(error))
        throw new StartupError("DATABASE_URL: this database has no ledger yet; run `npm run db:migrate`", {
          cause: error,
        });
      if (tries > CONFLICT_RETRIES || !isWriteConflict(error)) throw error;
    }
  }
}
