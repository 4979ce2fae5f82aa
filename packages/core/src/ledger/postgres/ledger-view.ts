import type { OperationId } from "@stakebts/kernel/operation-id";
import type { PayoutId, PayoutKey } from "../../rules/payout.ts";
import type { Millis } from "@stakebts/kernel/time";
import type {
  AgreementFilter,
  DebtFilter,
  JournalFilter,
  LedgerView,
  PayoutFilter,
  ReceiptFilter,
  StakeFilter,
} from "../view.ts";
import { type Database, type DatabaseSource, isNotMigrated, openSource } from "../../database/client.ts";
import { journal, yearTotals } from "./journal.ts";
import { debtLines, dueByDay, liabilities } from "./liabilities.ts";
import { payoutLines, payoutStory } from "./payout-lists.ts";
import { receiptLines } from "./receipts.ts";
import { agreementLines, stakeLines } from "./stake-lists.ts";
import { glanceView, statusView, watchView } from "./status.ts";

/** The ledger in PostgreSQL as people ask about it. */
export function createPostgresLedgerView(source: DatabaseSource): LedgerView {
  const { db, close } = openSource(source, 4);
  return {
    status: () => statusView(db),
    glance: () => glanceView(db),
    watch: () => watchView(db),
    liabilities: (asOfMs: Millis) => liabilities(db, asOfMs),
    dueByDay: (untilMs: Millis) => dueByDay(db, untilMs),
    debts: (filter: DebtFilter) => debtLines(db, filter),
    stakes: (filter: StakeFilter) => stakeLines(db, filter),
    agreements: (filter: AgreementFilter) => agreementLines(db, filter),
    receipts: (filter: ReceiptFilter) => receiptLines(db, filter),
    payouts: (filter: PayoutFilter) => payoutLines(db, filter),
    payout: (id: PayoutId) => payoutStory(db, id),
    journal: (filter: JournalFilter) => journal(source.url, filter),
    yearTotals: (filter) => yearTotals(db, filter),
    migrations: () => migrations(db),
    paymentsWithoutDebt: (limit) => paymentsWithoutDebt(db, limit),
    hostTimeMs: () => hostTimeMs(db),
    close,
  };
}

async function paymentsWithoutDebt(db: Database, limit: number) {
  const rows = await db.$queryRaw<{ at: string; payout: string; payee: string }[]>`
    SELECT operation_name(block_num, trx_in_block, op_in_trx) AS at, payout_key AS payout, receiver AS payee
      FROM transfer
     WHERE direction = 'out' AND payout_key NOT LIKE 'checkpoint:%'
       AND NOT EXISTS (SELECT FROM payout WHERE payout.key = transfer.payout_key)
       AND NOT EXISTS (SELECT FROM payout WHERE 'notice:' || payout.key = transfer.payout_key)
     ORDER BY block_num DESC, trx_in_block DESC, op_in_trx DESC LIMIT ${limit}`;
  return rows.map(({ at, payout, payee }) => ({
    operation: at as OperationId,
    payout: payout as PayoutKey,
    payee,
  }));
}

async function hostTimeMs(db: Database): Promise<number> {
  const [row] = await db.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`;
  return (row?.now ?? new Date(Number.NaN)).getTime();
}

async function migrations(db: Database): Promise<readonly string[] | undefined> {
  try {
    const rows = await db.$queryRaw<{ migration_name: string }[]>`
      SELECT migration_name FROM _prisma_migrations
       WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY migration_name`;
    return rows.map((row) => row.migration_name);
  } catch (error) {
    if (isNotMigrated(error)) return undefined;
    throw error;
  }
}
